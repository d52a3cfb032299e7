"""The checks of notebook 04 say what is wrong with an answer."""

import copy

import pytest
from checks import timesteps as checks


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("best_lambda", (0.5,), "σ = 0.49"),
        ("best_lambda", ([0.5],), "a number is asked for"),
        ("image_left", (0.6026,), "square root"),
        ("image_left", (0.5,), "too small"),
        ("steps_for_one_percent", (100, 66), "T_posterior = 100 is too small"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))
