"""The oracle against brute force: quadrature, autograd, Bayes' rule on a grid, Monte Carlo with its standard error."""

import math

import numpy as np
import pytest
import torch

from evaluation.metrics import energy_distance, energy_distance_floor
from gmm import WORLDS, ExactDenoiser, GaussianMixture
from utils import cosine_schedule

WORLD_NAMES = list(WORLDS)


def plane(low, high, n):
    """Points (n·n, 2) of a square grid and the area of a cell."""
    axis = torch.linspace(low, high, n, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis), float(axis[1] - axis[0]) ** 2


def normal(mixture, k):
    """Component k as a distribution of torch's own."""
    covariance = mixture.std[k] ** 2 * torch.eye(mixture.dim, dtype=torch.float64)
    return torch.distributions.MultivariateNormal(mixture.means[k], covariance)


def test_log_prob_is_that_of_torch_distributions(mixture, generator):
    x = torch.randn(50, 3, generator=generator, dtype=torch.float64)
    normals = torch.distributions.Normal(mixture.means, mixture.std.unsqueeze(-1).expand(3, 3))
    reference = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(mixture.weights), torch.distributions.Independent(normals, 1)
    )
    torch.testing.assert_close(mixture.log_prob(x), reference.log_prob(x))


def test_log_prob_does_not_underflow_far_from_every_mode():
    x = torch.tensor([100.0, -100.0], dtype=torch.float64)
    world = WORLDS["homework"]
    assert world.log_prob(x) < -1e5
    assert torch.isfinite(world.score(x)).all()


@pytest.mark.parametrize("name", WORLD_NAMES)
def test_density_integrates_to_one(name):
    x, area = plane(-4, 5, 901)
    assert float(WORLDS[name].log_prob(x).exp().sum() * area) == pytest.approx(1, abs=1e-9)


