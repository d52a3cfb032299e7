"""Speed of the image network on a CPU, beside the machine's own convolution, as ratios within one run.

    python -m benchmarks.images --json benchmarks/images.json

One large convolution of as many FLOPs is about the best that the machine can do. torch.compile and bfloat16 are what
one would try first; samplers share a batch out to the threads. `two_pixel.py` says how contestants take turns.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as train.py does

import argparse
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.two_pixel import OURS, as_text, measure, setting
from experiments.checkpoint import save_json
from experiments.images import Config, ImageExperiment
from experiments.threads import shared_out
from utils import Training

CONFIG = Config()
STEPS = 3  # in a round
CHANNELS, SIZE = 128, 28  # of the large convolution
CONVOLUTION = "one convolution of the same FLOPs"
COMPILED = "this repo, torch.compile"
BFLOAT16 = "this repo, bfloat16"
SHARED_OUT = "this repo, a part of the batch for each thread"


def training(change=lambda network: network):
    """Trains as train.py does, yielding the loss of each step; change(network) is what is called in its place."""
    experiment = ImageExperiment(CONFIG)
    called = change(experiment.network)
    steps = Training(experiment.network, CONFIG.steps, CONFIG.lr, experiment.generator(CONFIG.seed))
    yield from steps.run(lambda _, generator: experiment.loss(called, generator))


@torch.no_grad()
def sampling(change=lambda network: network):
    """Asks the network about a batch, as a sampler does at every step."""
    experiment = ImageExperiment(CONFIG)
    called, generator = change(experiment.network), experiment.generator(CONFIG.seed)
    x, y, t = experiment.noise(CONFIG.batch_size, generator), torch.arange(CONFIG.batch_size) % 10, torch.tensor([1])
    while True:
        yield called(x, t, y)


def in_bfloat16(network):
    """The network with its multiplications in bfloat16."""

    def called(x_t, t, y):
        with torch.autocast("cpu", torch.bfloat16):
            return network(x_t, t, y).float()

    return called


def forward_flops():
    """Floating point operations for a batch: 2 for each multiply-add."""
    network = ImageExperiment(CONFIG).network
    n = CONFIG.batch_size
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(n, *CONFIG.shape), torch.ones(n).long(), torch.zeros(n).long())
    return counter.get_total_flops()


@torch.no_grad()
def convolution(flops):
    """A 3 × 3 convolution of that many FLOPs a step, in the network's memory format."""
    images = round(flops / (2 * 9 * CHANNELS**2 * SIZE**2))
    conv = torch.nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1).to(memory_format=torch.channels_last)
    x = torch.randn(images, CHANNELS, SIZE, SIZE).to(memory_format=torch.channels_last)
    while True:
        yield conv(x)


def contestants(job, flops):
    """{name: contestant} for a job, `training` or `sampling`."""
    ours = {OURS: job(), COMPILED: job(torch.compile), BFLOAT16: job(in_bfloat16)}
    if job is sampling:
        ours[SHARED_OUT] = job(shared_out)
    return ours | {CONVOLUTION: convolution(flops)}


def report(result):
    """The whole result as text."""
    lines = [", ".join(f"{name} {value}" for name, value in result["setting"].items())]
    for threads, jobs in result["threads"].items():
        for title, seconds in jobs.items():
            lines.append(as_text(f"{title}, {CONFIG.batch_size} images, threads: {threads}", seconds, STEPS))
    lines.append(f"{result['flops'] / CONFIG.batch_size / 1e6:.1f} million operations an image and call of the network")
    return "\n".join(lines)


def main(argv=None):
    p = argparse.ArgumentParser(prog="python -m benchmarks.images", description=__doc__.split("\n")[0])
    p.add_argument("--rounds", type=int, default=5, choices=range(1, 101), metavar="N", help="rounds to measure")
    p.add_argument("--json", type=Path, metavar="PATH", help="file to save every round's seconds to")
    args = p.parse_args(argv)
    ImageExperiment(CONFIG).check_data()
    flops = forward_flops()
    result = {"setting": setting([]), "flops": flops, "threads": {}}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        # the backward pass costs two more forward passes: the gradients to every layer's input and to its weight
        result["threads"][f"{threads}"] = {
            "one training step": measure(contestants(training, 3 * flops), args.rounds, STEPS, "training"),
            "one call of the network": measure(contestants(sampling, flops), args.rounds, STEPS, "sampling"),
        }
    print("\n" + report(result))
    if args.json:
        save_json(args.json, result)


if __name__ == "__main__":
    main()
