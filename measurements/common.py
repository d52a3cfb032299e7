"""What the measurements share: the runs they are made on, and means over seeds."""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

from evaluation.committed import CHECKPOINTS
from experiments.checkpoint import load_json

HERE = Path(__file__).parent
RUNS = Path("runs/small")
SEEDS = (0, 1, 2)


def trained(name, program, seed=0):
    """The folder of a run: committed, for seed 0 of some; else trained by `python program …`, unless it was before."""
    if seed == 0 and (CHECKPOINTS / name).is_dir():
        return CHECKPOINTS / name
    out = RUNS / f"{name}-seed{seed}"
    if not (out / "losses.npz").exists():  # they are written when the training is over
        resume = ["--resume"] if (out / "config.json").exists() else []
        command = [sys.executable, *program, "--seed", f"{seed}", "--out", f"{out}", *resume]
        subprocess.run(command, check=True)
    return out


def measurements(name):
    """What was measured by a module of this folder."""
    return load_json(HERE / f"{name}.json")


def mean_and_error(values):
    """The mean of some values and its standard error, of plain numbers or of dicts of them with the same keys."""
    if isinstance(values[0], dict):
        return {key: mean_and_error([v[key] for v in values]) for key in values[0]}
    values = np.array(values, dtype=float)
    return {"mean": float(values.mean()), "error": float(values.std(ddof=1) / len(values) ** 0.5)}


def over_seeds(function):
    """`mean_and_error` of function(seed)."""
    return mean_and_error([function(seed) for seed in SEEDS])


def time_of_step(steps, default, pairs, warm_up):
    """The processor time of a step over that of the default, both iterators that take one at each `next`.

    The median of the ratios of so many pairs, taken in turns after the pairs that warm up.
    """

    def timed(run):
        start = time.process_time()
        next(run)
        return time.process_time() - start

    ratios = [timed(steps) / timed(default) for _ in range(warm_up + pairs)]
    return median(ratios[warm_up:])
