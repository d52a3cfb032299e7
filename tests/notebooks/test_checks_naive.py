"""The checks of notebook S1 say what is wrong with an answer."""

import copy

import pytest
import torch
from checks import naive as checks

from small_systems import naive


def renoise(on="x", level=None, left=None, shared=False, coins=torch.ones_like):
    """Algorithm 2's step with one mistake; coins are what is put on the chosen pixels, None for those of z."""

    def function(f, z, t, count, random):
        pixels = z.shape[2] * z.shape[3]
        x = f(z, torch.full((len(z),), t / pixels if level is None else level))
        chosen = naive.picked(z[:1] if shared else z, torch.full((1 if shared else len(z),), left or count), random)
        noise = z if coins is None else coins(z)
        return torch.where(chosen.expand_as(z), noise, {"x": x, "z": z}[on])

    return function


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("steps_until_noise", (60,), "too small"),
        ("renoising_step", (lambda f, z, t, left, random: z,), "never asks"),
        ("renoising_step", (renoise(on="z"),), "thrown away"),
        ("renoising_step", (renoise(level=48),), "t over the number of pixels"),
        ("renoising_step", (renoise(left=17),), "in yours 17 to 17"),
        ("renoising_step", (renoise(shared=True),), "at the same places"),
        ("which_image", ([1 / 3, 1 / 3, 1 / 3],), "that of 0000 = 0.333333 is too small"),
        ("which_image", ([3, 1, 0],), "sum to 1"),
        ("renoising_step", (lambda f, z, t, left, random: f(z, torch.full((50,), t / 64)),), "no noise"),
        ("which_image", ([0.75, 0.25],), "Three probabilities"),
        ("renoising_step", (renoise(coins=torch.zeros_like),), "fresh coins"),
        ("renoising_step", (renoise(coins=None),), "fresh coins"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))
