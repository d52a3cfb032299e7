"""A world of one Gaussian, in which the width of samples and the probability flow are known exactly.

The width, since eq. 13 is linear there, and variances add up; the flow, since it keeps each x_t as many σ from the mean
as it was.
"""

import math

import torch

from gmm import ExactDenoiser, GaussianMixture
from samplers import last
from utils import cosine_schedule


def expected_std(schedule, std, variance=None):
    """σ of the samples that eq. 13 gives from x_T ~ N(0, I) in a world N(0, σ² I), exactly, by recursion.

    The denoiser is the exact one, without clipping.

    There ε* = √(1-ᾱ_t) x_t / (ᾱ_t σ² + 1-ᾱ_t), so x_{t-1} = c_t x_t + √variance_t z, and variances add up. variance
    (T+1,) is that of each reverse step, by default β̃_t.
    """
    variance = schedule.posterior_variance if variance is None else torch.as_tensor(variance).expand(schedule.T + 1)
    alphas_cumprod = schedule.alphas_cumprod
    c = (1 - schedule.betas / (alphas_cumprod * std**2 + 1 - alphas_cumprod)) / schedule.alphas.sqrt()
    total = 1.0  # of x_T
    for factor, added in zip(c[1:].square().flip(0).tolist(), variance[1:].flip(0).tolist(), strict=True):
        total = factor * total + added
    return math.sqrt(total)


def samples_in_one_gaussian_world(sampler, T=50, std=0.2, n=100_000, seed=0):
    """n samples (n, 1, 2) of a sampler by the exact denoiser, in a world of one Gaussian of the given σ.

    The sampler is called as sampler(denoiser, schedule, x_T, y, generator) -> x_0.
    """
    schedule, random = cosine_schedule(T), torch.Generator().manual_seed(seed)
    exact = ExactDenoiser(GaussianMixture([[0.0, 0.0]], std, [1.0]), schedule.alphas_cumprod)
    return sampler(exact, schedule, torch.randn(n, 1, 2, generator=random, dtype=torch.float64), None, random)


def std_in_one_gaussian_world(sampler, T=50, std=0.2, n=100_000, seed=0):
    """(σ of a sampler's samples, σ that eq. 13 gives, standard error) in a world of one Gaussian of the given σ.

    The standard error is that of independent images.
    """
    expected = expected_std(cosine_schedule(T), std)
    return float(samples_in_one_gaussian_world(sampler, T, std, n, seed).std()), expected, expected / math.sqrt(4 * n)


def steps_asked(sampler, T=50):
    """The steps t at which a sampler asks the network, in order."""
    asked = []

    def denoiser(x_t, t, y):
        asked.append(int(t[0]))
        return x_t

    sampler(denoiser, cosine_schedule(T), torch.zeros(1, 1, 2), None, torch.Generator())
    return asked


def flow_error(sampler, n, images=200, seed=0):
    """How far a sampler ends, after n steps, from where the probability flow leads: root mean square, per pixel.

    The sampler is one of `samplers`, with the exact denoiser. t = 768 and s = 256 of 1024 steps: from much noise to
    little, but not to 0, where every sampler takes a plain last step.
    """
    schedule, world, t, s = cosine_schedule(1024), GaussianMixture([[0.4, -0.3]], 0.5, [1.0]), 768, 256
    noisy, cleaner = (world.diffused(schedule.alphas_cumprod[step]) for step in (t, s))
    x_t, _ = noisy.sample(images, torch.Generator().manual_seed(seed))
    flow = cleaner.means + (x_t - noisy.means) / noisy.std * cleaner.std
    denoiser, steps = ExactDenoiser(world, schedule.alphas_cumprod), [round(t + (s - t) * i / n) for i in range(n + 1)]
    x_s = last(sampler(denoiser, schedule, steps, x_t.unsqueeze(1), None, torch.Generator())).squeeze(1)
    return float((x_s - flow).square().mean().sqrt())
