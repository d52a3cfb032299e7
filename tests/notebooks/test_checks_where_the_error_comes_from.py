"""The checks of notebook 07 say what is wrong with an answer."""

import copy
import math

import pytest
import torch
from checks import where_the_error_comes_from as checks
from checks.common import SO_FAR, UNANSWERED

FAULTS = {"A": "network", "B": "none", "C": "prior", "D": "steps"}


def kl_of_gaussians(v=lambda sigma, a: a * sigma**2 + 1 - a, shrink=lambda a: a, times=0.5, d=2):
    def function(mu, sigma, alpha_bar):
        distance = shrink(alpha_bar) * mu.square().sum()
        return times * (d * v(sigma, alpha_bar) + distance - d - d * math.log(v(sigma, alpha_bar)))

    return function


def left_out(power=2, table="previous"):
    def function(schedule, t, covariance):
        of_image = schedule.alphas_cumprod[t - 1 if table == "previous" else t].sqrt()
        return (of_image * schedule.betas[t] / (1 - schedule.alphas_cumprod[t])) ** power * covariance

    return function


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("kl_at_the_end", (lambda mu, sigma, alpha_bar: ..., ...), UNANSWERED),
        ("kl_at_the_end", (lambda mu, sigma, alpha_bar: "much", ...), "a number is asked for"),
        ("kl_at_the_end", (kl_of_gaussians(v=lambda sigma, a: sigma**2, shrink=lambda a: 1), ...), "for x_0"),
        ("kl_at_the_end", (kl_of_gaussians(shrink=lambda a: 1), ...), "not μ"),
        ("kl_at_the_end", (kl_of_gaussians(v=lambda sigma, a: a * sigma**2), ...), "two parts"),
        ("kl_at_the_end", (kl_of_gaussians(times=1), ...), "twice"),
        ("kl_at_the_end", (kl_of_gaussians(d=1), ...), "Two pixels"),
        ("kl_at_the_end", (lambda mu, sigma, alpha_bar: 9.0, ...), "too large. For"),
        ("kl_at_the_end", (kl_of_gaussians(), ...), "Now class 0"),
        ("kl_at_the_end", (kl_of_gaussians(), 0.13), "too small"),
        ("kl_at_the_end", (kl_of_gaussians(shrink=lambda a: 0), ...), "mean of x_T is missing"),
        ("kl_at_the_end", (kl_of_gaussians(v=lambda sigma, a: a * sigma + 1 - a), ...), "σ², not σ"),
        ("kl_at_the_end", (kl_of_gaussians(), 1e-6), "cosine schedule"),
        ("missing_variance", (lambda schedule, t, covariance: ..., ...), UNANSWERED),
        ("missing_variance", (left_out(power=1), ...), "c²"),
        ("missing_variance", (left_out(power=0), ...), "with which factor"),
        ("missing_variance", (left_out(table="present"), ...), "not √ᾱ_t"),
        (
            "missing_variance",
            (lambda s, t, c: left_out()(s, t, c) + s.posterior_variance[t] * torch.eye(2), ...),
            "whole",
        ),
        ("missing_variance", (lambda s, t, c: 2 * left_out()(s, t, c), ...), "off by"),
        ("missing_variance", (left_out(), ...), "Now the share"),
        ("missing_variance", (left_out(), 0.85), "too large"),
        ("whose_fault", (dict.fromkeys("ABCD", ...),), UNANSWERED),
        ("whose_fault", (FAULTS | {"C": ...},), SO_FAR),
        ("whose_fault", ({"A": "network"},), "for each of A, B, C, D"),
        ("whose_fault", (FAULTS | {"B": "luck"},), "is none of"),
        ("whose_fault", (FAULTS | {"B": "steps"},), "B is something else"),
        ("whose_fault", (FAULTS | {"C": "network"},), "prior 1"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))
