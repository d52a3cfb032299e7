"""Bare-bones diffusion: what the network sees in the noise comes true; an exact observer would see otherwise."""

import numpy as np
import torch

import plots
from evaluation.committed import generator
from measurements.barebones import short
from measurements.common import measurements
from small_systems.barebones import generate, uniform_noise

SHOWN = 4
S = 100
AT = (0, 5, 10, 15, 20, 30, 50, 99)  # steps of the chain


@torch.no_grad()
def draw():
    system, found = short(), measurements("barebones")
    noise = uniform_noise(system.test[:SHOWN], generator())
    denoised = [d.clamp(0, 1).sqrt() for _, d in generate(system.network, noise, S)]  # or too dark to see
    figure = plots.plt.figure(figsize=(7.2, 6), layout="constrained")
    pictures, curves = figure.subfigures(2, 1, height_ratios=(1.25, 1))
    top = pictures.subplots()
    images = torch.stack([denoised[step][i] for i in range(SHOWN) for step in AT])
    plots.image_grid(top, images.permute(0, 2, 3, 1), columns=len(AT))
    for column, step in enumerate(AT):
        top.text(17 * column + 8, -1.5, f"{S - step} %", ha="center", va="bottom")
    top.text(-2, -1.5, "noise", ha="right", va="bottom")
    text = "what the\nnetwork sees\n\n(drawn brighter:\nsquare root of\nthe intensity)"
    top.text(-2, 34, text, ha="right", va="center", fontsize=9)
    contrast, possible = curves.subplots(1, 2)
    draw_contrast(contrast, found["B5"])
    draw_possible(possible, found["possible"])
    figure.suptitle("What the network sees in pure noise comes true")
    return figure


def draw_contrast(ax, b5):
    """The contrast of the network's answer by the level that it is told: to true mixtures, and to pure noise."""
    ax.plot(100 - np.arange(S), [row["mean"] for row in b5["chain"].values()], color=plots.BLACK)
    told = [100 * float(level) for level in b5["told"]]
    for kind, colour, style in (("told", plots.VERMILION, "s"), ("mixed", plots.BLUE, "o")):
        ax.plot(told, [row["mean"] for row in b5[kind].values()], style, color=colour)
    ax.text(62, 0.0255, "pure noise", color=plots.VERMILION, ha="right")
    ax.text(58, 0.009, "noisy sprites", color=plots.BLUE)
    ax.text(0, 0.0135, "chain (above)", color=plots.BLACK, ha="right")
    ax.set(xlabel="noise in %, as the network is told", ylabel="contrast (variance) of its answer", xlim=(101, -1))
    ax.set(ylim=(0, 0.033), title="It sees more, the less noise it is told of,\neven in pure noise")


def draw_possible(ax, possible):
    """How many training sprites could be behind the noisy image, for an exact observer."""
    levels = [100 * float(level) for level in possible]
    for kind, colour, place in (("uniform", plots.BLUE, (86, 2)), ("gaussian", plots.VERMILION, (74, 60))):
        ax.semilogy(levels, [row[kind] for row in possible.values()], color=colour)
        ax.text(*place, "uniform" if kind == "uniform" else "Gaussian noise", color=colour)
    ax.set(xlabel="noise in %", ylabel="possible training sprites", xlim=(100, 0))
    ax.set_title("An exact denoiser would soon know\nwhich sprite is behind the noise")
