"""Pixel space: UMAP was not told the structure of the glyphs, and yet glyphs of one structure lie together."""

import numpy as np

import plots
from experiments.data import STRUCTURES
from measurements.pixel_space import MAP, mapped_glyphs

COLOURS = (plots.BLUE, plots.VERMILION, plots.ORANGE)
EXAMPLES = 24
SIDE = 0.9  # of an example, in units of the map


def draw():
    with np.load(MAP) as archive:
        places, labels = archive["places"], archive["labels"]
    figure, ax = plots.panels(1, 1, figsize=(6.4, 5.4))
    for label, name in enumerate(STRUCTURES):
        chosen = labels == label
        ax.scatter(*places[chosen].T, s=4, color=COLOURS[label], linewidths=0, alpha=0.7, rasterized=True)
        ax.text(0.02, 0.17 - 0.055 * label, name, color=COLOURS[label], transform=ax.transAxes, fontsize=12)
    draw_examples(ax, places, labels)
    ax.set(xlabel=f"UMAP 1 ({len(places)} characters of 256 pixels)", ylabel="UMAP 2")
    ax.set_title("Characters of one structure lie together, though UMAP was not told the structure")
    return figure


def draw_examples(ax, places, labels):
    """Some of the glyphs where they lie, framed in their colour, far enough apart not to hide each other."""
    images, _ = mapped_glyphs(0)
    shown = []
    for i in np.random.default_rng(0).permutation(len(places)):
        if len(shown) < EXAMPLES and all(np.abs(places[i] - places[j]).max() > 1.15 * SIDE for j in shown):
            shown.append(i)
    for i in shown:
        x, y = places[i] - SIDE / 2
        ax.imshow(1 - images[i, 0], cmap="gray", extent=(x, x + SIDE, y, y + SIDE), zorder=3)
        ax.add_patch(plots.plt.Rectangle((x, y), SIDE, SIDE, fill=False, color=COLOURS[labels[i]], zorder=4))
    (x0, y0), (x1, y1) = places.min(0) - 0.5, places.max(0) + 0.3
    ax.set(xlim=(x0, x1), ylim=(y0, y1), aspect="equal")
