"""The checks of notebook 02 say what is wrong with an answer."""

import copy
import math

import pytest
import torch
from checks import network_and_training as checks
from checks.common import RIGHT, UNANSWERED

from utils import LOSSES, noised_batch, training_target


def forward(skip=True, swapped=False):
    def function(self, x_t, t, y=None):
        y = torch.full_like(t, self.num_classes) if y is None else y
        steps = self.step_embedding(torch.arange(self.T + 1))
        labels = self.class_embedding(torch.arange(self.num_classes + 1))
        h1 = self.encoder1(x_t, steps, t, labels, y if not swapped else 0 * y)
        h = self.decoder1(self.encoder2(h1, steps, t, labels, y), steps, t, labels, y)
        return self.decoder2(torch.cat([h, h1 if skip else h], dim=1))

    return function


def loss(network, schedule, x0, y, generator, prediction="eps", loss="l2"):
    t, eps, x_t = noised_batch(schedule, x0, generator)
    return LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))


def loss_of_x0(network, schedule, x0, y, generator, prediction="eps", loss="l2"):
    t, _, x_t = noised_batch(schedule, x0, generator)
    return LOSSES[loss](network(x_t, t, y), x0)


def unwritten(network, schedule, x0, y, generator, prediction="eps", loss="l2"):
    """With a docstring, and nothing else."""
    return ...


def run(self, loss_of, parts=1, cleared=True):
    while self.step < self.steps:
        if cleared:
            self.optimizer.zero_grad()
        value = 0.0
        for _ in range(parts):
            part = loss_of(self.network, self.generator) / parts
            part.backward()
            value += part.item()
        if not math.isfinite(value):
            raise FloatingPointError(value)
        self.optimizer.step()
        self.lr_schedule.step()
        self.ema.update_parameters(self.network)
        self.losses.append(value)
        yield value


def run_that_never_clears(self, loss_of, parts=1):
    return run(self, loss_of, parts, cleared=False)


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("unet_forward", (forward(),), RIGHT),
        ("unet_forward", (forward(skip=False),), "skip"),
        ("unet_forward", (forward(swapped=True),), "is off by"),
        ("loss", (loss,), RIGHT),
        ("loss", (loss_of_x0,), "loss / its right value"),
        ("loss", (unwritten,), UNANSWERED),
        ("training_run", (run,), RIGHT),
        ("training_run", (run_that_never_clears,), "What clears them?"),
        ("floor_without_labels", (0.3409,), "the floor with label"),
        ("floor_without_labels", (0.6460,), "the floor of v-prediction"),
        ("floor_without_labels", (0.1179,), "raw intensities"),
        ("floor_without_labels", ([0.4, 0.4],), "a number is asked for"),
        ("floor_without_labels", (0.5,), "too large"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))
