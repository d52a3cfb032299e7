"""Problem 2: one denoising trajectory over the estimated density of x_t (top) and over the exact one (bottom)."""

import plots
from evaluation.committed import experiment, generator
from figures.common import PLANE
from utils import sample_trajectory

STEPS = (50, 40, 30, 20, 10, 0)
SAMPLES = 5000


def draw():
    run, random = experiment(50), generator(2)
    x_T = run.noise(SAMPLES, random)
    states = sample_trajectory(run.denoiser(), run.schedule, x_T, None, random, run.config.variance)
    states = run.to_pixels(states)  # (51, n, 2)
    figure, axes = plots.panels(2, len(STEPS), figsize=(9.5, 4.2), sharex=True, sharey=True)
    for (estimated, exact), t in zip(axes.T, STEPS, strict=True):
        so_far = states[t:, 0].flip(0)  # the trajectory from x_50 to x_t
        plots.estimated_density(estimated, states[t], PLANE)
        plots.exact_contours(estimated, run.pixel_mixture(t), PLANE)
        plots.exact_density(exact, run.pixel_mixture(t), PLANE)
        for ax in (estimated, exact):
            plots.trajectory(ax, so_far)
            plots.pixel_plane(ax, PLANE)
            ax.label_outer()
        estimated.set_title(f"$t = {t}$")
    axes[0, 0].set_ylabel("estimated $p_\\theta(x_t)$\n\nright pixel")
    axes[1, 0].set_ylabel("exact $q(x_t)$\n\nright pixel")
    figure.suptitle(
        "One denoising trajectory, from $x_{50}$ (ring) to $x_t$ (star), over the density of $x_t$\n"
        f"top: kernel estimate from {SAMPLES} denoised samples (blue), exact contours (black); bottom: exact (grey)"
    )
    return figure
