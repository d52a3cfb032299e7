"""The checks of notebook 03 say what is wrong with an answer."""

import copy

import pytest
from checks import sampling as checks


def step_with(z_factor=lambda schedule, t: schedule.posterior_variance[t].sqrt(), divisor="alphas"):
    def function(eps, schedule, x_t, t, z):
        mean = x_t - schedule.betas[t] / schedule.sqrt_one_minus_alphas_cumprod[t] * eps
        divisors = {"alphas": schedule.alphas[t].sqrt(), "cumprod": schedule.sqrt_alphas_cumprod[t], "none": 1}
        return mean / divisors[divisor] + z_factor(schedule, t) * z

    return function


RIGHT_BUGS = {"A": "starts at T-1", "B": "noise on the last step", "C": "none", "D": "skips the last step"}


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("reverse_step_13", (step_with(z_factor=lambda s, t: 0.0),), "no noise"),
        ("reverse_step_13", (step_with(z_factor=lambda s, t: s.posterior_variance[t]),), "standard deviation"),
        ("reverse_step_13", (step_with(z_factor=lambda s, t: s.betas[t].sqrt()),), "variance β_t"),
        ("reverse_step_13", (step_with(divisor="none"),), "√α_t is missing"),
        ("reverse_step_13", (step_with(divisor="cumprod"),), "not by √ᾱ_t"),
        ("reverse_step_13", (lambda eps, schedule, x_t, t, z: x_t,), "off by"),
        ("which_bug", (RIGHT_BUGS | {"A": "none", "C": "starts at T-1"}, 0, None), "A is not the one"),
        ("which_bug", (RIGHT_BUGS | {"A": "late"}, 0, None), "is none of"),
        ("which_bug", (RIGHT_BUGS, ..., None), "Now count"),
        ("which_bug", ({"A": "starts at T-1"}, 0, None), "for each of A, B, C, D"),
        ("width_without_noise", (0.2,), "too large"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))
