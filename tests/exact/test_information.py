"""What a label tells: I-MMSE against I(x_0; y) by another way; the gap of the floors; the tilted density."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from exact.guided_target import guided_score, log_tilted_density, noised_tilted_score, tilted_moments
from exact.information import (
    entropy,
    exact_area,
    floor_gap,
    floor_gaps,
    image_information,
    learned_area,
    learned_gaps,
    log_snr,
    mutual_information,
    where_told,
)
from experiments.two_pixel import Config, TwoPixel
from gmm import WORLDS, GaussianMixture


def by_one_dimension(world):
    """I(x_0; y) of two modes of one σ: across the line through them nothing is told, so one integral is left."""
    apart = float((world.means[1] - world.means[0]).norm() / world.std[0])
    p = [float(w) for w in world.weights]

    def integrand(x):
        joint = [p[0] * norm.pdf(x), p[1] * norm.pdf(x, apart)]
        return sum(j * math.log(j / (sum(joint) * q)) for j, q in zip(joint, p, strict=True) if j > 0)

    return quad(integrand, -12, apart + 12, epsabs=1e-12, limit=500)[0]


@pytest.mark.parametrize(("world", "known"), [("signed", 1.2949), ("overlapping", 1.0905), ("homework", 1.2296)])
def test_information_of_the_label(world, known):
    """The figures are 2 I in nats; well separated modes tell the label's whole entropy."""
    assert 2 * mutual_information(WORLDS[world]) == pytest.approx(2 * by_one_dimension(WORLDS[world]), abs=1e-6)
    assert 2 * mutual_information(WORLDS[world]) == pytest.approx(known, abs=5e-5)


@pytest.mark.parametrize("world", WORLDS)
def test_area_between_the_loss_floors_is_twice_the_information(world):
    mixture = TwoPixel(Config(world=world)).mixture
    assert exact_area(mixture, -14, 20, n=100) == pytest.approx(2 * mutual_information(WORLDS[world]), abs=1e-4)


def test_gap_is_the_difference_of_the_two_floors():
    """Which are computed otherwise, one of them from Sobol points that are right to some 1e-3."""
    mixture = TwoPixel(Config(world="overlapping")).mixture
    for alpha_bar in (0.1, 0.5, 0.9):
        difference = 2 * (mixture.loss_floor(alpha_bar, n=2**14) - mixture.labelled_loss_floor(alpha_bar))
        assert floor_gap(mixture, alpha_bar) == pytest.approx(difference, abs=2e-3)


def test_information_of_one_gaussian_has_a_formula_and_its_slope_is_half_the_floor():
    one = GaussianMixture([[0.4, -0.3]], 0.5, [1.0])
    for alpha_bar in (0.01, 0.5, 0.99):
        snr = alpha_bar / (1 - alpha_bar)
        assert image_information(one, alpha_bar) == pytest.approx(math.log1p(snr * 0.5**2), abs=1e-9)
        slope = snr * 0.5**2 / (1 + snr * 0.5**2)
        assert slope == pytest.approx(one.labelled_loss_floor(alpha_bar), abs=1e-6)


def test_label_is_told_where_the_area_up_to_there_is_that_share_of_the_whole():
    mixture = TwoPixel(Config(world="overlapping")).mixture
    for share in (0.1, 0.5, 0.9):
        area = exact_area(mixture, -14, where_told(mixture, share), n=200)
        assert area == pytest.approx(2 * share * mutual_information(mixture), abs=1e-4)


def test_entropy_of_a_fair_coin_is_log_2_and_of_what_is_known_0():
    assert entropy(torch.tensor([0.5, 0.5])) == pytest.approx(math.log(2))
    assert entropy(torch.tensor([0.0, 1.0])) == 0


def test_log_snr_is_that_of_image_over_noise():
    assert float(log_snr(0.8)) == pytest.approx(math.log(0.8 / 0.2))


def test_gap_measured_on_images_alone_is_the_exact_one(generator):
    """For the oracle, within four standard errors; of the null label the loss is larger."""
    run = TwoPixel(Config(world="overlapping", T=10))
    x0, y = run.draw(20_000, generator)
    gaps = learned_gaps(run.exact, run.schedule, x0, y, generator)
    for t in (1, 3, 5, 8):
        exact = floor_gap(run.mixture, float(run.schedule.alphas_cumprod[t]))
        assert float(gaps[t - 1]) == pytest.approx(exact, abs=4 * 2 * math.sqrt(exact / 20_000))
    blind = learned_gaps(lambda x, t, y: run.exact(x, t, None), run.schedule, x0, y, generator)
    assert (blind == 0).all()


def test_learned_area_is_that_of_the_trapezoids_through_the_gaps():
    run = TwoPixel(Config(world="overlapping", T=10))
    x0, y = run.draw(1000, torch.Generator().manual_seed(0))
    gaps = learned_gaps(run.exact, run.schedule, x0, y, torch.Generator().manual_seed(1)).tolist()
    lambdas = log_snr(run.schedule.alphas_cumprod[1:]).tolist()  # they fall
    by_hand = sum((lambdas[i] - lambdas[i + 1]) * (gaps[i] + gaps[i + 1]) / 2 for i in range(9))
    area = learned_area(run.exact, run.schedule, x0, y, torch.Generator().manual_seed(1))
    assert area == pytest.approx(by_hand, abs=1e-9) and area > 0


