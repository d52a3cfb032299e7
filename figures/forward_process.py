"""Figure 1: the forward process, q(x_t) at five steps; one image, a thousand images, and the exact density."""

import numpy as np
import torch

import plots
from evaluation.committed import experiment, generator
from figures.common import PLANE
from utils import add_noise

STEPS = (0, 10, 20, 30, 40, 50)


def draw():
    run, random = experiment(50), generator(3)
    figure, axes = plots.plt.subplots(2, len(STEPS), figsize=(7.2, 2.7), height_ratios=[1, 4], layout="constrained")
    x0, _ = run.draw(1000, random)
    eps = torch.randn(x0.shape, generator=random)  # one noise for all steps, so that each image can be followed
    for (strip, plane), t in zip(axes.T, STEPS, strict=True):
        x_t = run.to_pixels(add_noise(run.schedule, x0, torch.full((len(x0),), t), eps))
        plots.two_pixel_image(strip, x_t[0])
        strip.set_title(f"$t = {t}$\n$\\bar\\alpha_t = {written(float(run.schedule.alphas_cumprod[t]))}$", fontsize=9)
        plots.exact_density(plane, run.pixel_mixture(t), PLANE)
        plots.scatter(plane, x_t)
        plane.plot(*x_t[0], "o", color=plots.ORANGE, markeredgecolor="black", markersize=7)
        plots.pixel_plane(plane, PLANE)
        plane.label_outer()
    figure.suptitle("An image becomes noise, over the exact density of $x_t$")
    return figure


def written(value):
    """A number in [0, 1] as mathematics, a small one by its power of ten."""
    return f"{value:.2g}" if value > 1e-3 else f"10^{{{np.log10(value):.0f}}}"
