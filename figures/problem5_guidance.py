"""Problem 5: what guidance gives and takes, fidelity against diversity, and the Fréchet distance over w."""

import numpy as np

import plots
from evaluation.committed import mnist_scorecard

PLACES = ((6, -11), (8, 3), (-30, -24), (-6, 8), (4, -24))  # of the labels beside their points, for each w


def draw():
    card = mnist_scorecard()
    rows, real = card["sweep"], card["sweep_real"]
    weights = [float(w) for w in rows]
    figure, (left, right) = plots.panels(1, 2, figsize=(10, 4))
    diversity, fidelity, frechet = ([row[key] for row in rows.values()] for key in ("diversity", "fidelity", "frechet"))
    interval = np.abs(np.array([row["fidelity_interval"] for row in rows.values()]).T - fidelity)  # (2, number of w)
    left.errorbar(diversity, fidelity, interval, fmt="o-", color=plots.BLUE, capsize=2)
    for w, x, y, place in zip(rows, diversity, fidelity, PLACES, strict=True):
        left.annotate(f"w = {w}", (x, y), xytext=place, textcoords="offset points")
    left.plot(real["diversity"], real["fidelity"], "*", color=plots.BLACK, markersize=11, label="real test digits")
    left.set(xlabel="diversity (1 = as real training digits)", ylabel="fidelity: share read as its class")
    left.legend(loc="lower left")
    right.semilogy(weights, frechet, "o-", color=plots.BLUE, label="generated")
    label = f"{real['samples']} real test digits"
    right.axhline(real["frechet"], color=plots.VERMILION, linestyle="--", label=label)
    right.set(xlabel="guidance w", ylabel="Fréchet distance to training digits")
    right.legend()
    figure.suptitle(f"Guidance on MNIST, {real['samples']} digits for each w: more certain, less various")
    return figure
