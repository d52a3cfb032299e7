"""The checks of notebook 05 say what is wrong with an answer."""

import copy

import pytest
from checks import guidance as checks


def guidance(sign):
    return lambda eps, gradient, alpha_bar, scale: eps + sign * scale * (1 - alpha_bar).sqrt() * gradient


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("translate_guidance", (7.5, -1), "w_of_default"),
        ("translate_guidance", (6.5, 0), "w_without_label"),
        ("wrong_sign", (guidance(-1), 1), "is the correct code"),
        ("wrong_sign", (guidance(2), 1), "neither"),
        ("wrong_sign", (guidance(1), ...), "Now where"),
        ("wrong_sign", (guidance(1), 0), "Not in class 0"),
        ("clip_and_guide", (1.0, 1.0), "clipped_before"),
        ("clip_and_guide", (1.8, 2.2), "clipped_after"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))
