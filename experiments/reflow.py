"""Reflow: a network that learns the pairs of noise and image which another one joins (Liu et al. 2023, sec. 2.2).

A network is trained on images and noises that have nothing to do with each other, so its paths bend. Its own samples
come in pairs: each x_T leads to one x_0. Trained on these instead, the next network has straighter paths.
"""

from functools import partial

import torch

from utils import LOSSES, add_noise, training_target


@torch.no_grad()
def pairs(run, n, generator, y=None):
    """n noises x_T and the images x_0 to which the run's sampler of the probability flow leads; y (n,) or no labels."""
    x_T = run.noise(n, generator)
    return x_T, run.sampler(run.denoiser(), labelled=y is not None)(x_T, y, generator)


def reflow_loss(network, generator, *, run, x_T, x_0, y=None):
    """The loss of a batch of pairs, drawn with repetition: as `utils.diffusion_loss`, with x_T in the place of ε."""
    schedule, prediction = run.schedule, run.config.prediction
    chosen = torch.randint(len(x_0), (run.batch_size,), generator=generator)
    t = torch.randint(1, schedule.T + 1, (run.batch_size,), generator=generator)
    eps, x0 = x_T[chosen], x_0[chosen]
    target = training_target(schedule, prediction, x0, t, eps)
    labels = None if y is None else y[chosen]
    return LOSSES[run.config.loss](network(add_noise(schedule, x0, t, eps), t, labels), target)


def loss_of_pairs(run, n, generator):
    """What `utils.Training.run` asks for: the loss of n pairs that the run's network joins now."""
    x_T, x_0 = pairs(run, n, generator)
    return partial(reflow_loss, run=run, x_T=x_T, x_0=x_0)
