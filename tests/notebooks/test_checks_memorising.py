"""The checks of notebook 13 say what is wrong with an answer."""

import pytest
from checks import memorising as checks
from checks.common import RIGHT, UNANSWERED

from measurements.common import measurements

BY_CHANCE = measurements("memorising")["10000"]


def denoised(of_squares, scale=lambda alpha_bar: alpha_bar**0.5, size=1.0):
    def function(x_t, images, alpha_bar):
        squares = (x_t.unsqueeze(1) - scale(alpha_bar) * images).square().sum(-1)
        return size * of_squares(squares, 1 - alpha_bar).softmax(1) @ images

    return function


def ratio(of):
    return lambda learned, world, of_set: of(learned - world, of_set - world)


@pytest.mark.parametrize(
    ("check", "argument", "words"),
    [
        ("copies_by_chance", BY_CHANCE["copies_of_fresh"]["mean"], RIGHT),
        ("copies_by_chance", ..., UNANSWERED),
        ("copies_by_chance", 0, "cannot be copies"),
        ("copies_by_chance", BY_CHANCE["nearest_of_fresh"]["mean"], "the median distance"),
        ("copies_by_chance", 0.9, "too large"),
        ("copies_by_chance", BY_CHANCE["copies"]["mean"], "the network's own share"),
        ("denoised_by_the_set", denoised(lambda d, noise: -d / (2 * noise)), RIGHT),
        ("denoised_by_the_set", lambda *_: ..., UNANSWERED),
        ("denoised_by_the_set", denoised(lambda d, noise: -d / noise), "a 2 in its exponent"),
        ("denoised_by_the_set", denoised(lambda d, noise: -d), "the variance 1-ᾱ"),
        ("denoised_by_the_set", denoised(lambda d, noise: -d / (2 * noise), scale=lambda _: 1.0), "has shrunk"),
        ("denoised_by_the_set", denoised(lambda d, noise: -d / (2 * noise), size=0.6**0.5), "images themselves"),
        ("denoised_by_the_set", denoised(lambda d, noise: d / (2 * noise)), "is negative"),
        ("denoised_by_the_set", denoised(lambda d, noise: -1e9 * d), "the nearest image"),
        ("denoised_by_the_set", denoised(lambda d, noise: 0 * d), "count alike"),
        ("coefficient", ratio(lambda moved, apart: (moved * apart).sum() / apart.square().sum()), RIGHT),
        ("coefficient", lambda *_: ..., UNANSWERED),
        ("coefficient", ratio(lambda moved, apart: (moved * apart).sum()), "squared length"),
        ("coefficient", ratio(lambda m, a: (m * a).sum() / m.norm() / a.norm()), "a correlation"),
        ("coefficient", lambda learned, _, s: (learned * s).sum() / s.square().sum(), "counted from the world"),
        ("coefficient", ratio(lambda m, a: 1 - (m * a).sum() / a.square().sum()), "0 for the set"),
        ("coefficient", ratio(lambda m, a: m.square().sum() / a.square().sum()), "in any direction"),
        ("coefficient", ratio(lambda m, a: ((m * a).sum(1) / a.square().sum(1)).mean()), "first, then divide"),
    ],
)
def test_check_says_what_is_wrong(check, argument, words):
    assert words in getattr(checks, check)(argument)
