"""Bare-bones diffusion: what the network sees in the noise, and what an exact denoiser would still hold possible."""

import numpy as np
import torch

import plots
from evaluation.committed import generator
from measurements.barebones import short
from measurements.common import measurements
from small_systems.barebones import generate, uniform_noise

SHOWN = 8
S = 100
AT = (0, 1, 2, 5, 10, 20, 50, 99)  # steps of the chain


@torch.no_grad()
def draw():
    system, found = short(), measurements("barebones")
    noise = uniform_noise(system.test[:SHOWN], generator())
    denoised = [d.clamp(0, 1) for _, d in generate(system.network, noise, S)]
    figure, (left, middle, right) = plots.panels(1, 3, figsize=(10, 4))
    plots.rows_of_images(left, {f"{100 - step} % noise": denoised[step] for step in AT})
    left.set_title("the denoised image on the way")
    b5 = found["B5"]
    middle.plot(100 - np.arange(S), [row["mean"] for row in b5["chain"].values()], color=plots.BLUE, label="on the way")
    told = [100 * float(level) for level in b5["told"]]
    for kind, label, style, colour in (
        ("told", "pure noise, told this level", "o", plots.VERMILION),
        ("mixed", "true mixtures", "s", plots.SKY),
    ):
        middle.plot(told, [row["mean"] for row in b5[kind].values()], style, color=colour, label=label)
    middle.set(xlabel="noise in %", ylabel="variance of the answer", xlim=(101, 0), ylim=(0, 0.041))
    middle.legend(loc="upper left")
    levels = [float(level) * 100 for level in found["possible"]]
    for kind, style, colour in (("uniform", "o-", plots.VERMILION), ("gaussian", "s-", plots.BLUE)):
        sizes = [row[kind] for row in found["possible"].values()]
        right.semilogy(levels, sizes, style, color=colour, markersize=3, label=f"{kind.capitalize()} noise")
    right.set(xlabel="noise in %", ylabel="possible training sprites", xlim=(100, 0))
    right.legend()
    return figure
