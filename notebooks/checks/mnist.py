"""The checks of the exercises of notebook 06, MNIST."""

import torch

from checks.common import RIGHT, number, verdict, wrong_shape
from checks.written import written
from evaluation.committed import mnist_samples
from evaluation.digit_classifier import in_batches, load_classifier
from evaluation.images import CLASSIFIERS
from evaluation.metrics import class_spread


def residual_block(function):
    """ResidualBlock.forward, exercise 5.1 of the homework."""
    return written("5.1", function, "forward")


def best_guidance(best_w, times_real, card):
    """The w of least Fréchet distance, and that distance over the one of real digits."""
    frechet = {float(w): row["frechet"] for w, row in card["sweep"].items()}
    best = min(frechet, key=frechet.get)
    ratio = frechet[best] / card["sweep_real"]["frechet"]
    return verdict(
        number("best_w", best_w, best, 1e-9, 'Compare row["frechet"] of all rows.'),
        number("times_real", times_real, ratio, 0.02, 'Divide by card["sweep_real"]["frechet"].'),
    )


def collapsed_class(function, noticed_by):
    """All 3s the same: fidelity of the 3s and their mean pairwise feature distance, before and after."""
    digits, classifier = mnist_samples(0.0), load_classifier(CLASSIFIERS / "mnist-classifier")
    images, labels = digits.images.clone(), digits.labels
    output = function(images, labels)
    if (shape := wrong_shape("collapsed", output, images)) != RIGHT:
        return shape
    if not torch.equal(images, digits.images):
        return "Your function changed the images that it was given. Work on a copy (images.clone())."
    threes = labels == 3
    if not torch.equal(output[~threes], images[~threes]):
        return "Digits of other classes were changed too."
    if not torch.equal(output[threes], images[threes][:1].expand_as(images[threes])):
        return "Not all images of class 3 are the first one of them."
    found = []
    for x in (images, output):
        spread = class_spread(in_batches(classifier.features, x).numpy(), labels.numpy(), 10)
        found.append((float((in_batches(classifier, x).argmax(1) == labels).double().mean()), spread[3]))
    (fidelity, distance), (fidelity_now, distance_now) = found
    found = (
        f"(Fidelity was {fidelity:.3f} and is {fidelity_now:.3f}; the mean distance between two 3s was {distance:.2f} "
        f"and is {distance_now:.2f}.)"
    )
    if noticed_by is ...:
        return f"collapsed is right. Now say who notices. {found}"
    if not str(noticed_by).lower().startswith("diversity"):
        return f"noticed_by = {noticed_by!r}: look at the two numbers. {found}"
    return RIGHT
