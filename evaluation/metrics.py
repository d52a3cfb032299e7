"""How far samples and predictions are from the truth, each number to be read beside its noise floor or reference."""

import numpy as np
import torch
from scipy.spatial.distance import cdist, pdist
from scipy.special import gammaln, hyp1f1
from scipy.stats import binomtest, mannwhitneyu, qmc
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors

from utils import add_noise, standard_normal

EVALUATION_SEED = 10_000  # plus a run's own seed: never the noise that it was trained on
OFF_MODE = 4.0  # a sample is off-mode beyond this many σ of every mode


def expected_norm(distance, std, dim):
    """E‖δ + σ z‖ for z ~ N(0, I) and ‖δ‖ = distance: σ√2 Γ((d+1)/2)/Γ(d/2) · ₁F₁(-½; d/2; -‖δ‖²/2σ²)."""
    scale = std * np.sqrt(2) * np.exp(gammaln((dim + 1) / 2) - gammaln(dim / 2))
    return scale * hyp1f1(-0.5, dim / 2, -(distance**2) / (2 * std**2))


def norm_to_truth(x, mixture):
    """a(x) = E‖x-Y‖ over the truth Y, exactly, for points x (n, d): shape (n,)."""
    distance = cdist(x, mixture.means.numpy())
    return expected_norm(distance, mixture.std.numpy(), mixture.dim) @ mixture.weights.numpy()


def norm_within_truth(mixture):
    """E‖Y-Y'‖ of two independent draws of the truth, exactly."""
    means, std, weights = mixture.means.numpy(), mixture.std.numpy(), mixture.weights.numpy()
    return weights @ expected_norm(cdist(means, means), np.hypot.outer(std, std), mixture.dim) @ weights


def energy_distance(x, mixture):
    """2 E‖X-Y‖ - E‖X-X'‖ - E‖Y-Y'‖ of samples x (n, d) to a mixture (Székely & Rizzo 2013), unbiased.

    The truth's side is exact, not sampled. Zero on average for true samples, so it can fall below zero. (Some
    libraries, SciPy among them, give this name to the square root.)
    """
    x = np.asarray(x, dtype=float)
    return float(2 * norm_to_truth(x, mixture).mean() - pdist(x).mean() - norm_within_truth(mixture))


def energy_distance_floor(mixture, n, points=3000, seed=0):
    """The standard deviation of the energy distance of n true samples: what sampling noise alone gives.

    The distance is the mean over pairs of h(x, x') = a(x) + a(x') - ‖x-x'‖ - E‖Y-Y'‖, whose mean over either
    argument is zero, so its variance is 2 E[h²] / (n (n-1)); E[h²] is taken over the pairs of `points` true samples.
    """
    h = centred_kernel(mixture, points, seed)[np.triu_indices(points, k=1)]
    return float(np.sqrt(2 * np.mean(h**2) / (n * (n - 1))))


def centred_kernel(mixture, points, seed):
    """h(x, x') of `energy_distance_floor` for all pairs of true samples: (points, points)."""
    x, _ = mixture.sample(points, torch.Generator().manual_seed(seed))
    a = norm_to_truth(x, mixture)
    return a[:, None] + a - cdist(x, x) - norm_within_truth(mixture)


