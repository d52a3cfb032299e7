"""The schedule's tables, forward noising and parameterisations against closed forms and diffusers."""

import math
from dataclasses import FrozenInstanceError

import pytest
import torch
from diffusers import DDPMScheduler

from utils import (
    Schedule,
    add_noise,
    cosine_schedule,
    eps_from_output,
    eps_from_x0,
    flow_schedule,
    linear_schedule,
    reverse_variance,
    training_target,
    x0_from_eps,
)

SHAPES = [(1, 2), (1, 28, 28)]


def test_cosine_schedule_has_the_published_values():
    """Nichol & Dhariwal eq. 17 with the square, s = 0.008 and the clip at 0.999, computed independently."""
    five = cosine_schedule(5)
    betas = [0, 0.10129408, 0.27954385, 0.47363535, 0.72405237, 0.999]
    alphas_cumprod = [1, 0.898705921, 0.647478211, 0.340809640, 0.0940456127, 9.40456e-5]
    assert five.betas.tolist() == pytest.approx(betas, abs=5e-9)
    assert five.alphas_cumprod.tolist() == pytest.approx(alphas_cumprod, rel=1e-6)
    fifty = cosine_schedule(50)
    betas = [0.00174751, 0.00368895, 0.00563379, 0.55483515, 0.749757, 0.999]
    assert fifty.betas[[1, 2, 3, 48, 49, 50]].tolist() == pytest.approx(betas, abs=5e-7)
    assert float(fifty.alphas_cumprod[50]) == pytest.approx(9.71193e-7, rel=1e-5)


@pytest.mark.parametrize(("name", "ours"), [("squaredcos_cap_v2", cosine_schedule), ("linear", linear_schedule)])
def test_schedules_are_those_of_diffusers_one_step_later(name, ours):
    theirs = DDPMScheduler(num_train_timesteps=50, beta_schedule=name).betas.double()
    torch.testing.assert_close(ours(50).betas[1:], theirs, atol=2e-7, rtol=1e-5)  # theirs is float32


def test_linear_schedule_is_a_line_to_the_last_digit():
    line = [1e-4 + (0.02 - 1e-4) * i / 49 for i in range(50)]
    assert linear_schedule(50).betas[1:].tolist() == pytest.approx(line, rel=1e-13)


def test_flow_schedule_is_the_line_from_image_to_noise():
    """a : b = 1-τ : τ, τ = t/T, at every step but the last, where β_T = 0.999 leaves a 1000th of ᾱ_{T-1}."""
    s = flow_schedule(50)
    a, b = s.sqrt_alphas_cumprod, s.sqrt_one_minus_alphas_cumprod
    torch.testing.assert_close((b / (a + b))[:-1], torch.arange(50).double() / 50, rtol=1e-13, atol=1e-13)
    assert float(s.alphas_cumprod[50]) == pytest.approx(1e-3 / (1 + 49**2), rel=1e-12)
    assert float(s.betas[1]) == pytest.approx(1 / (1 + 49**2), rel=1e-12)


@pytest.mark.parametrize("make", [cosine_schedule, linear_schedule, flow_schedule])
@pytest.mark.parametrize("T", [1, 2, 5, 50, 1000])
def test_every_table_is_indexed_by_t_itself(make, T):
    s = make(T)
    assert s.T == T
    for table in (s.betas, s.alphas, s.alphas_cumprod, s.posterior_variance):
        assert table.shape == (T + 1,)
        assert table.dtype == torch.float64
    assert (s.betas[0], s.alphas[0], s.alphas_cumprod[0], s.posterior_variance[1]) == (0, 1, 1, 0)
    product = 1.0
    for t in range(1, T + 1):
        previous, product = product, product * (1 - float(s.betas[t]))
        assert float(s.alphas_cumprod[t]) == pytest.approx(product, rel=1e-12)
        assert float(s.posterior_variance[t]) == pytest.approx((1 - previous) / (1 - product) * float(s.betas[t]))


@pytest.mark.parametrize("shape", SHAPES)
def test_noised_data_has_the_mean_and_variance_of_eq_3(shape, generator):
    schedule, n = cosine_schedule(10), 20_000 // math.prod(shape) + 2
    x0 = torch.randn(shape, generator=generator).expand(n, *shape)
    for t in (1, 5, 10):
        eps = torch.randn(x0.shape, generator=generator)
        x_t = add_noise(schedule, x0, torch.full((n,), t), eps)
        a = float(schedule.alphas_cumprod[t])
        noise = (x_t - math.sqrt(a) * x0) / math.sqrt(1 - a)
        m = noise.numel()
        assert abs(float(noise.mean())) < 4 / math.sqrt(m)
        assert abs(float(noise.square().mean()) - 1) < 4 * math.sqrt(2 / m)


