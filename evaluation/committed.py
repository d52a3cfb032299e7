"""The committed runs: where they lie, how they load, and the fingerprint of the weights behind each figure."""

from pathlib import Path

import torch

from evaluation.images import load_samples
from evaluation.metrics import EVALUATION_SEED
from experiments import images, two_pixel
from experiments.checkpoint import fingerprint, load_json

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"


def experiment(T):
    """The committed run of the homework's world with T steps."""
    return two_pixel.load(CHECKPOINTS / f"homework-T{T}")


def mnist_run():
    """The committed run on MNIST."""
    return images.load(CHECKPOINTS / "mnist")


def mnist_samples(w):
    """The digits that the committed run drew with guidance w."""
    return load_samples(CHECKPOINTS / "mnist" / "samples.npz", w)


def mnist_scorecard():
    """What was measured on the committed run."""
    return load_json(CHECKPOINTS / "mnist" / "scorecard.json")


RUNS_BEHIND = {
    "problem5": "mnist*",
    "digits": "mnist",
    "brief_digits": "mnist*",
    "mnist_samplers": "*mnist*/**",
    "samplers": "*homework-T*/**",
    "errors": "homework*",
    "guidance": "overlapping-T50",
    "information": "*-T50",
    "likelihood": "*-T*/**",
    "pixel_space": "glyphs",
    "naive": "naive-*",
    "barebones": "barebones-*",
}


def weights_behind(figure):
    """The fingerprint of the committed weights that a figure is drawn from: of the two-pixel runs, if of no other."""
    runs = next((runs for start, runs in RUNS_BEHIND.items() if figure.startswith(start)), "homework-T*")
    return fingerprint(*sorted(CHECKPOINTS.glob(runs)))


def generator(seed=0):
    """Randomness for evaluation: never the noise that a network was trained on."""
    return torch.Generator().manual_seed(EVALUATION_SEED + seed)
