"""Problem 2's densities p_θ(x_t) of eq. 13, computed and not estimated, over the exact q(x_t)."""

import numpy as np

import plots
from evaluation.committed import experiment
from figures.common import PLANE
from measurements.likelihood import DENSITIES, SHOWN


def draw():
    run, found = experiment(50), np.load(DENSITIES)
    figure, axes = plots.panels(2, 3, figsize=(7, 5.3), sharex=True, sharey=True)
    for ax, t in zip(axes.flat, SHOWN, strict=True):
        x, y, density = np.moveaxis(found[f"t{t}"], 2, 0)
        ax.contourf(x, y, density, levels=density.max() * plots.LEVELS, cmap=plots.ESTIMATED, extend="max")
        plots.exact_contours(ax, run.pixel_mixture(t), PLANE)
        plots.pixel_plane(ax, PLANE)
        ax.label_outer()
        ax.set_title(f"$t = {t}$")
    figure.suptitle("Computed without any samples, the densities of eq. 13 follow the exact ones")
    figure.supxlabel("blue: $p_\\theta(x_t)$, computed; lines: the exact $q(x_t)$", fontsize=9)
    return figure
