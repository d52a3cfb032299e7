"""Cold diffusion: it draws as many different images as there are colours to fade to, and none is a sprite."""

import torch

import plots
from evaluation.committed import generator
from measurements.common import measurements
from measurements.naive import BLACK_NOISE, cold
from small_systems.command_line import last
from small_systems.naive import cold_sample, cold_sample_by_difference

SHOWN = 8
S = 50
NAMES = {"1": "black", "4": "4 colours", "16": "16 colours", "any": "any colour"}


@torch.no_grad()
def draw():
    found, rows = measurements("naive"), {}
    for colours, name in NAMES.items():
        system = cold(colours)
        colour = system.colours(SHOWN, generator())
        start = colour.expand(SHOWN, 3, 16, 16)
        distinct = found["N-h"][colours]["algorithm 2"]["distinct"]
        x = last(cold_sample_by_difference(system.network, colour, start, S))
        rows[f"{name}:\n{distinct} different"] = x
    rows["any colour,\nby fading again"] = last(cold_sample(system.network, colour, start, S))
    system, most = cold("1"), max(BLACK_NOISE)
    colour, noise = torch.zeros(SHOWN, 3, 1, 1), torch.randn(SHOWN, 3, 16, 16, generator=generator())
    distinct = found["N-i"][f"{most:g}"]["distinct"]
    x = last(cold_sample_by_difference(system.network, colour, most * noise, S))
    rows[f"black + noise\nof {most:g}: {distinct} different"] = x
    rows["real sprites"] = system.test[:SHOWN]
    figure, ax = plots.panels(1, 1, figsize=(6.2, 5))
    # the cube root, or they are too dark to see
    plots.rows_of_images(ax, {name: x.clamp(0, 1) ** (1 / 3) for name, x in rows.items()})
    figure.suptitle("Cold diffusion: as many images as colours, none a sprite")
    figure.supxlabel("different: of 64 samples; all rows drawn brighter, by the cube root of the intensity", fontsize=9)
    return figure
