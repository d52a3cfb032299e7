"""The checks of notebook 02 say what is wrong with an answer."""

import copy

import pytest
import torch
from checks import network_and_training as checks

from utils import drop_labels


def whole_batch(y, p, null_label, generator):
    return torch.full_like(y, null_label) if torch.rand((), generator=generator) < p else y


def in_place(y, p, null_label, generator):
    y[:] = null_label
    return y


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("floor_without_labels", (0.3409,), "the floor with label"),
        ("floor_without_labels", (0.6460,), "the floor of v-prediction"),
        ("floor_without_labels", (0.1179,), "raw intensities"),
        ("floor_without_labels", ([0.4, 0.4],), "a number is asked for"),
        ("floor_without_labels", (0.5,), "too large"),
        ("dropped_labels", (drop_labels, 10.4, 234.6), "all 512 labels or none"),
        ("dropped_labels", (in_place, 10.4, 234.6), "in place"),
        ("dropped_labels", (lambda y, p, null_label, g: whole_batch(y, 0.9, null_label, g), 10.4, 234.6), "not in 0.9"),
        ("dropped_labels", (whole_batch, ..., ...), "Now the two"),
        ("dropped_labels", (lambda y, p, n, g: n if torch.rand((), generator=g) < p else y, 1, 1), "a tensor"),
        ("dropped_labels", (whole_batch, 107.5, 234.6), "std_correct = 107.5 is too large"),
        ("dropped_labels", (whole_batch, 10.4, 10.4), "std_broken = 10.4 is too small"),
        ("mean_and_median", (0.0, 1.0), "guess_l2"),
        ("mean_and_median", (0.3, 0.3), "guess_l1"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))
