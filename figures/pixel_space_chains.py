"""Glyphs by diffusion: where the expected images of twenty chains lie on the map, and how near real glyphs they are."""

import numpy as np

import plots
from figures.pixel_space_map import draw_density
from measurements.common import measurements
from measurements.pixel_space import MAP

SHOWN = 6  # chains


def draw():
    found = measurements("pixel_space")["G5"]
    t, places = np.array(found["t"]), np.array(found["places"])
    order = np.argsort(-t)
    with np.load(MAP) as archive:
        on_map = archive["places"]
    figure, (left, right) = plots.panels(1, 2, figsize=(10, 4.6))
    draw_density(left, on_map)
    for chain in range(SHOWN):
        plots.trajectory(left, places[order, chain])
    left.set(title="the expected images of six chains, on the map", xlabel="UMAP 1", ylabel="UMAP 2", aspect="equal")
    for key, label, style, colour in (
        ("to_end", "distance to its own end", "o-", plots.BLUE),
        ("greyness", "greyness", "s-", plots.ORANGE),
        ("distance", "distance to the nearest glyph, in black and white", "^-", plots.VERMILION),
    ):
        right.plot(t[order], [found["rows"][str(s)][key] for s in t[order]], style, color=colour, label=label)
    low, _, high = found["distance_of_test"]
    right.axhspan(
        low, high, color=plots.VERMILION, alpha=0.15, linewidth=0, label="the same of half of the test glyphs"
    )
    right.set(xlabel="t", ylabel="median over twenty chains", xlim=(t.max(), 0), ylim=(0, 0.65))
    right.legend(loc="upper right")
    return figure
