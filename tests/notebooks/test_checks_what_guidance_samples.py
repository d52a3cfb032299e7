"""The checks of notebook 09 say what is wrong with an answer."""

import copy

import pytest
from checks import what_guidance_samples as checks
from checks.common import SO_FAR, UNANSWERED


def keep(power=lambda w: w, other=False, sign=1):
    def function(mixture, x, w, y, u):
        p = mixture.posterior(x)[:, 1 - y if other else y]
        return sign * (p ** power(w) - u) > 0

    return function


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("first_aim", (..., 4.7), UNANSWERED),
        ("first_aim", (0.791, 4.7), "left_pixel = 0.791 is too small"),
        ("first_aim", (1.52, 2.0), "a line in w"),
        ("exact_weights", (0, ...), SO_FAR),
        ("exact_weights", (0, 1), "w_second = 1"),
        ("exact_weights", ("none", 1), "a number is asked for"),
        ("exact_weights", (0, 0.0), "Two different"),
        ("rejection", (lambda mixture, x, w, y, u: ..., ...), UNANSWERED),
        ("rejection", (lambda mixture, x, w, y, u: u, ...), "True or False"),
        ("rejection", (keep(power=lambda w: 1 + w), ...), "not 1+w"),
        ("rejection", (keep(power=lambda w: 1), ...), "power w is missing"),
        ("rejection", (keep(other=True), ...), "other class"),
        ("rejection", (keep(sign=-1), ...), "that should go"),
        ("rejection", (lambda mixture, x, w, y, u: u < 0.5, ...), "of 2000 x"),
        ("rejection", (keep(), ...), "Now the share"),
        ("rejection", (keep(), 0.5), "too small"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))
