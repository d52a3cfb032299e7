"""Three samplers for the exercises of notebook 11, each broken in its own way. No peeping: use the instruments."""

import torch

from utils import at, reverse_step


def eq_13_without_noise(denoiser, schedule, x, t, y):
    eps = denoiser(x, t, y)
    share = schedule.betas / schedule.sqrt_one_minus_alphas_cumprod
    return (x - at(share, t, x) * eps) / at(schedule.alphas.sqrt(), t, x)


def sampler_p(denoiser, schedule, x_T, y, generator):
    x, sigma = x_T, schedule.posterior_variance.sqrt()
    for step in range(schedule.T, 0, -1):
        t = torch.tensor([step])
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)
        x = eq_13_without_noise(denoiser, schedule, x, t, y) + at(sigma, (t + 1).clamp(max=schedule.T), x) * noise
    return x


def sampler_q(denoiser, schedule, x_T, y, generator):
    x, sigma = x_T, schedule.posterior_variance.sqrt()
    for step in range(schedule.T, 0, -1):
        t = torch.tensor([step])
        noise = torch.randn(len(x), 1, 1, generator=generator, dtype=x.dtype)
        x = eq_13_without_noise(denoiser, schedule, x, t, y) + at(sigma, t, x) * noise
    return x


def sampler_r(denoiser, schedule, x_T, y, generator):
    x = x_T
    for step in [*range(schedule.T, 0, -1), 1]:
        x = reverse_step(denoiser, schedule, x, torch.tensor([step]), y, generator)
    return x


SAMPLERS = {"P": sampler_p, "Q": sampler_q, "R": sampler_r}
BUGS = {
    "the noise of t+1": sampler_p,
    "one noise for both pixels": sampler_q,
    "the last step twice": sampler_r,
}
OTHERS = ("half of the noise", "the noise of t-1", "an old noise prediction", "the first step twice")
