"""The checks of notebook S3 say what is wrong with an answer."""

import copy

import pytest
from checks import pixel_space as checks
from checks.common import UNANSWERED


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("fitted_too_small", (39,), "n = 39 is too small"),
        ("fitted_too_small", (...,), UNANSWERED),
        ("noise_with_steps", (0.7, 0.7), "share_alpha = 0.7 is too large"),
        ("noise_with_steps", (0.125, 0.125), "share_alpha_bar = 0.125 is too small"),
        ("lazy_accuracy", (0.7, 0.5), "accuracy = 0.7 is too small"),
        ("lazy_accuracy", (0.754, 0.754), "balanced = 0.754 is too large"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))
