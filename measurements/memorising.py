"""From copying to generalising: the two-pixel network on N fixed images, between the denoisers of world and set.

    python -m measurements.memorising         everything: two and a half hours on one core
    python -m measurements.memorising 100 way only some of it

Everything else is at the defaults of T = 50. Writes measurements/memorising.json.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as train.py does

import copy
import sys
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import mean

import torch
from tqdm import tqdm

from ddpm import TwoPixelUNet
from evaluation.committed import generator
from evaluation.flow_density import flow_density, in_float64
from evaluation.metrics import excess_loss
from exact.memorising import agreement, memorisation, nearest_in_std
from experiments.checkpoint import load_json, save_json
from experiments.command_line import Parser, names
from experiments.two_pixel import Config, TwoPixel
from measurements.common import SEEDS, mean_and_error
from utils import Training

RESULT = Path(__file__).parent / "memorising.json"
FRESH = 10_000  # images in the place of the set, for a network that has none
SAMPLES, CALLS = 5000, 25  # samples, and steps of DPM-Solver++ for them and for the density
GRID = 48
COPY = 0.01  # σ: a sample this near to a training image is a copy


@dataclass(frozen=True)
class Setting:
    """What a network is trained on and how: N images, or None for fresh ones in each batch; where to look at it."""

    N: int | None
    channels: tuple = (64, 256)
    looks: tuple = (3000,)  # steps after which it is measured, the last at the end


SETTINGS = {f"{N}": Setting(N) for N in (3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000)} | {"fresh": Setting(None)}
SETTINGS |= {f"narrow {N}": Setting(N, channels=(64, 128)) for N in (30, 100, 300)}
SETTINGS |= {f"wide {N}": Setting(N, channels=(128, 512)) for N in (30, 100, 300)}
SETTINGS |= {f"long {N}": Setting(N, looks=(12_000,)) for N in (30, 300, 1000)}
SETTINGS |= {"way": Setting(100, looks=(100, 200, 400, 800, 1500, 3000, 6000, 12_000))}  # one long training, on its way


def on_set(setting, seed):
    """(an untrained run that sees nothing but its set, the images of the set); the sets of the seeds are disjoint."""
    run = TwoPixel(Config(seed=seed, steps=setting.looks[-1]))
    torch.manual_seed(seed)
    run.network = TwoPixelUNet(run.config.T, run.num_classes, setting.channels)
    images, labels = run.draw(setting.N or FRESH, generator(100 + seed))
    if setting.N is not None:
        run.draw = lambda n, random: from_set(images, labels, n, random)
    return run, images


def from_set(images, labels, n, random):
    """n images of the set, with repetition, and their labels."""
    chosen = torch.randint(len(images), (n,), generator=random)
    return images[chosen], labels[chosen]


def looked_at(setting, seed):
    """Trains a run on its set; yields (steps, the run with its averaged network, the set) at each look."""
    run, images = on_set(setting, seed)
    training = Training(run.network, run.config.steps, run.config.lr, run.generator(seed))
    for _ in tqdm(training.run(run.loss), total=training.steps, leave=False):
        if training.step in setting.looks:
            seen = copy.copy(run)
            seen.network = copy.deepcopy(training.ema.module).eval()
            yield training.step, seen, images


def measured(run, images, seed):
    """How far the network is from the world and how near to its set, a dict of numbers.

    excess: the loss above the world's floor on fresh images, as a share of it; kl: KL(p ‖ p_θ) in nats; mass: that of p
    on its grid, about 1 where kl is to be trusted; nearest: the median distance of samples to an image of the set in σ,
    beside that of fresh true images; copies: the share of samples within COPY, and of fresh images.
    """
    random = generator(seed)
    coefficients, of_all = memorisation(run, run.learned(), images, random)
    fresh, _ = TwoPixel.draw(run, SAMPLES, random)
    excess = excess_loss(run.learned(), run.exact, run.schedule, fresh, None, random)
    few = run.with_sampler("dpm_solver", CALLS)
    samples = few.sampler(few.learned(), labelled=False)(run.noise(SAMPLES, random), None, random)
    known = run.to_pixels(images)
    nearest, of_fresh = (nearest_in_std(run, run.to_pixels(x), known) for x in (samples, fresh))
    density = flow_density(run, in_float64(run), "dpm_solver", CALLS, n=GRID)
    return {
        "memorisation": of_all,
        "memorisation_by_t": {f"{t}": float(c) for t, c in enumerate(coefficients, start=1)},
        "excess": float(excess.mean() / run.loss_floors[0].mean()),
        "kl": density.kl_from(run.world),
        "mass": density.mass_of(run.world),
        "nearest": float(nearest.median()),
        "nearest_of_fresh": float(of_fresh.median()),
        "copies": float((nearest < COPY).double().mean()),
        "copies_of_fresh": float((of_fresh < COPY).double().mean()),
    }


def row(name):
    """A setting over the seeds: means and standard errors at the end and on the way, means of pairs of its networks.

    Pairs of three networks share networks, so their scatter says too little of the error of a mean.
    """
    by_look, at_the_end = {}, []
    for seed in SEEDS:
        for steps, run, images in looked_at(SETTINGS[name], seed):
            by_look.setdefault(f"{steps}", []).append(measured(run, images, seed))
        at_the_end.append(run)
    looks = {steps: mean_and_error(rows) for steps, rows in by_look.items()}
    pairs = [agreement(a, a.learned(), b.learned(), generator(0)) for a, b in combinations(at_the_end, 2)]
    apart, correlation = zip(*pairs, strict=True)
    end = looks[f"{SETTINGS[name].looks[-1]}"]
    found = end | {"pairs": {"apart": mean(apart), "correlation": mean(correlation)}}
    return found | ({"looks": looks} if len(looks) > 1 else {})


def main(arguments):
    torch.set_num_threads(1)
    parser = Parser(prog="python -m measurements.memorising", description=__doc__.split("\n")[0])
    for name in tqdm(names(parser, "setting", tuple(SETTINGS), arguments), desc="settings"):
        found = row(name)
        results = (load_json(RESULT) if RESULT.exists() else {}) | {name: found}  # another process may add some, too
        save_json(RESULT, {name: results[name] for name in SETTINGS if name in results})


if __name__ == "__main__":
    main(sys.argv[1:])
