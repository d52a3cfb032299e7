"""Guidance is not sampling from p(x|y) p(y|x)^w: guided samples over that density, for four w."""

import torch

import plots
from exact.guided_target import log_tilted_density
from measurements.common import measurements
from measurements.guidance import CLASS, WEIGHTS, guided_samples, run_of

DRAWN = 1500
MARKS = {
    "tilted": ("mean of the tilted density", plots.BLACK, "X"),
    "oracle, eq. 13": ("mean of guided samples: oracle, eq. 13, T = 1000", plots.ORANGE, "s"),
    "oracle, flow": ("mean of guided samples: oracle, flow, T = 1000", plots.VERMILION, "^"),
}


def draw():
    found, world = measurements("guidance")["rows"], run_of(50).world
    figure, axes = plots.panels(1, len(WEIGHTS), figsize=(10, 3.5), sharex=True, sharey=True)
    extent = (-0.7, 2.4, -2.1, 1.0)
    _, _, points = plots.grid(extent)
    for ax, w in zip(axes, WEIGHTS, strict=True):
        density = log_tilted_density(world, w, CLASS)(torch.as_tensor(points)).exp().numpy()
        plots.filled_density(ax, density, extent, plots.EXACT)
        plots.scatter(ax, guided_samples("network, eq. 13, T = 50", w, n=DRAWN), plots.BLUE)
        ax.plot([], [], "o", color=plots.BLUE, markersize=3, label="samples: network, eq. 13, T = 50")
        for name, (label, colour, marker) in MARKS.items():
            style = {
                "markeredgecolor": "white",
                "linestyle": "",
                "markersize": 9,
                "zorder": 6 if name == "tilted" else 5,
            }
            ax.plot(*found[f"{w:g}"][name]["mean"], marker, color=colour, label=label, **style)
        plots.pixel_plane(ax, extent)
        ax.label_outer()
        ax.set_title(f"w = {w:g}")
    axes[0].plot([], [], "s", color="0.7", markersize=9, label="tilted density $p(x|y)\\,p(y|x)^w$")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure
