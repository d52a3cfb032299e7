"""MNIST: networks trained on few and on many digits, and digits of each beside the nearest that it was trained on."""

import numpy as np
import torch

import plots
from measurements.brief_digits import PICTURES, SIZES
from measurements.common import measurements

COLOURS = dict(zip(SIZES, (plots.VERMILION, plots.ORANGE, plots.GREEN, plots.BLUE), strict=True))


def draw():
    found, digits = measurements("brief_digits"), np.load(PICTURES)
    figure, (left, right) = plots.panels(1, 2, figsize=(7.6, 3.4))
    for N, colour in COLOURS.items():
        by_t = found[N]["by_t"]
        values = [at["memorisation"] for at in by_t.values()]
        left.plot([int(t) for t in by_t], values, color=colour, marker="o", markersize=3.5, label=f"$N$ = {int(N):,}")
    for end in (0, 1):
        left.axhline(end, color="0.6", linewidth=0.8, linestyle=":")
    left.set(xlabel="$t$ (noise on the right)", ylabel="memorisation coefficient", ylim=(-0.1, 1.1))
    left.set_title("how far on the way to copying", fontsize=10)
    left.legend(fontsize=8.5)
    rows = {}
    for N in SIZES:
        drawn, nearest = torch.from_numpy(digits[f"N{N}"]).unsqueeze(2) / 255
        rows |= {f"$N$ = {int(N):,}": drawn, f"nearest of {int(N):,}": nearest}
    plots.rows_of_images(right, rows)
    right.set_title("drawn digits, and the nearest of the set", fontsize=10)
    figure.suptitle("Trained on a hundred digits, a network draws them again", fontsize=11)
    return figure
