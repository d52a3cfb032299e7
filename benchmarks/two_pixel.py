"""Speed of the two-pixel system, beside the machine's own limit and other libraries, as ratios within one run.

    python -m benchmarks.two_pixel

A *contestant* is an endless generator that does one step of its job, of training or of sampling, whenever it is asked
for the next value. Contestants take turns step by step, so that all of them meet the same moods of the machine.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as train.py does

import argparse
import importlib
import platform
import random
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

import torch
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from benchmarks.plain_network import plain_experiment
from experiments.checkpoint import save_json
from experiments.two_pixel import Config, TwoPixel
from utils import Training, drop_labels, reverse_process

CONFIG = Config()
TRAINING_STEPS = 50  # in a round
SAMPLES = 5000
MATMUL_WIDTH = 512
OURS = "this repo"
PLAIN = "this repo, the network plain"
MULTIPLY = "one multiply of the same FLOPs"
NETWORK = "the network alone"
PEERS = ("diffusers", "smalldiffusion")


# --- contestants --------------------------------------------------------------------------------------------------


def our_training(experiment):
    """Trains as train.py does, yielding the loss of each step."""
    while True:
        generator = torch.Generator().manual_seed(CONFIG.seed)
        yield from Training(experiment.network, CONFIG.steps, CONFIG.lr, generator).run(experiment.loss)


def fresh_batches(experiment):
    """The same batches for the baselines, without end: x0 (B, 1, 2), y (B,) with labels dropped to ∅."""
    generator = torch.Generator().manual_seed(CONFIG.seed)
    while True:
        x0, y = experiment.draw(CONFIG.batch_size, generator)
        yield x0, drop_labels(y, CONFIG.label_dropout, experiment.mixture.num_classes, generator)


def our_sampling(experiment):
    """Draws SAMPLES images without label again and again, yielding after each reverse step: `sample`, step by step."""
    generator, denoiser = torch.Generator().manual_seed(CONFIG.seed), experiment.denoiser()
    while True:
        x_T = experiment.noise(SAMPLES, generator)
        states = reverse_process(denoiser, experiment.schedule, x_T, None, generator, CONFIG.variance)
        next(states)  # x_T itself
        yield from states


@torch.no_grad()
def bare_network(experiment):
    """Asks the network about SAMPLES images, as a reverse step does, and does nothing else."""
    x, t = experiment.noise(SAMPLES, torch.Generator().manual_seed(CONFIG.seed)), torch.tensor([1])
    while True:
        yield experiment.network(x, t)


def forward_flops(network, batch_size):
    """Floating point operations of one call of the network: 2 for each multiply-add."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(batch_size, 1, 2), torch.ones(batch_size).long())
    return counter.get_total_flops()


def bare_multiply(flops):
    """One dense float32 multiply of that many FLOPs a step: about the best that this machine can do."""
    rows = round(flops / (2 * MATMUL_WIDTH**2))
    a, b = torch.randn(rows, MATMUL_WIDTH), torch.randn(MATMUL_WIDTH, MATMUL_WIDTH)
    while True:
        yield a @ b


def training_contestants(baselines):
    """{name: contestant}; each has a network of its own, and all start from the same weights."""
    contestants = {OURS: our_training(TwoPixel(CONFIG)), PLAIN: our_training(plain_experiment(CONFIG))}
    for name, baseline in baselines.items():
        experiment = plain_experiment(CONFIG)
        contestants[name] = baseline.training(experiment, fresh_batches(experiment))
    # the backward pass costs two more forward passes: the gradients to every layer's input and to its weight
    contestants[MULTIPLY] = bare_multiply(3 * forward_flops(TwoPixel(CONFIG).network, CONFIG.batch_size))
    return contestants


def sampling_contestants(baselines):
    """{name: contestant}; each has a network of its own, and all have the same weights."""
    contestants = {OURS: our_sampling(TwoPixel(CONFIG)), PLAIN: our_sampling(plain_experiment(CONFIG))}
    for name, baseline in baselines.items():
        contestants[name] = baseline.sampling(plain_experiment(CONFIG), SAMPLES)
    contestants[NETWORK] = bare_network(TwoPixel(CONFIG))
    contestants[MULTIPLY] = bare_multiply(forward_flops(TwoPixel(CONFIG).network, SAMPLES))
    return contestants


