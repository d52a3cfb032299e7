"""Glyphs by diffusion: the same noise with the label left-right and with the label top-bottom."""

import torch

import plots
from evaluation.committed import generator
from evaluation.images import guided
from experiments.data import STRUCTURES
from measurements.pixel_space import GUIDANCE, LEFT_RIGHT, TOP_BOTTOM, glyph_run
from utils import sample

SHOWN = 16


def drawn(run, label, w):
    """Glyphs with that label and guidance w, always from the same noise."""
    random = generator()
    x_T, y = run.noise(SHOWN, random), torch.full((SHOWN,), label)
    return run.to_pixels(sample(guided(run, w), run.schedule, x_T, y, random, run.config.variance))


def draw():
    run, rows = glyph_run(), {}
    for w in GUIDANCE:
        for label in (LEFT_RIGHT, TOP_BOTTOM):
            rows[f"w = {w:g}, {STRUCTURES[label]}"] = 1 - drawn(run, label, w)
    _, test = run.data
    for label in (LEFT_RIGHT, TOP_BOTTOM):
        rows[f"real, {STRUCTURES[label]}"] = 1 - test.images[test.labels == label][:SHOWN]
    figure, ax = plots.panels(1, 1, figsize=(8, 4))
    plots.rows_of_images(ax, rows)
    figure.suptitle("In each column the same starting noise, and the same noise on the way")
    return figure
