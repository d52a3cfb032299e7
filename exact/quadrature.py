"""Expectations under a Gaussian mixture by Gauss–Hermite quadrature: no sampling noise."""

import math

import numpy as np
import torch


def expectation(mixture, f, n=64):
    """E f(x) for x ~ mixture (of d dimensions, no batch); f takes points (…, d) and returns (…) or (…, m).

    n^d points for each component, exact where f is a polynomial of degree below 2n. Returns the shape () or (m,).
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    z = torch.cartesian_prod(*[torch.as_tensor(nodes)] * mixture.dim).view(-1, mixture.dim)
    weight = torch.cartesian_prod(*[torch.as_tensor(weights / math.sqrt(2 * math.pi))] * mixture.dim)
    weight = weight.view(-1, mixture.dim).prod(-1)
    values = f(mixture.means.unsqueeze(-2) + mixture.std[:, None, None] * z)  # (K, n^d) or (K, n^d, m)
    return torch.einsum("k,n,kn...->...", mixture.weights, weight, values)


def kl_divergence(mixture, log_density):
    """KL(p ‖ q) = E_p[log p(x) - log q(x)] in nats, for p a mixture and q given by its log density (…, d) -> (…)."""
    return float(expectation(mixture, lambda x: mixture.log_prob(x) - log_density(x)))
