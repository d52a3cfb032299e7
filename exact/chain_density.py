"""The density of what eq. 13 draws, with its noise on the way: p_θ(x_t) on a grid, from t = T down to 0.

A reverse step spreads each x_t into N(μ_θ(x_t), σ_t² I), which is a product of a Gaussian in either pixel. So p_θ(x_s)
on a grid is A diag(w) Bᵀ: the columns of A and B are these Gaussians, and w is the probability of each cell of x_t.
Without noise, as in eq. 13 at t = 1, the last step is a map, and p_θ(x_0) follows by a change of variables.
"""

import math
from collections import deque

import torch

from evaluation.flow_density import STANDARD_NORMAL, density_of_map, grid
from utils import at

REACH = 6.5  # half width of the grid in model space
AT_A_TIME = 20_000  # points of the grid


def step_mean(run, denoiser, x, t):
    """μ_θ(x_t) of eq. 13, for x (n, 1, 2)."""
    schedule, step = run.schedule, torch.tensor([t])
    share = at(schedule.betas / schedule.sqrt_one_minus_alphas_cumprod, step, x)
    return (x - share * denoiser(x, step)) / at(schedule.alphas.sqrt(), step, x)


def spread(means, probabilities, variance, axis):
    """Σ_i p_i N(x; m_i, σ² I) on the grid whose two axes are `axis` (n,): (n, n)."""
    total = torch.zeros(len(axis), len(axis), dtype=torch.float64)
    for m, p in zip(means.split(AT_A_TIME), probabilities.split(AT_A_TIME), strict=True):
        first, second = ((axis[:, None] - m[:, pixel]).square().div(-2 * variance).exp() for pixel in (0, 1))
        total += (first * p) @ second.mT
    return total / (2 * math.pi * variance)


@torch.no_grad()
def chain_on_grid(run, denoiser, variance):
    """Yields (t, log p_θ(x_t)) on the points of `grid_of` in model space, from t = T to the first with σ_t = 0.

    variance holds σ_t² (T+1,); the denoiser, in float64, is told no label.
    """
    x, cell = grid_of(variance)
    axis, density = x[: round(len(x) ** 0.5), 1], STANDARD_NORMAL.log_prob(x).exp()
    yield run.schedule.T, log_of(density)
    for t in range(run.schedule.T, 0, -1):
        if variance[t] == 0:
            return
        means = torch.cat([step_mean(run, denoiser, part.unsqueeze(1), t) for part in x.split(AT_A_TIME)])
        density = spread(means.squeeze(1), density * cell, variance[t], axis).flatten()
        yield t - 1, log_of(density)


def grid_of(variance):
    """The grid for steps with the variances σ_t² (T+1,): (n², 2) points in model space and the area of a cell.

    Cells are as wide as the narrowest step, so that sums over them are integrals to many digits.
    """
    return grid(REACH, math.ceil(2 * REACH / float(variance[variance > 0].min().sqrt())))


def chain_density(run, denoiser, variance):
    """`Density` of x_0 by eq. 13, in pixel space; denoiser and variance are those of `chain_on_grid`."""
    (last,) = deque(chain_on_grid(run, denoiser, variance), maxlen=1)
    return end_of_chain(run, denoiser, variance, *last)


def end_of_chain(run, denoiser, variance, t, log_p):
    """`Density` of x_0 from log p_θ(x_t) on the grid, where the step from t adds no noise, or t = 0."""
    x, cell = grid_of(variance)
    return density_of_map(run, x, log_p, cell, lambda part: step_mean(run, denoiser, part, t) if t else part)


def log_of(density):
    """log p, also where p is 0 in float64."""
    return density.clamp(min=torch.finfo(torch.float64).tiny).log()
