"""The checks of the exercises of notebook 10, Loss floors and information."""

import math

import torch
from scipy.optimize import brentq

from checks.common import RIGHT, UNANSWERED, number, number_or_mistake, verdict
from exact.information import entropy, mutual_information
from experiments import two_pixel
from gmm import WORLDS, GaussianMixture
from utils import add_noise, cosine_schedule


def largest_area(largest_two, largest_ten):
    """2 H(y) in nats."""
    lines = []
    for name, answer, p in (
        ("largest_two", largest_two, WORLDS["homework"].weights),
        ("largest_ten", largest_ten, torch.full((10,), 0.1).double()),
    ):
        to_know = entropy(p)
        mistakes = {
            f"{name} is the entropy of the label; the area is twice the information.": to_know,
            f"{name} is in bits: take the natural logarithm.": 2 * to_know / math.log(2),
        }
        hint = "Twice the entropy of the label, -Σ π log π."
        lines.append(number_or_mistake(name, answer, 2 * to_know, 2e-3, mistakes, hint))
    return verdict(*lines)


def gap_of_answers(function):
    """The mean over images of ‖ε*(x_t) - ε*(x_t, y)‖², summed over the pixels."""
    run, random = two_pixel.TwoPixel(two_pixel.Config(T=50, world="overlapping")), torch.Generator().manual_seed(0)
    x0, y = run.draw(500, random)
    t = torch.full((500,), 25)
    x_t = add_noise(run.schedule, x0, t, torch.randn(x0.shape, generator=random))
    without, told = run.exact(x_t, t, None).flatten(1), run.exact(x_t, t, y).flatten(1)
    squares = (without - told).square()
    pythagoras = (told.square() - without.square()).sum(1).mean()
    mistakes = {
        "That is the mean over the pixels, too; the gap is summed over both.": squares.mean(),
        "Average over the images: your sum grows with their number.": squares.sum(),
        "Square it: that is the mean length of the difference.": squares.sum(1).sqrt().mean(),
        "That is right on average, by Pythagoras, but scatters more: take the square of the difference.": pythagoras,
        "Take the square of the difference, not the difference of the squares.": -pythagoras,
    }
    answer = function(run.exact, x_t, t, y)
    truth = float(squares.sum(1).mean())
    return number_or_mistake("The gap", answer, truth, 1e-5, mistakes, "E‖ε*(x_t) - ε*(x_t, y)‖².")


def area_of_gaps(function):
    """The trapezoidal rule over λ, from noise to image."""
    alphas_cumprod = cosine_schedule(50).alphas_cumprod[1:]
    lambdas = torch.logit(alphas_cumprod)
    gaps = torch.exp(-(lambdas.square()) / 8)
    truth = float(torch.trapezoid(gaps.flip(0), lambdas.flip(0)))
    mistakes = {
        "Its sign is wrong: λ falls as t grows.": -truth,
        "That is the area over t, not over λ.": torch.trapezoid(gaps),
        "That is the area over ᾱ, not over λ.": torch.trapezoid(gaps.flip(0), alphas_cumprod.flip(0)),
        "That is the area over ᾱ, not over λ, and backwards.": torch.trapezoid(gaps, alphas_cumprod),
        "Gaps and λ do not belong together: turn both round.": torch.trapezoid(gaps, lambdas.flip(0)),
        "That is half the area, the information.": truth / 2,
    }
    answer = function(gaps.clone(), alphas_cumprod.clone())
    return number_or_mistake("The area", answer, truth, 1e-6, mistakes, "Trapezoids over λ = log(ᾱ/(1-ᾱ)).")


def half_a_nat(sigma):
    """σ with I(x_0; y) = ½."""
    if sigma is ...:
        return UNANSWERED
    world = WORLDS["signed"]

    def surplus(std):
        return mutual_information(GaussianMixture(world.means, std, world.weights)) - 0.5

    line = number("sigma", sigma, brentq(surplus, 0.2, 2), 0.006, "")
    if line == RIGHT or "asked for" in line or not float(sigma) > 0:
        return line
    return f"With that σ an image tells {0.5 + surplus(float(sigma)):.3f} nats about its label."
