"""The checks of notebook 08 say what is wrong with an answer."""

import copy

import pytest
import torch
from checks import fast_samplers as checks
from checks.common import SO_FAR, UNANSWERED


def ddim_step(noise_of="s", image_of="s", divided=True, tables_of="t"):
    """One step of DDIM with one mistake; noise_of None leaves the noise out, image_of None does not multiply x̂_0."""

    def function(eps, schedule, x_t, t, s):
        a, b = schedule.sqrt_alphas_cumprod, schedule.sqrt_one_minus_alphas_cumprod
        steps = {"t": t, "s": s}
        known = steps[tables_of]
        x0 = (x_t - b[known] * eps) / (a[known] if divided else 1)
        image = x0 if image_of is None else a[steps[image_of]] * x0
        return image if noise_of is None else image + b[steps[noise_of]] * eps

    return function


def covariance_of_x0(identity=1, sign=-1, power=2, a_power=2, J_power=1):
    def function(jacobian, alpha_bar):
        a, b = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
        return b**power / a**a_power * (identity * torch.eye(2) + sign * b**J_power * jacobian)

    return function


def taught_x0(r_without_b_t=False, sign=-1, x0_in_noise=True):
    def function(x_t, x_s, a_t, b_t, a_s, b_s):
        r = b_s if r_without_b_t else b_s / b_t
        return (x_s - r * x_t) / (a_s + (sign * r * a_t if x0_in_noise else 0))

    return function


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("ddim_step", (lambda *a: ...,), UNANSWERED),
        ("ddim_step", (ddim_step(noise_of=None),), "The noise of s is missing"),
        ("ddim_step", (ddim_step(noise_of=None, image_of=None),), "noise it again"),
        ("ddim_step", (ddim_step(noise_of="t"),), "that of s, not of t"),
        ("ddim_step", (ddim_step(image_of=None),), "multiplied by a_s"),
        ("ddim_step", (ddim_step(tables_of="s"),), "with the a and b of t"),
        ("ddim_step", (ddim_step(divided=False),), "division by a_t is missing"),
        ("ddim_step", (lambda eps, schedule, x_t, t, s: x_t + eps,), "off by"),
        ("ddim_step", (lambda eps, schedule, x_t, t, s: x_t.mul_(2),), "Work on a copy"),
        ("covariance_from_slope", (lambda *a: ...,), UNANSWERED),
        ("covariance_from_slope", (lambda J, alpha_bar: J[0],), "shape"),
        ("covariance_from_slope", (covariance_of_x0(power=0, a_power=1),), "That is ∂x̂_0/∂x_t"),
        ("covariance_from_slope", (covariance_of_x0(a_power=1),), "A 1/√ᾱ_t is missing"),
        ("covariance_from_slope", (covariance_of_x0(a_power=0),), "together by ᾱ_t"),
        ("covariance_from_slope", (lambda J, a: (1 - a) / a * (1 - (1 - a).sqrt() * J),), "torch.eye"),
        ("covariance_from_slope", (covariance_of_x0(power=1),), "not √(1-ᾱ_t)/√ᾱ_t"),
        ("covariance_from_slope", (covariance_of_x0(identity=0),), "where is the I"),
        ("covariance_from_slope", (covariance_of_x0(sign=1),), "with a minus"),
        ("covariance_from_slope", (covariance_of_x0(J_power=0),), "with the factor √(1-ᾱ_t)"),
        ("taught_x0", (lambda *a: ...,), UNANSWERED),
        ("taught_x0", (lambda x_t, x_s, *a: x_s,), "predicts an image"),
        ("taught_x0", (taught_x0(x0_in_noise=False),), "not a_s alone"),
        ("taught_x0", (taught_x0(r_without_b_t=True),), "has a 1/b_t"),
        ("taught_x0", (taught_x0(sign=1),), "with a minus"),
        ("taught_x0", (lambda x_t, x_s, a_t, b_t, a_s, b_s: taught_x0()(x_s, x_t, a_s, b_s, a_t, b_t),), "off by"),
        ("taught_x0", (lambda x_t, x_s, a_t, b_t, a_s, b_s: taught_x0()(x_t, x_s, a_t, b_s, a_s, b_t),), "mixed up"),
        ("twenty_calls", (20, 5), "heun_steps = 20 is too large"),
        ("twenty_calls", (10, 10), "second_moment_steps = 10 is too large"),
        ("twenty_calls", (10, ...), SO_FAR),
        ("twenty_calls", (20, ...), "heun_steps = 20 is too large"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))
