"""Naive diffusion: glyphs by denoising and renoising in S steps, and how good they are by S."""

import numpy as np

import plots
from evaluation.committed import generator
from measurements.common import measurements
from measurements.naive import STEPS, renoising

SHOWN = 14


def draw():
    system, found = renoising(), measurements("naive")["N-e"]
    rows = {f"S = {S}": 1 - system.sample(SHOWN, S, generator()) for S in STEPS}
    rows["real"] = 1 - system.test[:SHOWN]
    figure, (left, right) = plots.panels(1, 2, figsize=(10, 5), width_ratios=(1.3, 1))
    plots.rows_of_images(left, rows)
    for run, key, label, style, colour in (
        ("short", "auc", "AUC, small network", "D--", plots.SKY),
        ("long", "auc", "AUC, larger network", "o-", plots.BLUE),
        ("long", "greyness", "greyness", "s-", plots.ORANGE),
        ("long", "isolated_ink", "isolated ink", "^-", plots.VERMILION),
    ):
        mean, error = (np.array([found[run][str(S)][key][of] for S in STEPS]) for of in ("mean", "error"))
        right.errorbar(STEPS, mean, error, fmt=style, color=colour, label=label, capsize=2)
    right.axhline(found["real"]["auc"], color=plots.BLACK, linestyle="--", linewidth=0.8, label="AUC, real from real")
    right.set(xlabel="sampling steps S", ylabel="AUC; greyness; share of the ink", xscale="log", ylim=(0, 1.02))
    right.set_xscale("log", base=2)
    right.legend(loc="upper right", bbox_to_anchor=(1, 0.8))
    figure.suptitle("Denoise, renoise: one step gives the mean image; some steps, characters; many, bold ones")
    return figure
