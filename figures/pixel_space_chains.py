"""Glyphs by diffusion: the first guess is the grey mean image, and each guess is nearer to where its chain ends."""

import numpy as np
import torch

import plots
from evaluation.committed import generator
from experiments.data import STRUCTURES
from measurements.common import measurements
from measurements.pixel_space import LEFT_RIGHT, MAP, TOP_BOTTOM, glyph_run
from utils import sample, x0_from_eps

SHOWN = 6  # chains on the map; the pictures are of the first two
AT = (200, 180, 160, 140, 120, 100, 80, 60, 40, 20)
COLOURS = {LEFT_RIGHT: plots.BLUE, TOP_BOTTOM: plots.VERMILION}


def draw():
    found = measurements("pixel_space")["G5"]
    figure = plots.plt.figure(figsize=(7.2, 5.2), layout="constrained")
    pictures, curves = figure.subfigures(2, 1, height_ratios=(1, 2.2))
    guesses, top = guesses_of_chains(n=len(found["places"][0])), pictures.subplots()
    plots.rows_of_images(top, {STRUCTURES[y]: 1 - guesses[:, y].clamp(0, 1) for y in COLOURS})
    for column, t in enumerate((*AT, 0)):
        top.text(19 * column + 8, -2, f"${t}$" if column else f"$t = {t}$", ha="center", va="bottom", fontsize=9)
    left, right = curves.subplots(1, 2)
    draw_map(left, found)
    draw_distances(right, found)
    figure.suptitle("The first guess is the grey mean image, and each guess is nearer to the end")
    return figure


@torch.no_grad()
def guesses_of_chains(n):
    """x̂_0 of the measured chains, left-right and top-bottom in turn, at the steps AT, and x_0: (11, n, 1, 16, 16)."""
    run, random, seen = glyph_run(), generator(), {}
    denoiser = run.denoiser()

    def recording(x_t, t, y):
        eps = denoiser(x_t, t, y)
        seen[int(t[0])] = run.to_pixels(x0_from_eps(run.schedule, x_t, t, eps))
        return eps

    y = torch.arange(n) % 2
    seen[0] = run.to_pixels(sample(recording, run.schedule, run.noise(n, random), y, random, run.config.variance))
    return torch.stack([seen[t] for t in (*AT, 0)])


def draw_map(ax, found):
    """The chains on the map of characters (grey), of each structure in its colour."""
    order, places = np.argsort(-np.array(found["t"])), np.array(found["places"])
    with np.load(MAP) as archive:
        ax.scatter(*archive["places"].T, s=2, color="0.8", linewidths=0, rasterized=True)
    for chain in range(SHOWN):
        plots.trajectory(ax, places[order, chain], COLOURS[chain % 2])
    ax.set(xlabel="UMAP 1", ylabel="UMAP 2", aspect="equal")
    ax.set_title("The guesses of six chains on the map\n(ring: the first, star: the end)")


def draw_distances(ax, found):
    """How far the guesses are from the end of their chain, and from any real character."""
    t = np.sort(found["t"])[::-1]
    for key, colour, style in (("to_end", plots.BLACK, "o-"), ("distance", plots.PURPLE, "^-")):
        ax.plot(t, [found["rows"][str(s)][key] for s in t], style, color=colour, markersize=5)
    low, _, high = found["distance_of_test"]
    ax.axhspan(low, high, color="0.88", linewidth=0)
    ax.text(3, high - 0.008, "half of the unseen\ncharacters", ha="right", va="top", fontsize=9)
    ax.text(3, 0.47, "to the nearest character", color=plots.PURPLE, ha="right")
    ax.text(130, 0.18, "to its\nown end", color=plots.BLACK)
    ax.set(xlabel="step $t$", ylabel="distance of a guess (median of 20)", xlim=(t.max() + 4, -4), ylim=(0, 0.52))
    ax.set_title("The end is farther from any character\nthan most unseen ones are")
