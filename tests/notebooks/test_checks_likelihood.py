"""The checks of notebook 12 say what is wrong with an answer."""

import math

import pytest
import torch
from checks import likelihood as checks
from checks.common import RIGHT, UNANSWERED

LOG_2PI = math.log(2 * math.pi)
SIGNED = 0.6474 + LOG_2PI + 1 + math.log(0.01)


def cost(of_ratio, factor=1.0):
    return lambda s_squared, sigma_squared: factor * of_ratio(s_squared / sigma_squared)


def density(sign=-1, constant=LOG_2PI, absolute=True):
    def function(x_T, jacobian):
        det = jacobian.det()
        return -x_T.square().sum(1) / 2 - constant + sign * (det.abs() if absolute else det).log()

    return function


def kl(of):
    return lambda log_p, log_q, area: of(log_p.exp(), log_q.exp(), log_p - log_q, area).sum()


@pytest.mark.parametrize(
    ("check", "argument", "words"),
    [
        ("entropy_of_signed", SIGNED, RIGHT),
        ("entropy_of_signed", SIGNED - 0.6474, "which mode it is"),
        ("entropy_of_signed", 0.6474 + math.log(2 * math.pi * math.e * 0.01) / 2, "for one pixel"),
        ("entropy_of_signed", 0.6474, "what the label tells"),
        ("entropy_of_signed", SIGNED / math.log(2), "in bits"),
        ("entropy_of_signed", -SIGNED, "Its sign"),
        ("cost_of_a_variance", cost(lambda r: r - 1 - r.log()), RIGHT),
        ("cost_of_a_variance", lambda *a: ..., UNANSWERED),
        ("cost_of_a_variance", cost(lambda r: 1 / r - 1 + r.log()), "the other divergence"),
        ("cost_of_a_variance", cost(lambda r: r - 1 - r.log(), 0.5), "for one pixel"),
        ("cost_of_a_variance", cost(lambda r: r - 1 + r.log()), "wrong sign"),
        ("cost_of_a_variance", cost(lambda r: r.sqrt() - 1 - r.log() / 2), "ratio of the σ"),
        ("density_of_a_map", density(), RIGHT),
        ("density_of_a_map", density(sign=1), "subtract"),
        ("density_of_a_map", density(sign=0), "alone"),
        ("density_of_a_map", density(constant=0), "divided by 2π"),
        ("density_of_a_map", density(constant=LOG_2PI / 2), "as for one pixel"),
        ("density_of_a_map", lambda *a: density()(*a).exp(), "not its logarithm"),
        ("density_of_a_map", density(absolute=False), "may be negative"),
        ("kl_on_a_grid", kl(lambda p, q, d, area: p * d * area), RIGHT),
        ("kl_on_a_grid", kl(lambda p, q, d, area: -q * d * area), "KL(q ‖ p)"),
        ("kl_on_a_grid", kl(lambda p, q, d, area: q * d * area), "mean over q"),
        ("kl_on_a_grid", kl(lambda p, q, d, area: -p * d * area), "Its sign"),
        ("kl_on_a_grid", kl(lambda p, q, d, area: p * d), "stands for an area"),
        ("kl_on_a_grid", kl(lambda p, q, d, area: d * area), "Weigh each point"),
        ("kl_on_a_grid", lambda *a: torch.ones(3), "a number is asked for"),
    ],
)
def test_check_says_what_is_wrong(check, argument, words):
    assert words in getattr(checks, check)(argument)
