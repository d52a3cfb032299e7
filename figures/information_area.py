"""Loss floors without and with label over log-SNR: the area between them is 2 I(x_0; y)."""

import numpy as np
import torch

import plots
from evaluation.committed import CHECKPOINTS, generator
from evaluation.metrics import excess_loss
from exact.information import log_snr
from experiments.two_pixel import load
from measurements.common import measurements

WORLDS = {"signed": r"signed, $\sigma = 0.10$", "overlapping": r"overlapping, $\sigma = 0.45$"}
LABELS = {  # where the curves are named
    "signed": {"without label": (-1.6, 0.45), "with label": (4, 1.5)},
    "overlapping": {"without label": (-0.6, 0.85), "with label": (5.8, 1.2)},
}
POINTS = 121
NAMES = ("without label", "with label")


def draw():
    found = measurements("information")["rows"]
    figure, axes = plots.panels(1, 2, figsize=(7.4, 3.3), sharey=True)
    for ax, (world, title) in zip(axes, WORLDS.items(), strict=True):
        run = load(CHECKPOINTS / f"{world}-T50")
        grid = torch.linspace(-10, 10, POINTS, dtype=torch.float64)
        floors = floors_at(run.mixture, grid.sigmoid())
        ax.fill_between(grid, *floors, color="0.85")
        losses = losses_of_network(run)
        for floor, loss, name, colour in zip(floors, losses, NAMES, plots.CLASS_COLOURS, strict=True):
            ax.plot(grid, floor, color=colour, linewidth=1)
            ax.plot(log_snr(run.schedule.alphas_cumprod[1:]), loss, ".", color=colour, markersize=4)
            ax.text(*LABELS[world][name], name, color=colour, ha="right")
        row = found[world]
        ax.set_title(f"{title}\narea {row['exact']:.3f}, the network's {row['network']['mean']:.3f}")
        ax.set(xlabel=r"$\lambda = \log\,\bar\alpha/(1-\bar\alpha)$: noise left, image right", xlim=(-10, 10))
        ax.set(ylabel="loss of both pixels", xticks=(-10, -5, 0, 5))
        ax.label_outer()
    figure.suptitle(
        "What a label tells about an image is half the area between two losses (lines: exact; dots: network)",
        fontsize=10,
    )
    return figure


def floors_at(mixture, alphas_bar):
    """The two loss floors, summed over the pixels, at each ᾱ: two arrays."""
    unlabelled = np.array([2 * mixture.loss_floor(a) for a in alphas_bar])
    labelled = np.array([2 * mixture.labelled_loss_floor(a) for a in alphas_bar])
    return unlabelled, labelled


@torch.no_grad()
def losses_of_network(run, n=4000):
    """The network's loss without and with label at t = 1 … T, summed over the pixels: floor and excess."""
    x0, y = run.draw(n, generator())
    return [
        2 * (floor + excess_loss(run.learned(), run.exact, run.schedule, x0, labels, generator()))
        for labels, floor in zip((None, y), run.loss_floors, strict=True)
    ]
