"""What a model believes: the bound's terms and the samplers' densities, in closed form where there is one."""

import math
from types import SimpleNamespace

import pytest
import torch

from evaluation.committed import CHECKPOINTS
from evaluation.flow_density import flow_density, in_float64
from exact.bound import best_variance, entropy, gap, squared_errors, terms, variances
from exact.chain_density import chain_density, chain_on_grid, grid_of
from exact.one_gaussian import expected_std
from experiments import two_pixel
from gmm import ExactDenoiser, GaussianMixture
from utils import cosine_schedule, reverse_variance

SCALE = 2.0  # from pixel to model space


def run_of(mixture, T):
    """What the modules ask of a `TwoPixel`: a mixture in model space, and the map to pixel space."""
    schedule = cosine_schedule(T)
    return SimpleNamespace(
        mixture=mixture,
        world=mixture.affine(1 / SCALE, 0.0),
        scale=SCALE,
        schedule=schedule,
        exact=ExactDenoiser(mixture, schedule.alphas_cumprod),
        to_pixels=lambda x: x.squeeze(-2) / SCALE,
    )


def one_gaussian(T, std=0.4):
    return run_of(GaussianMixture([[0.0, 0.0]], std, [1.0]), T)


def gaussian_kl(std, other):
    """KL(N(0, std² I) ‖ N(0, other² I)) of two pixels."""
    ratio = (std / other) ** 2
    return ratio - 1 - math.log(ratio)


@pytest.fixture(scope="module")
def committed():
    return two_pixel.load(CHECKPOINTS / "homework-T10")


# --- one Gaussian: closed forms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("T", [1, 5, 50])
def test_bound_of_one_gaussian_is_its_entropy_and_the_prior(T):
    """There q(x_s|x_t) is a Gaussian with the best variance, so nothing is lost but KL(q(x_T) ‖ N(0, I))."""
    std, run = 0.4, one_gaussian(T)
    alphas_cumprod = run.schedule.alphas_cumprod
    least, beyond = squared_errors(run, run.exact)
    signal = alphas_cumprod * std**2
    torch.testing.assert_close(least[1:], (2 * signal / (signal + 1 - alphas_cumprod))[1:], rtol=1e-10, atol=0)
    assert beyond.max() < 1e-10
    exact_entropy = math.log(2 * math.pi * math.e * (std / SCALE) ** 2)
    assert entropy(run) == pytest.approx(exact_entropy, abs=1e-10)
    prior = gaussian_kl(float((signal[-1] + 1 - alphas_cumprod[-1]).sqrt()), 1.0)
    bound = terms(run, least, best_variance(run.schedule, least))
    assert bound.shape == (T + 1,)
    assert float(bound.sum()) == pytest.approx(exact_entropy + prior, abs=1e-9)
    parts = gap(run, least, beyond, best_variance(run.schedule, least))
    assert parts["prior"] == pytest.approx(prior, abs=1e-10)
    assert {name: round(part, 9) for name, part in parts.items() if name != "prior"} == dict.fromkeys(
        ("network", "variance", "shape", "humps"), 0.0
    )


@pytest.mark.parametrize("T", [3, 10])
@pytest.mark.parametrize("variance", ["posterior", "beta"])
def test_eq_13_of_one_gaussian_has_the_density_of_its_width(T, variance):
    """The width is that of the recursion; its divergence from the truth is that of two Gaussians."""
    std, run = 0.4, one_gaussian(T)
    table = reverse_variance(run.schedule, variance)
    found, width = chain_density(run, run.exact, table), expected_std(run.schedule, std, table)
    truth = GaussianMixture([[0.0, 0.0]], width / SCALE, [1.0]).log_prob(found.x_0)
    near = truth > -20  # farther out the grid ends
    torch.testing.assert_close(found.log_p[near], truth[near], rtol=0, atol=1e-6)
    assert found.mass() == pytest.approx(1, abs=1e-6)
    assert found.kl_from(run.world) == pytest.approx(gaussian_kl(std, width), abs=1e-6)
    assert found.kl_to(run.world) == pytest.approx(gaussian_kl(width, std), abs=1e-6)


def test_density_on_the_way_of_eq_13_has_the_width_of_the_recursion():
    """p_θ(x_t) at each t down to 1, for the exact denoiser of one Gaussian: x_{t-1} = c_t x_t + σ_t z."""
    std, run = 0.4, one_gaussian(10)
    variance, alphas_cumprod = run.schedule.posterior_variance, run.schedule.alphas_cumprod
    c = (1 - run.schedule.betas / (alphas_cumprod * std**2 + 1 - alphas_cumprod)) / run.schedule.alphas.sqrt()
    (x, cell), width, steps = grid_of(variance), 1.0, []
    for t, log_p in chain_on_grid(run, run.exact, variance):
        if t < 10:
            width = float(c[t + 1] ** 2 * width + variance[t + 1])
        p = log_p.exp() * cell
        assert float(p.sum()) == pytest.approx(1, abs=1e-6)
        assert float(p @ x[:, 0] ** 2) == pytest.approx(width, abs=1e-6)
        steps.append(t)
    assert steps == list(range(10, 0, -1))


