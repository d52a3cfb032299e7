"""The checks of the exercises of notebook 12, What the model believes."""

import math

import torch

from checks.common import number_or_mistake
from exact.information import entropy
from gmm import WORLDS


def entropy_of_signed(nats):
    """H(y) + log 2πeσ²: modes that do not overlap."""
    world = WORLDS["signed"]
    label, spread = entropy(world.weights), math.log(2 * math.pi * math.e * 0.1**2)
    mistakes = {
        "That is the spread within a mode; which mode it is has to be told, too.": spread,
        "That is for one pixel; both have the entropy ½ log 2πeσ².": label + spread / 2,
        "That is what the label tells; an image of a mode still varies.": label,
        "That is in bits: take natural logarithms.": (label + spread) / math.log(2),
        "Its sign is wrong: a narrow density has a negative entropy.": -(label + spread),
    }
    return number_or_mistake(
        "nats", nats, label + spread, 2e-3, mistakes, "The label, and then a Gaussian: H(y) + log 2πeσ²."
    )


def cost_of_a_variance(function):
    """KL(N(m, s² I) ‖ N(m, σ² I)) of two pixels: s²/σ² - 1 - log s²/σ²."""
    ratio = 3.0
    truth = ratio - 1 - math.log(ratio)
    mistakes = {
        "That is the other divergence: the samples come from the Gaussian with s².": 1 / ratio - 1 + math.log(ratio),
        "That is for one pixel.": truth / 2,
        "The logarithm has the wrong sign.": ratio - 1 + math.log(ratio),
        "You took the ratio of the σ, not of the σ².": math.sqrt(ratio) - 1 - math.log(ratio) / 2,
    }
    answer = function(torch.tensor(0.3).double(), torch.tensor(0.1).double())
    return number_or_mistake(
        "The cost", answer, truth, 1e-6, mistakes, "E log p - E log q of two Gaussians, for two pixels."
    )


def density_of_a_map(function):
    """log N(x_T; 0, I) - log |det J|."""
    random = torch.Generator().manual_seed(0)
    x_T = torch.randn(1, 2, generator=random, dtype=torch.float64)
    jacobian = torch.tensor([[[0.2, 0.7], [0.9, 0.1]]], dtype=torch.float64)  # its determinant is negative
    gaussian, log_det = float(-x_T.square().sum() / 2 - math.log(2 * math.pi)), math.log(0.61)
    mistakes = {
        "A map that squeezes makes the density larger: subtract the logarithm of the determinant.": gaussian + log_det,
        "The density of x_T alone: the map also squeezes and stretches.": gaussian,
        "The Gaussian of two pixels is divided by 2π.": gaussian - log_det + math.log(2 * math.pi),
        "That divides by √(2π), as for one pixel.": gaussian - log_det + math.log(2 * math.pi) / 2,
        "That is the density, not its logarithm.": math.exp(gaussian - log_det),
    }
    answer = function(x_T.clone(), jacobian.clone())
    return number_or_mistake(
        "The density", answer, gaussian - log_det, 1e-6, mistakes, "The determinant may be negative: take |det|."
    )


def kl_on_a_grid(function):
    """Σ p (log p - log q) area, of densities that do not sum to 1 on their few points."""
    log_p = torch.tensor([-0.3, 0.4, -1.2], dtype=torch.float64)
    log_q = torch.tensor([-0.5, -0.1, 0.2], dtype=torch.float64)
    area = torch.tensor([0.2, 0.5, 0.1], dtype=torch.float64)
    p, q, difference = log_p.exp(), log_q.exp(), log_p - log_q
    mistakes = {
        "That is KL(q ‖ p): the mean is taken over p.": -(q * difference * area).sum(),
        "That is the mean over q of log p - log q.": (q * difference * area).sum(),
        "Its sign is wrong.": -(p * difference * area).sum(),
        "Every point stands for an area; here they differ.": (p * difference).sum(),
        "Weigh each point by p: a sum over the grid alone is no mean.": (difference * area).sum(),
    }
    answer = function(log_p.clone(), log_q.clone(), area.clone())
    return number_or_mistake(
        "The divergence", answer, (p * difference * area).sum(), 1e-6, mistakes, "Σ p (log p - log q) dx."
    )
