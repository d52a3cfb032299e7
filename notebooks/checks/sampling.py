"""The checks of the exercises of notebook 03, Sampling."""

import torch
from broken import BUGS, SAMPLERS
from instruments import energy_of_samples, expected_std

from checks.common import RIGHT, UNANSWERED, number, wrong_shape
from utils import cosine_schedule, reverse_step


def reverse_step_13(function):
    """Eq. 13 against utils.reverse_step at every t, with the same noise."""
    schedule = cosine_schedule(10)
    x_t, eps = torch.randn(2, 20, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    z = torch.randn(20, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for t in (1, 2, 5, 10):
        beta, alpha, alpha_bar = (table[t] for table in (schedule.betas, schedule.alphas, schedule.alphas_cumprod))
        steps, same_z = torch.full((len(x_t),), t), torch.Generator().manual_seed(1)
        truth = reverse_step(lambda *_: eps, schedule, x_t, steps, None, same_z)
        sigma = schedule.posterior_variance[t].sqrt()
        mean = truth - sigma * z
        given = x_t.clone()
        output = function(eps, schedule, given, t, z)
        if (shape := wrong_shape("my_reverse_step", output, x_t)) != RIGHT:
            return shape
        if not torch.equal(given, x_t):
            return "Your function changed the x_t that it was given. Work on a copy."
        output = output.double()
        mistakes = {
            RIGHT: truth,
            f"There is no noise in it at t = {t}.": mean,
            "The noise is multiplied by the variance; it wants the standard deviation.": mean + sigma**2 * z,
            "The noise has variance β_t; eq. 13 of the homework takes β̃_t.": mean + beta.sqrt() * z,
            "The division by √α_t is missing, in the mean.": mean * alpha.sqrt() + sigma * z,
            "The division is by √α_t, not by √ᾱ_t.": mean * (alpha / alpha_bar).sqrt() + sigma * z,
        }
        line = next((line for line, mistake in mistakes.items() if torch.allclose(output, mistake)), None)
        if line is None:
            return f"Not eq. 13: at t = {t} of 10 it is off by {(output - truth).abs().mean():.3f} on average."
        if line != RIGHT:
            return line
    return RIGHT


def which_bug(bugs, noticed, run):
    """Which sampler of `broken` has which bug, and how many of them the samples betray."""
    if ... in bugs.values():
        return UNANSWERED
    if set(bugs) != set(SAMPLERS):
        return f"Say for each of {', '.join(SAMPLERS)} which bug it has."
    for letter, bug in bugs.items():
        if bug not in BUGS:
            return f"{bug!r} is none of {', '.join(BUGS)}."
        if SAMPLERS[letter] is not BUGS[bug]:
            return f"{letter} is not the one with the bug {bug!r}. Look again at its width and at its steps."
    if noticed is ...:
        return "All four are right. Now count the bugs that the samples betray."
    reference = energy_of_samples(BUGS["none"], run)
    worse = sum(energy_of_samples(sampler, run) > reference + 2 for bug, sampler in BUGS.items() if bug != "none")
    return number("noticed_in_the_samples", noticed, worse, 0, "Compare each energy distance with the right sampler's.")


def width_without_noise(answer):
    """σ of eq. 13 without noise, in a world of one Gaussian with σ = 0.2."""
    if answer is ...:
        return UNANSWERED
    schedule = cosine_schedule(50)
    truth = expected_std(schedule, 0.2, 0 * schedule.betas)
    return number("width_without_noise", answer, truth, 0.1 * truth, "Give expected_std a table of zeros as variance.")