def installed_baselines():
    """{name: module} of the baselines that can be imported; prints a line about each that cannot."""
    baselines = {}
    for name in PEERS:
        try:
            baselines[name] = importlib.import_module(f"benchmarks.with_{name}")
        except ImportError as error:
            install = "pip install -r requirements.txt; pip install --no-deps -r benchmarks/requirements.txt"
            print(f"{name} is left out ({error}). To compare with it: {install}")
    return baselines


# --- measuring and reporting --------------------------------------------------------------------------------------


def measure(contestants, rounds, steps, title):
    """Seconds that each contestant's steps took in each round: {name: [seconds]}.

    Who goes first changes from step to step, since a contestant finds the caches as the one before left them.
    """
    seconds = {name: [0.0] * rounds for name in contestants}
    order = random.Random(CONFIG.seed)
    for contestant in contestants.values():
        next(contestant)  # warms up: memory, and PyTorch's choice of kernels
    for step in tqdm(range(rounds * steps), desc=title, unit="step"):
        for name in order.sample(list(contestants), len(contestants)):
            start = time.perf_counter()
            next(contestants[name])
            seconds[name][step // steps] += time.perf_counter() - start
    return seconds


def ratios(seconds, name):
    """Our time as a share of the contestant's, in each round."""
    return [ours / theirs for ours, theirs in zip(seconds[OURS], seconds[name], strict=True)]


def as_text(title, seconds, jobs):
    """A table of one measurement, with a round's seconds shared out to its jobs."""
    lines = [f"{title:<50}{'ms':>10}{'our time / this':>18}{'min – max':>16}"]
    for name in seconds:
        milliseconds, ratio = 1000 * median(seconds[name]) / jobs, ratios(seconds, name)
        spread = f"{min(ratio):.2f} – {max(ratio):.2f}"
        lines.append(f"  {name:<48}{milliseconds:>10.2f}{median(ratio):>18.2f}{spread:>16}")
    return "\n".join(lines)


def setting(baselines):
    """What was measured on what, {name: value}."""
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        **{name: version(name) for name in baselines},
    }


def full_run():
    """{"seconds", "peak_memory_mb"} of `python train.py --T 50` on the CPU, with everything that it writes."""
    import resource  # only Unix has it

    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "train.py", "--T", "50", "--device", "cpu", "--out", str(Path(folder) / "run")]
        start = time.perf_counter()
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # of the largest child
    return {"seconds": seconds, "peak_memory_mb": peak / (1e6 if sys.platform == "darwin" else 1e3)}  # bytes, else kB


def report(result):
    """The whole result as text."""
    training, sampling = result["training"], result["sampling"]
    lines = [
        ", ".join(f"{name} {value}" for name, value in result["setting"].items()),
        f"medians over rounds: {len(training[OURS])}; ratios are taken within a round, below 1 we are faster\n",
        as_text(f"one training step, {CONFIG.batch_size} images", training, TRAINING_STEPS),
        f"  {TRAINING_STEPS / median(training[OURS]):.0f} steps a second\n",
        as_text(f"{SAMPLES} samples without label, T = {CONFIG.T}", sampling, 1),
        f"  {SAMPLES / median(sampling[OURS]):.0f} samples a second",
    ]
    if "full_run" in result:
        full = result["full_run"]
        lines.append(
            f"\npython train.py --T 50: {full['seconds']:.0f} seconds, {full['peak_memory_mb']:.0f} MB at most"
        )
    return "\n".join(lines)


def parse_arguments(argv=None):
    defaults = argparse.ArgumentDefaultsHelpFormatter
    p = argparse.ArgumentParser(
        prog="python -m benchmarks.two_pixel", description=__doc__.split("\n")[0], formatter_class=defaults
    )
    p.add_argument("--rounds", type=int, choices=range(1, 101), metavar="N", default=5, help="rounds to measure")
    p.add_argument("--json", type=Path, metavar="PATH", help="file to save every round's seconds to")
    p.add_argument("--full", action="store_true", help="also measure a full run of train.py, about a minute")
    return p.parse_args(argv)


def main(argv=None):
    args = parse_arguments(argv)
    torch.set_num_threads(1)  # as train.py does
    baselines = installed_baselines()
    result = {
        "setting": setting(baselines),
        "training": measure(training_contestants(baselines), args.rounds, TRAINING_STEPS, "training"),
        "sampling": measure(sampling_contestants(baselines), args.rounds, CONFIG.T, "sampling"),
    }
    if args.full:
        result["full_run"] = full_run()
    print("\n" + report(result))
    if args.json:
        save_json(args.json, result)


if __name__ == "__main__":
    main()
