"""Pixel space: a Gaussian fitted by maximum likelihood: a hundred times the samples, a tenth of the error."""

import numpy as np
from scipy.stats import norm

import plots
from measurements.common import measurements
from small_systems.pixel_space import fit_gaussian

SHOWN = 300


def draw():
    rows = measurements("pixel_space")["G1"]["rows"]
    x, grid = np.random.default_rng(0).standard_normal(SHOWN), np.linspace(-4, 4, 200)
    mean, variance = fit_gaussian(x)
    figure, (left, right) = plots.panels(1, 2, figsize=(7, 3.3))
    left.hist(x, bins=25, density=True, color=plots.SKY, alpha=0.5)
    left.plot(grid, norm.pdf(grid), color=plots.BLACK)
    left.plot(grid, norm.pdf(grid, mean, variance**0.5), "--", color=plots.VERMILION, linewidth=2)
    left.text(-4.2, 0.34, f"{SHOWN} samples", color=plots.BLUE)
    left.text(1.3, 0.33, "the truth,\n" r"$\mathcal{N}(0, 1)$")
    left.text(1.3, 0.2, f"fitted,\n$\\mathcal{{N}}({mean:.2f}, {variance:.2f})$", color=plots.VERMILION)
    left.set(xlabel="$x$", ylabel="density", title="The curve that makes the samples\nmost probable")
    n = np.array([row["n"] for row in rows])
    for key, theory, label, marker, colour, place in (
        ("rmse_of_mean", 1 / np.sqrt(n), r"mean: $1 / \sqrt{n}$", "o", plots.BLUE, (800, 0.06)),
        ("rmse_of_std", 1 / np.sqrt(2 * n), r"std: $1 / \sqrt{2n}$", "s", plots.VERMILION, (11, 0.03)),
    ):
        right.loglog(n, [row[key] for row in rows], marker, color=colour, markersize=5)
        right.loglog(n, theory, "-", color=colour, linewidth=0.8)
        right.text(*place, label, color=colour)
    right.set(xlabel="number of samples $n$", ylabel="root mean square error")
    right.set_title("Its errors (points)\nand what theory says (lines)")
    figure.suptitle("A hundred times as many samples make a tenth of the error")
    return figure
