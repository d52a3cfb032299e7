"""Glyphs by diffusion: a glyph on its way to noise: half way there is as much noise as signal."""

import torch

import plots
from evaluation.committed import generator
from measurements.pixel_space import glyph_run
from utils import add_noise, standard_normal

SHOWN = (0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200)
SIDE = 17  # of a picture, in steps


def draw():
    run = glyph_run()
    schedule, x_0 = run.schedule, run.training_set[0][:1].expand(len(SHOWN), -1, -1, -1)
    z = add_noise(schedule, x_0, torch.tensor(SHOWN), standard_normal(x_0, generator()))
    figure, ax = plots.panels(1, 1, figsize=(6.2, 3.2))
    ratio = schedule.alphas_cumprod[1:] / (1 - schedule.alphas_cumprod[1:])
    ax.semilogy(range(1, schedule.T + 1), ratio, color=plots.BLUE)
    for t, image in zip(SHOWN, 1 - run.to_pixels(z).clamp(0, 1)[:, 0], strict=True):
        picture = ax.inset_axes((t - SIDE / 2, 0.82, SIDE, 0.18), transform=ax.get_xaxis_transform())
        picture.imshow(image, cmap="gray", vmin=0, vmax=1)
        picture.set(xticks=[], yticks=[])
        picture.spines[:].set_visible(True)
    equal = int((ratio < 1).nonzero()[0]) + 1
    ax.axhline(1, color=plots.BLACK, linestyle="--", linewidth=0.8)
    ax.text(0, 0.7, "as much signal as noise", va="top")
    ax.set(xlabel="step $t$", ylabel=r"signal / noise, $\bar\alpha_t / (1 - \bar\alpha_t)$")
    ax.set(xlim=(-SIDE / 2, schedule.T + SIDE / 2), ylim=(1e-8, 1e7), xticks=SHOWN, yticks=(1e-6, 1e-3, 1, 1e3))
    ax.minorticks_off()
    ax.set_title(f"A character becomes noise: from $t = {equal}$ on there is more noise than signal")
    return figure
