"""Bare-bones diffusion: more steps and more training draw better sprites, but none that look real."""

import numpy as np
import torch

import plots
from evaluation.committed import generator
from measurements.barebones import MAIN_SPRITES, STEPS, long, short
from measurements.common import measurements

SHOWN = 5
ROWS = (1, 5, 25, 100)  # steps


def draw():
    found = measurements("barebones")
    with np.load(MAIN_SPRITES) as archive:
        main = torch.from_numpy(archive["sprites"][:SHOWN]) / 255
    figure = plots.plt.figure(figsize=(7.2, 5.8), layout="constrained")
    pictures, curves = figure.subfigures(2, 1, height_ratios=(1.6, 1))
    last = {"short": {"real": short().test[:SHOWN]}, "long": {"main\nsystem": main}}
    titles = {"short": "trained for 3500 steps", "long": "twice as wide, trained for 45,000 steps"}
    for ax, system, name in zip(pictures.subplots(1, 2), (short(), long()), titles, strict=True):
        rows = {f"$S = {S}$": system.sample(SHOWN, S, generator()) for S in ROWS} | last[name]
        # the square root, or they are too dark to see
        plots.rows_of_images(ax, {row: x.clamp(0, 1).sqrt() for row, x in rows.items()})
        ax.set_title(titles[name])
    pictures.supxlabel("drawn brighter: square root of the intensity", fontsize=9)
    draw_auc(curves.subplots(), found)
    figure.suptitle("More steps and more training draw better sprites, but none that look real")
    return figure


def draw_auc(ax, found):
    """How well a forest distinguishes generated from real sprites, by the number of steps."""
    for rows, label, colour, style, place in (
        (found["B4"]["short"], "short training", plots.BLUE, "o-", (12, 0.984)),
        (found["B10"], "short, step size 2", plots.SKY, "s--", (1.3, 0.9565)),
    ):
        mean, error = (np.array([rows[str(S)]["auc"][of] for S in STEPS]) for of in ("mean", "error"))
        ax.errorbar(STEPS, mean, error, fmt=style, color=colour, capsize=2, markersize=4)
        ax.text(*place, label, color=colour)
    ax.plot(STEPS, [found["B4"]["long"][str(S)]["auc"] for S in STEPS], "^-", color=plots.VERMILION, markersize=4)
    ax.text(14, 0.9485, "long training", color=plots.VERMILION, ha="right")
    main, real = (found["B4"][name]["auc"] for name in ("main system", "real"))
    ax.plot(200, main, "D", color=plots.BLACK)
    ax.text(200, main + 0.005, "main system", ha="center")
    ax.annotate("", (1, 0.94), (1, 0.948), arrowprops={"arrowstyle": "->"})
    ax.text(1.08, 0.944, f"real from real: {real:.2f}", va="center")
    ax.set(xlabel="sampling steps $S$", ylabel="AUC of a forest:\ngenerated or real?", xscale="log")
    ax.set(ylim=(0.94, 1.003), xlim=(0.9, 300))
    plots.whole_number_ticks(ax, (*STEPS, 200))
