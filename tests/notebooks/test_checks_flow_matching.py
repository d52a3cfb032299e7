"""The checks of notebook 14 say what is wrong with an answer."""

import pytest
from checks import flow_matching as checks
from checks.common import RIGHT, UNANSWERED


def velocity(of):
    return lambda x_t, eps, a, b: of((x_t - b * eps) / a, eps, x_t, a, b)


@pytest.mark.parametrize(
    ("check", "argument", "words"),
    [
        ("share_of_noise", 1 / 3, RIGHT),
        ("share_of_noise", ..., UNANSWERED),
        ("share_of_noise", 0.2, "share of the variance"),
        ("share_of_noise", 0.2**0.5, "add up to 1"),
        ("share_of_noise", 0.5, "σ of EDM"),
        ("share_of_noise", 2 / 3, "share of the image"),
        ("share_of_noise", 0.8, "ᾱ itself"),
        ("share_of_noise", 0.4, "too large"),
        ("velocity", velocity(lambda x0, eps, *_: eps - x0), RIGHT),
        ("velocity", lambda *_: ..., UNANSWERED),
        ("velocity", velocity(lambda x0, eps, *_: x0 - eps), "Its sign"),
        ("velocity", velocity(lambda x0, eps, x_t, a, b: a * eps - b * x0), "That is v"),
        ("velocity", velocity(lambda x0, *_: x0), "That is x̂_0"),
        ("velocity", velocity(lambda x0, eps, x_t, a, b: eps - x_t), "x_t for the image"),
        ("velocity", velocity(lambda x0, eps, x_t, a, b: eps - x_t / (a + b)), "x_τ for the image"),
        ("velocity", velocity(lambda x0, eps, x_t, a, b: eps - a * x0), "division by a"),
        ("velocity", velocity(lambda x0, eps, *_: 2 * eps - x0), "off by"),
        ("euler_step", lambda x, u, tau, after: x + (after - tau) * u, RIGHT),
        ("euler_step", lambda *_: ..., UNANSWERED),
        ("euler_step", lambda x, u, tau, after: x + (tau - after) * u, "the wrong way"),
        ("euler_step", lambda x, u, tau, after: x - tau * u, "all the way"),
        ("euler_step", lambda x, u, tau, after: x + after * u, "Not τ'"),
        ("euler_step", lambda x, u, tau, after: x - after * u, "not -τ'"),
        ("euler_step", lambda x, u, tau, after: x - u, "negative already"),
        ("euler_step", lambda x, u, tau, after: x + u, "step's length"),
        ("euler_step", lambda x, u, tau, after: x + (0.1 - 0.8 / 1.4) * u, "must not move"),
    ],
)
def test_check_says_what_is_wrong(check, argument, words):
    assert words in getattr(checks, check)(argument)
