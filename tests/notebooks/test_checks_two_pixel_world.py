"""The checks of notebook 01 say what is wrong with an answer."""

import copy

import pytest
from checks import two_pixel_world as checks
from checks.common import SO_FAR


def denoised_mean(sign=1, power=1.0, root=True):
    def function(x_t, alpha_bar, score):
        return (x_t + sign * (1 - alpha_bar) ** power * score) / (alpha_bar.sqrt() if root else 1)

    return function


def noise_with(share, like):
    def function(schedule, x_0, t, eps):
        noise = schedule.sqrt_alphas_cumprod[t] if like == "image" else schedule.sqrt_one_minus_alphas_cumprod[t]
        return schedule.sqrt_alphas_cumprod[t] * x_0 + share * noise * eps

    return function


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("half_noise", (24, 100), "T = 50 = 24 is too small"),
        ("half_noise", (25, 101), "T = 200 = 101 is too large"),
        ("half_noise", ("half", 100), "a number is asked for"),
        ("half_noise", (25, ...), SO_FAR),
        ("denoised_mean", (denoised_mean(sign=-1),), "wrong sign"),
        ("denoised_mean", (denoised_mean(root=False),), "is missing"),
        ("denoised_mean", (denoised_mean(power=0.5),), "wants the factor"),
        ("denoised_mean", (denoised_mean(power=2.0),), "off by"),
        ("denoised_mean", (lambda x_t, alpha_bar, score: score[0],), "shape"),
        ("denoised_mean", (lambda x_t, alpha_bar, score: 0.0,), "a tensor"),
        ("broken_noise", (noise_with(1, like="noise"), ...), "is the correct code"),
        ("broken_noise", (noise_with(2, like="image"), ...), "neither"),
        ("broken_noise", (noise_with(1, like="image"), ...), "Now the variance"),
        ("broken_noise", (noise_with(1, like="image"), 1.0), "too large"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))
