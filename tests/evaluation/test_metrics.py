"""The metrics on cases with known answers: quadrature, brute force, samples that are true and samples that are not."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist

from evaluation.metrics import (
    class_spread,
    classifier_excess,
    energy_distance,
    energy_distance_floor,
    energy_distance_interval,
    exact_statistics,
    excess_loss,
    expected_norm,
    frechet_distance,
    nearest_distances,
    permutation_test,
    precision_recall_density_coverage,
    probability_farther,
    sample_statistics,
)
from gmm import WORLDS, ExactDenoiser, GaussianMixture
from utils import add_noise, cosine_schedule


def true_samples(world, n, seed):
    return world.sample(n, torch.Generator().manual_seed(seed))[0]


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_expected_norm_is_the_mean_length(dim):
    z = torch.randn(400_000, dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64).numpy()
    for distance in (0.0, 0.3, 4.0):
        lengths = np.linalg.norm(0.7 * z + distance * np.eye(dim)[0], axis=1)
        standard_error = lengths.std() / math.sqrt(len(z))
        assert abs(lengths.mean() - expected_norm(distance, 0.7, dim)) < 4 * standard_error


def test_energy_distance_is_the_two_sample_distance_in_the_limit():
    """Against sets of true samples instead of the formula: the same number, within the standard error of their mean."""
    world, n = WORLDS["homework"], 1000
    x = true_samples(world, 300, 0).numpy() + 0.05
    within_x = cdist(x, x).sum() / (300 * 299)
    two_sample = []
    for seed in range(1, 31):
        y = true_samples(world, n, seed).numpy()
        two_sample.append(2 * cdist(x, y).mean() - within_x - cdist(y, y).sum() / (n * (n - 1)))
    standard_error = np.std(two_sample) / math.sqrt(30)
    assert abs(energy_distance(x, world) - np.mean(two_sample)) < 4 * standard_error


def test_energy_distance_of_two_gaussians_has_its_closed_form():
    """Samples of N(δ, σ²I) against N(0, σ²I): 2E‖X-Y‖ - E‖X-X'‖ - E‖Y-Y'‖, over sets, within the standard error."""
    world, shift = GaussianMixture([[0.0, 0.0]], 0.3, [1.0]), 0.5
    expected = 2 * (expected_norm(shift, 0.3 * math.sqrt(2), 2) - expected_norm(0.0, 0.3 * math.sqrt(2), 2))
    shifted = world.affine(1.0, [shift, 0.0])
    distances = [energy_distance(true_samples(shifted, 1000, seed), world) for seed in range(20)]
    assert abs(np.mean(distances) - expected) < 4 * np.std(distances) / math.sqrt(20)


def test_energy_distance_of_true_samples_is_zero_and_its_noise_is_the_floor():
    """Unbiased, and its spread over many sets of true samples is the floor, which is computed without them."""
    world, n, repeats = WORLDS["homework"], 200, 1000
    distances = np.array([energy_distance(true_samples(world, n, seed), world) for seed in range(repeats)])
    assert abs(distances.mean()) < 4 * distances.std() / math.sqrt(repeats)
    squares = distances**2
    floor = energy_distance_floor(world, n, seed=repeats)
    assert floor**2 == pytest.approx(squares.mean(), abs=4 * squares.std() / math.sqrt(repeats))


def test_interval_holds_95_of_100_sets_of_true_samples():
    """And as many beyond either end, though it reaches farther up than down."""
    world, n, repeats = WORLDS["overlapping"], 200, 1000
    distances = np.array([energy_distance(true_samples(world, n, seed), world) for seed in range(repeats)])
    low, high = energy_distance_interval(world, n)
    assert -low < high / 2
    tolerance = 4 * math.sqrt(0.025 * 0.975 / repeats)
    assert abs((distances < low).mean() - 0.025) < tolerance
    assert abs((distances > high).mean() - 0.025) < tolerance


def test_energy_distance_sees_a_wrong_weight_a_shift_and_a_shrunken_mode():
    world = WORLDS["homework"]
    floor = energy_distance_floor(world, 5000)
    wrong_weight = GaussianMixture(world.means, world.std, [0.45, 0.55])
    shrunken = GaussianMixture(world.means, 0.08, world.weights)
    for other in (wrong_weight, shrunken, world.affine(1.0, 0.03)):
        assert energy_distance(true_samples(other, 5000, 0), world) > 4 * floor


def test_statistics_of_true_samples_are_the_truth():
    world, n = WORLDS["signed"], 20_000
    statistics = sample_statistics(true_samples(world, n, 0), world)
    low, high = statistics["mode_weight_intervals"][0]
    assert abs(statistics["mode_weights"][0] - 0.35) < 4 * math.sqrt(0.35 * 0.65 / n)
    assert low < statistics["mode_weights"][0] < high
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(0.35 * 0.65 / n), rel=0.01)
    for k, weight in enumerate((0.35, 0.65)):
        standard_error = 0.1 / math.sqrt(weight * n)
        assert np.abs(np.array(statistics["mode_means"][k]) - world.means[k].numpy()).max() < 4 * standard_error
        assert abs(statistics["mode_stds"][k] - 0.1) < 4 * standard_error / 2
    entropy = math.log(2 * math.pi * math.e * 0.01) - sum(w * math.log(w) for w in (0.35, 0.65))  # modes apart
    assert statistics["nll"] == pytest.approx(entropy, abs=4 / math.sqrt(n))
    assert statistics["off_mode"] < 4 * math.exp(-8)
    assert statistics["farthest"] < 6


def test_exact_statistics_are_those_of_many_true_samples():
    """Also where modes overlap, and a group is not its mode; of far modes they are the parameters."""
    world, n = WORLDS["overlapping"], 400_000
    exact, found = exact_statistics(world), sample_statistics(true_samples(world, n, 0), world)
    for k, weight in enumerate(exact["mode_weights"]):
        assert abs(found["mode_weights"][k] - weight) < 4 * math.sqrt(weight * (1 - weight) / n)
        assert np.abs(np.subtract(found["mode_means"][k], exact["mode_means"][k])).max() < 4 * 0.45 / math.sqrt(
            weight * n
        )
        assert abs(found["mode_stds"][k] - exact["mode_stds"][k]) < 4 * 0.45 / math.sqrt(2 * weight * n)
    assert abs(found["nll"] - exact["nll"]) < 4 / math.sqrt(n)
    assert max(exact["mode_stds"]) < 0.445
    far = exact_statistics(GaussianMixture([[-20.0, 0.0], [20.0, 0.0]], [0.1, 0.3], [0.2, 0.8]))
    assert far["mode_weights"] == pytest.approx([0.2, 0.8], abs=1e-12)
    assert far["mode_stds"] == pytest.approx([0.1, 0.3], rel=1e-4)


def test_statistics_find_stray_samples():
    world = WORLDS["signed"]
    x = true_samples(world, 1000, 0)
    x[:10] = torch.tensor([-0.35, 0.65 + 0.9], dtype=torch.float64)  # 9 σ from mode 0
    statistics = sample_statistics(x, world)
    assert statistics["off_mode"] >= 0.01
    assert statistics["farthest"] == pytest.approx(9.0)


def test_excess_loss_is_zero_for_the_oracle_and_the_square_of_a_known_error(generator):
    schedule, world = cosine_schedule(5), WORLDS["homework"]
    oracle = ExactDenoiser(world, schedule.alphas_cumprod)
    x0 = world.sample(100, generator)[0].unsqueeze(1)
    assert excess_loss(oracle, oracle, schedule, x0, None, generator).tolist() == [0] * 5

    def wrong(x_t, t, y=None):
        return oracle(x_t, t, y) + 0.1 * t.view(-1, 1, 1)

    expected = [(0.1 * t) ** 2 for t in range(1, 6)]
    assert excess_loss(wrong, oracle, schedule, x0, None, generator).tolist() == pytest.approx(expected)


def test_excess_loss_is_loss_minus_floor(generator):
    """Pythagoras: E‖ε - ε̂‖² = E‖ε - ε*‖² + E‖ε* - ε̂‖² for any ε̂(x_t)."""
    schedule, world, n = cosine_schedule(5), WORLDS["overlapping"], 100_000
    oracle = ExactDenoiser(world, schedule.alphas_cumprod)
    x0 = world.sample(n, generator)[0].unsqueeze(1)

    def shrunken(x_t, t, y=None):
        return 0.8 * oracle(x_t, t, y)

    excess = excess_loss(shrunken, oracle, schedule, x0, None, generator)
    for step in range(1, 6):
        t = torch.full((n,), step)
        eps = torch.randn(x0.shape, generator=generator, dtype=torch.float64)
        error = (eps - shrunken(add_noise(schedule, x0, t, eps), t)).square().mean((1, 2))
        floor = world.loss_floor(schedule.alphas_cumprod[step])
        noise = 4 * float(error.std()) / math.sqrt(n)
        assert float(excess[step - 1]) == pytest.approx(float(error.mean()) - floor, abs=noise)


def test_classifier_excess_is_cross_entropy_above_the_exact_entropy(generator):
    """Zero for the exact posterior; for one that always says "half", log 2 minus the entropy; never below zero."""
    schedule, world = cosine_schedule(5), WORLDS["overlapping"]
    oracle = ExactDenoiser(world, schedule.alphas_cumprod)
    x0, y = world.sample(50_000, generator)
    x0 = x0.unsqueeze(1)
    excess, floor = classifier_excess(oracle.log_posterior, oracle, schedule, x0, generator)
    assert excess == pytest.approx(0, abs=1e-12)
    half, same_floor = classifier_excess(lambda x, t: torch.zeros(len(x), 2), oracle, schedule, x0, generator)
    assert same_floor == pytest.approx(floor, abs=0.01)
    assert half == pytest.approx(math.log(2) - same_floor)
    entropy = []
    for step in range(1, 6):
        t = torch.full((50_000,), step)
        x_t = add_noise(schedule, x0, t, torch.randn(x0.shape, generator=generator, dtype=torch.float64))
        entropy.append(float(torch.nn.functional.cross_entropy(oracle.log_posterior(x_t, t), y)))
    assert floor == pytest.approx(np.mean(entropy), abs=0.01)  # 4 standard errors of a mean of 250,000 log-losses


# --- images -------------------------------------------------------------------------------------------------------


def gaussian(n, mean, covariance, seed):
    return np.random.default_rng(seed).multivariate_normal(mean, covariance, n)


def test_frechet_distance_of_two_gaussians_has_its_closed_form():
    """Commuting covariances: ‖μ - μ'‖² + Σ (√λ - √λ')²; samples scaled to have exactly these moments."""

    def exactly(mean, variances, seed):
        x = np.random.default_rng(seed).standard_normal((500, 3))
        x = x - x.mean(0)
        x = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T  # now exactly white
        rotation = np.linalg.qr(np.arange(9).reshape(3, 3) + np.eye(3))[0]
        return np.array(mean) + x * np.sqrt(variances) @ rotation.T

    a, b = exactly([0, 0, 0], [1.0, 4.0, 9.0], 0), exactly([1, 2, 0], [4.0, 4.0, 1.0], 1)
    assert frechet_distance(a, b) == pytest.approx(5 + 1 + 0 + 4)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_of_covariances_that_do_not_commute():
    """Against the matrix square root of SciPy."""
    a = gaussian(2000, [0, 0], [[2, 1], [1, 1]], 0)
    b = gaussian(2000, [1, 0], [[1, -0.5], [-0.5, 3]], 1)
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = np.trace(sqrtm(first @ second).real)
    expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(first) + np.trace(second) - 2 * root
    assert frechet_distance(a, b) == pytest.approx(expected)


def test_precision_recall_density_coverage_of_the_same_world_and_of_others():
    """Two samples of one Gaussian: all high. One mode of two: precise, but half recalled. Far away: all zero."""
    both = np.concatenate([gaussian(500, [0, 0], np.eye(2), 0), gaussian(500, [20, 0], np.eye(2), 1)])
    same = np.concatenate([gaussian(500, [0, 0], np.eye(2), 2), gaussian(500, [20, 0], np.eye(2), 3)])
    alike = precision_recall_density_coverage(both, same)
    assert min(alike["precision"], alike["recall"], alike["coverage"]) > 0.9
    assert alike["density"] == pytest.approx(1, abs=0.15)  # its mean is 1 for two samples of one world
    collapsed = precision_recall_density_coverage(both, gaussian(1000, [0, 0], np.eye(2), 4))
    assert collapsed["precision"] > 0.9
    assert 0.4 < collapsed["recall"] < 0.55
    assert 0.4 < collapsed["coverage"] < 0.55
    far = precision_recall_density_coverage(both, both + 1000)
    assert far == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_precision_recall_density_coverage_by_hand():
    """On a line, k = 1: real balls of radius 1, 1, 3 around 0, 1, 4; generated of radius 0.5, 0.5, 9.5."""
    real, generated = np.array([[0.0], [1.0], [4.0]]), np.array([[0.2], [0.7], [10.2]])
    measured = precision_recall_density_coverage(real, generated, k=1)
    # 0.2 lies in the balls of 0 and 1; 0.7 in both; 10.2 in none. 0 lies in the ball of 0.2; 1 in that of 0.7 and
    # 10.2's, which reaches below 4 too
    assert measured == pytest.approx({"precision": 2 / 3, "recall": 1.0, "density": 4 / 3, "coverage": 2 / 3})


def test_class_spread_sees_a_collapsed_class():
    """E‖x-x'‖ of a standard normal in the plane is √π; a class of copies has none."""
    features = np.concatenate([gaussian(2000, [0, 0], np.eye(2), 0), np.ones((50, 2))])
    labels = np.repeat([0, 1], [2000, 50])
    spread = class_spread(features, labels, 3)
    assert spread[0] == pytest.approx(math.sqrt(math.pi), rel=4 / math.sqrt(2000))
    assert spread[1] == 0
    assert np.isnan(spread[2])  # a class without members


