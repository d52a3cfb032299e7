"""The classifier that judges digits: its answers tell whether a sample is what was asked for, its features how far.

    python -m evaluation.digit_classifier --data mnist --out runs/mnist-classifier

trains it as checkpoints/mnist-classifier was trained, and writes the weights and features.npz, the features and labels
of 10,000 real training and 10,000 test images, and of as many other training images with the same labels, so that the
image metrics need no data set.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from experiments.checkpoint import CheckpointError, load_weights, save_arrays, save_json, save_weights
from experiments.command_line import Parser, number
from experiments.data import SETS, DataError
from utils import Training

KEPT = 10_000  # features of each part that are kept, if there are as many


class DigitClassifier(nn.Module):
    """A convolutional network of LeNet's size (LeCun et al. 1998) for images (B, 1, size, size) in [0, 1].

    forward gives logits (B, 10); features (B, 64), the last hidden layer, are the space that images are compared in.
    """

    def __init__(self, size, features=64):
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Conv2d(1, 24, 5, padding=2), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(24, 48, 5, padding=2), nn.BatchNorm2d(48), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(48 * (size // 4) ** 2, features), nn.ReLU()),
        )
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(features, 10))

    def features(self, images):
        return self.body(images)

    def forward(self, images):
        return self.head(self.body(images))


def shifted(images, most, generator):
    """Each image (B, 1, h, w) moved by up to `most` pixels in both directions, what leaves the frame being lost."""
    h, w = images.shape[2:]
    padded = nn.functional.pad(images, (most,) * 4)
    dy, dx = torch.randint(0, 2 * most + 1, (2, len(images)), generator=generator)
    rows = dy[:, None, None] + torch.arange(h)[:, None]  # (B, h, 1)
    columns = dx[:, None, None] + torch.arange(w)  # (B, 1, w)
    return padded[torch.arange(len(images))[:, None, None], 0, rows, columns].unsqueeze(1)


@torch.no_grad()
def in_batches(function, images, size=1000):
    """function applied to 1000 images at a time, joined: (n, ...)."""
    return torch.cat([function(part) for part in images.split(size)])


def accuracy(classifier, data):
    """The share of images whose most probable label is theirs."""
    return float((in_batches(classifier, data.images).argmax(1) == data.labels).double().mean())


def train_classifier(train, steps, seed, batch_size=128, lr=2e-3):
    """A `DigitClassifier` trained on an `Images` whose images are moved about, in evaluation mode."""
    torch.manual_seed(seed)  # of the initial weights and of dropout
    size = train.images.shape[-1]

    def loss_of(network, generator):
        chosen = torch.randint(len(train), (batch_size,), generator=generator)
        images = shifted(train.images[chosen], size // 14, generator)
        return cross_entropy(network(images), train.labels[chosen])

    training = Training(DigitClassifier(size), steps, lr, torch.Generator().manual_seed(seed))
    for _ in tqdm(training.run(loss_of), total=steps, desc="classifier", unit="step"):
        pass
    return training.ema.module.eval()


def load_classifier(folder):
    """The classifier of a folder, in evaluation mode; CheckpointError if it is missing or damaged."""
    folder = Path(folder)
    try:
        config = json.loads((folder / "config.json").read_text())
        classifier = DigitClassifier(config["size"])
    except (OSError, ValueError, KeyError, TypeError):
        raise CheckpointError(f"{folder}: no classifier with a readable config.json") from None
    load_weights(folder / "classifier.safetensors", classifier, config)
    return classifier.eval()


def load_features(folder):
    """The features and labels kept beside a classifier, by name, NumPy: train, train_labels, test, test_labels.

    Where the training set is large enough, also `others`: the features of other training images with train_labels.
    """
    try:
        with open(Path(folder) / "features.npz", "rb") as file, np.load(file) as archive:
            return {key: archive[key].astype(np.float32 if archive[key].ndim == 2 else np.int64) for key in archive}
    except (OSError, ValueError, zipfile.BadZipFile):
        raise CheckpointError(f"{folder}: no readable features.npz") from None


def with_labels(labels, data, first, seed=0):
    """Which images of an `Images`, from number `first` on, have these labels (n,): drawn at random, each at most once.

    None if there are too few. At random, since the order of a data set need not be: MNIST's is not.
    """
    chosen, random = torch.empty_like(labels), torch.Generator().manual_seed(seed)
    for k in labels.unique():
        wanted, found = labels == k, first + torch.nonzero(data.labels[first:] == k).flatten()
        if len(found) < wanted.sum():
            return None
        chosen[wanted] = found[torch.randperm(len(found), generator=random)[: int(wanted.sum())]]
    return chosen


def save_features(folder, classifier, train, test):
    """The features and labels of KEPT images of both parts, and of as many others: see `load_features`."""

    def features(images):
        return in_batches(classifier.features, images).numpy().astype(np.float16)

    parts = {"train": features(train.images[:KEPT]), "train_labels": train.labels[:KEPT].numpy()}
    parts |= {"test": features(test.images[:KEPT]), "test_labels": test.labels[:KEPT].numpy()}
    others = with_labels(train.labels[:KEPT], train, first=KEPT)
    if others is not None:
        parts["others"] = features(train.images[others])
    save_arrays(folder / "features.npz", **parts)


def save_classifier(folder, classifier, train, test, config):
    """The weights, the accuracies, and the features of real images."""
    folder.mkdir(parents=True, exist_ok=True)
    save_features(folder, classifier, train, test)
    save_weights(folder / "classifier.safetensors", classifier, config)
    save_json(folder / "config.json", config)
    scores = {"train_accuracy": accuracy(classifier, train), "test_accuracy": accuracy(classifier, test)}
    save_json(folder / "scorecard.json", scores)
    return scores


def main(argv=None):
    p = Parser(prog="python -m evaluation.digit_classifier", description=__doc__.split("\n")[0])
    p.add_argument("--data", choices=SETS, default="mnist", help="the digits to learn")
    p.add_argument("--steps", type=number(int, 1), default=6000, help="training steps of 128 images")
    p.add_argument("--seed", type=number(int, 0, 2**63 - 1), default=0, help="seed of all randomness")
    p.add_argument("--out", type=Path, required=True, help="new folder for the classifier")
    args = p.parse_args(argv)
    if args.out.exists():
        p.error(f"{args.out} exists already: choose another --out")
    try:
        train, test = SETS[args.data]()
        config = {"data": args.data, "size": train.images.shape[-1], "steps": args.steps, "seed": args.seed}
        classifier = train_classifier(train, args.steps, args.seed)
        scores = save_classifier(args.out, classifier, train, test, config)
    except (DataError, OSError) as error:
        print(f"{p.prog}: error: {error}", file=sys.stderr)
        return 2
    print(f"accuracy {scores['test_accuracy']:.2%} on the test set, {scores['train_accuracy']:.2%} on the training set")
    return 0


if __name__ == "__main__":
    sys.exit(main())
