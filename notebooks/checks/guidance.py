"""The checks of the exercises of notebook 05, Guidance."""

import torch

from checks.common import RIGHT, number, verdict, wrong_shape
from experiments import two_pixel
from utils import classifier_guidance, sample


def translate_guidance(w_of_default, w_without_label):
    """g = 1 + w."""
    hint = "Write ε(∅) + g (ε(y) - ε(∅)) as (…) ε(y) - (…) ε(∅), and compare with eq. 18."
    return verdict(
        number("w_of_default", w_of_default, 6.5, 1e-9, hint),
        number("w_without_label", w_without_label, -1, 1e-9, hint),
    )


def wrong_sign(function, ends_in_class):
    """ε + s √(1-ᾱ) ∇ log f: the samples flee the class that was asked for."""
    run, random = two_pixel.TwoPixel(two_pixel.Config(T=50)), torch.Generator().manual_seed(0)
    eps, gradient = torch.randn(2, 20, 2, generator=random)
    alpha_bar = run.schedule.alphas_cumprod[30].float()
    output = function(eps, gradient, alpha_bar, 2.0)
    if (shape := wrong_shape("broken_guidance", output, eps)) != RIGHT:
        return shape
    step = 2.0 * (1 - alpha_bar).sqrt() * gradient
    if torch.allclose(output, eps - step):
        return "broken_guidance is the correct code: the bug adds the gradient."
    if not torch.allclose(output, eps + step):
        return "broken_guidance is neither the correct code nor the bug, ε + s √(1-ᾱ_t) ∇ log f."
    if ends_in_class is ...:
        return "broken_guidance is the bug. Now where the images go."
    y = torch.zeros(200, dtype=torch.int64)
    fleeing = run.clipped(classifier_guidance(run.exact, run.exact.log_posterior, run.schedule, scale=-2.0))
    x_0 = run.to_pixels(sample(fleeing, run.schedule, run.noise(200, random), y, random))
    truth = int(run.world.posterior(x_0).argmax(1).double().mean() > 0.5)
    if ends_in_class != truth:
        return f"Not in class {ends_in_class}. The gradient points towards y, and ε̂ is what is taken away from x_t."
    return RIGHT


def clip_and_guide(before, after):
    """(1+w) x̂_0(y) - w x̂_0(∅) with clipping to [-1, 1] before, and after."""
    labelled, unlabelled, w = torch.tensor(1.2), torch.tensor(0.2), 1.0
    early = (1 + w) * labelled.clamp(-1, 1) - w * unlabelled.clamp(-1, 1)
    late = ((1 + w) * labelled - w * unlabelled).clamp(-1, 1)
    hint = "(1+w) x̂_0(y) - w x̂_0(∅), and a value held in [-1, 1]: which comes first?"
    return verdict(
        number("clipped_before", before, float(early), 1e-6, hint),
        number("clipped_after", after, float(late), 1e-6, hint),
    )
