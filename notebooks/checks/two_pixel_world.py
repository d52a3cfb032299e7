"""The checks of the exercises of notebook 01, The two-pixel world."""

import math
from types import SimpleNamespace

import torch

from checks.common import RIGHT, number, verdict, wrong_shape
from gmm import WORLDS


def cosine_tables(T):
    """The tables of the cosine schedule by eq. 11: not from utils.py, which students of the homework write."""
    f = torch.tensor([math.cos((t / T + 0.008) / 1.008 * math.pi / 2) ** 2 for t in range(T + 1)], dtype=torch.float64)
    alpha_bar = f / f[0]
    alphas = torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[1:] / alpha_bar[:-1]])
    roots = {"sqrt_alphas_cumprod": alpha_bar.sqrt(), "sqrt_one_minus_alphas_cumprod": (1 - alpha_bar).sqrt()}
    return SimpleNamespace(T=T, betas=1 - alphas, alphas=alphas, alphas_cumprod=alpha_bar, **roots)


def half_noise(at_50, at_200):
    """First step with ᾱ_t < ½ for T = 50 and T = 200."""
    lines = []
    for T, answer in ((50, at_50), (200, at_200)):
        first = int((cosine_tables(T).alphas_cumprod < 0.5).nonzero()[0])
        lines.append(number(f"the step for T = {T}", answer, first, 0, "Look for the first t with ᾱ_t < 0.5."))
    return verdict(*lines)


def denoised_mean(function):
    """E[x_0|x_t] = (x_t + (1-ᾱ_t) ∇log q(x_t)) / √ᾱ_t."""
    world, alpha_bar = WORLDS["homework"], cosine_tables(50).alphas_cumprod[20]
    x_t, _ = world.diffused(alpha_bar).sample(100, torch.Generator().manual_seed(0))
    score, truth = world.diffused(alpha_bar).score(x_t), world.given_noisy(x_t, alpha_bar).mean()
    output = function(x_t.clone(), alpha_bar, score.clone())
    if (shape := wrong_shape("denoised_mean", output, truth)) != RIGHT:
        return shape
    output = output.double()
    mistakes = {
        RIGHT: truth,
        "The score has the wrong sign: it points towards the images, as x̂_0 does.": 2 * x_t / alpha_bar.sqrt() - truth,
        "1/√ᾱ_t is missing: x_t still is an image shrunk by √ᾱ_t.": truth * alpha_bar.sqrt(),
        "The score wants the factor 1-ᾱ_t: one √(1-ᾱ_t) from ε*, one from eq. 3.": (
            x_t + (1 - alpha_bar).sqrt() * score
        )
        / alpha_bar.sqrt(),
    }
    for line, mistake in mistakes.items():
        if torch.allclose(output, mistake):
            return line
    return f"Not E[x_0|x_t]: at t = 20 of 50 it is off by {(output - truth).abs().mean():.3f} on average."


def broken_noise(function, variance_at_T):
    """√ᾱ_t x_0 + √ᾱ_t ε, and the variance of its pixels at t = T: ᾱ_T (1 + Var x_0), next to nothing."""
    world, schedule = WORLDS["homework"], cosine_tables(50)
    random = torch.Generator().manual_seed(0)
    x_0, _ = world.sample(20_000, random)
    eps = torch.randn(x_0.shape, generator=random, dtype=torch.float64)
    output = function(schedule, x_0.clone(), 25, eps.clone())
    if (shape := wrong_shape("broken_add_noise", output, x_0)) != RIGHT:
        return shape
    a = schedule.sqrt_alphas_cumprod[25]
    if torch.allclose(output, a * x_0 + (1 - a**2).sqrt() * eps):
        return "broken_add_noise is the correct code: the bug has √ᾱ_t before ε as well."
    if not torch.allclose(output, a * (x_0 + eps)):
        return "broken_add_noise is neither the correct code nor the bug, √ᾱ_t x_0 + √ᾱ_t ε."
    if variance_at_T is ...:
        return "broken_add_noise is the bug. Now the variance of its x_T."
    truth = float(function(schedule, x_0.clone(), schedule.T, eps.clone()).var())
    return number("variance_at_T", variance_at_T, truth, 1e-5, "What is ᾱ_T, and so what is left of both terms?")
