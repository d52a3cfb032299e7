"""Pixel space: 5000 glyphs on a UMAP, coloured by their structure, and the density of the map."""

import numpy as np

import plots
from experiments.data import STRUCTURES
from measurements.pixel_space import MAP, mapped_glyphs
from small_systems.pixel_space import fit_density

COLOURS = (plots.BLUE, plots.VERMILION, plots.ORANGE)
EXAMPLES = 14


def draw():
    with np.load(MAP) as archive:
        places, labels = archive["places"], archive["labels"]
    figure, (left, right) = plots.panels(1, 2, figsize=(10, 4.8))
    for label, name in enumerate(STRUCTURES):
        left.scatter(*places[labels == label].T, s=2, color=COLOURS[label], linewidths=0, label=name, rasterized=True)
    draw_examples(left, places)
    left.legend(markerscale=4)
    left.set(title="each dot a glyph, its colour the structure", xlabel="UMAP 1", ylabel="UMAP 2")
    draw_density(right, places)
    right.set(title="a kernel density estimate of the dots", xlabel="UMAP 1", ylabel="UMAP 2")
    return figure


def window(places):
    """The map with a margin: (x0, x1, y0, y1)."""
    (x0, y0), (x1, y1) = places.min(0) - 1, places.max(0) + 1
    return x0, x1, y0, y1


def draw_density(ax, places):
    """Filled contours of the density of the map."""
    extent = window(places)
    _, _, points = plots.grid(extent, 100)
    plots.filled_density(ax, np.exp(fit_density(places.astype(float)).score_samples(points)), extent, plots.ESTIMATED)


def draw_examples(ax, places):
    """Some of the glyphs where they lie, far enough apart not to hide each other."""
    images, _ = mapped_glyphs(0)
    chosen = np.random.default_rng(0).permutation(len(places))
    shown = []
    for i in chosen:
        if len(shown) < EXAMPLES and all(np.linalg.norm(places[i] - places[j]) > 2.5 for j in shown):
            shown.append(i)
    for i in shown:
        x, y = places[i]
        image = 1 - images[i, 0]
        ax.imshow(image, cmap="gray", extent=(x - 0.5, x + 0.5, y - 0.5, y + 0.5), zorder=3)
    ax.set(xlim=window(places)[:2], ylim=window(places)[2:], aspect="equal")
