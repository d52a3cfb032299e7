"""The checks of notebook 10 say what is wrong with an answer."""

import copy

import pytest
import torch
from checks import loss_floors_and_information as checks
from checks.common import UNANSWERED


def gap_of_answers(reduce):
    return lambda denoiser, x_t, t, y: reduce(denoiser(x_t, t, None).flatten(1), denoiser(x_t, t, y).flatten(1))


def area_of_gaps(x, reverse=True, factor=1):
    def function(gaps, alphas_cumprod):
        axis = {"lambda": torch.logit(alphas_cumprod), "t": torch.arange(50).flip(0), "alpha_bar": alphas_cumprod}[x]
        y, axis = (gaps.flip(0), axis.flip(0)) if reverse else (gaps, axis)
        return factor * torch.trapezoid(y, axis)

    return function


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("largest_area", (0.6474, 4.6052), "largest_two is the entropy"),
        ("largest_area", (1.2949, 2.3026), "largest_ten is the entropy"),
        ("largest_area", (1.8682, 4.6052), "largest_two is in bits"),
        ("largest_area", (1.2949, 10), "largest_ten = 10 is too large"),
        ("largest_area", ([1], 4.6), "a number is asked for"),
        ("gap_of_answers", (lambda *a: ...,), UNANSWERED),
        ("gap_of_answers", (gap_of_answers(lambda a, b: (a - b).square().mean()),), "over the pixels, too"),
        ("gap_of_answers", (gap_of_answers(lambda a, b: (a - b).square().sum()),), "Average over the images"),
        ("gap_of_answers", (gap_of_answers(lambda a, b: (a - b).norm(dim=1).mean()),), "Square it"),
        ("gap_of_answers", (gap_of_answers(lambda a, b: (b**2 - a**2).sum(1).mean()),), "by Pythagoras"),
        (
            "gap_of_answers",
            (gap_of_answers(lambda a, b: (a**2 - b**2).sum(1).mean()),),
            "the difference of the squares",
        ),
        ("area_of_gaps", (lambda *a: ...,), UNANSWERED),
        ("area_of_gaps", (area_of_gaps("lambda", reverse=False),), "Its sign is wrong"),
        ("area_of_gaps", (area_of_gaps("t"),), "over t, not over λ"),
        ("area_of_gaps", (area_of_gaps("alpha_bar"),), "over ᾱ, not over λ."),
        ("area_of_gaps", (area_of_gaps("alpha_bar", reverse=False),), "and backwards"),
        ("area_of_gaps", (area_of_gaps("lambda", factor=0.5),), "the information"),
        ("half_a_nat", (0.1,), "tells 0.647 nats"),
        ("half_a_nat", ([0.5],), "a number is asked for"),
        ("half_a_nat", (-1,), "too small"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))
