"""Flow matching in the words of this repository (Lipman et al. 2023; Liu et al. 2023): the same model, another name.

Its noisy image x_τ = (1-τ) x_0 + τ ε is x_t/(a_t + b_t), where x_t = a_t x_0 + b_t ε as everywhere here and
τ = b_t/(a_t + b_t). Its velocity dx_τ/dτ = ε - x_0 is known from any denoiser: û = ε̂ - x̂_0.
"""

from itertools import pairwise

import torch

from exact.information import log_snr
from experiments.two_pixel import loss_weight
from samplers import coefficients, guess


def tau(schedule, t):
    """τ_t = b_t/(a_t + b_t), the share of the noise in x_τ: from 0 for an image to nearly 1 at t = T."""
    a, b = coefficients(schedule, t)
    return b / (a + b)


def velocity(denoiser, schedule, x_tau, t, y=None):
    """û(x_τ, τ_t) = ε̂ - x̂_0, the shape of x_τ."""
    eps, x0 = guess(denoiser, schedule, x_tau * sum(coefficients(schedule, t)), t, y)
    return eps - x0


@torch.no_grad()
def euler(denoiser, schedule, steps, x_T, y, generator=None):
    """Euler's method for dx_τ/dτ = û, called as the `samplers` are: x_τ' = x_τ + (τ' - τ) û."""
    x_tau = x_T / sum(coefficients(schedule, steps[0]))
    for t, s in pairwise(steps):
        x_tau = x_tau + (tau(schedule, s) - tau(schedule, t)) * velocity(denoiser, schedule, x_tau, t, y)
        yield s, x_tau * sum(coefficients(schedule, s))


@torch.no_grad()
def heun(denoiser, schedule, steps, x_T, y, generator=None):
    """Heun's method for dx_τ/dτ = û, called as the `samplers` are: two calls a step, one at the last."""
    x_tau = x_T / sum(coefficients(schedule, steps[0]))
    for t, s in pairwise(steps):
        step = tau(schedule, s) - tau(schedule, t)
        u = velocity(denoiser, schedule, x_tau, t, y)
        if s > 0:
            u = (u + velocity(denoiser, schedule, x_tau + step * u, s, y)) / 2
        x_tau = x_tau + step * u
        yield s, x_tau * sum(coefficients(schedule, s))


def weight_over_log_snr(schedule, prediction):
    """(λ, w) at t = 1 … T: the loss is ∫ w(λ) E‖ε - ε̂‖² dλ, for t is uniform and a step of it spans |dλ|.

    w is b/a /π for v on the cosine schedule, but for its offset s, and b/a /2 for u on the flow schedule: the same loss
    (Kingma & Gao 2023).
    """
    alphas_cumprod = schedule.alphas_cumprod[1:]
    lam = log_snr(alphas_cumprod)
    (step,) = torch.gradient(lam)
    return lam, loss_weight(alphas_cumprod, prediction) / schedule.T / step.abs()


def bend(denoiser, schedule, x_T, y=None):
    """How far the paths of `euler` over all steps are from straight: the mean of ∫(u - ū)² dτ per pixel, ū = x_1 - x_0.

    It is 0 for straight paths, for which one Euler step is enough (Liu et al. 2023, sec. 2.2, "straightness"). Compare
    it with E(ε - x_0)², which is 2 for standardised images.
    """
    steps = range(schedule.T, -1, -1)
    states = [(schedule.T, x_T), *euler(denoiser, schedule, steps, x_T, y)]
    path = torch.stack([x / sum(coefficients(schedule, t)) for t, x in states]).double()  # (T+1, B, *shape)
    times = torch.tensor([tau(schedule, t) for t in steps], dtype=torch.float64)
    durations = times.diff().view(-1, *[1] * (path.ndim - 1))
    mean_velocity = (path[-1] - path[0]) / durations.sum()
    departure = (path.diff(dim=0) / durations - mean_velocity).square()
    return float((departure * durations.abs()).sum(0).mean())
