"""What float16 weights cost: paths and digits with them beside those with the committed ones, from the same noise.

python -m web.half
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported

import copy
import sys

import torch

from evaluation.committed import CHECKPOINTS, generator
from evaluation.digit_classifier import load_classifier
from experiments import images, two_pixel
from samplers import SAMPLERS, last, steps_of
from utils import sample_trajectory
from web.export import HALF_FROM
from web.tables import IMAGES, TWO_PIXEL

DIGITS = 1000


def halved(experiment):
    """The same experiment with its large weights rounded to float16, as the page stores them."""
    other = copy.copy(experiment)
    other.network = copy.deepcopy(experiment.network)
    with torch.no_grad():
        for weight in other.network.parameters():
            if weight.numel() >= HALF_FROM:
                weight.copy_(weight.half().float())
    return other


def largest_difference(run, n=1000):
    """How far, at most, a state of n paths by eq. 13 lies from its own with float16 weights, in pixel space."""
    experiment = two_pixel.load(CHECKPOINTS / run)
    x_T = experiment.noise(n, generator())
    one, other = (
        e.to_pixels(sample_trajectory(e.denoiser(), e.schedule, x_T, None, generator(1)))
        for e in (experiment, halved(experiment))
    )
    return float((one - other).abs().max())


def differences_of_digits(run, steps, judge):
    """(share of digits that are read otherwise, mean and largest difference of a pixel)."""
    experiment = images.load(CHECKPOINTS / IMAGES[run])
    y = torch.arange(DIGITS) % 10
    x_T, visited = experiment.noise(DIGITS, generator()), steps_of(experiment.config.T, steps)
    one, other = (
        e.to_pixels(last(SAMPLERS["ddim"](e.denoiser(), e.schedule, visited, x_T, y, generator(1))))
        for e in (experiment, halved(experiment))
    )
    read = [judge(pictures).argmax(1) for pictures in (one, other)]
    off = (one - other).abs()
    return float((read[0] != read[1]).double().mean()), float(off.mean()), float(off.max())


@torch.no_grad()
def main():
    for run in TWO_PIXEL:
        print(f"{run:16} largest difference of a path {largest_difference(run):.1e}", flush=True)
    judge = load_classifier(CHECKPOINTS / "mnist-classifier")
    for run, steps in (("mnist-8", 8), ("mnist-4", 4), ("mnist", 20)):
        otherwise, mean, largest = differences_of_digits(run, steps, judge)
        print(
            f"{run:16} {DIGITS} digits, {steps} steps: {otherwise:.1%} are read otherwise; "
            f"a pixel differs by {mean:.1e} on average, {largest:.2f} at most",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
