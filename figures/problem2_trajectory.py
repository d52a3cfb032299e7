"""Problem 2: one image on its way from noise, over the density of x_t: as estimated from samples, and exactly."""

import plots
from evaluation.committed import experiment, generator
from figures.common import PLANE
from utils import sample_trajectory

STEPS = (50, 40, 30, 20, 10, 0)
SAMPLES = 5000
SHOWN = 84  # of the samples: a path from far out that does not cover the lighter mode


def draw():
    run, random = experiment(50), generator(2)
    x_T = run.noise(SAMPLES, random)
    states = sample_trajectory(run.denoiser(), run.schedule, x_T, None, random, run.config.variance)
    states = run.to_pixels(states)  # (51, n, 2)
    figure, axes = plots.panels(2, 3, figsize=(7, 5.3), sharex=True, sharey=True)
    for ax, t in zip(axes.flat, STEPS, strict=True):
        plots.estimated_density(ax, states[t], PLANE)
        plots.exact_contours(ax, run.pixel_mixture(t), PLANE)
        plots.trajectory(ax, states[t:, SHOWN].flip(0), faintest=0.15)  # from x_50 to x_t
        plots.pixel_plane(ax, PLANE)
        ax.label_outer()
        ax.set_title(f"$t = {t}$")
    figure.suptitle("Noise becomes an image: one path from $x_{50}$ (ring) to $x_t$ (star)")
    figure.supxlabel(f"blue: $p_\\theta(x_t)$, estimated from {SAMPLES} samples; lines: the exact $q(x_t)$", fontsize=9)
    return figure
