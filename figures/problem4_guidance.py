"""Problem 4: from the same starting noise to either class, by classifier-free and by classifier guidance."""

import torch

import plots
from evaluation.committed import experiment, generator
from figures.common import PLANE
from utils import classifier_free_guidance, classifier_guidance, sample_trajectory

WEIGHT = 1.0  # w; classifier guidance gets the gradient scale 1 + w, which is the same thing for the exact oracle


TITLES = {
    "classifier_free": "classifier-free guidance, network",
    "classifier": "classifier guidance, networks",
    "oracle": "either kind, exact oracle",
}


def guided(run):
    """The denoisers that the figure compares, by name, each clipped after guidance."""
    ways = {
        "classifier_free": classifier_free_guidance(run.learned(), WEIGHT),
        "classifier": classifier_guidance(run.learned(), run.classifier, run.schedule, 1 + WEIGHT),
        "oracle": classifier_free_guidance(run.exact, WEIGHT),
    }
    return {name: run.clipped(denoiser) for name, denoiser in ways.items()}


def draw():
    run = experiment(50)
    figure, axes = plots.panels(1, len(TITLES), figsize=(9.5, 4.1), sharex=True, sharey=True)
    for ax, (name, denoiser) in zip(axes, guided(run).items(), strict=True):
        plots.exact_density(ax, run.world, PLANE)
        draw_both_labels(ax, run, denoiser)
        plots.pixel_plane(ax, PLANE)
        ax.label_outer()
        ax.set_title(TITLES[name])
    axes[0].legend(loc="lower left")
    figure.suptitle(
        f"The same starting noise (ring) guided to y = 0 and to y = 1 (stars), w = {WEIGHT:g}, over the exact density"
    )
    return figure


def draw_both_labels(ax, run, denoiser):
    """One starting noise denoised once for each label, with the same noise on the way."""
    x_T = run.noise(1, generator(4))
    for y, colour in enumerate(plots.CLASS_COLOURS):
        states = sample_trajectory(denoiser, run.schedule, x_T, torch.tensor([y]), generator(6), run.config.variance)
        plots.trajectory(ax, run.to_pixels(states)[:, 0].flip(0), colour, label=f"y = {y}")
