"""The error ledger: each part goes away when what it blames is put right; quadrature, KL and kernels by brute force."""

import math

import pytest
import torch

from evaluation.metrics import energy_distance, energy_distance_floor
from exact.error_ledger import (
    between_the_modes,
    drawn,
    drawn_by_exact_steps,
    exact_x_T,
    gaussian_steps,
    mean_step_divergences,
    quality,
    schedule_card,
    step_divergences,
)
from exact.quadrature import expectation, kl_divergence
from experiments.two_pixel import Config, TwoPixel
from gmm import WORLDS, GaussianMixture


def test_quadrature_gives_the_moments_of_a_mixture():
    world = GaussianMixture([[0.35, 0.65], [-0.75, 0.45], [0.1, 0.2]], [0.1, 0.5, 0.3], [0.2, 0.5, 0.3])
    assert float(expectation(world, lambda x: torch.ones(x.shape[:-1]).double())) == pytest.approx(1, abs=1e-12)
    torch.testing.assert_close(expectation(world, lambda x: x), world.mean(), rtol=1e-12, atol=1e-12)
    second = expectation(world, lambda x: (x.unsqueeze(-1) * x.unsqueeze(-2)).flatten(-2)).view(2, 2)
    truth = world.covariance() + world.mean().outer(world.mean())
    torch.testing.assert_close(second, truth, rtol=1e-12, atol=1e-12)


def test_kl_of_two_gaussians_is_the_closed_form():
    p, q = GaussianMixture([[0.3, -0.2]], 0.5, [1.0]), GaussianMixture([[0.0, 0.1]], 0.8, [1.0])
    closed = 2 * math.log(0.8 / 0.5) + (2 * 0.25 + 0.09 + 0.09) / (2 * 0.64) - 1
    assert kl_divergence(p, q.log_prob) == pytest.approx(closed, abs=1e-12)
    assert kl_divergence(p, p.log_prob) == 0


def test_schedule_card_of_one_gaussian_is_the_closed_form():
    """KL(N(√ᾱ μ, ᾱσ² + 1-ᾱ) ‖ N(0, I)), and 1/√ᾱ_T from the product of the alphas."""
    run = TwoPixel(Config(T=50, schedule="linear"))
    card = schedule_card(GaussianMixture([[0.5, 1.0]], 0.3, [1.0]), run.schedule)
    a = float(torch.prod(1 - torch.linspace(1e-4, 0.02, 50, dtype=torch.float64)))
    v = a * 0.09 + 1 - a
    assert card["alpha_bar_T"] == pytest.approx(a)
    assert card["inverse_sqrt_alpha_bar_T"] == pytest.approx(a**-0.5)
    assert card["alpha_bar_1"] == pytest.approx(1 - 1e-4)
    assert card["kl"] == pytest.approx((2 * v + a * 1.25 - 2 - 2 * math.log(v)) / 2, abs=1e-10)


def test_exact_x_T_puts_the_prior_of_the_linear_schedule_right():
    """At T = 50 it ends at ᾱ_T = 0.60; its steps are short, so that little is left when the start is right."""
    run = TwoPixel(Config(T=50, schedule="linear"))
    wrong, right = (quality(run, run.oracle(), 1, exact_prior) for exact_prior in (False, True))
    floor = energy_distance_floor(run.world, 5000)
    assert wrong["energy_distance"] > 10 * floor
    assert abs(right["energy_distance"]) < 4 * floor


def test_exact_x_T_has_the_moments_of_the_diffused_world(generator):
    run = TwoPixel(Config(T=50, schedule="linear"))
    x_T = exact_x_T(run, 40_000, generator).squeeze(1).double()
    truth = run.mixture.diffused(run.schedule.alphas_cumprod[50])
    assert ((x_T.mean(0) - truth.mean()).abs() < 4 * (truth.covariance().diagonal() / 40_000).sqrt()).all()
    assert (x_T.T.cov() - truth.covariance()).abs().max() < 4 * 1.5 * (2 / 40_000) ** 0.5


def test_oracles_error_at_many_steps_is_the_floor():
    """T = 1000 leaves no discretisation, and the cosine schedule no error of the prior."""
    run = TwoPixel(Config(T=1000))
    found = quality(run, run.oracle(), 3, n=2000)
    assert abs(found["energy_distance"]) < 4 * energy_distance_floor(run.world, 2000)


def test_drawn_visits_what_the_sampler_of_the_config_visits():
    run = TwoPixel(Config(T=50, sampler="ddim", sampling_steps=7))
    asked = []

    def denoiser(x, t, y):
        asked.append(int(t[0]))
        return run.exact(x, t, y)

    assert drawn(run, denoiser, 0, n=10).shape == (10, 2)
    assert asked == [50, 43, 36, 29, 21, 14, 7]


