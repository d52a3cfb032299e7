"""The checks of the exercises of notebook 09, What guidance samples."""

import torch

from checks.common import RIGHT, SO_FAR, UNANSWERED, number, verdict, wrong_shape
from exact.guided_target import guided_score, tilt, tilted_moments
from exact.quadrature import expectation
from experiments import two_pixel
from gmm import WORLDS
from utils import classifier_free_guidance, x0_from_eps


def first_aim(left_pixel, w_outside):
    """x̂_0 at t = T, guided to class 1: μ_1 + w (μ_1 - E x_0); and the w at which its left pixel leaves the box."""
    run = two_pixel.TwoPixel(two_pixel.Config(world="overlapping"))
    x_T, t, y = torch.zeros(1, 1, 2, dtype=torch.float64), torch.tensor([run.schedule.T]), torch.tensor([1])

    def aim(w):
        x0 = x0_from_eps(run.schedule, x_T, t, classifier_free_guidance(run.exact, w)(x_T, t, y))
        return float(run.to_pixels(x0)[0, 0])

    _, high = run.value_range()
    edge = float(run.to_pixels(high.view(1, 1, 2))[0, 0])
    hint = "x_T tells nothing: x̂_0(y) is the mean of class y, x̂_0(∅) that of all images. Guide those two."
    return verdict(
        number("left_pixel", left_pixel, aim(2), 0.01, hint),
        number("w_outside", w_outside, (edge - aim(0)) / (aim(1) - aim(0)), 0.05, "The aim is a line in w."),
    )


def exact_weights(first, second):
    """The w for which the guided score is that of the diffused tilted density at t > 0, too."""
    world, alpha_bar = WORLDS["overlapping"], torch.tensor(0.5, dtype=torch.float64)
    noisy = world.diffused(alpha_bar)
    x_t, _ = noisy.sample(5, torch.Generator().manual_seed(0))
    for name, w in (("w_first", first), ("w_second", second)):
        if w is ...:
            return UNANSWERED if w is first else SO_FAR
        if not isinstance(w, (int, float)):
            return f"{name}: a number is asked for, not {w!r}."
        mean = torch.stack([tilted_moments(world.given_noisy(x, alpha_bar), w, 1)[0] for x in x_t])
        right = (alpha_bar.sqrt() * mean - x_t) / (1 - alpha_bar)
        off = guided_score(noisy, x_t, w, 1) - right
        if not off.abs().max() < 1e-9:
            return (
                f"{name} = {w:g}: at ᾱ_t = 0.5 the two scores are up to {off.abs().max():.2f} apart. "
                "Which w leaves only one of the two noise predictions?"
            )
    return RIGHT if first != second else "Two different w are asked for."


def rejection(function, share_kept):
    """x ~ p(x|y) kept with probability p(y|x)^w is a draw of the tilted density; E p(y|x)^w of them are kept."""
    world, y, w = WORLDS["overlapping"], 1, 3.0
    random = torch.Generator().manual_seed(0)
    x, _ = world.given_label(y).sample(2000, random)
    u, p = torch.rand(2000, generator=random, dtype=torch.float64), world.posterior(x)[:, y]
    output = function(world, x.clone(), w, y, u.clone())
    if (shape := wrong_shape("keep", output, u)) != RIGHT:
        return shape
    if output.dtype != torch.bool:
        return "keep should say True or False for each x: is u less than the probability?"
    mistakes = {
        RIGHT: u < p**w,
        "That keeps those that should go.": u >= p**w,
        "The power w is missing.": u < p,
        "The power is w, not 1+w: the x were drawn from p(x|y) already.": u < p ** (1 + w),
        "That is the probability of the other class.": u < (1 - p) ** w,
    }
    line = next((line for line, mistake in mistakes.items() if torch.equal(output, mistake)), None)
    if line is None:
        return f"Not u < p(y|x)^w: for w = 3, {int((output != (u < p**w)).sum())} of 2000 x are treated otherwise."
    if line != RIGHT:
        return line
    if share_kept is ...:
        return "keep is right. Now the share that is kept for w = 2."
    truth = float(expectation(world.given_label(y), tilt(world, 2.0, y)))
    return number("share_kept", share_kept, truth, 0.01, "Draw many x of class 1, and take the mean of keep.")
