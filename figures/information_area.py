"""Loss floors without and with label over log-SNR: the area between them is 2 I(x_0; y)."""

import numpy as np
import torch

import plots
from evaluation.committed import CHECKPOINTS, generator
from evaluation.metrics import excess_loss
from exact.information import log_snr
from experiments.two_pixel import load
from measurements.common import measurements

WORLDS = {"signed": "signed, σ = 0.10", "overlapping": "overlapping, σ = 0.45"}
POINTS = 121
NAMES = ("without label", "with label")


def draw():
    found = measurements("information")["rows"]
    figure, axes = plots.panels(1, 2, figsize=(10, 3.8), sharey=True)
    for ax, (world, title) in zip(axes, WORLDS.items(), strict=True):
        run = load(CHECKPOINTS / f"{world}-T50")
        grid = torch.linspace(-10, 10, POINTS, dtype=torch.float64)
        floors = floors_at(run.mixture, grid.sigmoid())
        ax.fill_between(grid, *floors, color="0.88", label=r"area between: $2\,I(x_0; y)$")
        losses = losses_of_network(run)
        for floor, loss, name, colour in zip(floors, losses, NAMES, plots.CLASS_COLOURS, strict=True):
            ax.plot(grid, floor, color=colour, label=f"exact floor, {name}")
            ax.plot(log_snr(run.schedule.alphas_cumprod[1:]), loss, ".", color=colour, label=f"network, {name}")
        row = found[world]
        ax.set_title(f"{title}: exact area {row['exact']:.4f}, network's {row['network']['mean']:.4f}")
        ax.set(xlabel="λ = log(ᾱ/(1-ᾱ)): noise left, image right", ylabel="loss, both pixels", xlim=(-10, 10))
        ax.label_outer()
    axes[0].legend()
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