def test_exact_steps_leave_no_error_even_if_they_are_few():
    """At T = 5, where eq. 13 with the same denoiser is at 140 noise floors: four of them at most."""
    run = TwoPixel(Config(T=5))
    floor = energy_distance_floor(run.world, 5000)
    assert abs(energy_distance(drawn_by_exact_steps(run, seed=0), run.world)) < 4 * floor


@pytest.mark.parametrize(("T", "t"), [(5, 3), (50, 20)])
def test_gaussian_steps_have_the_moments_that_they_claim(T, t):
    """All the mean of the true kernel, second moments its covariance too, eq. 13 β̃_t or β_t of the schedule."""
    run = TwoPixel(Config(T=T))
    x_t = between_the_modes(run, t) + 0.1
    truth = run.mixture.reverse_kernel(x_t, *run.schedule.alphas_cumprod[[t, t - 1]])
    steps = gaussian_steps(run, x_t, t, t - 1)
    for step in steps.values():
        torch.testing.assert_close(step.mean, truth.mean(), rtol=1e-9, atol=1e-9)
    eye = torch.eye(2, dtype=torch.float64)
    torch.testing.assert_close(steps["second_moment"].covariance_matrix, truth.covariance(), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(steps["posterior"].covariance_matrix, run.schedule.posterior_variance[t] * eye)
    torch.testing.assert_close(steps["beta"].covariance_matrix, run.schedule.betas[t] * eye)


def test_between_the_modes_either_class_is_as_likely():
    for world in WORLDS:
        run = TwoPixel(Config(world=world))
        for t in (1, 20, 49):
            noisy = run.mixture.diffused(run.schedule.alphas_cumprod[t])
            torch.testing.assert_close(
                noisy.posterior(between_the_modes(run, t)), torch.full((2,), 0.5, dtype=torch.float64)
            )


def test_between_the_modes_of_other_worlds():
    """The two heaviest of three modes; and worlds that have no such place are refused."""
    run = TwoPixel(Config())
    run.mixture = GaussianMixture([[0.3, -0.2], [5.0, 5.0], [-0.8, 0.4]], 0.2, [0.5, 0.1, 0.4])
    noisy = run.mixture.diffused(run.schedule.alphas_cumprod[20])
    joint = noisy.joint_log_prob(between_the_modes(run, 20))
    assert float(joint[0]) == pytest.approx(float(joint[2]), abs=1e-12)
    for world in (
        GaussianMixture([[0.3, -0.2]], 0.2, [1.0]),
        GaussianMixture([[0.3, -0.2], [1.0, 0.0]], 0.2, [1.0, 0.0]),
        GaussianMixture([[0.3, -0.2], [1.0, 0.0]], [0.2, 0.3], [0.5, 0.5]),
    ):
        run.mixture = world
        with pytest.raises(ValueError, match="two of them have a weight"):
            between_the_modes(run, 20)


def test_divergence_of_a_step_by_brute_force_on_a_grid():
    """Σ p log p/q over a fine grid, for the least Gaussian of the kernels; second moments are nearest."""
    run, t = TwoPixel(Config(T=5)), 3
    x_t = between_the_modes(run, t)
    truth = run.mixture.reverse_kernel(x_t, *run.schedule.alphas_cumprod[[t, t - 1]])
    axis = torch.linspace(-4, 4, 801, dtype=torch.float64)
    points = torch.cartesian_prod(axis, axis)
    log_p = truth.log_prob(points)
    found = step_divergences(run, t, t - 1)
    for name, step in gaussian_steps(run, x_t, t, t - 1).items():
        by_hand = float((log_p.exp() * (log_p - step.log_prob(points))).sum()) * float(axis[1] - axis[0]) ** 2
        assert found[name] == pytest.approx(by_hand, rel=1e-4)
    assert found["second_moment"] < found["beta"] < found["posterior"]


@pytest.mark.slow
def test_mean_divergence_of_a_step_is_that_of_draws_of_x_t(generator):
    run, t = TwoPixel(Config(T=5)), 3
    x_t, _ = run.mixture.diffused(run.schedule.alphas_cumprod[t]).sample(150, generator)
    rows = [step_divergences(run, t, t - 1, x) for x in x_t]
    found = mean_step_divergences(run, t, t - 1, n=8)
    for name, mean in found.items():
        values = torch.tensor([row[name] for row in rows])
        assert abs(mean - values.mean()) < 4 * values.std() / len(values) ** 0.5
    assert found["second_moment"] < found["beta"] < found["posterior"]
