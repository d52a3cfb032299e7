"""What the tests of utils.py share."""

import pytest

from gmm import WORLDS, ExactDenoiser
from utils import cosine_schedule


@pytest.fixture
def oracle():
    """A function that makes the exact denoiser of a world, and its schedule."""

    def denoiser_and_schedule(world="overlapping", T=10):
        schedule = cosine_schedule(T)
        return ExactDenoiser(WORLDS[world], schedule.alphas_cumprod), schedule

    return denoiser_and_schedule
