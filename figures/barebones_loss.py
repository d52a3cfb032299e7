"""Bare-bones diffusion: drawing a sprite from pure noise cannot be learned, denoising one can."""

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
    found, floor = measurements("barebones"), float(short().train.var(0, correction=0).mean())
    figure, (left, right) = plots.panels(1, 2, figsize=(7.2, 3.4))
    draw_smoothed(left, losses_of(*SPECIFIC), color=plots.VERMILION)
    draw_smoothed(left, losses_of("short", []), color=plots.BLUE)
    left.text(870, 1.03 * floor, "a sprite from pure noise", color=plots.VERMILION)
    left.text(1500, 0.28 * floor, "denoising,\nall noise levels", color=plots.BLUE, va="center", ha="center")
    for level, name, below in (
        (floor, "the mean image", 0.97),
        (found["B2"]["linear"] * floor, "linear, pixel by pixel", 1.03),
    ):
        left.axhline(level, color=plots.BLACK, linestyle="--", linewidth=0.8)
        left.text(3500, below * level, name, ha="right", va="top" if below < 1 else "bottom")
    left.set(xlabel="training step", ylabel=f"loss per pixel (mean of {WINDOW} batches)", ylim=(0, 1.3 * floor))
    left.set_title("From pure noise, the mean image\nis the best answer")
    draw_levels(right, found["B3"])
    figure.suptitle("A network can learn to denoise a sprite, but not to draw one from pure noise")
    return figure


def draw_levels(ax, by_level):
    """The loss by noise level, of the network and of the exact denoiser of the training sprites."""
    for key, colour, style in (
        ("test", plots.BLUE, "o-"),
        ("train", plots.SKY, "s--"),
        ("exact_test", plots.VERMILION, "x-"),
        ("exact_train", plots.BLACK, "x--"),
    ):
        losses = [by_level[str(level)][key]["mean"] for level in LEVELS]
        ax.plot([100 * level for level in LEVELS], losses, style, color=colour, markersize=5)
    ax.text(40, 0.045, "exact denoiser of the\ntraining sprites, on test sprites", color=plots.VERMILION, fontsize=9)
    ax.text(22, 0.017, "network, on test and\non training sprites", color=plots.BLUE, fontsize=9)
    ax.text(86, 0.0018, "… on training sprites", color=plots.BLACK, ha="right", fontsize=9)
    ax.set(xlabel="noise in %", ylabel="loss per pixel", ylim=(-0.001, 0.055))
    ax.set_title("The network denoises unknown sprites\nas well as known ones")