def test_score_is_the_gradient_of_log_prob(mixture, generator):
    x = torch.randn(50, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(mixture.log_prob(x).sum(), x)
    torch.testing.assert_close(mixture.score(x.detach()), gradient)


def test_posterior_is_bayes_rule(mixture, generator):
    x = torch.randn(50, 3, generator=generator, dtype=torch.float64)
    joint = torch.stack([mixture.weights[k] * normal(mixture, k).log_prob(x).exp() for k in range(3)], dim=-1)
    torch.testing.assert_close(mixture.posterior(x), joint / joint.sum(-1, keepdim=True))


def test_samples_have_the_mean_covariance_and_label_frequencies(mixture, generator):
    n = 200_000
    x, y = mixture.sample(n, generator)
    standard_error = mixture.covariance().diagonal().sqrt() / math.sqrt(n)
    assert ((x.mean(0) - mixture.mean()).abs() < 4 * standard_error).all()
    fourth_moment = (x - x.mean(0)).pow(4).mean(0)
    assert ((x.var(0) - mixture.covariance().diagonal()).abs() < 4 * (fourth_moment / n).sqrt()).all()
    torch.testing.assert_close(torch.cov(x.T), mixture.covariance(), atol=0.014, rtol=0)  # 4 standard errors
    for k in range(3):
        of_k = x[y == k]
        assert abs(len(of_k) / n - mixture.weights[k]) < 4 * math.sqrt(0.25 / n)
        assert (of_k.mean(0) - mixture.means[k]).abs().max() < 4 * mixture.std[k] / math.sqrt(len(of_k))
        assert abs(of_k.std(0) / mixture.std[k] - 1).max() < 4 / math.sqrt(2 * len(of_k))
    torch.testing.assert_close(mixture.variance(), mixture.covariance().diagonal().mean())


def test_affine_is_the_change_of_variables(mixture, generator):
    x = torch.randn(50, 3, generator=generator, dtype=torch.float64)
    shift = torch.tensor([0.3, -2.0, 1.0], dtype=torch.float64)
    mapped = mixture.affine(2.5, shift).log_prob(2.5 * x + shift)
    torch.testing.assert_close(mapped, mixture.log_prob(x) - 3 * math.log(2.5))


def test_diffusing_twice_is_diffusing_once(mixture, generator):
    """Chapman-Kolmogorov: q(x_t) from x_0 is q(x_t) from x_s."""
    x = torch.randn(50, 3, generator=generator, dtype=torch.float64)
    twice = mixture.diffused(0.8).diffused(0.3 / 0.8)
    torch.testing.assert_close(twice.log_prob(x), mixture.diffused(0.3).log_prob(x))


def test_diffused_density_is_the_convolution():
    """q(x_t) = ∫ q(x_t|x_0) p(x_0) dx_0, summed over a grid of x_0."""
    world, alpha_bar = WORLDS["homework"], 0.6
    x0, area = plane(-0.5, 1.7, 300)
    for x_t in torch.tensor([[0.3, 0.5], [0.0, 1.0], [1.0, -0.5]], dtype=torch.float64):
        q = torch.exp(-(x_t - math.sqrt(alpha_bar) * x0).square().sum(-1) / (2 * (1 - alpha_bar)))
        integral = (q / (2 * math.pi * (1 - alpha_bar)) * world.log_prob(x0).exp()).sum() * area
        assert float(world.diffused(alpha_bar).log_prob(x_t).exp()) == pytest.approx(float(integral), rel=1e-8)


@pytest.mark.parametrize("label", [None, 0, 1])
def test_given_noisy_is_bayes_rule_on_a_grid(label):
    """Mean and covariance of q(x_0|x_t) (and of q(x_0|x_t, y)), with the posterior summed over a grid of x_0."""
    world, alpha_bar = WORLDS["overlapping"], 0.4
    world = world if label is None else world.given_label(label)
    x_t = torch.tensor([0.2, 0.1], dtype=torch.float64)
    x0, _ = plane(-3, 3.5, 400)
    log_q = world.log_prob(x0) - (x_t - math.sqrt(alpha_bar) * x0).square().sum(-1) / (2 * (1 - alpha_bar))
    weight = log_q.softmax(0)
    mean = weight @ x0
    posterior = world.given_noisy(x_t, alpha_bar)
    torch.testing.assert_close(posterior.mean(), mean)
    torch.testing.assert_close(posterior.covariance(), (weight[:, None] * (x0 - mean)).T @ (x0 - mean))


def test_tweedie_first_and_second_order(mixture, generator):
    """E[x_0|x_t] = (x_t + (1-ᾱ) score)/√ᾱ, and Cov[x_0|x_t] = (1-ᾱ)/√ᾱ ∂E[x_0|x_t]/∂x_t."""
    alpha_bar = 0.7
    x_t = torch.randn(3, generator=generator, dtype=torch.float64)
    posterior = mixture.given_noisy(x_t, alpha_bar)
    tweedie = (x_t + (1 - alpha_bar) * mixture.diffused(alpha_bar).score(x_t)) / math.sqrt(alpha_bar)
    torch.testing.assert_close(posterior.mean(), tweedie)
    jacobian = torch.autograd.functional.jacobian(lambda x: mixture.given_noisy(x, alpha_bar).mean(), x_t)
    torch.testing.assert_close(posterior.covariance(), (1 - alpha_bar) / math.sqrt(alpha_bar) * jacobian)


def test_best_eps_and_denoised_mean_say_the_same(mixture, generator):
    """x_t = √ᾱ x_0 + √(1-ᾱ) ε holds for the conditional means of x_0 and ε too."""
    x_t = torch.randn(50, 3, generator=generator, dtype=torch.float64)
    alpha_bar = torch.rand(50, generator=generator, dtype=torch.float64)  # one for each sample
    x0, eps = mixture.given_noisy(x_t, alpha_bar).mean(), mixture.best_eps(x_t, alpha_bar)
    a = alpha_bar.unsqueeze(-1)
    torch.testing.assert_close(a.sqrt() * x0 + (1 - a).sqrt() * eps, x_t)


def test_reverse_kernel_is_bayes_rule_on_a_grid():
    """q(x_s|x_t) ∝ q(x_t|x_s) q(x_s), up to its normalising constant, everywhere on a grid of x_s."""
    world, ab_t, ab_s = WORLDS["homework"], 0.3, 0.8
    x_t = torch.tensor([0.4, 0.2], dtype=torch.float64)
    x_s, area = plane(-3, 4, 600)
    ratio = ab_t / ab_s
    joint = world.diffused(ab_s).log_prob(x_s) - (x_t - math.sqrt(ratio) * x_s).square().sum(-1) / (2 * (1 - ratio))
    bayes = joint - joint.logsumexp(0) - math.log(area)
    torch.testing.assert_close(world.reverse_kernel(x_t, ab_t, ab_s).log_prob(x_s), bayes, atol=1e-8, rtol=1e-8)


def test_ancestral_sampling_with_the_exact_kernel_is_exact_at_any_number_of_steps(generator):
    """Two steps, started from the exact q(x_T): only the exact kernel brings the samples back to the truth."""
    world, n = WORLDS["homework"], 5000
    alpha_bar = [1.0, 0.5, 0.05]
    x, _ = world.diffused(alpha_bar[2]).sample(n, generator)
    for t in (2, 1):
        x, _ = world.reverse_kernel(x, alpha_bar[t], alpha_bar[t - 1]).sample(n, generator)
    assert energy_distance(x, world) < 4 * energy_distance_floor(world, n)


def test_label_conditions_on_one_component_and_null_label_on_none(mixture, generator):
    x = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    y = torch.tensor([0, 2, 3, 1])  # 3 is ∅
    conditional = mixture.given_label(y)
    for i in (0, 1, 3):
        torch.testing.assert_close(conditional.log_prob(x)[i], normal(mixture, y[i]).log_prob(x[i]))
    torch.testing.assert_close(conditional.score(x)[2], mixture.score(x[2]))


# Independent quadrature, T = 50 (and 5), cosine schedule, pixel space, per pixel (DESIGN figures).
FLOORS = {
    ("homework", 50): (0.1179, 0.0745),
    ("signed", 50): (0.1614, 0.0745),
    ("overlapping", 50): (0.3627, 0.2950),
    ("homework", 5): (0.0556, 0.0211),
}
FLOORS_AT = {  # t: (homework without label, with label, signed without label), T = 50
    1: (0.8688, 0.8510, 0.8510),
    5: (0.4235, 0.2583, 0.2590),
    10: (0.2028, 0.0815, 0.1674),
    25: (0.0305, 0.0097, 0.1737),
    40: (0.0034, 0.0010, 0.0280),
}


@pytest.mark.parametrize(("name", "T"), FLOORS)
def test_average_loss_floors(name, T):
    alphas_cumprod = cosine_schedule(T).alphas_cumprod[1:]
    world = WORLDS[name]
    unlabelled = np.mean([world.loss_floor(a) for a in alphas_cumprod])
    labelled = np.mean([world.labelled_loss_floor(a) for a in alphas_cumprod])
    assert unlabelled == pytest.approx(FLOORS[name, T][0], abs=1e-4)  # 5e-5 for the last digit, 5e-5 for the quadrature
    assert labelled == pytest.approx(FLOORS[name, T][1], abs=6e-5)


@pytest.mark.parametrize("t", FLOORS_AT)
def test_loss_floors_per_step(t):
    a = cosine_schedule(50).alphas_cumprod[t]
    homework, signed = WORLDS["homework"], WORLDS["signed"]
    measured = homework.loss_floor(a, n=2**17), homework.labelled_loss_floor(a), signed.loss_floor(a, n=2**17)
    assert measured == pytest.approx(FLOORS_AT[t], abs=6e-5)  # half a unit of the last digit, and the quadrature


def test_loss_floor_is_the_loss_of_the_oracle(mixture, generator):
    """E‖ε - ε*‖²/d by Monte Carlo, in three dimensions with unequal σ, with and without label."""
    n, alpha_bar = 200_000, 0.6
    x0, y = mixture.sample(n, generator)
    eps = torch.randn(n, 3, generator=generator, dtype=torch.float64)
    x_t = math.sqrt(alpha_bar) * x0 + math.sqrt(1 - alpha_bar) * eps
    for oracle, floor in [
        (mixture, mixture.loss_floor(alpha_bar)),
        (mixture.given_label(y), mixture.labelled_loss_floor(alpha_bar)),
    ]:
        error = (eps - oracle.best_eps(x_t, alpha_bar)).square().mean(1)
        assert abs(float(error.mean()) - floor) < 4 * float(error.std()) / math.sqrt(n)


def test_labels_tell_nothing_new_where_modes_lie_far_apart():
    """Two modes in three dimensions, of different σ: both floors are the same."""
    world = GaussianMixture([[0.0, 0.0, 0.0], [90.0, 90.0, 90.0]], [0.2, 0.6], [0.3, 0.7])
    assert world.loss_floor(0.6) == pytest.approx(world.labelled_loss_floor(0.6), rel=1e-9)


def test_exact_denoiser_takes_a_step_and_a_label_for_each_image(generator):
    world, schedule = WORLDS["overlapping"], cosine_schedule(10)
    denoiser = ExactDenoiser(world, schedule.alphas_cumprod)
    x_t = torch.randn(3, 1, 2, generator=generator)
    t, y = torch.tensor([1, 5, 10]), torch.tensor([0, 2, 1])
    eps = denoiser(x_t, t, y)
    assert eps.shape == x_t.shape
    assert eps.dtype == x_t.dtype
    for i in range(3):
        one = world.given_label(y[i]).best_eps(x_t[i, 0].double(), schedule.alphas_cumprod[t[i]])
        torch.testing.assert_close(eps[i, 0], one.float())
    torch.testing.assert_close(denoiser(x_t, t, None), denoiser(x_t, t, torch.full((3,), 2)))


def test_exact_classifier_is_the_posterior_of_the_diffused_world(generator):
    world, schedule = WORLDS["overlapping"], cosine_schedule(10)
    x_t = torch.randn(6, 1, 2, generator=generator, dtype=torch.float64)
    log_posterior = ExactDenoiser(world, schedule.alphas_cumprod).log_posterior(x_t, torch.full((6,), 4))
    expected = world.diffused(schedule.alphas_cumprod[4]).posterior(x_t[:, 0])
    torch.testing.assert_close(log_posterior.exp(), expected)


def test_class_0_has_the_darker_left_pixel():
    for world in WORLDS.values():
        assert world.means[0, 0] < world.means[0, 1]
        assert world.means[1, 0] > world.means[1, 1]


@pytest.mark.parametrize(("std", "weights"), [(0.0, [0.5, 0.5]), (0.1, [0.5, 0.6]), (0.1, [1.5, -0.5])])
def test_what_is_no_mixture_is_refused(std, weights):
    with pytest.raises(ValueError, match="mixture"):
        GaussianMixture([[0.0, 0.0], [1.0, 1.0]], std, weights)


def test_batches_of_mixtures_are_their_mixtures_one_by_one(generator):
    """Diffused by a table of ᾱ (2, 4), with numbers of components, of dimensions and of mixtures that all differ."""
    world = GaussianMixture(torch.randn(3, 5, generator=generator), [0.3, 0.8, 0.5], [0.2, 0.5, 0.3])
    alpha_bar = torch.linspace(0.1, 0.9, 8).double().view(2, 4)
    x = torch.randn(2, 4, 5, generator=generator, dtype=torch.float64)
    together, exact = world.diffused(alpha_bar), world.given_noisy(x, alpha_bar)
    assert (together.num_classes, together.dim, exact.num_classes, exact.dim) == (3, 5, 3, 5)
    for i in range(2):
        for j in range(4):
            alone, known = world.diffused(alpha_bar[i, j]), world.given_noisy(x[i, j], alpha_bar[i, j])
            torch.testing.assert_close(together.means[i, j], alone.means)
            torch.testing.assert_close(together.log_prob(x)[i, j], alone.log_prob(x[i, j]))
            torch.testing.assert_close(together.score(x)[i, j], alone.score(x[i, j]))
            torch.testing.assert_close(together.covariance()[i, j], alone.covariance())
            torch.testing.assert_close(exact.means[i, j], known.means)
            torch.testing.assert_close(exact.covariance()[i, j], known.covariance())
            torch.testing.assert_close(exact.variance()[i, j], known.variance())
            torch.testing.assert_close(world.best_eps(x, alpha_bar)[i, j], world.best_eps(x[i, j], alpha_bar[i, j]))


@pytest.mark.parametrize("weights", [[0.5, 0.5], [0.25] * 4, [1.0]])
def test_mixture_wants_one_weight_for_each_component(weights):
    with pytest.raises(ValueError, match="one weight for each"):
        GaussianMixture([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]], 0.1, weights)


@pytest.mark.parametrize("std", [0.0, -0.1, [0.1, -0.1]])
def test_mixture_wants_a_positive_std(std):
    with pytest.raises(ValueError, match="std > 0"):
        GaussianMixture([[0.0, 1.0], [1.0, 0.0]], std, [0.5, 0.5])
