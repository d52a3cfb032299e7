"""Four samplers for the exercise of notebook 03. One is right. No peeping: find the bugs with the instruments."""

import torch

from utils import at, reverse_step, standard_normal


def sampler_a(denoiser, schedule, x_T, y, generator):
    x = x_T
    for step in range(schedule.T - 1, 0, -1):
        x = reverse_step(denoiser, schedule, x, torch.full((len(x),), step), y, generator)
    return x


def sampler_b(denoiser, schedule, x_T, y, generator):
    x = x_T
    for step in range(schedule.T, 0, -1):
        t = torch.full((len(x),), step)
        x = reverse_step(denoiser, schedule, x, t, y, generator)
        if step == 1:
            x = x + at(schedule.betas.sqrt(), t, x) * standard_normal(x, generator)
    return x


def sampler_c(denoiser, schedule, x_T, y, generator):
    x = x_T
    for step in range(schedule.T, 0, -1):
        x = reverse_step(denoiser, schedule, x, torch.full((len(x),), step), y, generator)
    return x


def sampler_d(denoiser, schedule, x_T, y, generator):
    x = x_T
    for step in range(schedule.T, 1, -1):
        x = reverse_step(denoiser, schedule, x, torch.full((len(x),), step), y, generator)
    return x


SAMPLERS = {"A": sampler_a, "B": sampler_b, "C": sampler_c, "D": sampler_d}
BUGS = {
    "starts at T-1": sampler_a,
    "noise on the last step": sampler_b,
    "none": sampler_c,
    "skips the last step": sampler_d,
}
