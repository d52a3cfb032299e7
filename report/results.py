"""Collect every number of the report in results.json: `python -m report.results`, or `make results`.

The two-pixel numbers are measured anew from the committed weights. Measuring MNIST takes most of an hour, the samplers
more than two, and training the three small systems over three seeds many: those numbers are read from the score card of
MNIST's run and from measurements/, after a check that they were made from the committed weights.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported

import re
import sys
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from evaluation.committed import CHECKPOINTS, experiment, generator, mnist_run, mnist_scorecard, weights_behind
from evaluation.metrics import energy_distance, energy_distance_floor
from evaluation.part_by_part import BANDS, last
from evaluation.two_pixel import score
from experiments.checkpoint import CheckpointError, fingerprint, load_json, save_json
from figures.problem4_guidance import WEIGHT, guided
from measurements.__main__ import NAMES as MEASURED
from measurements.common import mean_and_error, measurements
from utils import sample, sample_trajectory

HERE = Path(__file__).parent
STEPS = (5, 10, 25, 50)
GUIDED = 1000  # images guided by each denoiser
SEEDS = 6  # where a single number would scatter too much
ALONG = (50, 40, 30, 20, 10, 0)  # steps at which the cloud of problem 2 is compared with the truth


def parameters_of(network):
    return sum(p.numel() for p in network.parameters())


def along_the_way(n=5000):
    """Problem 2: energy distance of x_t to the exact q(x_t) in noise floors, of network and oracle, by step."""
    run, rows = experiment(50), {}
    floors = {t: energy_distance_floor(run.pixel_mixture(t), n) for t in ALONG}
    for name, denoiser in (("network", run.denoiser()), ("oracle", run.oracle())):
        distances = {t: [] for t in ALONG}
        for seed in range(SEEDS):
            random = generator(seed)
            states = sample_trajectory(denoiser, run.schedule, run.noise(n, random), None, random, run.config.variance)
            for t in ALONG:
                distances[t].append(energy_distance(run.to_pixels(states[t]), run.pixel_mixture(t)) / floors[t])
        rows[name] = {str(t): mean_and_error(values) for t, values in distances.items()}
    return rows


def variances(n=5000):
    """Problem 3: energy distance of the oracle's samples with either variance of the reverse step, by T."""
    rows = {}
    for T in STEPS:
        run = experiment(T)
        rows[str(T)] = {}
        for name in ("posterior", "beta"):
            distances = []
            for seed in range(SEEDS):
                random = generator(seed)
                x_0 = sample(run.oracle(), run.schedule, run.noise(n, random), None, random, name)
                distances.append(energy_distance(run.to_pixels(x_0), run.world))
            rows[str(T)][name] = mean_and_error(distances)
    return rows


def guidance():
    """Problem 4: the share of guided images in the mode asked for, and how far network and oracle end apart."""
    run = experiment(50)
    y, ends = torch.arange(GUIDED) % run.num_classes, {}
    for name, denoiser in guided(run).items():
        random = generator(4)
        x_0 = sample(denoiser, run.schedule, run.noise(GUIDED, random), y, random, run.config.variance)
        ends[name] = run.to_pixels(x_0)
    shares = {name: float((run.world.posterior(x).argmax(1) == y).double().mean()) for name, x in ends.items()}
    apart = {
        name: float((ends[name] - ends["oracle"]).norm(dim=1).median()) for name in ("classifier_free", "classifier")
    }
    return {"w": WEIGHT, "images": GUIDED, "share_in_mode": shares, "median_distance_to_oracle": apart}


def two_pixel():
    """Problems 1 to 4."""
    cards = {str(T): score(experiment(T))[0] for T in tqdm(STEPS, desc="score cards")}
    run = experiment(50)
    return {
        "cards": cards,
        "seeds": SEEDS,
        "along_the_way": along_the_way(),
        "variances": variances(),
        "guidance": guidance(),
        "parameters": {"denoiser": parameters_of(run.network), "classifier": parameters_of(run.classifier)},
        "config": {key: getattr(run.config, key) for key in ("steps", "batch_size", "lr", "label_dropout", "seed")},
        "weights": weights_behind("problem2"),
    }


