"""What a label tells, read off the losses: the area between the losses without and with label is 2 I(x_0; y).

For x_t = √ᾱ x_0 + √(1-ᾱ) ε and λ = log(ᾱ/(1-ᾱ)), I-MMSE (Guo, Shamai & Verdú 2005, eq. 1) says
dI(x_0; x_t)/dλ = ½ E‖ε - ε*(x_t)‖²; the same given y; and I(x_0; x_t) - I(x_0; x_t|y) goes to I(x_0; y) as λ → ∞.
"""

import math

import torch
from scipy.optimize import brentq

from exact.quadrature import expectation
from utils import add_noise, standard_normal


def log_snr(alpha_bar):
    """λ = log(ᾱ/(1-ᾱ))."""
    return torch.logit(torch.as_tensor(alpha_bar, dtype=torch.float64))


def entropy(probabilities):
    """-Σ p log p in nats of probabilities (K,): what there is to know about a label."""
    return float(torch.special.entr(probabilities).sum())


def mutual_information(mixture):
    """I(x_0; y) = H(y) - E H(y|x_0) in nats, by quadrature."""
    left = expectation(mixture, lambda x: torch.special.entr(mixture.posterior(x)).sum(-1))
    return entropy(mixture.weights) - float(left)


def image_information(mixture, alpha_bar):
    """I(x_0; x_t) = h(x_t) - h(x_t|x_0) in nats, at one ᾱ: the entropy of x_t, by quadrature, less the noise's."""
    noisy = mixture.diffused(alpha_bar)
    of_noisy = float(expectation(noisy, lambda x: -noisy.log_prob(x)))
    return of_noisy - mixture.dim / 2 * math.log(2 * math.pi * math.e * (1 - alpha_bar))


def where_told(mixture, share):
    """The log-SNR λ at which x_t tells this share (between 0 and 1) of what the image tells about its label."""
    whole = mutual_information(mixture)

    def surplus(lam):
        return mutual_information(mixture.diffused(1 / (1 + math.exp(-lam)))) - share * whole

    return brentq(surplus, -12, 20, xtol=1e-6)


def floor_gap(mixture, alpha_bar):
    """E‖ε - ε*(x_t)‖² - E‖ε - ε*(x_t, y)‖², summed over the pixels, at one ᾱ: exact, by quadrature.

    It is E‖ε*(x_t) - ε*(x_t, y)‖², which does not take the difference of two almost equal numbers.
    """
    noisy = mixture.diffused(alpha_bar)

    def squared_difference(x_t):  # (K, n, d): those of component k have the label k
        pull = (noisy.means.unsqueeze(1) - x_t) / noisy.std[:, None, None] ** 2  # ∇ log q(x_t|y)
        return (1 - alpha_bar) * (pull - noisy.score(x_t)).square().sum(-1)

    return float(expectation(noisy, squared_difference))


def floor_gaps(mixture, lambdas):
    """`floor_gap` at each λ of a tensor (n,): (n,), float64."""
    return torch.tensor([floor_gap(mixture, float(a)) for a in lambdas.double().sigmoid()], dtype=torch.float64)


def exact_area(mixture, low, high, n=400):
    """∫ `floor_gap` dλ from low to high, by the trapezoidal rule on n intervals; 100 give six digits."""
    grid = torch.linspace(low, high, n + 1, dtype=torch.float64)
    return float(torch.trapezoid(floor_gaps(mixture, grid), grid))


@torch.no_grad()
def learned_gaps(denoiser, schedule, x0, y, generator):
    """E‖ε - ε̂(x_t, ∅)‖² - E‖ε - ε̂(x_t, y)‖², summed over the pixels, at t = 1 … T: (T,), from labelled images alone.

    Both losses are of the same noise, so that most of its scatter cancels.
    """
    gaps = []
    for step in range(1, schedule.T + 1):
        t = torch.tensor([step], device=x0.device)
        eps = standard_normal(x0, generator)
        x_t = add_noise(schedule, x0, t, eps)
        losses = [(eps - denoiser(x_t, t, labels)).square().flatten(1).sum(1).double() for labels in (None, y)]
        gaps.append((losses[0] - losses[1]).mean())
    return torch.stack(gaps).cpu()


def learned_area(denoiser, schedule, x0, y, generator):
    """The area between the losses without and with label, over λ: that of `learned_gaps` at t = 1 … T."""
    return area_between(learned_gaps(denoiser, schedule, x0, y, generator), schedule, 1, schedule.T)


def area_between(gaps, schedule, first, last):
    """∫ dλ of `learned_gaps` (T,) over first ≤ t ≤ last, by trapezoids."""
    t = torch.arange(last, first - 1, -1)  # from noise to image
    return float(torch.trapezoid(gaps[t - 1], log_snr(schedule.alphas_cumprod[t])))
