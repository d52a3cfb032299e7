"""How far samples and predictions are from the truth, each number to be read beside its noise floor or reference."""

import numpy as np
import torch
from scipy.spatial.distance import cdist, pdist
from scipy.special import gammaln, hyp1f1
from scipy.stats import binomtest, chi2

from utils import add_noise, standard_normal

OFF_MODE = 4.0  # a sample is off-mode beyond this many σ of every mode


def expected_norm(distance, std, dim):
    """E‖δ + σ z‖ for z ~ N(0, I) and ‖δ‖ = distance: σ√2 Γ((d+1)/2)/Γ(d/2) · ₁F₁(-½; d/2; -‖δ‖²/2σ²)."""
    scale = std * np.sqrt(2) * np.exp(gammaln((dim + 1) / 2) - gammaln(dim / 2))
    return scale * hyp1f1(-0.5, dim / 2, -(distance**2) / (2 * std**2))


def energy_distance(x, mixture):
    """2 E‖X-Y‖ - E‖X-X'‖ - E‖Y-Y'‖ of samples x (n, d) to a mixture (Székely & Rizzo 2013, eq. 2), unbiased.

    The truth's side is exact, not sampled. Zero on average for true samples, so it can fall below zero.
    """
    x, means = np.asarray(x, dtype=float), mixture.means.numpy()
    std, weights, dim = mixture.std.numpy(), mixture.weights.numpy(), mixture.dim
    to_truth = expected_norm(cdist(x, means), std, dim).mean(0) @ weights
    within_truth = weights @ expected_norm(cdist(means, means), np.hypot.outer(std, std), dim) @ weights
    return float(2 * to_truth - pdist(x).mean() - within_truth)


def energy_distance_floor(mixture, n, repeats=40, seed=0):
    """The root mean square energy distance of `repeats` sets of n true samples: what sampling noise alone gives."""
    generator = torch.Generator().manual_seed(seed)
    distances = [energy_distance(mixture.sample(n, generator)[0], mixture) for _ in range(repeats)]
    return float(np.sqrt(np.mean(np.square(distances))))


def off_mode_share_of_truth(mixture):
    """The share of true samples beyond OFF_MODE σ of their own mode: an upper bound, tight for separate modes."""
    return float(chi2.sf(OFF_MODE**2, mixture.dim))


def sample_statistics(x, mixture):
    """What samples x (n, d) look like beside the mixture they should come from, as a dict of plain numbers.

    Each sample counts to the component that most probably made it. mode_weight is the share of component 0, with
    its 95 % Wilson interval; mode_means and mode_stds are per component; nll is -E log p(x) in nats.
    """
    x = torch.as_tensor(x, dtype=torch.float64)
    component = mixture.posterior(x).argmax(-1)
    modes = [x[component == k] for k in range(mixture.num_classes)]
    interval = binomtest(len(modes[0]), len(x)).proportion_ci(method="wilson")
    distance = ((x.unsqueeze(-2) - mixture.means).norm(dim=-1) / mixture.std).amin(-1)
    return {
        "mode_weight": len(modes[0]) / len(x),
        "mode_weight_interval": [float(interval.low), float(interval.high)],
        "mode_means": [m.mean(0).tolist() for m in modes],
        "mode_stds": [float((m - m.mean(0)).square().mean().sqrt()) for m in modes],
        "off_mode": float((distance > OFF_MODE).double().mean()),
        "farthest": float(distance.max()),
        "nll": float(-mixture.log_prob(x).mean()),
    }


@torch.no_grad()
def excess_loss(denoiser, oracle, schedule, x0, y, generator):
    """E‖ε̂ - ε*‖² per pixel at each step, shape (T,) for t = 1 … T, with the same images x0 at every step.

    y are the images' labels, or None to ask both denoisers without. By the Pythagorean theorem of least squares
    this is exactly the denoiser's loss above the floor, without the sampling noise of a difference of two losses.
    """
    excess = []
    for step in range(1, schedule.T + 1):
        t = torch.full((len(x0),), step, device=x0.device)
        x_t = add_noise(schedule, x0, t, standard_normal(x0, generator))
        excess.append((denoiser(x_t, t, y) - oracle(x_t, t, y)).double().square().mean())
    return torch.stack(excess).cpu()