def test_density_of_a_flow_is_that_of_its_linear_map():
    """In a world of one Gaussian x_0 = c x_T with one c for each sampler, so p_θ is N(0, c² I)."""
    run = one_gaussian(20)
    for sampler in ("ddim", "heun", "dpm_solver", "deis"):
        found = flow_density(run, run.exact, sampler, 5, n=40)
        width = float(found.x_0.norm(dim=1).max() / (math.sqrt(2) * 6.5 * 39 / 40))
        truth = GaussianMixture([[0.0, 0.0]], width, [1.0]).log_prob(found.x_0)
        torch.testing.assert_close(found.log_p, truth, rtol=0, atol=1e-9)
        torch.testing.assert_close(found.area, torch.full_like(found.area, (width * 13 / 40) ** 2))


# --- two modes --------------------------------------------------------------------------------------------------------


def test_log_density_of_the_flow_comes_to_that_of_the_world_with_the_order_of_the_integrator():
    """Twice the steps: half the error for DDIM, a quarter for DPM-Solver++, in the mean of |log p_θ - log p|.

    Heun's order is seen before the last step only (`test_samplers.py`): the plain last step is (1/n + 0.008)² off.
    """
    run = run_of(GaussianMixture([[-0.8, 0.3], [0.6, -0.4]], [0.5, 0.4], [0.4, 0.6]), 512)

    def error(sampler, steps):
        found = flow_density(run, run.exact, sampler, steps, n=48)
        truth = run.world.log_prob(found.x_0)
        return float(((found.log_p - truth).abs() * truth.exp() * found.area).sum())

    for sampler, order in (("ddim", 1), ("dpm_solver", 2)):
        coarse, fine = error(sampler, 32), error(sampler, 64)
        assert math.log2(coarse / fine) == pytest.approx(order, abs=0.2), sampler
    assert fine < 2e-3


@pytest.mark.parametrize("who", ["network", "oracle"])
def test_bound_is_above_the_likelihood_and_the_likelihood_above_the_entropy(committed, who):
    """-E log p_θ by the density on the grid, noise at the last step, too; the bound's gap is at least what it is."""
    denoiser = in_float64(committed) if who == "network" else committed.exact
    least, beyond = squared_errors(committed, committed.learned() if who == "network" else committed.exact)
    for variance in variances(committed.schedule, least + beyond).values():
        found = chain_density(committed, denoiser, variance)
        assert found.mass() == pytest.approx(1, abs=1e-4)
        kl, bound = found.kl_from(committed.world), float(terms(committed, least + beyond, variance).sum())
        assert bound > entropy(committed) + kl > entropy(committed) + 1e-3
        parts = gap(committed, least, beyond, variance)
        assert min(parts.values()) > -1e-6
        assert entropy(committed) + sum(parts.values()) == pytest.approx(bound)


def test_divergence_does_not_depend_on_the_grid(committed):
    """A coarse grid is right to a fifth of the divergence itself, however small that is."""
    run = two_pixel.load(CHECKPOINTS / "homework-T50")
    fine = flow_density(run, run.exact, "dpm_solver", 50, n=96)
    for n in (24, 48):
        found = flow_density(run, run.exact, "dpm_solver", 50, n=n)
        assert abs(found.kl_from(run.world) / fine.kl_from(run.world) - 1) < 0.2
        assert abs(found.kl_to(run.world) / fine.kl_to(run.world) - 1) < 0.2
    assert fine.mass_of(run.world) == pytest.approx(1, abs=1e-3)
    assert 4e-6 < fine.kl_from(run.world) < 7e-6


def test_mass_of_a_network_s_flow_is_1(committed):
    found = flow_density(committed, in_float64(committed), "dpm_solver", 10, n=64)
    assert found.mass() == pytest.approx(1, abs=1e-4)
    assert found.mass_of(committed.world) == pytest.approx(1, abs=2e-2)  # the areas, and so the determinants, are right


def test_bound_of_a_step_is_the_mean_over_samples(committed):
    """L_{t-1} at t = 4 by 40,000 pairs (x_0, ε) and the closed form of two Gaussians' KL: within 4 standard errors."""
    schedule, t, random = committed.schedule, 4, torch.Generator().manual_seed(0)
    least, beyond = squared_errors(committed, committed.learned())
    variance = schedule.betas
    term = float(terms(committed, least + beyond, variance)[t - 1])
    x0, _ = committed.mixture.sample(40_000, random)
    eps = torch.randn(x0.shape, generator=random, dtype=torch.float64)
    a, before = schedule.alphas_cumprod[t], schedule.alphas_cumprod[t - 1]
    x_t = a.sqrt() * x0 + (1 - a).sqrt() * eps
    with torch.no_grad():
        guessed = committed.learned()(x_t.float().unsqueeze(1), torch.tensor([t])).squeeze(1).double()

    def posterior_mean(noise):  # of q(x_{t-1}|x_t, x_0), with the x_0 that this noise means (Ho et al. 2020, eq. 7)
        x = (x_t - (1 - a).sqrt() * noise) / a.sqrt()
        return (before.sqrt() * schedule.betas[t] * x + schedule.alphas[t].sqrt() * (1 - before) * x_t) / (1 - a)

    apart = (posterior_mean(eps) - posterior_mean(guessed)).square().sum(1)
    ratio = schedule.posterior_variance[t] / variance[t]
    values = ratio - 1 - ratio.log() + apart / (2 * variance[t])
    assert float(values.mean()) == pytest.approx(term, abs=4 * float(values.std()) / 200)
