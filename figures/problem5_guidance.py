"""Problem 5: what guidance gives and takes, fidelity against diversity, and the Fréchet distance over w."""

import numpy as np

import plots
from evaluation.committed import mnist_scorecard

PLACES = ((-46, -4), (9, -1), (-11, -25), (-24, -25), (-12, 8))  # of the labels beside their points, for each w


def draw():
    card = mnist_scorecard()
    rows, real = card["sweep"], card["sweep_real"]
    weights = [float(w) for w in rows]
    figure, (left, right) = plots.panels(1, 2, figsize=(7.4, 3.4))
    diversity, fidelity, frechet = ([row[key] for row in rows.values()] for key in ("diversity", "fidelity", "frechet"))
    interval = np.abs(np.array([row["fidelity_interval"] for row in rows.values()]).T - fidelity)  # (2, number of w)
    left.errorbar(diversity, fidelity, interval, fmt="o-", color=plots.BLUE, capsize=2)
    for w, x, y, place in zip(rows, diversity, fidelity, PLACES, strict=True):
        left.annotate(f"$w = {w}$", (x, y), xytext=place, textcoords="offset points")
    left.plot(real["diversity"], real["fidelity"], "*", color=plots.BLACK, markersize=11)
    left.annotate(
        "real test digits", (real["diversity"], real["fidelity"]), (12, -17), textcoords="offset points", ha="right"
    )
    left.set(xlabel="diversity (1: as real training digits)", ylabel="fidelity: share read as its class")
    left.set(xlim=(0.832, 0.995))
    right.semilogy(weights, frechet, "o-", color=plots.BLUE)
    right.axhline(real["frechet"], color=plots.VERMILION, linestyle="--")
    right.text(4, 0.95 * real["frechet"], "real test digits", color=plots.VERMILION, ha="right", va="top")
    right.set(xlabel="guidance $w$", ylabel="Fréchet distance to training digits", ylim=(2, 20), xlim=(-0.2, 4.2))
    right.set_yticks((2, 5, 10, 20), ("2", "5", "10", "20"))
    right.minorticks_off()
    figure.suptitle("Guidance makes digits more certain and less diverse")
    return figure
