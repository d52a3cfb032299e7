"""Problem 5: real and generated digits of each class side by side, and how diverse each class is."""

import numpy as np

import plots
from evaluation.committed import mnist_samples, mnist_scorecard
from evaluation.images import ten_of_each
from experiments.data import mnist


def draw():
    card, (_, test) = mnist_scorecard(), mnist()
    generated, real = card["generated"], card["real"]
    figure, (left, middle, right) = plots.panels(1, 3, figsize=(10, 4.6), width_ratios=(1, 1, 0.7))
    plots.image_grid(left, ten_of_each(test), columns=10)
    left.set_title("real test digits,\nthe first of each class")
    plots.image_grid(middle, ten_of_each(mnist_samples(0)), columns=10)
    middle.set_title("generated digits, w = 0,\nthe first of each class")
    classes = np.arange(10)
    right.axvline(1, color=plots.BLACK, linewidth=0.8)
    for label, row, marker, colour in (
        ("real test digits", real, "x", plots.BLACK),
        ("generated, w = 0", generated, "o", plots.BLUE),
        ("generated, w = 2", card["sweep"]["2"], "s", plots.ORANGE),
    ):
        right.plot(row["diversity_of_class"], classes, marker, color=colour, label=label)
    right.set(yticks=classes, ylim=(9.5, -0.5), ylabel="class", xlabel="diversity")
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))
    figure.suptitle(
        "Diversity: the mean distance between two digits of a class in the classifier's features,\n"
        "over that of real training digits (1 = as diverse)"
    )
    return figure
