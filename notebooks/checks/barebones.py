"""The checks of the exercises of notebook S2, Bare-bones diffusion."""

import torch

from checks.common import RIGHT, UNANSWERED, number, verdict, wrong_shape
from exact.finite_set import mixed_posterior, posterior_mean
from experiments.data import sprites
from small_systems.barebones import generate, mix


def weight_of_first_guess(weight_of_noise, weight_of_guess):
    """After three of S = 4 steps: ¼ of the noise, and 1/12, 1/6 and 1/2 of the guesses."""
    one, zero = torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)
    *_, (noise, _), _ = generate(lambda z, level: zero, one, 4)
    *_, (guess, _), _ = generate(lambda z, level: one if float(level[0]) == 1 else zero, zero, 4)
    return verdict(
        number("weight_of_noise", weight_of_noise, float(noise), 1e-3, "Multiply the α of the first three steps."),
        number(
            "weight_of_guess", weight_of_guess, float(guess), 1e-3, "It enters with 1-α, and then shrinks with each α."
        ),
    )


def loss_from_pure_noise(loss):
    """The variance of the pixels of the training sprites."""
    if loss is ...:
        return UNANSWERED
    train, _ = sprites()
    images = torch.cat([train.images, train.images.flip(3)])
    truth = float(images.var(0, correction=0).mean())
    hint = (
        "The best constant guess is the mean (of system.train, with its mirror images); what is its mean squared error?"
    )
    return number("loss", loss, truth, 1e-5, hint)


def exact_guess(function):
    """The mean of the images that could have been mixed with uniform noise into z."""
    images = torch.tensor([0.0, 0.3, 1.0]).view(3, 1, 1, 1)
    for level in (0.9, 0.7, 0.5, 0.2):
        x = images[torch.arange(30) % 3]
        z = mix(x, torch.rand(x.shape, generator=torch.Generator().manual_seed(0)), torch.full((30,), level))
        truth = posterior_mean(images, mixed_posterior(images, z, level))
        output = function(images, z, level)
        if (shape := wrong_shape("exact_guess", output, truth)) != RIGHT:
            return shape
        output = output.to(truth)
        if output.isnan().any():
            return f"At level {level} your code finds no image possible for some z. Is it (z - (1 - level) x) / level?"
        if torch.allclose(output, images.mean().expand_as(truth)) and not torch.allclose(output, truth):
            return "That is the mean of all images. Which of them could have been mixed into z?"
        if not torch.allclose(output, truth, atol=1e-5):
            off = (output - truth).abs().max()
            return f"Not the mean of the possible images: at level {level} it is off by {off:.2f}."
    return RIGHT
