"""Problem 5: without guidance the digits of a class are about as diverse as real ones, with w = 2 they are not."""

import numpy as np
import torch
from scipy.spatial.distance import pdist, squareform

import plots
from evaluation.committed import CHECKPOINTS, mnist_samples, mnist_scorecard
from evaluation.digit_classifier import in_batches, load_classifier, load_features
from experiments.data import mnist

SHOWN = 3  # digits of each class and kind
KINDS = {  # title, colour, marker
    "real": ("real test\ndigits", plots.BLACK, "D"),
    "w = 0": ("generated,\n$w = 0$", plots.BLUE, "o"),
    "w = 2": ("generated,\n$w = 2$", plots.VERMILION, "s"),
}


def draw():
    card, (_, test) = mnist_scorecard(), mnist()
    rows = {"real": card["real"], "w = 0": card["generated"], "w = 2": card["sweep"]["2"]}
    digits = {"real": test, "w = 0": mnist_samples(0), "w = 2": mnist_samples(2)}
    figure, (*grids, right) = plots.panels(1, 4, figsize=(7.2, 4), width_ratios=(1, 1, 1, 3))
    errors, error_of_training = errors_of(digits)
    for ax, (kind, (title, colour, marker)) in zip(grids, KINDS.items(), strict=True):
        chosen = [torch.nonzero(digits[kind].labels == k).flatten()[:SHOWN] for k in range(10)]
        plots.image_grid(ax, digits[kind].images[torch.cat(chosen)].squeeze(1), columns=SHOWN)
        ax.set_title(title, color=colour)
        style = {"color": colour, "fmt": marker, "markersize": 4.5, "capsize": 2}
        right.errorbar(rows[kind]["diversity_of_class"], np.arange(10), xerr=errors[kind], **style)
    for k in range(10):
        grids[0].text(-3, 29 * k + 14, str(k), ha="right", va="center")
        right.fill_betweenx((k - 0.5, k + 0.5), 1 - error_of_training[k], 1 + error_of_training[k], color="0.85")
    right.axvline(1, color=plots.BLACK, linewidth=0.8)
    right.set(yticks=range(10), ylim=(9.5, -0.5))
    right.set_xlabel("diversity: mean distance of two digits\nof a class (1: as real training digits)")
    right.set_title("bars, and grey for training digits:\none standard error")
    figure.suptitle("Without guidance digits are about as diverse as real ones; with $w = 2$, less")
    return figure


def errors_of(digits):
    """Standard errors (10,) of the diversity: of each kind of digits, in a dict, and of the real training digits."""
    folder = CHECKPOINTS / "mnist-classifier"
    classifier, real, card = load_classifier(folder), load_features(folder), mnist_scorecard()
    spread, training = spread_and_error(classifier, real["train"], real["train_labels"], len(real["train"]))
    errors = {"real": spread_and_error(classifier, real["test"], real["test_labels"], card["real"]["samples"])[1]}
    for kind, row in (("w = 0", card["generated"]), ("w = 2", card["sweep"]["2"])):
        features = in_batches(classifier.features, digits[kind].images).detach().numpy()
        errors[kind] = spread_and_error(classifier, features, digits[kind].labels.numpy(), row["samples"])[1]
    return {kind: error / spread for kind, error in errors.items()}, training / spread


@torch.no_grad()
def spread_and_error(classifier, features, labels, samples):
    """The mean distance within each class (10,), and its standard error if `samples` digits were measured.

    It is a mean over pairs, so its error is 2 s / sqrt(n), with s the deviation of the digits' mean distances.
    """
    right = classifier.head(torch.from_numpy(features)).argmax(1).numpy() == labels
    members = [features[right & (labels == k)] for k in range(10)]
    distances = [squareform(pdist(m)).sum(1) / (len(m) - 1) for m in members]  # of each digit to the others
    n = np.array([len(d) for d in distances]) * samples / len(features)
    return np.array([d.mean() for d in distances]), 2 * np.array([d.std(ddof=1) for d in distances]) / np.sqrt(n)
