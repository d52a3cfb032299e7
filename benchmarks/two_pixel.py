"""Speed of the two-pixel system, beside the machine's own limit and other libraries, as ratios within one run.

    python -m benchmarks.two_pixel

A *contestant* is a function without arguments that does a whole job: TRAINING_STEPS training steps, or one drawing of
SAMPLES images. Contestants take turns, so that whatever else the machine is doing slows all of them alike.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as train.py does

import argparse
import importlib
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from checkpoint import save_json
from two_pixel import Config, TwoPixel
from utils import Training, diffusion_loss, drop_labels, sample

CONFIG = Config()
TRAINING_STEPS = 50  # in one turn
SAMPLES = 5000
MATMUL_WIDTH = 512
OURS = "this repo"
PEERS = ("diffusers", "smalldiffusion")


# --- the contestants ----------------------------------------------------------------------------------------------


def steps_of(training):
    """A contestant out of a generator that takes one training step whenever it is asked for the next loss."""

    def contestant():
        for _ in range(TRAINING_STEPS):
            next(training)

    return contestant


def fresh_batches(experiment):
    """What train.py trains on, without end: x0 (B, 1, 2) from the mixture, y (B,) with labels dropped to ∅."""
    generator = torch.Generator().manual_seed(CONFIG.seed)
    while True:
        x0, y = experiment.draw(CONFIG.batch_size, generator)
        yield x0, drop_labels(y, CONFIG.label_dropout, experiment.mixture.num_classes, generator)


def our_training(experiment):
    """Trains as train.py does, yielding the loss after each step."""

    def loss_of(network, generator):
        x0, y = experiment.draw(CONFIG.batch_size, generator)
        y = drop_labels(y, CONFIG.label_dropout, experiment.mixture.num_classes, generator)
        return diffusion_loss(network, experiment.schedule, x0, y, generator, CONFIG.prediction, CONFIG.loss)

    generator = torch.Generator().manual_seed(CONFIG.seed)
    return Training(experiment.network, CONFIG.steps, CONFIG.lr, generator).run(loss_of)


def our_sampling(experiment):
    """A contestant that draws SAMPLES images without label, as the score card does."""
    generator, denoiser = torch.Generator().manual_seed(CONFIG.seed), experiment.denoiser()

    def contestant():
        x_T = experiment.noise(SAMPLES, generator)
        sample(denoiser, experiment.schedule, x_T, None, generator, CONFIG.variance)

    return contestant


def bare_network(experiment):
    """A contestant that asks the network as often as sampling does, and does nothing else."""
    x, t = experiment.noise(SAMPLES, torch.Generator().manual_seed(CONFIG.seed)), torch.ones(SAMPLES).long()

    @torch.no_grad()
    def contestant():
        for _ in range(CONFIG.T):
            experiment.network(x, t)

    return contestant


def forward_flops(network, batch_size):
    """Floating point operations of one call of the network: 2 for each multiply-add."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(batch_size, 1, 2), torch.ones(batch_size).long())
    return counter.get_total_flops()


def bare_multiply(flops, times):
    """A contestant that does one dense float32 multiply of that many FLOPs, so many times: the physical limit."""
    rows = round(flops / (2 * MATMUL_WIDTH**2))
    a, b = torch.randn(rows, MATMUL_WIDTH), torch.randn(MATMUL_WIDTH, MATMUL_WIDTH)

    def contestant():
        for _ in range(times):
            a @ b

    return contestant


def training_contestants(peers):
    """{name: contestant} for training; each has a network of its own, all with the same weights at first."""
    contestants = {OURS: steps_of(our_training(TwoPixel(CONFIG)))}
    for name, peer in peers.items():
        experiment = TwoPixel(CONFIG)
        contestants[name] = steps_of(peer.training(experiment, fresh_batches(experiment)))
    # the backward pass costs two more forward passes: the gradient to a layer's input, and to its weight
    flops = 3 * forward_flops(TwoPixel(CONFIG).network, CONFIG.batch_size)
    contestants["bare multiply, same FLOPs"] = bare_multiply(flops, TRAINING_STEPS)
    return contestants


