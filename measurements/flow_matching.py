"""Flow matching beside diffusion with everything else equal: schedules, predictions, samplers, and one round of reflow.

    python -m measurements.flow_matching               everything: an hour on one core
    python -m measurements.flow_matching exact reflow  only some of it

Divergences are KL(p ‖ p_θ) in nats, computed on a grid, without label and without clipping. Writes
measurements/flow_matching.json.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as train.py does

import copy
import sys
from pathlib import Path

import torch
from tqdm import tqdm

from evaluation.committed import generator
from evaluation.flow_density import flow_density, in_float64
from exact import flow_matching
from experiments.checkpoint import load_json, save_json
from experiments.command_line import Parser, names
from experiments.reflow import loss_of_pairs
from experiments.two_pixel import Config, TwoPixel
from measurements.common import SEEDS, mean_and_error
from utils import Training

RESULT = Path(__file__).parent / "flow_matching.json"
T = 50
GRID = {"exact": 128, "networks": 40}  # points in each direction: right to a percent, and to a few
SAMPLERS = {  # name: (sampler, steps)
    "euler": ("ddim", (2, 5, 10, 25, 50)),
    "heun in τ": (flow_matching.heun, (2, 3, 5, 10, 25)),
    "heun in φ": ("heun", (2, 3, 5, 10, 25)),
    "dpm_solver": ("dpm_solver", (2, 5, 10, 25, 50)),
}
SCHEDULES = ("cosine", "flow")
NETWORKS = [(schedule, prediction) for schedule in SCHEDULES for prediction in ("v", "eps", "u")]
PAIRS, PATHS = 100_000, 4096


def divergences(run, denoiser, points):
    """KL(p ‖ p_θ) by sampler and steps, with so many points in each direction."""
    return {
        name: {f"{n}": flow_density(run, denoiser, sampler, n, n=points).kl_from(run.world) for n in steps}
        for name, (sampler, steps) in SAMPLERS.items()
    }


def bend_of(run, denoiser):
    """How far the paths of a denoiser from noise to image are from straight."""
    return flow_matching.bend(denoiser, run.schedule, run.noise(PATHS, generator(0)).double())


def exact():
    """Of the exact velocity, on either schedule; it needs no seeds."""
    found = {}
    for schedule in SCHEDULES:
        run = TwoPixel(Config(T=T, schedule=schedule))
        fine = TwoPixel(Config(T=1000, schedule=schedule))
        bends = {"bend": bend_of(run, run.exact), "bend 1000": bend_of(fine, fine.exact)}
        found[schedule] = divergences(run, run.exact, GRID["exact"]) | bends
    return found


def trained(run, loss_of):
    """The run, its network trained with this loss for the steps of its config."""
    training = Training(run.network, run.config.steps, run.config.lr, run.generator(run.config.seed))
    for _ in tqdm(training.run(loss_of), total=training.steps, leave=False):
        pass
    run.network = training.ema.module.eval()
    return run


def network_of(schedule, prediction, seed):
    """A run with these settings and the defaults, trained."""
    run = TwoPixel(Config(T=T, schedule=schedule, prediction=prediction, seed=seed))
    return trained(run, run.loss)


def networks():
    """Of trained networks, by schedule and prediction: means and errors over the seeds."""
    found = {}
    for schedule, prediction in tqdm(NETWORKS, desc="networks"):
        rows = []
        for seed in SEEDS:
            run = network_of(schedule, prediction, seed)
            double = in_float64(run)
            rows.append(divergences(run, double, GRID["networks"]) | {"bend": bend_of(run, double)})
        found[f"{schedule} {prediction}"] = mean_and_error(rows)
    return found


def reflow():
    """Before and after one round of reflow, from a network of flow matching: bend, and KL of few Euler steps."""
    rows = []
    for seed in tqdm(SEEDS, desc="reflow"):
        before = network_of("flow", "u", seed)
        after = copy.copy(before)
        after.network = copy.deepcopy(before.network).train()
        teacher = before.with_sampler("dpm_solver", 25)
        after = trained(after, loss_of_pairs(teacher, PAIRS, generator(100 + seed)))
        row = {}
        for name, run in (("before", before), ("after", after)):
            double = in_float64(run)
            kl = {
                f"{n}": flow_density(run, double, "ddim", n, n=GRID["networks"]).kl_from(run.world)
                for n in (1, 2, 4, 50)
            }
            row[name] = {"kl": kl, "bend": bend_of(run, double)}
        rows.append(row)
    return mean_and_error(rows) | {"pairs": PAIRS}


PARTS = {"exact": exact, "networks": networks, "reflow": reflow}


def main(arguments):
    torch.set_num_threads(1)
    parser = Parser(prog="python -m measurements.flow_matching", description=__doc__.split("\n")[0])
    for name in names(parser, "part", tuple(PARTS), arguments):
        found = PARTS[name]()
        save_json(RESULT, (load_json(RESULT) if RESULT.exists() else {}) | {name: found})


if __name__ == "__main__":
    main(sys.argv[1:])
