"""The checks of notebook S2 say what is wrong with an answer."""

import copy

import pytest
import torch
from checks import barebones as checks


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("exact_guess", (lambda images, z, level: z * torch.nan,), "no image possible"),
        ("weight_of_first_guess", (0.25, 0.25), "weight_of_guess"),
        ("weight_of_first_guess", (0.0, 0.0), "weight_of_noise"),
        ("loss_from_pure_noise", (0.0292,), "too small"),
        ("exact_guess", (lambda images, z, level: images.mean().expand_as(z),), "the mean of all"),
        ("exact_guess", (lambda images, z, level: z,), "off by"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))