def test_each_image_gets_its_own_step():
    schedule, x0, eps = cosine_schedule(10), torch.ones(3, 1, 2), torch.zeros(3, 1, 2)
    x_t = add_noise(schedule, x0, torch.tensor([1, 5, 10]), eps)
    torch.testing.assert_close(x_t[:, 0, 0], schedule.alphas_cumprod[[1, 5, 10]].sqrt().float())


def test_one_step_after_another_is_eq_3():
    """Chapman-Kolmogorov by eq. 1: applying N(√(1-β) x, β) T times multiplies the mean by √ᾱ and adds variance 1-ᾱ."""
    s = cosine_schedule(20)
    mean, variance = 1.0, 0.0
    for t in range(1, 21):
        beta = float(s.betas[t])
        mean, variance = math.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
        assert mean == pytest.approx(float(s.alphas_cumprod[t]) ** 0.5)
        assert variance == pytest.approx(1 - float(s.alphas_cumprod[t]))


@pytest.mark.parametrize("prediction", ["eps", "v", "x0", "u"])
def test_every_parameterisation_gives_the_noise_back(prediction, generator):
    schedule = cosine_schedule(10)
    x0 = torch.randn(10, 1, 2, generator=generator, dtype=torch.float64)
    eps = torch.randn(10, 1, 2, generator=generator, dtype=torch.float64)
    t = torch.arange(1, 11)
    x_t = add_noise(schedule, x0, t, eps)
    target = training_target(schedule, prediction, x0, t, eps)
    torch.testing.assert_close(eps_from_output(schedule, prediction, target, x_t, t), eps)
    torch.testing.assert_close(x0_from_eps(schedule, x_t, t, eps), x0)
    torch.testing.assert_close(eps_from_x0(schedule, x_t, t, x0), eps)


@pytest.mark.parametrize("shape", SHAPES)
def test_forward_process_and_v_conform_to_diffusers(shape, generator):
    scheduler = DDPMScheduler(num_train_timesteps=20, beta_schedule="squaredcos_cap_v2")
    schedule = Schedule(torch.cat([torch.zeros(1), scheduler.betas]).double())
    x0, eps = torch.randn(2, 20, *shape, generator=generator)
    t = torch.arange(1, 21)
    torch.testing.assert_close(add_noise(schedule, x0, t, eps), scheduler.add_noise(x0, eps, t - 1))
    v = training_target(schedule, "v", x0, t, eps)
    torch.testing.assert_close(v, scheduler.get_velocity(x0, eps, t - 1), atol=1e-5, rtol=1e-5)


def test_unknown_names_and_impossible_schedules_are_refused():
    x, schedule = torch.zeros(1, 1, 2), cosine_schedule(3)
    t = torch.tensor([1])
    for name in ("", "epsilon", "zero"):  # before, between and after the known ones
        with pytest.raises(ValueError, match=f"unknown prediction '{name}'"):
            training_target(schedule, name, x, t, x)
        with pytest.raises(ValueError, match=f"unknown prediction '{name}'"):
            eps_from_output(schedule, name, x, x, t)
        with pytest.raises(ValueError, match=f"unknown variance '{name}'"):
            reverse_variance(schedule, name)
    built = "".join(["e", "p", "s"])  # equal to "eps", and another object
    assert torch.equal(training_target(schedule, built, x, t, x + 1), x + 1)
    assert torch.equal(eps_from_output(schedule, built, x + 1, x, t), x + 1)
    for T in (0, -1):
        with pytest.raises(ValueError, match="T >= 1"):
            cosine_schedule(T)
    for beta in (-0.5, 0.0, 1.0, 1.5, math.nan):
        with pytest.raises(ValueError, match="betas between 0 and 1"):
            Schedule(torch.tensor([0.0, 0.5, beta], dtype=torch.float64))


def test_schedule_cannot_be_changed_and_is_itself_only():
    """Its tables are computed once; a compared schedule would ask for the truth of a whole tensor."""
    schedule = cosine_schedule(3)
    with pytest.raises(FrozenInstanceError):
        schedule.betas = schedule.betas * 2
    assert schedule != cosine_schedule(3)
    assert schedule in {schedule: 0}
