"""The checks of the exercises of notebook S3, Pixel space."""

from checks.common import UNANSWERED, number, verdict
from experiments.data import glyphs
from utils import cosine_schedule


def fitted_too_small(n):
    """The n whose fitted variance is 2.5 % too small on average: (n-1)/n = 0.975."""
    if n is ...:
        return UNANSWERED
    return number("n", n, 40, 0, "The mean of the fitted variance is (n-1)/n times the true one.")


def noise_with_steps(share_alpha, share_alpha_bar):
    """√(1-α_t) and √(1-ᾱ_t) at t = 100 of T = 200: the noise in z_t by the text's formula and by the right one."""
    schedule = cosine_schedule(200)
    at_half = float((1 - schedule.alphas[100]).sqrt()), float((1 - schedule.alphas_cumprod[100]).sqrt())
    return verdict(
        number("share_alpha", share_alpha, at_half[0], 1e-3, "√(1-α_t), with α_t = 1-β_t of that step alone."),
        number("share_alpha_bar", share_alpha_bar, at_half[1], 1e-3, "√(1-ᾱ_t), with ᾱ_t the product of all steps."),
    )


def lazy_accuracy(accuracy, balanced):
    """A judge that says left-right always: its accuracy among the two structures, and its balanced accuracy."""
    _, test = glyphs()
    left_right = float((test.labels[test.labels < 2] == 0).double().mean())
    return verdict(
        number("accuracy", accuracy, left_right, 1e-3, "The share of left-right among the two in the test set."),
        number("balanced", balanced, 0.5, 1e-9, "The mean of its accuracies on the two structures."),
    )
