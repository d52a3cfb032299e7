"""The world of one Gaussian: the width by recursion against samples, and the bugs that it must see."""

import pytest
import torch

from exact.one_gaussian import expected_std, std_in_one_gaussian_world, steps_asked
from measurements.bugs import RIGHT, WAYS
from utils import Schedule, cosine_schedule


def test_width_is_that_of_the_right_sampler_and_of_no_wrong_one():
    for name, draw in WAYS.items():
        width, expected, error = std_in_one_gaussian_world(draw, T=20, n=20_000)
        asked = steps_asked(draw, 20)
        assert (name == RIGHT) == (abs(width - expected) < 4 * error and asked == list(range(20, 0, -1)))


def test_expected_width_of_one_step_by_hand():
    """T = 1: x_0 is the mean of eq. 13, and x_1 has variance 1."""
    schedule, s = Schedule(torch.tensor([0.0, 0.4], dtype=torch.float64)), 0.5
    alpha = 0.6
    mean = (1 - 0.4 / (alpha * s**2 + 0.4)) / alpha**0.5
    assert expected_std(schedule, s) == pytest.approx(mean)


def test_more_noise_makes_samples_wider():
    schedule = cosine_schedule(20)
    assert expected_std(schedule, 0.2, schedule.betas) > expected_std(schedule, 0.2)
