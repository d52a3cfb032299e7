"""Which t a training batch has: as often as they should, and a loss whose expectation is known."""

import pytest
import torch

from experiments.noise_levels import more_high_noise, steps_with_more_noise
from utils import cosine_schedule, diffusion_loss

T, N = 10, 40_000


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_noisy_steps_come_as_often_as_asked(share, generator):
    """t = 7 … 10 of T = 10 are the noisier ones; expected counts N ((1 - share)/10 + share/4), within 5 deviations."""
    t = steps_with_more_noise(T, N, share, generator)
    p = torch.full((T,), (1 - share) / T, dtype=torch.float64)
    p[6:] += share / 4
    found = torch.bincount(t, minlength=T + 1)[1:]
    assert ((found - N * p).abs() <= 5 * (N * p * (1 - p)).sqrt()).all()


def test_loss_is_the_mean_over_those_steps(generator):
    """A network that says t: E (ε - t)² = 1 + E t², with E t² = 0.5 · 38.5 + 0.5 · 73.5 = 56 for a share of one half.

    The standard error of the mean of N such squares is below 0.3.
    """

    def says_t(x_t, t, y):
        return t.float().view(-1, 1, 1, 1).expand_as(x_t)

    x0, y = torch.zeros(N, 1, 1, 1), torch.zeros(N).long()
    loss = more_high_noise(0.5)(says_t, cosine_schedule(T), x0, y, generator, "eps", "l2")
    assert float(loss) == pytest.approx(57, abs=0.9)


def test_images_are_noised_as_their_step_says(generator):
    """A network that takes the known image out of x_t again has no loss."""
    schedule, x0 = cosine_schedule(T), torch.full((50, 1, 2, 2), 1.5)

    def knows(x_t, t, y):
        a = schedule.alphas_cumprod[t].float().view(-1, 1, 1, 1)
        return (x_t - a.sqrt() * x0) / (1 - a).sqrt()

    loss = more_high_noise(0.5)(knows, schedule, x0, torch.zeros(50).long(), generator, "eps", "l2")
    assert float(loss) < 1e-9


def test_without_a_share_it_is_the_loss_of_the_homework():
    assert more_high_noise(0.0) is diffusion_loss
