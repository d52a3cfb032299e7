"""Naive diffusion: denoise, renoise: sixteen steps are best; fewer leave grey, more draw too boldly."""

import numpy as np

import plots
from evaluation.committed import generator
from measurements.common import measurements
from measurements.naive import STEPS, renoising

SHOWN = 9
TICKS = (1, 4, 16, 64, 256)


def draw():
    system, found = renoising(), measurements("naive")["N-e"]
    best = min(found["long"], key=lambda S: found["long"][S]["auc"]["mean"])
    rows = {f"$S = {S}$": 1 - system.sample(SHOWN, S, generator()) for S in STEPS}
    rows["real"] = 1 - system.test[:SHOWN]
    figure = plots.plt.figure(figsize=(7.2, 5), layout="constrained")
    layout = [["glyphs", "auc"], ["glyphs", "greyness"], ["glyphs", "ink"]]
    axes = figure.subplot_mosaic(layout, width_ratios=(1.9, 1), height_ratios=(1.3, 1, 1))
    plots.rows_of_images(axes["glyphs"], rows)
    figure.get_layout_engine().set(h_pad=0.08)
    names = {"auc": "AUC of a forest:\ngenerated or real?", "greyness": "greyness", "ink": "share of ink"}
    for key, name in names.items():
        for run, colour, style in (("short", plots.ORANGE, "s--"), ("long", plots.BLUE, "o-")):
            mean, error = (np.array([found[run][str(S)][key][of] for S in STEPS]) for of in ("mean", "error"))
            axes[key].errorbar(STEPS, mean, error, fmt=style, color=colour, capsize=2, markersize=4)
        axes[key].axhline(found["real"][key], color=plots.BLACK, linestyle="--", linewidth=0.8)
        axes[key].axvline(int(best), color="0.8", zorder=0)
        axes[key].set(xscale="log", ylabel=name)
        plots.whole_number_ticks(axes[key], TICKS)
    axes["auc"].set(ylim=(0.42, 1.1))
    axes["ink"].set(xlabel="sampling steps $S$", ylim=(0, 0.45))
    axes["auc"].text(256, 0.49, "real from real", ha="right")
    axes["ink"].text(256, 0.31, "real", ha="right", va="top")
    axes["greyness"].text(256, 0.05, "real: 0", ha="right")
    axes["auc"].text(256, 1.02, "small network", color=plots.ORANGE, ha="right")
    axes["auc"].text(1, 0.87, "larger\nnetwork", color=plots.BLUE, va="center")
    figure.suptitle(f"Denoise, renoise: {best} steps are best; fewer leave grey, more draw too boldly")
    return figure
