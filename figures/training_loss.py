"""The training loss above the least loss that any network can have, and what is left to learn at each step."""

import numpy as np

import plots
from evaluation.committed import CHECKPOINTS, experiment, generator
from evaluation.metrics import excess_loss


def draw():
    figure, (left, right) = plots.panels(1, 2, figsize=(7.2, 3.4))
    run = experiment(50)
    losses = np.load(CHECKPOINTS / "homework-T50" / "losses.npz")["losses"]
    plots.loss_with_floor(left, losses, run.training_floor())
    left.set_title("training loss of v-prediction, $T = 50$")
    excess_by_step(right, run)
    figure.suptitle("The network learns nearly all that can be learned")
    return figure


def excess_by_step(ax, run):
    """The ε-loss of oracle and network at each step: floor, and the network's excess over it."""
    x0, y = run.draw(4000, generator())
    steps = np.arange(1, run.config.T + 1)
    names = ("without label", "with label")
    for labels, floor, name, colour in zip((None, y), run.loss_floors, names, plots.CLASS_COLOURS, strict=True):
        excess = excess_loss(run.learned(), run.exact, run.schedule, x0, labels, generator())
        ax.plot(steps, floor, color=colour)
        ax.plot(steps, excess, color=colour, linestyle=":")
        ax.text(0.05, 0.08 if labels is None else 0.16, name, color=colour, transform=ax.transAxes)
    ax.set(xlabel="step $t$", ylabel="loss per pixel", yscale="log")
    ax.text(2, 0.15, "exact floor: what\nnobody can predict", va="top")
    ax.text(2, 2e-5, "network's excess over it:\nwhat is left to learn", va="top")
    ax.set_title("noise-prediction loss by step")
