"""Cold diffusion: as many sprites as there are colours to fade to; and the sampler that does not work."""

import torch

import plots
from evaluation.committed import generator
from measurements.common import measurements
from measurements.naive import BLACK_NOISE, cold
from small_systems.command_line import last
from small_systems.naive import cold_sample, cold_sample_by_difference

SHOWN = 14
S = 50
BRIGHTER = 3  # the means are dark
NAMES = {"1": "black", "4": "4 colours", "16": "16 colours", "any": "any colour"}


@torch.no_grad()
def draw():
    found, rows = measurements("naive")["N-h"], {}
    for colours, name in NAMES.items():
        system = cold(colours)
        colour = system.colours(SHOWN, generator())
        start = colour.expand(SHOWN, 3, 16, 16)
        x = last(cold_sample_by_difference(system.network, colour, start, S))
        rows[f"{name}: {found[colours]['algorithm 2']['distinct']} of 64 differ"] = (BRIGHTER * x).clamp(0, 1)
    rows["any: restore, fade again"] = last(cold_sample(system.network, colour, start, S))
    rows["… not clamped"] = last(cold_sample(system.network, colour, start, S, clamp=False)).clamp(0, 1)
    system = cold("1")
    colour, noise = torch.zeros(SHOWN, 3, 1, 1), torch.randn(SHOWN, 3, 16, 16, generator=generator())
    for size in BLACK_NOISE:
        x = last(cold_sample_by_difference(system.network, colour, size * noise, S))
        rows[f"black with noise of {size}"] = x.clamp(0, 1)
    rows["real"] = system.test[:SHOWN]
    figure, ax = plots.panels(1, 1, figsize=(8, 5))
    plots.rows_of_images(ax, rows)
    figure.suptitle("Cold diffusion: as many samples as colours, none a sprite (the first four rows × 3)")
    return figure
