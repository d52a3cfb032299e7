"""The CUDA path: checked against the CPU, measured, and used to train MNIST, in nine minutes at most.

    python -m benchmarks.gpu --minutes 4 --out runs/gpu  # on a GPU; reads MNIST from $DIFFUSION_DATA
    python -m benchmarks.gpu --device cpu --fast         # all that can be run without one, on 8 × 8 digits

Prints one table, and writes it to gpu.txt in the folder --out, with the trained run in mnist/ beside it. It needs no
Matplotlib, so it draws no score card: `python train.py --resume --out FOLDER/mnist` measures the run elsewhere.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # lets cuBLAS repeat its sums: resuming is to be exact

import contextlib
import shutil
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import gpu_checks
from experiments import images, run_folder
from experiments.checkpoint import CheckpointError, save_arrays, write_atomically
from experiments.command_line import Parser, number
from experiments.data import DataError
from utils import Training, classifier_free_guidance, sample


@dataclass(frozen=True)
class Size:
    """How much is measured: the data, batches, steps in each of the rounds, side of the multiply, guided digits."""

    data: str
    batches: tuple
    steps: int
    rounds: int
    matrix: int
    digits: int


FULL = Size(data="mnist", batches=(256, 1024), steps=20, rounds=5, matrix=8192, digits=100)
FAST = Size(data="digits", batches=(16, 32), steps=2, rounds=2, matrix=256, digits=4)
WARM_UP = 5  # steps before the clock runs
FORESEEN = 0.1  # share of the minutes spent on finding out how many steps fit into the rest
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def synchronise(device):
    """Wait until the device has done what it was asked: a GPU computes while Python goes on."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()


def seconds_of(work, rounds, device):
    """The median time of a call of work(), after one that warms up."""
    work()
    times = []
    for _ in range(rounds):
        synchronise(device)
        start = time.perf_counter()
        work()
        synchronise(device)
        times.append(time.perf_counter() - start)
    return median(times)


def experiment_of(size, device, precision, batch_size):
    """An image experiment whose network multiplies in the precision asked for."""
    experiment = images.ImageExperiment(replace(images.DEFAULTS[size.data], batch_size=batch_size), device)
    dtype = PRECISIONS[precision]
    if dtype == torch.float32:
        experiment.autocast = contextlib.nullcontext
    else:
        experiment.autocast = lambda: torch.autocast(experiment.device.type, dtype)
    return experiment


def flops_of_step(experiment):
    """Floating point operations of one training step, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        experiment.loss(experiment.network, experiment.generator(0)).backward()
    return counter.get_total_flops()


def rate_of_multiply(size, device, precision):
    """FLOPs a second of one large matrix product: the peak that this device reaches."""
    a, b = torch.randn(2, size.matrix, size.matrix, device=device).to(PRECISIONS[precision])
    return 2 * size.matrix**3 / seconds_of(lambda: a @ b, 4 * size.rounds, device)


def training_row(size, device, precision, batch_size, compiled):
    """Images a second of training, and the share of the device's peak that this is."""
    experiment = experiment_of(size, device, precision, batch_size)
    flops = flops_of_step(experiment)
    called = torch.compile(experiment.network) if compiled else experiment.network
    training = Training(experiment.network, 10**6, experiment.config.lr, experiment.generator(0))
    run = training.run(lambda _, generator: experiment.loss(called, generator))
    for _ in range(WARM_UP):
        next(run)
    seconds = seconds_of(lambda: [next(run) for _ in range(size.steps)], size.rounds, device) / size.steps
    peak = rate_of_multiply(size, device, precision)
    name = f"{precision}{', compiled' if compiled else ''}, batch {batch_size}"
    return f"{name:<40}{batch_size / seconds:>16.0f}{1e3 * seconds:>12.2f}{flops / seconds / peak:>16.1%}"


def speed(size, device, compiled):
    """The table of images a second."""
    yield f"{'training':<40}{'images a second':>16}{'ms a step':>12}{'of the peak':>16}"
    ways = [(precision, False) for precision in PRECISIONS] + ([("bfloat16", True)] if compiled else [])
    for precision, with_compile in ways:
        for batch_size in size.batches:
            yield training_row(size, device, precision, batch_size, with_compile)
    for precision in PRECISIONS:
        rate = rate_of_multiply(size, device, precision) / 1e12
        yield f"the peak: a multiply of {size.matrix}² in {precision}, {rate:.2f} TFLOP/s"


