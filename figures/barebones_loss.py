"""Bare-bones diffusion: a task that cannot be learned, one that can, and the loss by noise level."""

import numpy as np

import plots
from measurements.barebones import LEVELS, SPECIFIC, losses_of, short
from measurements.common import measurements

WINDOW = 100  # batches


def draw_smoothed(ax, losses, **options):
    """The running mean of the losses, at the last step of its window."""
    mean = np.convolve(losses, np.ones(WINDOW) / WINDOW, mode="valid")
    ax.plot(np.arange(len(mean)) + WINDOW, mean, **options)


def draw():
    by_level, floor = measurements("barebones")["B3"], float(short().train.var(0, correction=0).mean())
    figure, (left, right) = plots.panels(1, 2, figsize=(10, 4))
    linear = measurements("barebones")["B2"]["linear"] * floor
    draw_smoothed(left, losses_of(*SPECIFIC), color=plots.ORANGE, label="a specific image from pure noise")
    draw_smoothed(left, losses_of("short", []), color=plots.BLUE, label="denoising, all noise levels")
    left.axhline(floor, color=plots.VERMILION, linestyle="--", label=f"the mean image, {floor:.4f}")
    left.axhline(linear, color=plots.SKY, linestyle=":", label=f"linear, pixel by pixel, {linear:.4f}")
    left.set(xlabel="training step", ylabel=f"loss per pixel, mean of {WINDOW} batches", ylim=(0, 1.6 * floor))
    left.legend()
    for key, label, style, colour in (
        ("test", "network, test sprites", "o-", plots.BLUE),
        ("train", "network, training sprites", "s-", plots.SKY),
        ("exact_train", "exact denoiser of the training set, on it", "x-", plots.BLACK),
        ("exact_test", "the same, on test sprites", "x--", plots.VERMILION),
    ):
        right.plot(LEVELS, [by_level[str(level)][key]["mean"] for level in LEVELS], style, color=colour, label=label)
    right.set(xlabel="noise level", ylabel="loss per pixel")
    right.legend()
    figure.suptitle("From pure noise the best answer is the mean image; from less noise there is more to learn")
    return figure
