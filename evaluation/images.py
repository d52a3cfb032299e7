"""The score card of a run on labelled images: what a classifier sees in generated images, beside real ones.

Every row of numbers has references: the same numbers of as many real test digits, and, the floor of what a perfect
model can reach, of other training digits with the same labels.
"""

import zipfile
from pathlib import Path

import numpy as np
import torch
from scipy.stats import binomtest
from tqdm import tqdm

import plots
from evaluation.digit_classifier import accuracy, in_batches, load_classifier, load_features, train_classifier
from evaluation.metrics import (
    EVALUATION_SEED,
    class_spread,
    frechet_distance,
    nearest_distances,
    precision_recall_density_coverage,
    probability_farther,
)
from experiments.checkpoint import CheckpointError, save_arrays
from experiments.data import DataError, Images, from_bytes
from utils import classifier_free_guidance

CLASSIFIERS = Path(__file__).parents[1] / "checkpoints"
GUIDANCE = (0.5, 1.0, 2.0, 4.0)  # each w with a fifth as many samples
BATCH = 500  # images sampled at a time
CLASSIFIER_STEPS = 3000  # of the classifiers that are trained on generated and on real digits
KEPT = 1000  # digits of each w that are saved
NEAREST = 2000  # digits whose nearest training digit is searched


def guided(experiment, w):
    """The network as a denoiser with classifier-free guidance of weight w, clipped after guidance."""
    learned = experiment.learned()
    return experiment.clipped(classifier_free_guidance(learned, w) if w else learned)


def draw_images(experiment, y, w, seed):
    """Images of the classes y (n,) in pixel space, (n, C, size, size)."""
    draw, generator = experiment.sampler(guided(experiment, w), labelled=True), experiment.generator(seed)
    images = []
    with tqdm(total=len(y), desc=f"images with w = {w:g}", unit="image") as bar:
        for part in y.to(experiment.device).split(BATCH):
            x_0 = draw(experiment.noise(len(part), generator), part, generator)
            images.append(experiment.to_pixels(x_0))
            bar.update(len(part))
    return torch.cat(images)


def share(right):
    """The share of True, with its 95 % Wilson interval."""
    interval = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    return float(right.mean()), [float(interval.low), float(interval.high)]


def measures(classifier, features, y, real):
    """What the classifier sees in digits that should be y, beside the features of real training digits.

    features (n, 64) and y (n,), NumPy; a dict of plain numbers. diversity is the mean distance within a class over
    that of real training digits, of those digits on both sides that are read as their class: a wrong digit is a want
    of fidelity, not a sign of diversity.
    """

    def spread(features, y):
        logits = classifier.head(torch.from_numpy(features)).detach().numpy()
        right = logits.argmax(1) == y
        return right, class_spread(features[right], y[right], logits.shape[1])

    (right, generated), (_, reference) = spread(features, y), spread(real["train"], real["train_labels"])
    diversity = generated / reference
    fidelity, interval = share(right)
    return {
        "samples": len(y),
        "fidelity": fidelity,
        "fidelity_interval": interval,
        "frechet": frechet_distance(real["train"], features),
        **precision_recall_density_coverage(real["train"], features),
        "diversity": float(torch.from_numpy(diversity).nanmean()),
        "diversity_of_class": diversity.tolist(),
    }


def measures_of_images(classifier, images, y, real):
    """`measures` of images (n, 1, size, size) in pixel space that should show y (n,)."""
    return measures(classifier, in_batches(classifier.features, images).numpy(), y.numpy(), real)


def measures_of_real(classifier, n, real, seed=0):
    """`measures` of n real test digits drawn at random: the reference, or noise floor, of every number."""
    chosen = np.random.default_rng(seed).permutation(len(real["test"]))[:n]
    return measures(classifier, real["test"][chosen], real["test_labels"][chosen], real)


def measures_of_others(classifier, n, real):
    """`measures` of n training digits that are not among the reference, but have its labels: the floor of each number.

    A perfect model would draw such digits. Test digits are farther off.
    """
    return measures(classifier, real["others"][:n], real["train_labels"][:n], real)


def trained_on(images, train, test):
    """(accuracy on the real test set of a classifier trained only on `images`, of one trained on as many real ones)."""
    real = Images(train.images[: len(images)], train.labels[: len(images)])
    return tuple(accuracy(train_classifier(part, CLASSIFIER_STEPS, seed=0), test) for part in (images, real))


