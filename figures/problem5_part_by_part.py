"""Problem 5: a digit is drawn neither part by part nor all at once, but everywhere at once and coarse before fine."""

import numpy as np
import torch

import plots
from evaluation.committed import CHECKPOINTS, mnist_run
from evaluation.metrics import EVALUATION_SEED
from evaluation.part_by_part import BANDS, interpolation, row_by_row, x0_trajectory

DIGIT = 2
STEPS = (200, 185, 175, 160, 140, 100, 50, 0)
BAND_COLOURS = (plots.BLUE, plots.SKY, plots.ORANGE, plots.VERMILION)


def draw():
    with np.load(CHECKPOINTS / "mnist" / "part_by_part.npz") as archive:
        found = dict(archive)
    x0 = x0_trajectory(mnist_run(), torch.tensor([DIGIT]), 1, EVALUATION_SEED)
    figure = plots.plt.figure(figsize=(7.2, 5.6), layout="constrained")
    pictures, curves = figure.subfigures(2, 1, height_ratios=(1.1, 1))
    top = pictures.subplots()
    ways = {"part by part\n(made up)": row_by_row(x0), "all at once\n(made up)": interpolation(x0), "the model": x0}
    strips = {name: torch.from_numpy(way[list(STEPS)]).clamp(0, 1) for name, way in ways.items()}
    plots.rows_of_images(top, strips)
    for i, t in enumerate(STEPS):
        top.text(31 * i + 14, -3, f"$t = {t}$", ha="center", va="bottom", fontsize=9)
    near, scales = curves.subplots(1, 2, width_ratios=(1, 1.55))
    draw_neighbours(near, found)
    draw_scales(scales, found, x0[0, 0])
    label = "cycles: how often light turns to dark and back across the image; beside them a digit's part of that scale"
    curves.supxlabel(label, fontsize=9)
    figure.suptitle("Neither part by part nor all at once: the whole digit, first coarse, then fine")
    return figure


def draw_neighbours(ax, found):
    """Do two pixels of a digit settle together? The correlation of their steps by their distance."""
    for name, label, style, place in (
        ("rows", "part by part", "s--", (5.5, 0.68)),
        ("model", "the model", "o-", (2.3, 0.12)),
    ):
        values = found[f"{name}_correlation"]
        colour = plots.BLUE if name == "model" else plots.BLACK
        ax.plot(np.arange(1, len(values) + 1), values, style, color=colour, markersize=3.5)
        ax.text(*place, label, color=colour)
    ax.axhline(0, color=plots.BLACK, linewidth=0.5)
    ax.set(xlabel="distance of two pixels", ylabel="correlation of the steps\nat which they settle")
    ax.set_title("Not part by part: pixels\nsettle nearly on their own")


def draw_scales(ax, found, image):
    """How much of the way to the digit is left, by spatial frequency; beside the names, the digit at that scale."""
    T = len(found["model_class"]) - 1
    for i, (low, high) in enumerate(BANDS):
        ax.plot(found["model_frequency"][i], color=BAND_COLOURS[i])
        middle = 0.92 - 0.2 * i
        name = f"{low}–{high} cycles"
        ax.text(0.77, middle, name, color=BAND_COLOURS[i], ha="right", va="center", transform=ax.transAxes)
        inset = ax.inset_axes((0.79, middle - 0.095, 0.21, 0.19))
        inset.imshow(at_scale(image, low, high), cmap="gray")
        inset.axis("off")
    ax.plot(found["once_frequency"].mean(0), "--", color=plots.BLACK, linewidth=1)
    ax.set(xlim=(T, 0), ylim=(0, 1.02), xlabel="step $t$", ylabel="share of the squared\ndistance that is left")
    ax.set_title("Not all at once:\ncoarse before fine (dashed: all at once)")


def at_scale(image, low, high):
    """What is left of an image (h, w) of the spatial frequencies from low to high, in cycles per image."""
    h, w = image.shape
    cycles = np.hypot(np.fft.fftfreq(h, 1 / h)[:, None], np.fft.fftfreq(w, 1 / w)).round()
    return np.fft.ifft2(np.fft.fft2(image) * ((low <= cycles) & (cycles <= high))).real
