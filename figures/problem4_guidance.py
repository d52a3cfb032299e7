"""Problem 4: the same noise guided to either class; both kinds of guidance end close to the exact denoiser."""

import torch

import plots
from evaluation.committed import experiment, generator
from figures.common import PLANE
from utils import classifier_free_guidance, classifier_guidance, sample_trajectory

WEIGHT = 1.0  # w; classifier guidance gets the gradient scale 1 + w, which is the same thing for the exact oracle
MARKERS = {"classifier_free": "*", "classifier": "P", "oracle": "o"}
NAMES = {"classifier_free": "classifier-free", "classifier": "by a classifier", "oracle": "exact"}
LABELS = ((0.12, 0.62), (0.93, 0.26))
NEAR = 0.016  # half the side of the inset


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
    figure, ax = plots.panels(1, 1, figsize=(5.6, 5))
    plots.exact_density(ax, run.world, PLANE)
    inset = ax.inset_axes((0.66, 0.66, 0.33, 0.33))
    for y, colour in enumerate(plots.CLASS_COLOURS):
        ends = {name: path(run, denoiser, y)[-1] for name, denoiser in guided(run).items()}
        states = path(run, guided(run)["classifier_free"], y)
        plots.trajectory(ax, states, colour)
        ax.text(*LABELS[y], f"$y = {y}$", color=colour, fontsize=12)
        if y == 1:
            draw_ends(inset, ends, colour)
            ax.indicate_inset_zoom(inset, edgecolor="0.3")
    plots.pixel_plane(ax, PLANE)
    ax.set_title(
        f"The same noise (ring), guided to either class with $w = {WEIGHT:g}$;\n"
        "inset, 0.04 wide: both kinds end close to the exact denoiser"
    )
    return figure


def path(run, denoiser, y):
    """One starting noise denoised with a label, always with the same noise on the way: (T+1, 2) in pixel space."""
    x_T = run.noise(1, generator(4))
    states = sample_trajectory(denoiser, run.schedule, x_T, torch.tensor([y]), generator(6), run.config.variance)
    return run.to_pixels(states)[:, 0].flip(0)


def draw_ends(ax, ends, colour):
    """Where the paths of all kinds of guidance end, enlarged."""
    for name, (x, y) in ends.items():
        ax.plot(x, y, MARKERS[name], color=colour, markeredgecolor="black", markersize=9, alpha=0.9)
        ax.annotate(NAMES[name], (x, y), (9, -1), textcoords="offset points", va="center", fontsize=8)
    x, y = ends["classifier_free"]
    ax.set(xlim=(x - NEAR, x + 1.6 * NEAR), ylim=(y - NEAR, y + NEAR), xticks=[], yticks=[])
