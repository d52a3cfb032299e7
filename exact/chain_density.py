"""The density of what eq. 13 draws, with its noise on the way: p_θ(x_t) on a grid, from t = T down to 0.

A reverse step spreads each x_t into N(μ_θ(x_t), σ_t² I), which is a product of a Gaussian in either pixel. So p_θ(x_s)
on a grid is A diag(w) Bᵀ: the columns of A and B are these Gaussians, and w is the probability of each cell of x_t.
Without noise, as in eq. 13 at t = 1, the last step is a map, and p_θ(x_0) follows by a change of variables.
"""

import math

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
def chain_density(run, denoiser, variance):
    """`Density` of eq. 13 with the variances σ_t² (T+1,) and a denoiser in float64, without label, in pixel space.

    The grid's cells are as wide as the narrowest step, so that sums over it are integrals to many digits.
    """
    n = math.ceil(2 * REACH / float(variance[variance > 0].min().sqrt()))
    x, cell = grid(REACH, n)
    axis, density = x[:n, 1], STANDARD_NORMAL.log_prob(x).exp()
    for t in range(run.schedule.T, 0, -1):
        if variance[t] == 0:
            return density_of_map(run, x, log_of(density), cell, lambda part, t=t: step_mean(run, denoiser, part, t))
        means = torch.cat([step_mean(run, denoiser, part.unsqueeze(1), t) for part in x.split(AT_A_TIME)])
        density = spread(means.squeeze(1), density * cell, variance[t], axis).flatten()
    return density_of_map(run, x, log_of(density), cell, lambda part: part)


def log_of(density):
    """log p, also where p is 0 in float64."""
    return density.clamp(min=torch.finfo(torch.float64).tiny).log()
