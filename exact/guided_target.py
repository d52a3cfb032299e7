"""What guidance is often said to sample, and does not: the tilted density p(x|y) p(y|x)^w.

Guidance adds w ∇ log q(y|x_t) to the score of q(x_t|y) at every noise level. That is the score of the tilted density
itself only at t = 0: diffusing does not commute with taking a power, so the guided scores are not those of one
diffusion process (Bradley & Nakkiran 2024), and what is drawn with them lies elsewhere.
"""

import math

import torch

from exact.quadrature import expectation


def guided_score(mixture, x, w, y):
    """(1+w) ∇ log p(x|y) - w ∇ log p(x) at points x (…, d), the score of eq. 18, for a mixture or a noised one."""
    return (1 + w) * mixture.given_label(y).score(x) - w * mixture.score(x)


def tilt(mixture, w, y):
    """The part of mixture's tilted density p(x|y) p(y|x)^w that is not p(x|y), as a function of x (…, d): (…)."""
    return lambda x: mixture.posterior(x)[..., y] ** w


def log_tilted_density(mixture, w, y):
    """x (…, d) -> log of the normalised p(x|y) p(y|x)^w, (…)."""
    given, power = mixture.given_label(y), tilt(mixture, w, y)
    log_normaliser = expectation(given, power).log()
    return lambda x: given.log_prob(x) + power(x).log() - log_normaliser


def tilted_moments(mixture, w, y):
    """Mean (d,) and covariance (d, d) of the tilted density, by quadrature."""
    given, power = mixture.given_label(y), tilt(mixture, w, y)
    normaliser = expectation(given, power)
    mean = expectation(given, lambda x: power(x).unsqueeze(-1) * x) / normaliser

    def outer(x):
        deviation = x - mean
        product = deviation.unsqueeze(-1) * deviation.unsqueeze(-2)
        return power(x).unsqueeze(-1) * product.flatten(-2)

    return mean, (expectation(given, outer) / normaliser).view(mixture.dim, mixture.dim)


def noised_tilted_score(mixture, x_t, alpha_bar, w, y):
    """The score that guidance should have: of the tilted density noised to ᾱ, at points x_t (n, d).

    (√ᾱ m - x_t)/(1-ᾱ), where m is the mean of the tilted q(x_0|x_t): the tilt does not change how x_0 is noised.
    """
    means = [tilted_moments(mixture.given_noisy(x, alpha_bar), w, y)[0] for x in x_t]
    return (math.sqrt(alpha_bar) * torch.stack(means) - x_t) / (1 - alpha_bar)