def sampling_contestants(peers):
    """{name: contestant} for sampling; each has a network of its own, all with the same weights."""
    contestants = {OURS: our_sampling(TwoPixel(CONFIG))}
    for name, peer in peers.items():
        contestants[name] = peer.sampling(TwoPixel(CONFIG), SAMPLES)
    contestants["its network calls alone"] = bare_network(TwoPixel(CONFIG))
    flops = forward_flops(TwoPixel(CONFIG).network, SAMPLES)
    contestants["bare multiply, same FLOPs"] = bare_multiply(flops, CONFIG.T)
    return contestants


def installed_peers():
    """{name: module} of the peers that can be imported; a line about each that cannot."""
    peers = {}
    for name in PEERS:
        try:
            peers[name] = importlib.import_module(f"benchmarks.with_{name}")
        except ImportError as error:
            install = "pip install -r requirements.txt; pip install --no-deps -r benchmarks/requirements.txt"
            print(f"{name} is left out ({error}). To compare with it: {install}")
    return peers


# --- measuring and reporting --------------------------------------------------------------------------------------


def measure(contestants, rounds, title):
    """Seconds of each contestant in each round, {name: [seconds]}. A first round, which warms up, does not count."""
    seconds = {name: [] for name in contestants}
    for _ in tqdm(range(rounds + 1), desc=title, unit="round"):
        for name, contestant in contestants.items():
            start = time.perf_counter()
            contestant()
            seconds[name].append(time.perf_counter() - start)
    return {name: values[1:] for name, values in seconds.items()}


def as_text(title, seconds, jobs):
    """The table of one measurement; a turn of `seconds` did so many jobs. Times are medians over the rounds."""
    ours = median(seconds[OURS])
    lines = [f"{title:<56}{'median, ms':>12}{'min – max, ms':>20}{'ours / this':>14}"]
    for name, values in seconds.items():
        low, middle, high = (1000 * v / jobs for v in (min(values), median(values), max(values)))
        spread = f"{low:.2f} – {high:.2f}"
        lines.append(f"  {name:<54}{middle:>12.2f}{spread:>20}{ours / median(values):>14.2f}")
    return "\n".join(lines)


def machine():
    """What the times were measured on."""
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def full_run():
    """(seconds, peak resident memory in MB) of `python train.py --T 50` with everything it writes."""
    import resource  # only Unix has it

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        command = [sys.executable, "train.py", "--T", "50", "--device", "cpu", "--out", str(Path(folder) / "run")]
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # of the largest child, and train.py is the only one
    return seconds, peak / (1e6 if sys.platform == "darwin" else 1e3)  # macOS counts bytes, Linux kilobytes


def parse_arguments(argv=None):
    defaults = argparse.ArgumentDefaultsHelpFormatter
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0], formatter_class=defaults)
    p.add_argument("--rounds", type=int, default=5, help="turns of each contestant")
    p.add_argument("--json", type=Path, help="file to save all times to")
    p.add_argument("--full", action="store_true", help="also measure a full run of train.py, about a minute")
    return p.parse_args(argv)


def main(argv=None):
    args = parse_arguments(argv)
    torch.set_num_threads(1)  # as train.py does
    torch.manual_seed(CONFIG.seed)
    peers = installed_peers()
    training = measure(training_contestants(peers), args.rounds, "training")
    sampling = measure(sampling_contestants(peers), args.rounds, "sampling")
    result = {"machine": machine(), "training_steps": TRAINING_STEPS, "training": training, "sampling": sampling}
    print("\n" + ", ".join(f"{name} {value}" for name, value in result["machine"].items()))
    print(f"{CONFIG.batch_size} images a batch; medians of {args.rounds} rounds\n")
    print(as_text("one training step", training, TRAINING_STEPS), end="\n\n")
    print(as_text(f"{SAMPLES} samples, T = {CONFIG.T}, no label", sampling, 1))
    print(f"\n{TRAINING_STEPS / median(training[OURS]):.0f} training steps a second; ratios below 1: we are faster")
    if args.full:
        seconds, megabytes = full_run()
        result["full_run"] = {"seconds": seconds, "peak_memory_mb": megabytes}
        print(f"python train.py --T 50: {seconds:.0f} seconds, at most {megabytes:.0f} MB of memory")
    if args.json:
        save_json(args.json, result)


if __name__ == "__main__":
    main()
