"""The checks of notebook 05 say what is wrong with an answer."""

import copy

import pytest
import torch
from checks import guidance as checks
from checks.common import RIGHT

from utils import at


def free(factor):
    """(1+w) ε(y) - factor·w ε(∅)."""

    def function(denoiser, w):
        return lambda x_t, t, y: (1 + w) * denoiser(x_t, t, y) - factor * w * denoiser(x_t, t, None)

    return function


def by_classifier(sign):
    def function(denoiser, classifier, schedule, scale=1.0):
        def guided(x_t, t, y):
            with torch.enable_grad():
                x = x_t.detach().requires_grad_()
                log_f = classifier(x, t).log_softmax(1).gather(1, y[:, None]).sum()
                (gradient,) = torch.autograd.grad(log_f, x)
            step = scale * at(schedule.sqrt_one_minus_alphas_cumprod, t, x_t) * gradient
            return denoiser(x_t, t, None) - sign * step

        return guided

    return function


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("translate_guidance", (7.5, -1), "w_of_default"),
        ("translate_guidance", (6.5, 0), "w_without_label"),
        ("classifier_free_guidance", (free(1),), RIGHT),
        ("classifier_free_guidance", (free(-1),), "Do the factors add up to 1?"),
        ("classifier_guidance", (by_classifier(1),), RIGHT),
        ("classifier_guidance", (by_classifier(-1),), "score"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))
