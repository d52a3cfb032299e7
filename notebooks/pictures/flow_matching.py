"""The picture of notebook 14, The same thing under another name."""

import torch

import plots
from exact.flow_matching import euler
from samplers import coefficients


def paths(run, n=40, seed=1):
    """Paths of the exact velocity from n noises to their images, in x_τ and model space, and the straight lines."""
    schedule, x_T = run.schedule, run.noise(n, torch.Generator().manual_seed(seed)).double()
    walk = [(schedule.T, x_T), *euler(run.exact, schedule, range(schedule.T, -1, -1), x_T, None)]
    states = torch.stack([x / sum(coefficients(schedule, t)) for t, x in walk]).squeeze(2)  # (T+1, n, 2)
    figure, axes = plots.panels(1, 2, figsize=(8, 3.9), sharey=True)
    extent = (-3.4, 3.4, -3.4, 3.4)
    for ax, lines, title in (
        (axes[0], states, "where the exact velocity leads"),
        (axes[1], states[[0, -1]], "the same pairs, joined by straight lines"),
    ):
        plots.exact_density(ax, run.mixture, extent)
        ax.plot(*lines.unbind(-1), color=plots.BLUE, linewidth=0.9)
        ax.plot(*states[0].T, color=plots.BLUE, marker="o", markersize=3, linestyle="", label="noise")
        ax.plot(*states[-1].T, color=plots.VERMILION, marker="o", markersize=3, linestyle="", label="image")
        plots.pixel_plane(ax, extent)
        ax.set_title(title)
    axes[0].legend(loc="lower left")
    axes[0].set(xlabel="left pixel, standardised", ylabel="right pixel, standardised")
    axes[1].set(xlabel="left pixel, standardised", ylabel="")
    return figure
