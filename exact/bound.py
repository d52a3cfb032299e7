"""The variational bound on -log p_θ(x_0), in nats per image in pixel space: its terms, and what makes it loose.

    E[-log p_θ(x_0)] ≤ L_T + Σ_{t=2…T} L_{t-1} + L_0                            (Ho et al. 2020, eq. 5)

All of them are known for a mixture. Between Gaussians a term is a squared error of the noise prediction, and that is
the least possible one plus ‖ε̂ - ε*‖²: two expectations over q(x_t), by quadrature. Tables are (T+1,), indexed by t.
"""

import math

import torch

from evaluation.flow_density import STANDARD_NORMAL
from exact.quadrature import expectation, kl_divergence

POINTS = 48  # of the quadrature, in each direction and for each mode


def squared_errors(run, denoiser, n=POINTS):
    """E‖ε - ε*‖² and E‖ε* - ε̂‖² over q(x_t), without label, at each t: two tables, 0 at t = 0.

    Their sum is E‖ε - ε̂‖², for ε* is the mean of ε given x_t.
    """
    least, beyond = torch.zeros(2, run.schedule.T + 1, dtype=torch.float64)
    for t in range(1, run.schedule.T + 1):
        alpha_bar, step = run.schedule.alphas_cumprod[t], torch.tensor([t])

        def errors(x, alpha_bar=alpha_bar, step=step):
            """tr Cov(ε|x_t), which is ᾱ/(1-ᾱ) tr Cov(x_0|x_t), and ‖ε* - ε̂‖²."""
            variance = 2 * run.mixture.given_noisy(x, alpha_bar).variance() * alpha_bar / (1 - alpha_bar)
            images = x.reshape(-1, 1, 2)
            difference = run.exact(images, step) - denoiser(images.float(), step).double()
            return torch.stack([variance, difference.square().sum((1, 2)).view(variance.shape)], dim=-1)

        with torch.no_grad():
            least[t], beyond[t] = expectation(run.mixture.diffused(alpha_bar), errors, n)
    return least, beyond


def mean_factor(schedule):
    """f_t with μ̃(x_t, x_0) - μ_θ(x_t) = f_t (ε̂ - ε): eq. 13's β_t/√(α_t (1-ᾱ_t)); f_0 = 0."""
    factor = schedule.betas / (schedule.alphas * (1 - schedule.alphas_cumprod)).sqrt()
    return factor.nan_to_num()


def best_variance(schedule, error):
    """The σ_t² of the least bound, for E‖ε - ε̂‖² = error (T+1,): β̃_t and the error of the mean, per pixel."""
    return schedule.posterior_variance + mean_factor(schedule) ** 2 * error / 2


def variances(schedule, error):
    """{name: σ_t²} of the Gaussian steps, each (T+1,).

    Eq. 13 adds no noise at t = 1, where the bound needs a width: σ_1² is the best one in all of them.
    """
    best = best_variance(schedule, error)
    tables = {"posterior": schedule.posterior_variance.clone(), "beta": schedule.betas.clone(), "best": best}
    for table in tables.values():
        table[1] = best[1]
    return tables


def terms(run, error, variance):
    """The bound's terms in nats per image in pixel space: L_0 … L_{T-1}, then L_T. (T+1,)

    L_{t-1} = E KL(q(x_{t-1}|x_t, x_0) ‖ N(μ_θ, σ_t² I)) stands at t - 1. error (T+1,) is E‖ε - ε̂‖².
    """
    schedule, d = run.schedule, 2
    of_mean = mean_factor(schedule) ** 2 * error / (2 * variance)
    posterior = schedule.posterior_variance
    steps = d / 2 * (posterior / variance - 1 - (posterior / variance).log()) + of_mean
    alpha_bar = schedule.alphas_cumprod[-1]
    square = run.mixture.mean().square().sum() + d * run.mixture.variance()  # E‖x_0‖²
    last = (alpha_bar * (square - d) - d * (1 - alpha_bar).log()) / 2
    first = d / 2 * (2 * math.pi * variance[1]).log() + of_mean[1] - d * math.log(run.scale)
    return torch.cat([first[None], steps[2:], last[None]])


def gap(run, least, beyond, variance, n=POINTS):
    """The bound less the world's entropy, in nats, by what causes it: a dict of numbers that add up to it.

    It is KL(q(x_T) ‖ N(0, I)) + Σ_t E KL(q(x_{t-1}|x_t) ‖ N(μ_θ, σ_t² I)). With m and Σ the mean and the covariance of
    q(x_{t-1}|x_t), and s² = E tr Σ/2 the best σ²: "network" is for μ_θ ≠ m, "variance" for σ² ≠ s², "shape" for a Σ
    that is not s² I, "humps", the rest, for a q(x_{t-1}|x_t) that is not a Gaussian.
    """
    schedule, d = run.schedule, 2
    best = best_variance(schedule, least)
    shape = torch.zeros(schedule.T + 1, dtype=torch.float64)
    for t in range(1, schedule.T + 1):
        alphas = schedule.alphas_cumprod[t], schedule.alphas_cumprod[t - 1]

        def log_det(x, alphas=alphas):
            return run.mixture.reverse_kernel(x, *alphas).covariance().logdet()

        shape[t] = (d * best[t].log() - expectation(run.mixture.diffused(alphas[0]), log_det, n)) / 2
    ratio = (best / variance)[1:]
    found = {
        "prior": kl_divergence(run.mixture.diffused(schedule.alphas_cumprod[-1]), STANDARD_NORMAL.log_prob),
        "network": float((mean_factor(schedule) ** 2 * beyond / (2 * variance))[1:].sum()),
        "variance": float((d / 2 * (ratio - 1 - ratio.log())).sum()),
        "shape": float(shape.sum()),
    }
    total = float(terms(run, least + beyond, variance).sum()) - entropy(run, n)
    return found | {"humps": total - sum(found.values())}


def entropy(run, n=POINTS):
    """The world's entropy in nats per image in pixel space: no model's -log p is less, on average."""
    return -float(expectation(run.world, run.world.log_prob, n))
