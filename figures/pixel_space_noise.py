"""Glyphs by diffusion: a glyph on its way to noise, and how much of it is left at each step."""

import torch

import plots
from evaluation.committed import generator
from measurements.pixel_space import glyph_run
from utils import add_noise, standard_normal

SHOWN = (0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200)


def draw():
    run = glyph_run()
    schedule, x_0 = run.schedule, run.training_set[0][:1].expand(len(SHOWN), -1, -1, -1)
    z = add_noise(schedule, x_0, torch.tensor(SHOWN), standard_normal(x_0, generator()))
    figure, (top, bottom) = plots.panels(2, 1, figsize=(8, 3.8), height_ratios=(1, 1.8))
    plots.image_strip(top, 1 - run.to_pixels(z).clamp(0, 1)[:, 0])
    top.set_title("t = " + ", ".join(map(str, SHOWN)))
    alpha_bar = schedule.alphas_cumprod[1:]
    bottom.semilogy(range(1, schedule.T + 1), alpha_bar / (1 - alpha_bar), color=plots.BLUE)
    bottom.axhline(1, color=plots.BLACK, linestyle="--", linewidth=0.8)
    bottom.set(xlabel="t", ylabel=r"signal / noise, $\bar\alpha_t / (1 - \bar\alpha_t)$", xlim=(0, schedule.T))
    return figure
