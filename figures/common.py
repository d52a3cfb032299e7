"""What the figures share: the committed checkpoints, the folder of the pictures, and one look at the pixel plane."""

from pathlib import Path

import torch

import images
import two_pixel
from checkpoint import fingerprint, load_json
from image_scorecard import load_samples
from scorecard import EVALUATION_SEED

HERE = Path(__file__).parent
CHECKPOINTS = HERE.parent / "checkpoints"
PLANE = (-0.05, 1.25, -0.15, 1.15)  # intensities of left and right pixel that the figures show


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


def weights_behind(figure):
    """The fingerprint of the committed weights that a figure is drawn from: MNIST's for problem 5, else two-pixel."""
    return fingerprint(*sorted(CHECKPOINTS.glob("mnist*" if figure.startswith("problem5") else "homework-T*")))


def generator(seed=0):
    """Randomness for evaluation: never the noise that a network was trained on."""
    return torch.Generator().manual_seed(EVALUATION_SEED + seed)