def training_of(log):
    """Hours and largest memory in GB of the runs in a training log, the hours of all its stages together."""
    text = Path(log).read_text()
    spans = re.findall(r"^training took (\d+):(\d+):(\d+)", text, re.MULTILINE)
    hours = sum(int(h) + int(m) / 60 + int(s) / 3600 for h, m, s in spans)
    memory = max(int(kb) for kb in re.findall(r"Maximum resident set size \(kbytes\): (\d+)", text))
    return {"hours": hours, "gigabytes": memory * 1024 / 1e9}


def part_by_part():
    """Problem 5's question: spread, correlations, frequencies and class of the model and the made-up ones."""
    with np.load(CHECKPOINTS / "mnist" / "part_by_part.npz") as archive:
        found = dict(archive)
    if str(found["weights"]) != fingerprint(CHECKPOINTS / "mnist"):
        raise CheckpointError(
            "part_by_part.npz was made from other weights: run evaluation.part_by_part --run checkpoints/mnist"
        )
    half = {name: [last(band <= 0.5) for band in found[f"{name}_frequency"]] for name in ("model", "once", "rows")}
    return {
        "spread": {name: float(found[f"{name}_spread"]) for name in ("model", "once", "rows")},
        "correlation": {
            name: {str(d): float(found[f"{name}_correlation"][d - 1]) for d in (1, 2, 4, 8)}
            for name in ("model", "rows", "alone")
        },
        "place_share": float(found["model_shares"][1]),
        "bands": [list(band) for band in BANDS],
        "half_settled": half,
        "class_decided": {name: last(found[f"{name}_class"] >= 0.9) for name in ("model", "once", "rows")},
    }


def mnist():
    """Problem 5. CheckpointError if the score card was made from other weights."""
    run, card = mnist_run(), mnist_scorecard()
    if card.get("weights") != fingerprint(CHECKPOINTS / "mnist"):
        raise CheckpointError(
            "checkpoints/mnist/scorecard.json was made from other weights: train.py --resume measures anew"
        )
    ratio = np.array(card["generated"]["diversity_of_class"]) / card["real"]["diversity_of_class"]
    return {
        "card": card,
        "diversity_over_real": ratio.tolist(),
        "part_by_part": part_by_part(),
        "parameters": parameters_of(run.network),
        "config": {
            key: getattr(run.config, key) for key in ("T", "steps", "batch_size", "lr", "label_dropout", "seed")
        },
        "training": training_of(CHECKPOINTS / "mnist" / "train.log"),
        "classifier": load_json(CHECKPOINTS / "mnist-classifier" / "scorecard.json"),
        "weights": weights_behind("problem5"),
    }


def measured():
    """What is in measurements/, by name. CheckpointError if it was measured on other weights."""
    found = {name: measurements(name) for name in MEASURED}
    for name, results in found.items():
        if results["weights"] != weights_behind(name):
            raise CheckpointError(f"measurements/{name}.json was made from other weights: run make measurements")
    return found


def samplers():
    """What was measured of the samplers. CheckpointError if it was made from other weights."""
    found = measurements("samplers")
    for part, weights in (("two_pixel", "samplers"), ("mnist", "mnist_samplers")):
        if found.get(part, {}).get("weights") != weights_behind(weights):
            raise CheckpointError(f"measurements/samplers.json ({part}) is of other weights: run measurements.samplers")
    return found


def brief_digits():
    """What was measured after brief trainings on MNIST. CheckpointError if a part was judged by other weights."""
    found = measurements("brief_digits")
    if any(part["weights"] != weights_behind("brief_digits") for part in found.values()):
        raise CheckpointError("measurements/brief_digits.json is of other weights: run measurements.brief_digits")
    return found


def main():
    torch.set_num_threads(1)  # the same sums in the same order on every machine
    try:
        results = {
            "two_pixel": two_pixel(),
            "mnist": mnist(),
            "settings": measurements("settings"),
            "training": measurements("training"),
            "memorising": measurements("memorising"),
            "flow_matching": measurements("flow_matching"),
            "samplers": samplers(),
            "brief_digits": brief_digits(),
        } | measured()
    except CheckpointError as error:
        print(f"report.results: error: {error}", file=sys.stderr)
        return 2
    save_json(HERE / "results.json", results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
