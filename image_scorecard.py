"""The score card of an image run: what a digit classifier sees in generated digits, beside what it sees in real ones.

Every row of numbers has a reference: the same numbers of as many real test digits.
"""

import zipfile
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

import plots
from checkpoint import CheckpointError, save_arrays
from data import DataError, Images, from_bytes
from digit_classifier import accuracy, in_batches, load_classifier, load_features, train_classifier
from metrics import (
    class_spread,
    frechet_distance,
    nearest_distances,
    precision_recall_density_coverage,
    probability_farther,
)
from scorecard import EVALUATION_SEED
from utils import classifier_free_guidance, sample

CLASSIFIERS = Path(__file__).parent / "checkpoints"
SAMPLES = {"mnist": 10_000, "digits": 1000}  # without guidance
GUIDANCE = (0.5, 1.0, 2.0, 4.0)  # each w with a fifth as many samples
BATCH = 500  # images sampled at a time
CLASSIFIER_STEPS = 3000  # of the classifiers that are trained on generated and on real digits
KEPT = 1000  # digits of each w that are saved
NEAREST = 2000  # digits whose nearest training digit is searched


def guided(experiment, w):
    """The network as a denoiser with classifier-free guidance of weight w, clipped after guidance."""
    learned = experiment.learned()
    return experiment.clipped(classifier_free_guidance(learned, w) if w else learned)


def draw_digits(experiment, y, w, seed):
    """Digits of the classes y (n,) in pixel space, (n, 1, size, size)."""
    denoiser, generator, config = guided(experiment, w), experiment.generator(seed), experiment.config
    images = []
    with tqdm(total=len(y), desc=f"digits with w = {w:g}", unit="digit") as bar:
        for part in y.to(experiment.device).split(BATCH):
            x_T = experiment.noise(len(part), generator)
            x_0 = sample(denoiser, experiment.schedule, x_T, part, generator, config.variance)
            images.append(experiment.to_pixels(x_0))
            bar.update(len(part))
    return torch.cat(images)


def measures(features, logits, y, real):
    """What the classifier sees in digits that should be y, beside the features of real training digits.

    features (n, 64), logits (n, 10), y (n,), all NumPy; a dict of plain numbers. diversity is the mean distance within
    a class over that of real digits, for each class.
    """
    K = logits.shape[1]
    diversity = class_spread(features, y, K) / class_spread(real["train"], real["train_labels"], K)
    return {
        "samples": len(y),
        "fidelity": float((logits.argmax(1) == y).mean()),
        "frechet": frechet_distance(real["train"], features),
        **precision_recall_density_coverage(real["train"], features),
        "diversity": float(np.nanmean(diversity)),
        "diversity_of_class": diversity.tolist(),
    }


def measures_of_images(classifier, images, y, real):
    """`measures` of images (n, 1, size, size) in pixel space that should show y (n,)."""
    features = in_batches(classifier.features, images)
    return measures(features.numpy(), classifier.head(features).detach().numpy(), y.numpy(), real)


def measures_of_real(classifier, n, real):
    """`measures` of n real test digits: the reference, or noise floor, of every number."""
    features, y = real["test"][:n], real["test_labels"][:n]
    return measures(features, classifier.head(torch.from_numpy(features)).detach().numpy(), y, real)


def trained_on(images, train, test):
    """(accuracy on the real test set of a classifier trained only on `images`, of one trained on as many real ones)."""
    real = Images(train.images[: len(images)], train.labels[: len(images)])
    return tuple(accuracy(train_classifier(part, CLASSIFIER_STEPS, seed=0), test) for part in (images, real))


def originality(images, train, test):
    """Nearest training digit, in pixel space, of generated digits and of as many real test digits, as a dict.

    probability_farther is 0.5 if the two cannot be told apart; copies is the share of generated digits nearer than
    all but 1 % of the real ones.
    """
    n = min(NEAREST, len(images), len(test))
    generated = nearest_distances(images[:n], train.images)
    held_out = nearest_distances(test.images[:n], train.images)
    return {
        "samples": n,
        "nearest": float(np.median(generated)),
        "nearest_real": float(np.median(held_out)),
        "probability_farther": probability_farther(generated, held_out),
        "copies": float((generated < np.quantile(held_out, 0.01)).mean()),
    }


