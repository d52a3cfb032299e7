"""The checks of the exercises of notebook 13, When it copies."""

import torch

from checks.common import RIGHT, number_or_mistake, same_or_mistake
from measurements.common import measurements


def copies_by_chance(share):
    """The share of fresh true images within a hundredth of σ of one of the 10,000, which copy nothing."""
    row = measurements("memorising")["10000"]
    truth = row["copies_of_fresh"]["mean"]
    mistakes = {
        "Compare with images that cannot be copies: fresh ones, at the same place of the table.": 0.0,
        "That is the network's own share; what would it be by chance?": row["copies"]["mean"],
        "That is the median distance, not the share of those within a hundredth of σ.": row["nearest_of_fresh"]["mean"],
    }
    return number_or_mistake(
        "The share", share, truth, 2e-4, mistakes, "found['10000'] has the same number for fresh true images."
    )


def set_of_images():
    """Noisy images x_t (6, 2), images (5, 2) and ᾱ, float64."""
    random = torch.Generator().manual_seed(0)
    images = torch.randn(5, 2, generator=random, dtype=torch.float64)
    return torch.randn(6, 2, generator=random, dtype=torch.float64), images, 0.6


def weights_of(x_t, images, alpha_bar):
    """-‖x_t - √ᾱ x_i‖² of each pair."""
    return -(x_t.unsqueeze(1) - alpha_bar**0.5 * images).square().sum(-1)


def denoised_by_the_set(function):
    """Σ_i softmax_i(-‖x_t - √ᾱ x_i‖²/2(1-ᾱ)) x_i."""
    x_t, images, alpha_bar = set_of_images()
    squares, noise = weights_of(x_t, images, alpha_bar), 1 - alpha_bar
    right = (squares / (2 * noise)).softmax(1) @ images
    mistakes = {
        RIGHT: right,
        "A Gaussian has a 2 in its exponent: ‖·‖²/2(1-ᾱ).": (squares / noise).softmax(1) @ images,
        "The noise has the variance 1-ᾱ, and the exponent is divided by it.": squares.softmax(1) @ images,
        "In x_t an image has shrunk: compare with √ᾱ x_i.": (weights_of(x_t, images, 1.0) / (2 * noise)).softmax(1)
        @ images,
        "It is the mean of the images themselves, not of √ᾱ x_i.": alpha_bar**0.5 * right,
        "Images near x_t are the probable ones: the exponent is negative.": (-squares / (2 * noise)).softmax(1)
        @ images,
        "That is the nearest image; the best guess is the mean over all, by probability.": images[squares.argmax(1)],
        "All images count alike there; weigh each by its probability.": images.mean(0).expand(6, 2),
    }
    return same_or_mistake("denoised", function(x_t.clone(), images.clone(), alpha_bar), mistakes)


def coefficient(function):
    """⟨ε_θ - ε*, ε*_N - ε*⟩ / ‖ε*_N - ε*‖²."""
    random = torch.Generator().manual_seed(1)
    learned, world, of_set = torch.randn(3, 7, 2, generator=random, dtype=torch.float64)
    moved, apart = learned - world, of_set - world
    truth = float((moved * apart).sum() / apart.square().sum())
    mistakes = {
        "It must be 1 for the set's denoiser: divide by the squared length of ε*_N - ε*.": float((moved * apart).sum()),
        "That is a correlation: divide by ‖ε*_N - ε*‖² alone.": float(
            (moved * apart).sum() / apart.norm() / moved.norm()
        ),
        "Both ends are counted from the world's ε*: ε_θ - ε* and ε*_N - ε*.": float(
            (learned * of_set).sum() / of_set.square().sum()
        ),
        "That is 1 for the world and 0 for the set.": 1 - truth,
        "That is how far it is from the world in any direction; asked is how far towards the set.": float(
            moved.square().sum() / apart.square().sum()
        ),
        "Sum over all images and pixels first, then divide.": float(
            ((moved * apart).sum(1) / apart.square().sum(1)).mean()
        ),
    }
    answer = function(learned.clone(), world.clone(), of_set.clone())
    return number_or_mistake("The coefficient", answer, truth, 1e-6, mistakes, "A scalar product over a square.")
