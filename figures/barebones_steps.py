"""Bare-bones diffusion: sprites by few and many steps, of a small and a larger network, and how good they are."""

import numpy as np
import torch

import plots
from evaluation.committed import generator
from measurements.barebones import MAIN_SPRITES, STEPS, long, short
from measurements.common import measurements

SHOWN = 8
TITLES = {"short": "3500 steps of training", "long": "45,000 steps, twice the width"}


def draw():
    found = measurements("barebones")
    figure, (left, middle, right) = plots.panels(1, 3, figsize=(12, 4.6), width_ratios=(1.3, 1.3, 1))
    with np.load(MAIN_SPRITES) as archive:
        main = torch.from_numpy(archive["sprites"][:SHOWN]) / 255
    last = {"short": {"real": short().test[:SHOWN]}, "long": {"main system": main}}
    for ax, system, name in ((left, short(), "short"), (middle, long(), "long")):
        rows = {f"S = {S}": system.sample(SHOWN, S, generator()).clamp(0, 1) for S in STEPS}
        plots.rows_of_images(ax, rows | last[name])
        ax.set_title(TITLES[name])
    for name, rows, style, colour in (
        ("short", found["B4"]["short"], "o-", plots.BLUE),
        ("short, step size 2", found["B10"], "s--", plots.SKY),
    ):
        mean, error = (np.array([rows[str(S)]["auc"][of] for S in STEPS]) for of in ("mean", "error"))
        right.errorbar(STEPS, mean, error, fmt=style, color=colour, label=name, capsize=2)
    right.plot(STEPS, [found["B4"]["long"][str(S)]["auc"] for S in STEPS], "^-", color=plots.VERMILION, label="long")
    main, real = (found["B4"][name]["auc"] for name in ("main system", "real"))
    right.plot(200, main, "D", color=plots.ORANGE, label="main system, T = 200")
    right.axhline(real, color=plots.BLACK, linestyle="--", linewidth=0.8, label="real from real")
    right.set(xlabel="sampling steps S", ylabel="AUC: told from real ones by a forest", xscale="log", ylim=(0.48, 1.01))
    right.legend()
    return figure
