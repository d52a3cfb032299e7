"""Glyphs by diffusion: same noise, two labels: the stronger the guidance, the surer the structure."""

import torch

import plots
from evaluation.committed import generator
from evaluation.images import guided
from experiments.data import STRUCTURES
from measurements.common import measurements
from measurements.pixel_space import GUIDANCE, LEFT_RIGHT, TOP_BOTTOM, glyph_run
from utils import sample

SHOWN = 9


def drawn(run, label, w):
    """Glyphs with that label and guidance w, always from the same noise."""
    random = generator()
    x_T, y = run.noise(SHOWN, random), torch.full((SHOWN,), label)
    return run.to_pixels(sample(guided(run, w), run.schedule, x_T, y, random, run.config.variance))


def draw():
    run, found, rows = glyph_run(), measurements("pixel_space")["G4"], {}
    for w in GUIDANCE:
        for label in (LEFT_RIGHT, TOP_BOTTOM):
            asked = found[f"w = {w:g}, {STRUCTURES[label]}"]["label_accuracy"]["mean"]
            rows[f"$w = {w:g}$, {STRUCTURES[label]}:\n{100 * asked:.1f} % as asked"] = 1 - drawn(run, label, w)
    _, test = run.data
    for label in (LEFT_RIGHT, TOP_BOTTOM):
        rows[f"real, {STRUCTURES[label]}"] = 1 - test.images[test.labels == label][:SHOWN]
    figure, ax = plots.panels(1, 1, figsize=(6.4, 5))
    plots.rows_of_images(ax, rows)
    figure.suptitle("Same noise (columns), two labels: guidance makes the structure surer")
    figure.supxlabel("as asked: of 300 characters, those whose structure a random forest reads so", fontsize=9)
    return figure
