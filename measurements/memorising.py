"""From copying to generalising: the two-pixel network on N fixed images, between the denoisers of world and set.

    python -m measurements.memorising        everything: hours
    python -m measurements.memorising N_100  only some of it

Everything else is at the defaults of T = 50. Writes measurements/memorising.json.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as train.py does

import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from ddpm import TwoPixelUNet
from evaluation.committed import generator
from evaluation.flow_density import flow_density, in_float64
from evaluation.metrics import excess_loss
from exact.memorising import memorisation, nearest_in_std
from experiments.checkpoint import load_json, save_json
from experiments.command_line import Parser, names
from experiments.two_pixel import Config, TwoPixel
from measurements.common import mean_and_error
from utils import Training

RESULT = Path(__file__).parent / "memorising.json"
SEEDS = 3
FRESH = 10_000  # images in the place of the set, for a network that has none
SAMPLES, CALLS = 5000, 25  # samples, and steps of DPM-Solver++ for them and for the density
GRID = 48
COPY = 0.01  # σ: a sample this near to a training image is a copy


@dataclass(frozen=True)
class Setting:
    """What a network is trained on and how: N images, or None for fresh ones in each batch."""

    N: int | None
    steps: int = 3000
    channels: tuple = (64, 256)


SIZES = (3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000)
SETTINGS = {f"N_{N}": Setting(N) for N in SIZES} | {"fresh": Setting(None)}
SETTINGS |= {f"long_N_{N}": Setting(N, steps=12_000) for N in (10, 100, 1000)}
SETTINGS |= {f"narrow_N_{N}": Setting(N, channels=(64, 128)) for N in (10, 100, 1000)}
SETTINGS |= {f"wide_N_{N}": Setting(N, channels=(128, 512)) for N in (10, 100, 1000)}


def trained(setting, seed):
    """(the experiment with its trained network, the images of its set)."""
    run = TwoPixel(Config(seed=seed, steps=setting.steps))
    torch.manual_seed(seed)
    run.network = TwoPixelUNet(run.config.T, run.num_classes, setting.channels)
    images, labels = run.draw(setting.N or FRESH, generator(100 + seed))
    if setting.N is not None:
        run.draw = lambda n, random: from_set(images, labels, n, random)
    training = Training(run.network, setting.steps, run.config.lr, run.generator(seed))
    for _ in tqdm(training.run(run.loss), total=setting.steps, leave=False):
        pass
    run.network = training.ema.module.eval()
    return run, images


def from_set(images, labels, n, random):
    """n images of the set, with repetition, and their labels."""
    chosen = torch.randint(len(images), (n,), generator=random)
    return images[chosen], labels[chosen]


def measured(run, images, seed):
    """How far the network is from the world and how near to its set, a dict of numbers.

    excess: the loss above the world's floor on fresh images, as a share of it; kl: KL(p ‖ p_θ) in nats; mass: that of p
    on its grid, about 1 where kl is to be trusted; nearest: the median distance of samples to an image of the set in σ,
    beside that of fresh true images; copies: the share of samples within COPY.
    """
    random = generator(seed)
    coefficients = memorisation(run, run.learned(), images, random)
    fresh, _ = TwoPixel.draw(run, SAMPLES, random)
    excess = excess_loss(run.learned(), run.exact, run.schedule, fresh, None, random)
    few = run.with_sampler("dpm_solver", CALLS)
    x_T = run.noise(SAMPLES, random)
    samples = run.to_pixels(few.sampler(few.learned(), labelled=False)(x_T, None, random))
    known = run.to_pixels(images)
    nearest, true_nearest = (nearest_in_std(run, x, known) for x in (samples, run.to_pixels(fresh)))
    density = flow_density(run, in_float64(run), "dpm_solver", CALLS, n=GRID)
    return {
        "memorisation": float(coefficients.mean()),
        "memorisation_by_t": {f"{t}": float(c) for t, c in enumerate(coefficients, start=1)},
        "excess": float(excess.mean() / run.loss_floors[0].mean()),
        "kl": density.kl_from(run.world),
        "mass": density.mass_of(run.world),
        "nearest": float(nearest.median()),
        "nearest_of_fresh": float(true_nearest.median()),
        "copies": float((nearest < COPY).double().mean()),
    }


def row(name):
    """A setting over the seeds: means and standard errors."""
    return mean_and_error([measured(*trained(SETTINGS[name], seed), seed) for seed in range(SEEDS)])


def main(arguments):
    torch.set_num_threads(1)
    parser = Parser(prog="python -m measurements.memorising", description=__doc__.split("\n")[0])
    for name in tqdm(names(parser, "setting", tuple(SETTINGS), arguments), desc="settings"):
        found = row(name)
        results = (load_json(RESULT) if RESULT.exists() else {}) | {name: found}  # another process may add some, too
        save_json(RESULT, {name: results[name] for name in SETTINGS if name in results})


if __name__ == "__main__":
    main(sys.argv[1:])
