"""The area between the losses without and with label, exact and from trained networks, beside 2 I(x_0; y)."""

import torch
from tqdm import tqdm

from evaluation.committed import CHECKPOINTS, generator
from exact.information import exact_area, floor_gaps, learned_area, log_snr, mutual_information
from experiments import two_pixel
from gmm import WORLDS
from measurements.common import mean_and_error

SAMPLES = 20_000
SEEDS = 3
CLEAN = 20.0  # log-SNR beyond which the label tells nothing more than the image


def network_area(run, n, random):
    """The area between the network's losses without and with label, from n labelled images."""
    x0, y = run.draw(n, random)
    return learned_area(run.learned(), run.schedule, x0, y, random)


def row(world):
    """2 I and the areas of one world; those of the network are trapezoids through t = 1 … T."""
    run = two_pixel.load(CHECKPOINTS / f"{world}-T50")
    grid = log_snr(run.schedule.alphas_cumprod[1:]).flip(0)  # from noise to clean
    areas = [network_area(run, SAMPLES, generator(seed)) for seed in range(SEEDS)]
    return {
        "two_I": 2 * mutual_information(run.mixture),
        "exact": exact_area(run.mixture, float(grid[0]), CLEAN),
        "exact_to_t_1": exact_area(run.mixture, float(grid[0]), float(grid[-1])),
        "exact_by_trapezoids": float(torch.trapezoid(floor_gaps(run.mixture, grid), grid)),
        "network": mean_and_error(areas),
    }


def measure():
    return {
        "samples": SAMPLES,
        "seeds": SEEDS,
        "rows": {world: row(world) for world in tqdm(WORLDS, desc="information")},
    }
