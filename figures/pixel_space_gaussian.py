"""Pixel space: a Gaussian fitted to samples by maximum likelihood, and its errors by sample size."""

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
    figure, (left, right) = plots.panels(1, 2, figsize=(10, 3.8))
    left.hist(x, bins=25, density=True, color=plots.ORANGE, alpha=0.6, label=f"{SHOWN} samples")
    left.plot(grid, norm.pdf(grid), color=plots.BLACK, label="the truth, N(0, 1)")
    fitted = norm.pdf(grid, mean, variance**0.5)
    left.plot(grid, fitted, ":", color=plots.BLUE, linewidth=2.5, label=f"fitted, N({mean:.2f}, {variance:.2f})")
    left.set(xlabel="x", ylabel="density")
    left.legend()
    n = np.array([row["n"] for row in rows])
    for key, theory, label, marker, colour in (
        ("rmse_of_mean", 1 / np.sqrt(n), "mean", "o", plots.BLUE),
        ("rmse_of_std", 1 / np.sqrt(2 * n), "standard deviation", "s", plots.VERMILION),
    ):
        right.loglog(n, [row[key] for row in rows], marker, color=colour, label=f"error of the {label}")
        right.loglog(n, theory, "-", color=colour, linewidth=0.8)
    right.set(xlabel="samples", ylabel="root mean square error")
    right.legend(title="lines: 1/√n and 1/√2n")
    return figure
