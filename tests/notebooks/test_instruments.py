"""The instruments of notebook 03 are right, and find the bugs of its samplers."""

import instruments
import pytest
import torch
from broken import BUGS, SAMPLERS

from evaluation.committed import experiment
from utils import cosine_schedule, reverse_step


@pytest.mark.parametrize("variance", ["posterior_variance", "betas"])
def test_expected_std_is_what_samples_have(variance):
    """The recursion against samples of the real sampler, in a world of one Gaussian, within four standard errors."""
    schedule = cosine_schedule(10)
    table = getattr(schedule, variance).clone()
    table[1] = 0
    name = {"posterior_variance": "posterior", "betas": "beta"}[variance]

    def sampler(denoiser, schedule, x_T, y, generator):
        x = x_T
        for t in range(schedule.T, 0, -1):
            x = reverse_step(denoiser, schedule, x, torch.full((len(x),), t), y, generator, name)
        return x

    measured, _, error = instruments.std_in_one_gaussian_world(sampler, T=10, std=0.4)
    assert abs(measured - instruments.expected_std(schedule, 0.4, table)) < 4 * error


def test_instruments_find_every_bug():
    right = BUGS["none"]
    for bug, sampler in BUGS.items():
        width, expected, error = instruments.std_in_one_gaussian_world(sampler)
        wide = abs(width - expected) > 4 * error
        assert wide == (bug in ("noise on the last step", "skips the last step"))
        asked = instruments.steps_asked(sampler)
        assert (asked != list(range(50, 0, -1))) == (bug in ("starts at T-1", "skips the last step"))
    assert set(SAMPLERS.values()) == set(BUGS.values())
    run = experiment(50)
    assert 0 < instruments.energy_of_samples(right, run) < 8  # eq. 13's own error, above the noise