def test_copies_of_the_training_set_are_at_distance_zero():
    training = np.random.default_rng(0).random((100, 1, 4, 4))
    assert nearest_distances(training[:10], training).max() < 1e-6
    moved = training[:10].copy()
    moved[:, 0, 0, 0] += 0.25
    assert nearest_distances(moved, training) == pytest.approx(np.full(10, 0.25))


def test_probability_farther_is_a_half_for_like_and_exact_for_shifted_normals():
    """P(A > B) = Φ(δ/√2) for unit normals δ apart."""
    n = 4000
    a, b = np.random.default_rng(0).normal(size=(2, n))
    noise = 4 * math.sqrt((2 * n + 1) / (12 * n * n))
    assert abs(probability_farther(a, b) - 0.5) < noise
    assert abs(probability_farther(a + 1, b) - 0.5 * (1 + math.erf(0.5))) < noise
    assert probability_farther([1, 1], [1, 1]) == 0.5


def test_permutation_test_keeps_true_samples_and_finds_a_small_shift():
    """p of true pairs is uniform: its mean over 60 is within 4 standard errors of ½; a shift of 0.2 σ is found."""
    p = []
    for seed in range(60):
        random = torch.Generator().manual_seed(seed)
        x, y = torch.randn(2, 200, 2, generator=random)
        p.append(permutation_test(x, y, random, permutations=99))
    assert np.mean(p) == pytest.approx(0.5, abs=4 * (1 / 12 / 60) ** 0.5)
    assert 0 < np.mean(np.array(p) < 0.1) < 0.1 + 4 * (0.09 / 60) ** 0.5
    x, y = torch.randn(2, 2000, 2, generator=random)
    assert permutation_test(x, y + 0.2, random, permutations=99) == 0.01


def test_permutation_test_counts_its_divisions_by_brute_force():
    """All 6 divisions of 4 points into 2 and 2: the share that is at least as far apart is what sampling comes to."""
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.2, 0.1], [3.0, 0.0]])

    def apart(first):
        x, y = points[list(first)], points[[i for i in range(4) if i not in first]]
        across = torch.cdist(x, y).mean()
        return float(2 * across - torch.cdist(x, x).mean() - torch.cdist(y, y).mean())

    divisions = [apart(first) for first in itertools.combinations(range(4), 2)]
    share = np.mean(np.array(divisions) >= apart((0, 2)) - 1e-6)
    found = permutation_test(points[[0, 2]], points[[1, 3]], torch.Generator().manual_seed(0), permutations=4000)
    assert found == pytest.approx(share, abs=4 * (0.25 / 4000) ** 0.5)
