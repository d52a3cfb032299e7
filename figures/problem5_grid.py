"""Problem 5, figure 7 of the homework: a hundred generated digits, ten of each class."""

import plots
from evaluation.committed import mnist_samples, mnist_scorecard
from evaluation.images import ten_of_each

W = 1.0


def draw():
    row = mnist_scorecard()["sweep"][f"{W:g}"]
    figure, ax = plots.panels(1, 1, figsize=(6, 6.6))
    plots.image_grid(ax, ten_of_each(mnist_samples(W)), columns=10)
    figure.suptitle(
        f"Generated digits, one class in each row, w = {W:g}, not hand-picked:\n"
        f"of {row['samples']} such digits, {row['fidelity']:.2%} are read as their class"
    )
    return figure
