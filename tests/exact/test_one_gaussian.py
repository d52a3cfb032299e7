"""The world of one Gaussian: the width by recursion against samples, and the bugs that it must see."""

import math

import pytest
import torch

from exact.one_gaussian import expected_std, flow_error, std_in_one_gaussian_world, steps_asked
from measurements.bugs import RIGHT, WAYS
from samplers import SAMPLERS
from utils import Schedule, cosine_schedule


def test_width_is_that_of_the_right_sampler_and_of_no_wrong_one():
    for name, draw in WAYS.items():
        width, expected, error = std_in_one_gaussian_world(draw, T=20, n=20_000)
        asked = steps_asked(draw, 20)
        assert (name == RIGHT) == (abs(width - expected) < 4 * error and asked == list(range(20, 0, -1)))


def test_expected_width_of_one_step_by_hand():
    """T = 1: x_0 is the mean of eq. 13, and x_1 has variance 1."""
    schedule, s = Schedule(torch.tensor([0.0, 0.4], dtype=torch.float64)), 0.5
    alpha = 0.6
    mean = (1 - 0.4 / (alpha * s**2 + 0.4)) / alpha**0.5
    assert expected_std(schedule, s) == pytest.approx(mean)


def test_more_noise_makes_samples_wider():
    schedule = cosine_schedule(20)
    assert expected_std(schedule, 0.2, schedule.betas) > expected_std(schedule, 0.2)


@pytest.mark.parametrize("t", [5, 50, 200, 500])
def test_what_a_step_loses_and_asking_a_step_earlier_gives_back(t):
    """The two formulas of notebook 11, to leading order in β_t: a step of the exact denoiser, asked at t and at t-1."""
    schedule, s = cosine_schedule(1000), 0.5
    alphas_cumprod, beta = schedule.alphas_cumprod, schedule.betas[t]
    n = 1 - alphas_cumprod
    D = alphas_cumprod * s**2 + n  # the variance of x_t; ε* = √n x_t / D

    def variance_after(asked_at):
        c = (1 - beta / n[t].sqrt() * n[asked_at].sqrt() / D[asked_at]) / schedule.alphas[t].sqrt()
        return c**2 * D[t] + schedule.posterior_variance[t]

    scale = beta**2 * alphas_cumprod[t]
    lost, back = D[t - 1] - variance_after(t), variance_after(t - 1) - variance_after(t)
    assert float(lost / scale) == pytest.approx(float(1 / n[t] - (1 - s**2) / D[t]), rel=0.01)
    assert float(back / scale) == pytest.approx(float(1 / n[t] - 2 * (1 - s**2) / D[t]), rel=0.1)


def test_asking_a_step_earlier_can_overshoot_or_make_narrow_modes_narrower():
    early = WAYS["network asked at t-1"]
    width, expected, error = std_in_one_gaussian_world(early, T=5, std=1.0, n=20_000)
    assert width > 1 + 4 * error  # the world's own σ
    width, expected, error = std_in_one_gaussian_world(early, T=10, std=0.1, n=20_000)
    assert width < expected - 4 * error


def test_flow_error_is_0_for_the_flow_itself_and_large_for_what_does_not_move():
    def flow(denoiser, schedule, steps, x_t, y, generator):
        a, b = schedule.alphas_cumprod[[steps[0], steps[-1]]]
        mean, std_t, std_s = torch.tensor([0.4, -0.3]), (1 - 0.75 * a).sqrt(), (1 - 0.75 * b).sqrt()  # ᾱσ² + 1-ᾱ, σ = ½
        yield steps[-1], b.sqrt() * mean + (x_t - a.sqrt() * mean) / std_t * std_s

    def standing_still(denoiser, schedule, steps, x_t, y, generator):
        yield steps[-1], x_t

    assert flow_error(flow, 3) < 1e-6
    assert flow_error(standing_still, 3) > 0.1


@pytest.mark.parametrize(("sampler", "order"), [("ddim", 1), ("heun", 2), ("dpm_solver", 2), ("deis", 2)])
def test_flow_error_falls_with_the_order_of_the_sampler(sampler, order):
    """As the picture of notebook 08 says; a part of the error falls still faster."""
    coarse, fine = (flow_error(SAMPLERS[sampler], n) for n in (32, 64))
    assert math.log2(coarse / fine) == pytest.approx(order, abs=0.1)