def energy_distance_interval(mixture, n, points=1500, seed=0):
    """Where the energy distance of n true samples lies 95 times in 100: (low, high), which is not symmetric.

    n times the distance tends to Σ λ_i (z_i² - 1), z_i ~ N(0, 1), with λ_i the eigenvalues of the kernel h of
    `energy_distance_floor` (Serfling 1980, sec. 5.5.2). They are estimated from `points` true samples.
    """
    eigenvalues = np.linalg.eigvalsh(centred_kernel(mixture, points, seed)) / points
    values = eigenvalues[-points // 5 :]  # the rest adds next to nothing
    z = np.random.default_rng(seed).standard_normal((20_000, len(values)))
    low, high = np.quantile((z**2 - 1) @ values, (0.025, 0.975)) / n
    return float(low), float(high)


def energy_in_floors(x, mixture):
    """The energy distance of samples x (n, d) to the mixture in units of its noise floor: 0 ± 1 for true samples."""
    return energy_distance(x, mixture) / energy_distance_floor(mixture, len(x))


def permutation_test(x, y, generator, permutations=999):
    """The p-value of the hypothesis that samples x (n, d) and y (m, d) are of one distribution, by energy distance.

    The share of random divisions of all points into n and m that lie at least as far apart as x and y do, x and y
    themselves counted (Székely & Rizzo 2004): below 0.05 for one pair in twenty of true samples. It sees less than
    the distance of x to the exact density does, since y scatters, too.
    """
    points = torch.cat([torch.as_tensor(x), torch.as_tensor(y)]).float()
    distance = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    sign = torch.cat([torch.full((len(x),), 1 / len(x)), torch.full((len(y),), -1 / len(y))])
    divisions = [sign, *(sign[torch.randperm(len(points), generator=generator)] for _ in range(permutations))]
    z = torch.stack(divisions, dim=1)  # one division in each column
    apart = -(z * (distance @ z)).sum(0)  # 2 E‖X-Y‖ - E‖X-X'‖ - E‖Y-Y'‖
    return float((apart >= apart[0]).double().mean())


def statistics(x, weights, mixture):
    """Of points x (n, d) with weights (n,): a dict of plain numbers.

    Each point counts to the component that most probably made it; mode_weights, mode_means and mode_stds are per
    component. off_mode is the share beyond OFF_MODE σ of every mode; nll is -E log p(x) in nats.
    """
    component, total = mixture.posterior(x).argmax(-1), weights.sum()
    found = {"mode_weights": [], "mode_means": [], "mode_stds": []}
    for k in range(mixture.num_classes):
        group = weights * (component == k)
        mean = group @ x / group.sum()
        variance = group @ (x - mean).square().mean(-1) / group.sum()
        found["mode_weights"].append(float(group.sum() / total))
        found["mode_means"].append(mean.tolist())
        found["mode_stds"].append(float(variance.sqrt()))
    off_mode = weights[distance_in_std(x, mixture) > OFF_MODE].sum() / total
    return found | {"off_mode": float(off_mode), "nll": -float(weights @ mixture.log_prob(x) / total)}


def distance_in_std(x, mixture):
    """How many σ of a mode each point (n, d) is from the mode nearest to it by this measure: (n,)."""
    return ((x.unsqueeze(-2) - mixture.means).norm(dim=-1) / mixture.std).amin(-1)


def sample_statistics(x, mixture):
    """The `statistics` of samples x (n, d), all of the same weight; mode_weights with their 95 % Wilson intervals."""
    x, n = torch.as_tensor(x, dtype=torch.float64), len(x)
    found = statistics(x, torch.ones(n, dtype=torch.float64), mixture)
    intervals = [binomtest(round(n * share), n).proportion_ci(method="wilson") for share in found["mode_weights"]]
    return found | {
        "mode_weight_intervals": [[float(i.low), float(i.high)] for i in intervals],
        "farthest": float(distance_in_std(x, mixture).max()),
    }


def exact_statistics(mixture, n=2**16, seed=0):
    """The `statistics` of infinitely many true samples, from n Sobol points for each component.

    They are right to about three digits, off_mode to one. Where modes overlap, the group of a mode is narrower than the
    mode, and not as heavy.
    """
    z = qmc.MultivariateNormalQMC(np.zeros(mixture.dim), seed=seed).random(n)
    x = mixture.means.unsqueeze(1) + mixture.std[:, None, None] * torch.from_numpy(z)  # (K, n, d)
    return statistics(x.flatten(0, 1), mixture.weights.repeat_interleave(n), mixture)


@torch.no_grad()
def excess_loss(denoiser, oracle, schedule, x0, y, generator):
    """E‖ε̂ - ε*‖² per pixel at each step, shape (T,) for t = 1 … T, with the same images x0 at every step.

    y are the images' labels, or None to ask both denoisers without. By the Pythagorean theorem of least squares
    this is exactly the denoiser's loss above the floor, without the sampling noise of a difference of two losses.
    """
    excess = []
    for step in range(1, schedule.T + 1):
        t = torch.tensor([step], device=x0.device)
        x_t = add_noise(schedule, x0, t, standard_normal(x0, generator))
        excess.append((denoiser(x_t, t, y) - oracle(x_t, t, y)).cpu().double().square().mean())
    return torch.stack(excess)


@torch.no_grad()
def classifier_excess(classifier, oracle, schedule, x0, generator):
    """(excess, floor) of a noisy classifier's cross-entropy in nats, averaged over t = 1 … T, on the images x0.

    excess is E KL(p(y|x_t) ‖ f(y|x_t, t)) ≥ 0 against the exact posterior, floor the entropy E H(p(y|x_t)).
    """
    excess, floor = [], []
    for step in range(1, schedule.T + 1):
        t = torch.tensor([step], device=x0.device)
        x_t = add_noise(schedule, x0, t, standard_normal(x0, generator))
        log_p = oracle.log_posterior(x_t, t).cpu().double()
        log_f = classifier(x_t, t).log_softmax(-1).cpu().double()
        excess.append((log_p.exp() * (log_p - log_f)).sum(-1).mean())
        floor.append(-(log_p.exp() * log_p).sum(-1).mean())
    return float(torch.stack(excess).mean()), float(torch.stack(floor).mean())


# --- images: distances between two sets of feature vectors, real (n, d) and generated (m, d) ------------------------


def frechet_distance(real, generated):
    """‖μ - μ'‖² + tr(Σ + Σ' - 2(ΣΣ')^½) of the Gaussians with the sets' moments (Heusel et al. 2017, eq. 6)."""
    real, generated = np.asarray(real, dtype=float), np.asarray(generated, dtype=float)
    covariance, other = np.cov(real, rowvar=False), np.cov(generated, rowvar=False)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(values.clip(min=0)) @ vectors.T
    # ΣΣ' and Σ^½ Σ' Σ^½ have the same eigenvalues, and the second is symmetric
    cross = np.sqrt(np.linalg.eigvalsh(root @ other @ root).clip(min=0)).sum()
    mean_difference = real.mean(0) - generated.mean(0)
    return float(mean_difference @ mean_difference + np.trace(covariance) + np.trace(other) - 2 * cross)


def precision_recall_density_coverage(real, generated, k=5):
    """How far each set lies within the balls around the other's points that reach to their k-th neighbours.

    precision: share of generated points in some real ball; recall: share of real points in some generated ball
    (Kynkäänniemi et al. 2019); density: real balls that hold a generated point, over k; coverage: share of real balls
    that hold one (Naeem et al. 2020). Returns a dict of the four.
    """
    real_radius = NearestNeighbors(n_neighbors=k + 1).fit(real).kneighbors(real)[0][:, -1]  # +1: itself
    generated_radius = NearestNeighbors(n_neighbors=k + 1).fit(generated).kneighbors(generated)[0][:, -1]
    distance = pairwise_distances(real, generated)  # (n, m)
    in_real_ball = distance < real_radius[:, None]
    return {
        "precision": float(in_real_ball.any(0).mean()),
        "recall": float((distance < generated_radius).any(1).mean()),
        "density": float(in_real_ball.sum(0).mean() / k),
        "coverage": float(in_real_ball.any(1).mean()),
    }


def class_spread(features, labels, num_classes):
    """The mean distance between two members of each class, (num_classes,): how diverse it is. NaN for one member."""
    features, labels = np.asarray(features), np.asarray(labels)
    members = [features[labels == k] for k in range(num_classes)]
    return np.array([pdist(m).mean() if len(m) > 1 else np.nan for m in members])


def nearest_distances(images, training_images, rank=1):
    """The distance of each image (n, ...) to its rank-th nearest training image, (n,): for rank 1, 0 is a copy."""
    training = np.asarray(training_images).reshape(len(training_images), -1)
    search = NearestNeighbors(n_neighbors=rank, algorithm="brute").fit(training)
    return search.kneighbors(np.asarray(images).reshape(len(images), -1))[0][:, -1]


def probability_farther(a, b):
    """P(A > B) + ½ P(A = B) for a draw A from a (n,) and B from b (m,): 0.5 if the two are distributed alike.

    The area under the ROC curve; its standard deviation for like distributions is √((n+m+1) / 12nm).
    """
    return float(mannwhitneyu(a, b).statistic / (len(a) * len(b)))
