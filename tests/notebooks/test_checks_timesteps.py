"""The checks of notebook 04 say what is wrong with an answer."""

import copy

import pytest
import torch
from checks import timesteps as checks
from checks.common import RIGHT

import utils
from utils import Schedule, cosine_schedule


def schedule_by(power):
    """The cosine schedule with f = cos^power."""

    def function(T, s=0.008):
        t = torch.arange(T + 1, dtype=torch.float64)
        f = torch.cos((t / T + s) / (1 + s) * torch.pi / 2) ** power
        return Schedule(torch.cat([0 * f[:1], (1 - f[1:] / f[:-1]).clamp(max=0.999)]))

    return function


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("best_lambda", (0.5,), "σ = 0.49"),
        ("best_lambda", ([0.5],), "a number is asked for"),
        ("cosine_schedule", (cosine_schedule,), RIGHT),
        ("cosine_schedule", (schedule_by(2),), RIGHT),
        ("cosine_schedule", (lambda T, s=0.008: utils.Schedule(cosine_schedule(T, s).betas),), RIGHT),
        ("cosine_schedule", (schedule_by(1),), "Which power of the cosine does that?"),
        ("steps_for_one_percent", (100, 66), "T_posterior = 100 is too small"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))
