"""The score card of a two-pixel run: network and oracle through the same sampler, beside the truth."""

import numpy as np
import torch

from metrics import energy_distance, energy_distance_floor, excess_loss, sample_statistics
from utils import sample

SAMPLES = 5000
LOSS_POINTS = 50_000  # noisy images, spread over the steps, on which network and oracle are compared
TRUE_SAMPLES = 200_000  # for the truth's own column
EVALUATION_SEED = 10_000  # plus the run's seed: never the noise it was trained on


def samples_in_pixels(experiment, denoiser, seed, n):
    """n images that the denoiser draws without being told a label, as points (n, 2) of the pixel plane."""
    generator = torch.Generator().manual_seed(seed)
    x_T = experiment.noise(n, generator)
    x_0 = sample(denoiser, experiment.schedule, x_T, None, generator, experiment.config.variance)
    return experiment.to_pixels(x_0)


def relative_excess_loss(experiment, seed):
    """The network's loss above the floor as a share of the floor, averaged over t = 1 … T: without, with label."""
    generator = torch.Generator().manual_seed(seed)
    network = experiment.learned()
    x0, y = experiment.draw(max(100, LOSS_POINTS // experiment.config.T), generator)
    shares = []
    for labels, floor in zip((None, y), experiment.loss_floors, strict=True):
        excess = excess_loss(network, experiment.exact, experiment.schedule, x0, labels, generator)
        shares.append(float(excess.mean() / floor.mean()))
    return shares


def score(experiment):
    """(card, samples): the score card as a dict of plain numbers, and the network's samples (SAMPLES, 2) in pixels."""
    world, seed = experiment.world, EVALUATION_SEED + experiment.config.seed
    floors = experiment.loss_floors
    samples = samples_in_pixels(experiment, experiment.denoiser(), seed, SAMPLES)
    oracle_samples = samples_in_pixels(experiment, experiment.oracle(), seed, SAMPLES)
    true_samples, _ = world.sample(TRUE_SAMPLES, torch.Generator().manual_seed(seed))
    excess, excess_labelled = relative_excess_loss(experiment, seed)
    card = {
        "excess_loss": excess,
        "excess_loss_labelled": excess_labelled,
        "loss_floor": float(floors[0].mean()),
        "loss_floor_labelled": float(floors[1].mean()),
        "energy_distance": energy_distance(samples, world),
        "energy_distance_oracle": energy_distance(oracle_samples, world),
        "energy_distance_floor": energy_distance_floor(world, SAMPLES),
        **sample_statistics(samples, world),
        "oracle": sample_statistics(oracle_samples, world),
        "truth": sample_statistics(true_samples, world),
    }
    return card, samples


def as_text(card, title):
    """The card as a table for the terminal."""
    columns = [card, card["oracle"], card["truth"]]

    def row(name, values):
        return f"{name:<34}" + "".join(f"{value:>18}" for value in values)

    def pair(values, digits=3):
        return " ".join(f"{v:.{digits}f}" for v in np.ravel(values))

    floor = f"0 ± {1e4 * card['energy_distance_floor']:.2f}"
    energy = [f"{1e4 * card[key]:.2f}" for key in ("energy_distance", "energy_distance_oracle")]
    lines = [
        title,
        f"loss above the floor {card['loss_floor']:.4f}: {100 * card['excess_loss']:.3f} %",
        f"with label, above {card['loss_floor_labelled']:.4f}:   {100 * card['excess_loss_labelled']:.3f} %",
        row(f"{SAMPLES} samples, no label", ["network", "oracle", "truth"]),
        row("energy distance × 10⁴", [*energy, floor]),
        row("weight of mode 0", [f"{c['mode_weight']:.3f}" for c in columns]),
        row("  95 % interval", [pair(c["mode_weight_interval"]) for c in columns]),
    ]
    for k in range(len(card["mode_means"])):
        lines.append(row(f"mean of mode {k}", [pair(c["mode_means"][k]) for c in columns]))
    lines += [
        row("std of each mode", [pair(c["mode_stds"]) for c in columns]),
        row("share beyond 4σ of every mode", [f"{c['off_mode']:.4f}" for c in columns]),
        row("farthest sample, in σ of a mode", [f"{c['farthest']:.1f}" for c in columns]),
        row("NLL under the truth, nats", [f"{c['nll']:.3f}" for c in columns]),
    ]
    return "\n".join(lines)
