"""Problem 5: one digit on its way from noise, x_t above and the x̂_0 that the network expects below."""

import numpy as np
import torch

import plots
from evaluation.committed import generator, mnist_run
from utils import sample_trajectory, x0_from_eps

STEPS = (200, 175, 150, 125, 100, 75, 50, 25, 0)
DIGIT = 5


def draw():
    run, random, y = mnist_run(), generator(5), torch.tensor([DIGIT])
    states = sample_trajectory(run.denoiser(), run.schedule, run.noise(1, random), y, random, run.config.variance)
    figure, axes = plots.panels(2, len(STEPS), figsize=(7.2, 2.2))
    for (above, below), t in zip(axes.T, STEPS, strict=True):
        x_t, step = states[t], torch.tensor([t])
        x0 = x_t if t == 0 else x0_from_eps(run.schedule, x_t, step, run.denoiser()(x_t, step, y).detach())
        for ax, x in ((above, x_t), (below, x0)):
            plots.image_grid(ax, np.asarray(run.to_pixels(x).squeeze(1)), columns=1)
        above.set_title(f"$t = {t}$")
    axes[0, 0].text(-0.1, 0.5, "$x_t$", transform=axes[0, 0].transAxes, ha="right", va="center")
    axes[1, 0].text(-0.1, 0.5, "$\\hat x_0$", transform=axes[1, 0].transAxes, ha="right", va="center")
    figure.suptitle(f"From noise to image, given $y = {DIGIT}$: $x_t$, and the image that the network predicts")
    return figure