def score(experiment, n):
    """(card, samples): the card as a dict of plain numbers, and the digits (Images) by guidance weight w.

    n digits without guidance and n/5 with each weight, labels in the shares of the training set. CheckpointError if
    there is no classifier for the data; without the data itself, what needs it is left out.
    """
    folder = CLASSIFIERS / f"{experiment.config.data}-classifier"
    classifier, real = load_classifier(folder), load_features(folder)
    labels = torch.from_numpy(np.resize(real["train_labels"], n))
    samples, rows = {}, {}
    for w in (0.0, *GUIDANCE):
        y = labels if w == 0 else labels[: n // 5]
        images = draw_digits(experiment, y, w, EVALUATION_SEED + experiment.config.seed)
        samples[w] = Images(images, y)
        rows[f"{w:g}"] = measures_of_images(classifier, images, y, real)
    card = {"generated": rows, "real": [measures_of_real(classifier, m, real) for m in (n, n // 5)]}
    try:
        train, test = experiment.data
    except DataError:
        return card, samples
    card["trained_on_generated"], card["trained_on_real"] = trained_on(samples[0.0], train, test)
    card["originality"] = originality(samples[0.0].images, train, test)
    return card, samples


def as_text(card, title):
    """The card as a table for the terminal."""
    names = ("samples", "fidelity", "frechet", "precision", "recall", "density", "coverage", "diversity")

    def row(name, values):
        cells = (f"{values[key]:>11}" if key == "samples" else f"{values[key]:>11.4f}" for key in names)
        return f"{name:<14}" + "".join(cells)

    lines = [title, "", f"{'':<14}" + "".join(f"{name:>11}" for name in names)]
    lines += [row(f"w = {w}", values) for w, values in card["generated"].items()]
    lines += [row("real test set", values) for values in card["real"]]
    if "originality" in card:
        o = card["originality"]
        lines += [
            "",
            f"classifier trained on generated digits only: {card['trained_on_generated']:.2%} of the real test set; "
            f"trained on as many real ones: {card['trained_on_real']:.2%}",
            f"distance to the nearest training digit, median: {o['nearest']:.3f}; of real test digits: "
            f"{o['nearest_real']:.3f}",
            f"a generated digit is farther than a real one with probability {o['probability_farther']:.3f}; "
            f"nearer than all but 1 % of the real ones: {o['copies']:.2%}",
        ]
    else:
        lines += ["", "without the data: no classifier trained on generated digits, no distance to training digits"]
    return "\n".join(lines)


def ten_of_each(digits):
    """The first ten digits of each class, (100, size, size), class by class."""
    chosen = [torch.nonzero(digits.labels == k).flatten()[:10] for k in range(digits.num_classes)]
    return digits.images[torch.cat(chosen)].squeeze(1)


def save_samples(path, samples):
    """The first KEPT digits (Images) for each w, as bytes."""
    arrays = {}
    for w, digits in samples.items():
        pixels = (digits.images[:KEPT].squeeze(1) * 255).round().byte()
        arrays |= {f"images_w{w:g}": pixels.numpy(), f"labels_w{w:g}": digits.labels[:KEPT].byte().numpy()}
    save_arrays(path, **arrays)


def load_samples(path, w):
    """The digits (Images) that were saved for w; CheckpointError if they are not there."""
    try:
        with np.load(path) as archive:
            return from_bytes(archive[f"images_w{w:g}"], archive[f"labels_w{w:g}"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        raise CheckpointError(f"{path}: no readable samples with w = {w:g}") from None


def report(experiment, losses, n, out):
    """Measure n samples of a trained experiment, and write samples.npz and samples.png to `out`: (card, text)."""
    config = experiment.config
    card, samples = score(experiment, n)
    save_samples(out / "samples.npz", samples)
    figure, (left, right) = plots.panels(1, 2, figsize=(10, 5))
    plots.image_grid(left, ten_of_each(samples[1.0]), columns=10)
    left.set_title("digits of each class, w = 1")
    plots.loss_with_floor(right, losses)
    right.set_title(f"training loss ({config.prediction}-prediction, {config.loss})")
    plots.save(figure, out / "samples.png")
    return card, as_text(card, f"{config.data}, T = {config.T}, {config.prediction}-prediction, seed {config.seed}")
