"""The CUDA path: whether it computes what the CPU does, how fast it trains, and a training run of given minutes.

    python -m benchmarks.gpu --out runs/gpu                                     nine minutes at most, on a GPU
    python -m benchmarks.gpu --out runs/gpu --minutes 30                        with half an hour of training
    python -m benchmarks.gpu --out runs/try --device cpu --fast --data digits   a rehearsal without a GPU

Three parts: (1) the checks of `benchmarks.gpu_checks`; (2) images a second of MNIST training, and seconds for a hundred
guided digits; (3) the training of `python train.py --data mnist`, with as many steps as fit into the time at the speed
that part 2 has found, so that the learning rate falls to 0 as the time is over. It is train.py's loop, but ends without
the score card, which needs Matplotlib: `python train.py --resume --out runs/gpu/mnist` makes it, on any machine.

MNIST is read from $DIFFUSION_DATA. The folder --out gets gpu.txt, which is the table, and the run's own folder. The
exit code is 1 if a check failed. float32 is IEEE's throughout: TensorFloat-32 is turned off.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as train.py does
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without, cuBLAS refuses to be deterministic

import platform
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gpu_checks import CHECKPOINTS, HEAD, InPrecision, check_everything
from experiments import images, run_folder
from experiments.checkpoint import CheckpointError, save_arrays, write_atomically
from experiments.command_line import Parser, number
from experiments.data import DataError
from experiments.images import DEFAULTS, ImageExperiment
from utils import Training, classifier_free_guidance

GUIDANCE = 1.0
LOG_LINES = 50


@dataclass(frozen=True)
class Sizes:
    """How much is done, and how long it is expected to take: on a modern GPU, or the fast sizes on two CPU cores."""

    check_batch: int  # images
    batches: tuple  # of training
    multiply: int  # rows and columns of the matrices that show the peak
    calls: int  # in a round of timing
    rounds: int
    digits: int
    sampling_steps: int
    expected: tuple  # seconds of part 1 and of part 2
    total: float  # seconds of all parts: without --minutes, part 3 gets what is left of them
    least: float  # seconds of part 3 without --minutes, even if nothing is left


FULL = Sizes(
    check_batch=64,
    batches=(256, 1024),
    multiply=8192,
    calls=20,
    rounds=5,
    digits=100,
    sampling_steps=200,
    expected=(120, 150),
    total=510,
    least=60,
)
FAST = Sizes(
    check_batch=8,
    batches=(16, 32),
    multiply=256,
    calls=2,
    rounds=2,
    digits=4,
    sampling_steps=10,
    expected=(60, 10),
    total=0,
    least=5,
)


# --- part 2: speed ----------------------------------------------------------------------------------------------------


def synchronize(device):
    """Wait until the device has done what it was told."""
    if device == "cuda":
        torch.cuda.synchronize()


def seconds_per_call(call, device, calls, rounds, warm_up=3):
    """Seconds of a call(): the median over rounds of so many calls each.

    The calls to warm up before them are not counted: they find memory and kernels, or compile.
    """
    for _ in range(warm_up):
        call()
    seconds = []
    for _ in range(rounds):
        synchronize(device)
        start = time.perf_counter()
        for _ in range(calls):
            call()
        synchronize(device)
        seconds.append((time.perf_counter() - start) / calls)
    return median(seconds)


def multiply_flops(dtype, device, sizes):
    """FLOP a second of a large matrix product: the peak of the card, as a multiply reaches it."""
    a, b = (torch.randn(sizes.multiply, sizes.multiply, device=device).to(dtype) for _ in range(2))
    return 2 * sizes.multiply**3 / seconds_per_call(lambda: a @ b, device, sizes.calls, sizes.rounds)


def training_flops(config, batch=8):
    """FLOP of a training step for each image, forward and backward, as counted on the CPU.

    Attention is counted as the matrix products that it consists of.
    """
    experiment = InPrecision(replace(config, batch_size=batch))
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        experiment.loss(experiment.network, experiment.generator(0)).backward()
    return counter.get_total_flops() / batch


def images_per_second(config, device, bfloat16, compile, sizes):
    """Images a second of training as train.py does it, in a precision, compiled or not."""
    experiment = InPrecision(config, device)
    experiment.bfloat16 = bfloat16
    if compile:
        torch.compiler.reset()  # for kernels of this very batch size
    called = torch.compile(experiment.network) if compile else experiment.network
    training = Training(experiment.network, config.steps, config.lr, experiment.generator(config.seed))
    steps = training.run(lambda _, generator: experiment.loss(called, generator))
    return config.batch_size / seconds_per_call(lambda: next(steps), device, sizes.calls, sizes.rounds)


def seconds_of_digits(device, sizes):
    """Seconds for guided digits of the committed model, 200 steps of two network calls each if not fast."""
    experiment = images.load(CHECKPOINTS / "mnist", device).with_sampler("ddpm", sizes.sampling_steps)
    y = torch.arange(sizes.digits, device=device) % experiment.num_classes
    generator = experiment.generator(0)
    guided = experiment.clipped(classifier_free_guidance(experiment.learned(), GUIDANCE))
    draw = experiment.sampler(guided, labelled=True)

    def call():
        draw(experiment.noise(sizes.digits, generator), y, generator)

    return seconds_per_call(call, device, calls=1, rounds=min(3, sizes.rounds), warm_up=1)


def measure_speed(config, device, compile, sizes):
    """({(bfloat16 or not, batch size, compiled or not): images a second}, lines of the table), printed as they come."""
    flops, rates, lines = training_flops(config), {}, []

    def add(line):
        lines.append(line)
        print(line, flush=True)

    add(f"{f'training on {config.data}, as train.py does':<52}{'images/s':>10}{'TFLOP/s':>10}{'of the peak':>13}")
    for bfloat16 in (False, True):
        dtype = torch.bfloat16 if bfloat16 else torch.float32
        name, peak = str(dtype).removeprefix("torch."), multiply_flops(dtype, device, sizes)
        title = f"the peak: multiply {sizes.multiply} × {sizes.multiply}, {name}"
        add(f"{title:<52}{'':>10}{peak / 1e12:>10.3g}{1:>13.0%}")
        for compiled in (False, True) if compile and bfloat16 else (False,):
            for batch in sizes.batches:
                rate = images_per_second(replace(config, batch_size=batch), device, bfloat16, compiled, sizes)
                rates[bfloat16, batch, compiled] = rate
                title = f"  {name}, batches of {batch}{', --compile' * compiled}"
                add(f"{title:<52}{rate:>10.0f}{rate * flops / 1e12:>10.3g}{rate * flops / peak:>13.1%}")
    seconds = seconds_of_digits(device, sizes)
    add(f"{sizes.digits} guided MNIST digits, {sizes.sampling_steps} steps: {seconds:.2f} seconds")
    return rates, lines


# --- part 3: a training run -------------------------------------------------------------------------------------------


def train(config, device, out):
    """The run of train.py in the folder `out`, without its score card. Returns a line about it."""
    experiment, start = ImageExperiment(config, device), time.perf_counter()
    run_folder.free_folder(out)
    generator = experiment.generator(config.seed)
    training = run_folder.train(out, "denoiser", experiment.network, config, experiment.loss, generator)
    seconds = time.perf_counter() - start
    save_arrays(out / "losses.npz", losses=np.float32(training.losses))
    speed = config.steps * config.batch_size / seconds
    line = f"training of {seconds / 60:.2f} minutes: {config.steps} steps, {speed:.0f} images/s, in {out}"
    log, step = [], 0
    for losses in np.array_split(training.losses, min(LOG_LINES, config.steps)):
        step += len(losses)
        log.append(f"step {step:>7}  mean loss since the line before {losses.mean():.4f}")
    write_atomically(out / "train.log", "\n".join([*log, line, ""]).encode())
    return line


# --- all of it --------------------------------------------------------------------------------------------------------


def parse_arguments(argv=None):
    p = Parser(prog="python -m benchmarks.gpu", description=__doc__.split("\n")[0])
    p.add_argument("--device", choices=["cuda", "cpu"], default="cuda", help="what is checked and measured")
    p.add_argument("--fast", action="store_true", help="a little of everything, to try the script itself")
    p.add_argument("--data", choices=["mnist", "digits"], default="mnist", help="images to train on")
    p.add_argument(
        "--minutes",
        type=number(float, 0, low_allowed=False),
        help="training time of part 3; without, what the others leave of nine minutes",
    )
    p.add_argument("--out", type=Path, help="an empty folder, or a new one; without, a new one in runs/")
    args = p.parse_args(argv)
    if args.device == "cuda" and not torch.cuda.is_available():
        p.error("--device cuda: not available on this machine; --device cpu --fast tries the script without")
    if args.device == "cpu" and not args.fast:
        p.error("--device cpu: only with --fast, for all of it would take hours")
    return p, args


def setting(device):
    """What is measured on what, one line."""
    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    return f"{name}, torch {torch.__version__}, Python {platform.python_version()}"


def run(args):
    """Do all parts, print the table, and return the checks. gpu.txt has after each part what is known by then."""
    start, sizes = time.perf_counter(), FAST if args.fast else FULL
    config = replace(DEFAULTS[args.data], batch_size=sizes.batches[0])
    ImageExperiment(config).check_data()
    out = run_folder.free_folder(args.out or run_folder.new_folder("gpu"))
    table = [setting(args.device)]

    def add(*lines):
        table.extend(lines)
        write_atomically(out / "gpu.txt", "\n".join([*table, ""]).encode())

    print(f"{table[0]}\n\n(1) {args.device} beside the CPU: about {sizes.expected[0]} seconds", flush=True)
    checks = check_everything(args.device, args.data, sizes.check_batch)
    add("", HEAD, *map(str, checks))
    print(f"\n(2) speed: about {sizes.expected[1]} seconds", flush=True)
    compile = args.device == "cuda" and any(check.name == "--compile" and check.ok for check in checks)
    rates, lines = measure_speed(config, args.device, compile, sizes)
    add("", *lines)
    left = max(sizes.least, sizes.total - (time.perf_counter() - start))
    seconds = 60 * args.minutes if args.minutes else left
    rate = rates[args.device == "cuda", config.batch_size, False]
    config = replace(config, steps=max(1, round(seconds * rate / config.batch_size)))
    print(f"\n(3) training: about {seconds:.0f} seconds, {config.steps} steps", flush=True)
    add("", train(config, args.device, out / config.data))
    print("\n" + "\n".join(table))
    return checks


def main(argv=None):
    p, args = parse_arguments(argv)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        checks = run(args)
    except (CheckpointError, DataError, OSError) as error:
        p.error(str(error))
    return int(not all(check.ok for check in checks))


if __name__ == "__main__":
    sys.exit(main())
