"""Maximum likelihood, the measures of a map, and its density on cases whose answers are known."""

import numpy as np
import pytest
from scipy.stats import norm

from small_systems import pixel_space


def test_fitted_gaussian_is_the_most_likely_one(generator):
    x = np.random.default_rng(0).normal(2, 3, 50)
    mean, variance = pixel_space.fit_gaussian(x)

    def log_likelihood(m, v):
        return norm.logpdf(x, m, v**0.5).sum()

    best = log_likelihood(mean, variance)
    assert all(log_likelihood(mean + dm, variance * f) < best for dm, f in ((0.1, 1), (-0.1, 1), (0, 1.1), (0, 0.9)))


@pytest.mark.parametrize("n", [2, 5, 50])
def test_fitted_variance_is_too_small_by_one_in_n(n):
    x = np.random.default_rng(0).standard_normal((20_000, n))
    _, variance = pixel_space.fit_gaussian(x)
    assert abs(variance.mean() - (n - 1) / n) < 4 * variance.std() / 20_000**0.5


@pytest.fixture
def two_clouds():
    """300 points of each of two labels, far apart in the first of two directions, and spread in the second."""
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 300)
    return random.normal(size=(600, 2)) * (1, 3) + np.outer(labels, (12, 0)), labels


def test_separate_clouds_are_separable_by_every_measure(two_clouds):
    found = pixel_space.separability(*two_clouds)
    assert found["neighbours"] == found["line"] == pytest.approx(1)
    assert found["rand_index_gaussians"] == pytest.approx(1)
    assert found["silhouette"] > 0.5


def test_shuffled_labels_are_not_separable(two_clouds):
    places, labels = two_clouds
    found = pixel_space.separability(places, np.random.default_rng(1).permutation(labels))
    assert abs(found["neighbours"] - 0.5) < 4 * 0.5 / 600**0.5
    assert abs(found["line"] - 0.5) < 4 * (601 / (12 * 300 * 300)) ** 0.5
    assert abs(found["silhouette"]) < 0.05
    assert abs(found["rand_index_k_means"]) < 0.05


def test_rare_label_counts_as_much_as_the_frequent_one(two_clouds):
    """Guessing the frequent label always is right for 10 of 11 points, and worth nothing."""
    places, labels = two_clouds
    few = np.r_[0:300, 300:330]
    mixed = np.random.default_rng(1).permutation(places[few])
    assert pixel_space.separability(mixed, labels[few])["neighbours"] < 0.6


def test_density_of_a_mixture_is_told_by_kernels_and_by_two_gaussians_but_not_by_one(two_clouds):
    places, _ = two_clouds
    order = np.random.default_rng(0).permutation(600)
    found = pixel_space.log_density_of_held_out(places[order[:400]], places[order[400:]])
    truth = np.mean(
        np.logaddexp(norm.logpdf(places[:, 0]), norm.logpdf(places[:, 0], 12))
        - np.log(2)
        + norm.logpdf(places[:, 1], 0, 3)
    )
    assert found["two Gaussians"] == pytest.approx(truth, abs=0.15)
    assert found["kernels"] == pytest.approx(truth, abs=0.35)
    assert found["one Gaussian"] < truth - 0.5
    assert found["a box"] < truth - 0.5


def test_peaks_are_the_modes(two_clouds):
    places, _ = two_clouds
    found = pixel_space.peaks(pixel_space.fit_density(places), places, apart=4)
    assert sorted(found[:, 0].round()) == pytest.approx([0, 12], abs=1)


def test_peaks_are_apart():
    """Of two high clouds close by and a low one far off, one of the two and the far one."""
    random = np.random.default_rng(0)
    places = np.concatenate([random.normal(m, 0.2, (n, 2)) for m, n in ((0.0, 400), (1.5, 400), (9.0, 100))])
    found = pixel_space.peaks(pixel_space.fit_density(places), places, apart=4)
    assert np.linalg.norm(found[0] - found[1]) > 4
    near = pixel_space.peaks(pixel_space.fit_density(places), places, apart=0.5)
    assert np.linalg.norm(near[0] - near[1]) < 4