def test_gaps_of_several_noise_levels_are_those_of_each():
    mixture = TwoPixel(Config(world="overlapping")).mixture
    each = [floor_gap(mixture, alpha_bar) for alpha_bar in (0.2, 0.9)]
    assert floor_gaps(mixture, log_snr([0.2, 0.9])).tolist() == pytest.approx(each, abs=1e-9)


def test_tilted_density_by_brute_force_on_a_grid():
    """p(x|y) p(y|x)^w, normalised by a sum over a grid: density, mean and covariance."""
    world, w, y = WORLDS["overlapping"], 2.0, 1
    axis = torch.linspace(-3, 4, 701, dtype=torch.float64)
    points = torch.cartesian_prod(axis, axis)
    joint = np.exp(world.joint_log_prob(points).numpy())
    density = joint[:, y] / world.weights[y].item() * (joint[:, y] / joint.sum(1)) ** w
    density /= density.sum()
    mean, covariance = tilted_moments(world, w, y)
    by_hand = density @ points.numpy()
    np.testing.assert_allclose(mean.numpy(), by_hand, atol=1e-6)
    deviation = points.numpy() - by_hand
    np.testing.assert_allclose(covariance.numpy(), (density[:, None] * deviation).T @ deviation, atol=1e-6)
    cell = float(axis[1] - axis[0]) ** 2
    np.testing.assert_allclose(log_tilted_density(world, w, y)(points).exp().numpy() * cell, density, atol=1e-9)


def test_tilt_of_weight_0_is_the_conditional_and_its_score_at_t_0_is_the_guided_one(generator):
    """∇ log of the tilted density is (1+w) ∇ log p(x|y) - w ∇ log p(x): guidance is right where nothing is diffused."""
    world = WORLDS["overlapping"]
    mean, covariance = tilted_moments(world, 0.0, 0)
    torch.testing.assert_close(mean, world.means[0], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(covariance, 0.45**2 * torch.eye(2).double(), rtol=1e-12, atol=1e-12)
    x = torch.randn(20, 2, generator=generator, dtype=torch.float64).requires_grad_()
    (score,) = torch.autograd.grad(log_tilted_density(world, 3.0, 0)(x).sum(), x)
    torch.testing.assert_close(score, guided_score(world, x.detach(), 3.0, 0), rtol=1e-9, atol=1e-9)


def test_guided_scores_are_not_those_of_the_diffused_tilted_density():
    """The point of it all, without sampling: at t > 0 they differ, here by brute-force convolution."""
    world, w, y, alpha_bar = WORLDS["overlapping"], 2.0, 1, 0.5
    log_tilted = log_tilted_density(world, w, y)
    nodes = torch.linspace(-4, 5, 451, dtype=torch.float64)
    x0 = torch.cartesian_prod(nodes, nodes)
    x_t = torch.tensor([0.3, 0.2], dtype=torch.float64)
    log_weight = log_tilted(x0) - (x_t - math.sqrt(alpha_bar) * x0).square().sum(-1) / (2 * (1 - alpha_bar))
    posterior_mean = (log_weight.softmax(0).unsqueeze(-1) * x0).sum(0)
    score = (math.sqrt(alpha_bar) * posterior_mean - x_t) / (1 - alpha_bar)
    torch.testing.assert_close(
        noised_tilted_score(world, x_t.unsqueeze(0), alpha_bar, w, y)[0], score, rtol=0, atol=1e-5
    )
    noisy = world.diffused(alpha_bar)
    guided = guided_score(noisy, x_t, w, y)
    assert float((guided - score).norm()) > 0.1
    plain = GaussianMixture(noisy.means, noisy.std, noisy.weights).given_label(y).score(x_t)
    assert float((guided - plain).norm()) > float((score - plain).norm())


def test_area_is_the_same_in_every_space():
    """The area does not depend on the coordinates: an affine map shifts λ, and nothing else."""
    world = WORLDS["overlapping"]
    assert exact_area(world, -16, 18, n=100) == pytest.approx(
        exact_area(world.affine(3.0, 0.4), -16, 18, n=100), abs=1e-3
    )


def test_information_of_modes_far_apart_is_the_entropy_of_the_label_also_with_an_empty_mode():
    means = [[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]]
    weights = torch.tensor([0.5, 0.3, 0.0, 0.2], dtype=torch.float64)
    expected = -sum(float(w) * math.log(w) for w in weights if w > 0)
    assert mutual_information(GaussianMixture(means, 0.1, weights)) == pytest.approx(expected, abs=1e-12)
    assert mutual_information(GaussianMixture(means[:2], 0.1, [1.0, 0.0])) == 0
