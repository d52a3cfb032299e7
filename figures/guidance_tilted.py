"""Guidance is not sampling from p(x|y) p(y|x)^w: guided samples over that density, for four w."""

import torch

import plots
from exact.guided_target import log_tilted_density
from measurements.common import measurements
from measurements.guidance import CLASS, WEIGHTS, guided_samples, run_of

DRAWN = 1500
SHOWN = (WEIGHTS[0], WEIGHTS[-1])
EXTENT = (-0.7, 2.4, -2.1, 1.0)


def draw():
    found, world = measurements("guidance")["rows"], run_of(50).world
    figure, axes = plots.panels(1, len(SHOWN), figsize=(7.2, 4), sharex=True, sharey=True)
    _, _, points = plots.grid(EXTENT)
    for ax, w in zip(axes, SHOWN, strict=True):
        density = log_tilted_density(world, w, CLASS)(torch.as_tensor(points)).exp().numpy()
        plots.filled_density(ax, density, EXTENT, plots.EXACT)
        plots.scatter(ax, guided_samples("network, eq. 13, T = 50", w, n=DRAWN), plots.BLUE)
        means = found[f"{w:g}"]
        target = means["tilted"]["mean"]
        ax.plot(*target, "X", color=plots.BLACK, markeredgecolor="white", markersize=10, zorder=6)
        if w:
            arrow(ax, target, means["oracle, flow"]["mean"], plots.ORANGE, "probability flow", (-26, -14))
            arrow(ax, target, means["oracle, eq. 13"]["mean"], plots.VERMILION, "eq. 13", (8, 6))
        else:
            ax.annotate("mean", target, (10, 8), textcoords="offset points")
        plots.pixel_plane(ax, EXTENT)
        ax.label_outer()
        ax.set_title(f"$w = {w:g}$")
    figure.suptitle("Guided samples miss the tilted density: their mean (arrows) goes past its mean")
    label = (
        "grey: $p(x|y)\\,p(y|x)^w$; blue: samples of the network; arrows: to the means of the exact denoiser's samples"
    )
    figure.supxlabel(label, fontsize=9)
    return figure


def arrow(ax, start, end, colour, name, shift):
    """From the mean that samples should have to the one that they have."""
    ax.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
    )
    ax.annotate(name, end, shift, textcoords="offset points", color=colour, fontweight="bold")