def guided_digits(size, device):
    """How long guided digits take, over all T steps."""
    experiment = images.ImageExperiment(images.DEFAULTS[size.data], device)
    denoiser = experiment.clipped(classifier_free_guidance(experiment.learned(), 1.0))
    y = (torch.arange(size.digits) % experiment.num_classes).to(experiment.device)
    generator = experiment.generator(0)

    def draw():
        return sample(denoiser, experiment.schedule, experiment.noise(size.digits, generator), y, generator)

    return f"{size.digits} guided digits, {experiment.config.T} steps: {seconds_of(draw, 1, device):.2f} seconds"


def train_for(minutes, size, device, out):
    """Train a run in out/mnist for so long, with as many steps as a trial says will fit, and its losses beside it."""
    config = images.DEFAULTS[size.data]
    trial = images.ImageExperiment(config, device)
    run = Training(trial.network, 10**6, config.lr, trial.generator(0)).run(trial.loss)
    next(run)  # warms up
    steps, start = 0, time.perf_counter()
    while steps == 0 or time.perf_counter() - start < FORESEEN * 60 * minutes:
        next(run)
        steps += 1
    rate = steps / (time.perf_counter() - start)
    config = replace(config, steps=max(1, round((1 - FORESEEN) * 60 * minutes * rate)))
    experiment, start = images.ImageExperiment(config, device), time.perf_counter()
    folder = run_folder.free_folder(out / "mnist")
    training = run_folder.train(
        folder, "denoiser", experiment.network, config, experiment.loss, experiment.generator(config.seed)
    )
    save_arrays(folder / "losses.npz", losses=np.float32(training.losses))
    took, loss = time.perf_counter() - start, np.mean(training.losses[-200:])
    return f"trained {config.data}: {config.steps} steps of {config.batch_size} in {took:.0f} seconds, loss {loss:.4f}"


def name_of(device):
    return torch.cuda.get_device_name() if device == "cuda" else "CPU"


def run(args):
    """All three parts, printed and written to gpu.txt; whether every check passed."""
    device, size = args.device, FAST if args.fast else FULL
    images.ImageExperiment(images.DEFAULTS[size.data]).check_data()
    args.out.mkdir(parents=True, exist_ok=True)
    lines = []

    def say(line):
        print(line, flush=True)
        lines.append(str(line))

    say(f"{name_of(device)}, torch {torch.__version__}")
    print("1. device against CPU: about a minute and a half ...")
    say(f"{'check':<58}{'difference':>12}{'tolerance':>12}")
    checks = []
    # exact sums for the comparison: no TensorFloat-32, and the same order each time
    torch.backends.cudnn.allow_tf32 = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    for check in gpu_checks.all_checks(device):
        checks.append(check)
        say(check)
    torch.backends.cudnn.allow_tf32 = True  # PyTorch's default
    torch.use_deterministic_algorithms(False)
    print("2. speed: about three minutes, most of it torch.compile ...")
    for line in speed(size, device, compiled=not args.fast and shutil.which("c++") is not None):
        say(line)
    say(guided_digits(size, device))
    print(f"3. training for {args.minutes:g} minutes ...")
    say(train_for(args.minutes, size, device, args.out))
    write_atomically(args.out / "gpu.txt", ("\n".join(lines) + "\n").encode())
    return all(check.ok for check in checks)


def main(argv=None):
    p = Parser(prog="python -m benchmarks.gpu", description=__doc__.split("\n")[0])
    p.add_argument("--device", choices=["cuda", "cpu"], default="cuda", help="what is checked and measured")
    p.add_argument("--fast", action="store_true", help="a few steps on 8 × 8 digits, to see everything work")
    p.add_argument("--minutes", type=number(float, 0, 60, low_allowed=False), default=4.0, help="of the training")
    p.add_argument("--out", type=Path, default=Path("runs/gpu"), help="folder for the table and the trained run")
    args = p.parse_args(argv)
    if args.device == "cuda" and not torch.cuda.is_available():
        p.error("--device cuda: not available on this machine")
    try:
        return 0 if run(args) else 1
    except (CheckpointError, DataError) as error:
        p.error(str(error))


if __name__ == "__main__":
    sys.exit(main())