def originality(images, train, test):
    """The distance of generated digits to the nearest training digit, in pixel space, as a dict.

    Beside it that of real test digits, and that of training digits to the nearest other one, since a perfect model
    draws digits like the training digits. probability_farther is that of a
    generated digit being farther than such a one, 0.5 ± deviation if they cannot be distinguished; copies is the share
    of generated digits nearer than all but 1 % of the test digits, 0.01 if there are no copies.
    """
    n, random = min(NEAREST, len(images), len(test)), np.random.default_rng(0)
    held_out = test.images[random.permutation(len(test))[:n]]
    known = train.images[random.permutation(len(train))[:n]]
    generated = nearest_distances(images[:n], train.images)
    references = {
        "test": nearest_distances(held_out, train.images),
        "training": nearest_distances(known, train.images, rank=2),  # the nearest is the digit itself
    }
    return {
        "samples": n,
        "nearest": float(np.median(generated)),
        "nearest_of": {name: float(np.median(distances)) for name, distances in references.items()},
        "probability_farther": {name: probability_farther(generated, d) for name, d in references.items()},
        "deviation": float(np.sqrt((2 * n + 1) / (12 * n * n))),
        "copies": float((generated < np.quantile(references["test"], 0.01)).mean()),
    }


def score(experiment, n):
    """(card, samples): the card as a dict of plain numbers, and the digits (Images) by guidance weight w.

    "generated", "real" and "others" are n digits without guidance, n test digits and, where the classifier's folder has
    them, n other training digits; "sweep", "sweep_real" and "sweep_others" a fifth as many, for each w. The labels have
    the shares of the training set. CheckpointError if there is no classifier for the data; without the data itself,
    what needs it is left out.
    """
    folder = CLASSIFIERS / f"{experiment.config.data}-classifier"
    classifier, real = load_classifier(folder), load_features(folder)
    y = torch.from_numpy(np.resize(real["train_labels"], n))
    fewer, seed = n // 5, EVALUATION_SEED + experiment.config.seed
    samples = {0.0: Images(draw_images(experiment, y, 0.0, seed), y)}
    for w in GUIDANCE:
        samples[w] = Images(draw_images(experiment, y[:fewer], w, seed), y[:fewer])
    card = {
        "generated": measures_of_images(classifier, samples[0.0].images, y, real),
        "real": measures_of_real(classifier, n, real),
        "sweep": {
            f"{w:g}": measures_of_images(classifier, digits.images[:fewer], y[:fewer], real)
            for w, digits in samples.items()
        },
        "sweep_real": measures_of_real(classifier, fewer, real),
    }
    if "others" in real:
        card["others"] = measures_of_others(classifier, n, real)
        card["sweep_others"] = measures_of_others(classifier, fewer, real)
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
        return f"{name:<22}" + "".join(cells)

    def references(start=""):
        kinds = {"real": "real test images", "others": "other training images"}
        return [row(name, card[start + kind]) for kind, name in kinds.items() if start + kind in card]

    low, high = card["generated"]["fidelity_interval"]
    lines = [title, "", f"{'':<22}" + "".join(f"{name:>11}" for name in names)]
    lines += [row("w = 0", card["generated"]), *references(), ""]
    lines += [row(f"w = {w}", values) for w, values in card["sweep"].items()]
    lines += references("sweep_")
    lines += ["", f"fidelity for w = 0: 95 % interval {low:.4f} to {high:.4f}"]
    if "originality" in card:
        o = card["originality"]
        nearest, farther = o["nearest_of"], o["probability_farther"]
        lines += [
            f"classifier trained on generated images only: {card['trained_on_generated']:.2%} of the real test set; "
            f"trained on as many real ones: {card['trained_on_real']:.2%}",
            f"median distance to the nearest training image: generated {o['nearest']:.3f}, "
            f"real test images {nearest['test']:.3f}, other training images {nearest['training']:.3f}",
            f"a generated image is farther with probability {farther['test']:.3f} than a test image, "
            f"{farther['training']:.3f} than a training image (0.5 ± {o['deviation']:.3f} if alike)",
            f"nearer than all but 1 % of the test images: {o['copies']:.2%} of the generated ones",
        ]
    else:
        lines += ["without the data: no classifier trained on generated images, no distance to training images"]
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
        with open(path, "rb") as file, np.load(file) as archive:
            return from_bytes(archive[f"images_w{w:g}"], archive[f"labels_w{w:g}"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        raise CheckpointError(f"{path}: no readable samples with w = {w:g}") from None


def report(experiment, losses, n, out):
    """Measure n samples of a trained experiment; samples.npz and samples.png go to `out`. (card, text, "")."""
    config = experiment.config
    card, samples = score(experiment, n)
    save_samples(out / "samples.npz", samples)
    figure, (left, right) = plots.panels(1, 2, figsize=(10, 5))
    plots.image_grid(left, ten_of_each(samples[1.0]), columns=10)
    left.set_title("ten of each class, w = 1")
    plots.loss_with_floor(right, losses)
    right.set_title(f"training loss ({config.prediction}-prediction, {config.loss})")
    plots.save(figure, out / "samples.png")
    title = f"{config.data}, T = {config.T}, {config.prediction}-prediction, seed {config.seed}{config.way}"
    return card, as_text(card, title), ""
