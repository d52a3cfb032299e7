"""The checks of the exercises of notebook 14, The same thing under another name."""

import torch

from checks.common import RIGHT, number_or_mistake, same_or_mistake, verdict


def share_of_noise(tau):
    """τ = b/(a + b) for ᾱ = 0.8: a = 2b."""
    a, b = 0.8**0.5, 0.2**0.5
    mistakes = {
        "That is 1 - ᾱ = b², the noise's share of the variance; τ is b's share of a + b.": b**2,
        "That is b, the size of the noise in x_t; in x_τ the sizes of image and noise add up to 1.": b,
        "That is b/a, the σ of EDM.": b / a,
        "That is the share of the image, 1 - τ.": a / (a + b),
        "That is ᾱ itself.": 0.8,
    }
    return number_or_mistake("τ", tau, b / (a + b), 5e-3, mistakes, "a = √0.8 and b = √0.2; τ = b/(a + b).")


def case():
    """x_t, ε̂, a, b and x̂_0 of four images, float64."""
    random = torch.Generator().manual_seed(0)
    x_t, eps = torch.randn(2, 4, 1, 2, generator=random, dtype=torch.float64)
    a, b = 0.6, 0.8
    return x_t, eps, a, b, (x_t - b * eps) / a


def velocity(function):
    """û = ε̂ - x̂_0, from ε̂."""
    x_t, eps, a, b, x0 = case()
    mistakes = {
        RIGHT: eps - x0,
        "Its sign is wrong: τ grows towards the noise, so x_τ moves from x_0 to ε.": x0 - eps,
        "That is v = a ε̂ - b x̂_0; in u neither is scaled.": a * eps - b * x0,
        "That is x̂_0. The velocity is the noise less the image.": x0,
        "You took x_t for the image: find x̂_0 first.": eps - x_t,
        "You took x_τ for the image: find x̂_0 first.": eps - x_t / (a + b),
        "x̂_0 = (x_t - b ε̂)/a: the division by a is missing.": eps - (x_t - b * eps),
    }
    return same_or_mistake("velocity", function(x_t.clone(), eps.clone(), a, b), mistakes)


def euler_step(function):
    """x_τ' = x_τ + (τ' - τ) û, which is a step of DDIM."""
    x_t, eps, a, b, x0 = case()
    tau, after = b / (a + b), 0.1
    x_tau, u = x_t / (a + b), eps - x0
    right = (1 - after) * x0 + after * eps
    mistakes = {
        RIGHT: right,
        "The step goes the wrong way: from τ to τ', so times τ' - τ, which is negative.": x_tau + (tau - after) * u,
        "That goes from τ all the way to 0.": x_tau - tau * u,
        "How long is the step? Not τ', but τ' - τ.": x_tau + after * u,
        "How long is the step? It is τ' - τ, not -τ'.": x_tau - after * u,
        "Multiply the velocity by the step's length, τ' - τ.": x_tau + u,
        "Multiply the velocity by τ' - τ; that is negative already.": x_tau - u,
    }
    found = function(x_tau.clone(), u.clone(), tau, after)
    standing = function(x_tau.clone(), u.clone(), tau, tau)
    still = same_or_mistake("euler_step", standing, {RIGHT: x_tau})
    line = same_or_mistake("euler_step", found, mistakes)
    return verdict(line, RIGHT if still == RIGHT else "A step from τ to τ must not move x_τ.")
