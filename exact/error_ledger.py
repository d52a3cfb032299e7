"""Whose error is it? That of the network, of too few Gaussian steps, or of the noise that sampling starts from.

error of samples = network (ε_θ ≠ ε*) + discretisation (steps that are not infinitely short) + prior (q(x_T) ≠ N(0, I)).
Each is what goes away when its part is put right: the oracle for the network, the exact q(x_T) for N(0, I); what is
left then is the discretisation.
"""

import math

import torch
from torch.distributions import MultivariateNormal

from evaluation.flow_density import STANDARD_NORMAL
from evaluation.metrics import energy_distance, sample_statistics
from exact.quadrature import expectation, kl_divergence
from samplers import mean_and_covariance_of_x0, posterior_of_step


def exact_x_T(run, n, generator):
    """n draws of the true q(x_T) in model space, (n, 1, 2), in the place of N(0, I)."""
    x_T, _ = run.mixture.diffused(run.schedule.alphas_cumprod[-1]).sample(n, generator)
    return x_T.float().unsqueeze(1).to(run.device)


def drawn(run, denoiser, seed, exact_prior=False, n=5000, dtype=torch.float32):
    """n unlabelled samples of a two-pixel experiment in pixel space, (n, 2), from N(0, I) or from the exact q(x_T).

    dtype is that in which the denoiser is asked; a network has float32.
    """
    generator = torch.Generator().manual_seed(seed)
    x_T = exact_x_T(run, n, generator) if exact_prior else run.noise(n, generator)
    return run.to_pixels(run.sampler(denoiser, labelled=False)(x_T.to(dtype), None, generator))


def drawn_by_exact_steps(run, seed, n=5000):
    """n samples in pixel space, (n, 2), from N(0, I), each step drawn from the exact q(x_{t-1}|x_t), not by eq. 13."""
    generator, alphas_cumprod = torch.Generator().manual_seed(seed), run.schedule.alphas_cumprod
    x = run.noise(n, generator).squeeze(1).double()
    for t in range(run.schedule.T, 0, -1):
        x, _ = run.mixture.reverse_kernel(x, alphas_cumprod[t], alphas_cumprod[t - 1]).sample(n, generator)
    return run.to_pixels(x.unsqueeze(1))


def quality(run, denoiser, seed, exact_prior=False, n=5000):
    """Energy distance to the truth and weight of mode 0, as a dict, of samples `drawn`."""
    x = drawn(run, denoiser, seed, exact_prior, n)
    weight = sample_statistics(x, run.world)["mode_weights"][0]
    return {"energy_distance": float(energy_distance(x, run.world)), "mode_weight": weight}


def schedule_card(mixture, schedule):
    """What a schedule does to a world in model space: ᾱ_1, ᾱ_T, 1/√ᾱ_T and KL(q(x_T) ‖ N(0, I)) in nats, as a dict."""
    alphas_cumprod = schedule.alphas_cumprod
    end = float(alphas_cumprod[-1])
    return {
        "alpha_bar_1": float(alphas_cumprod[1]),
        "alpha_bar_T": end,
        "inverse_sqrt_alpha_bar_T": 1 / math.sqrt(end),
        "kl": kl_divergence(mixture.diffused(end), STANDARD_NORMAL.log_prob),
    }


# --- one reverse step -------------------------------------------------------------------------------------------------


def gaussian_steps(run, x_t, t, s):
    """Gaussians in the place of the true q(x_s|x_t), from one x_t (2,) in model space, by the oracle, by name.

    "posterior" and "beta" are eq. 13 with the variances β̃_t and β_t, "second_moment" has the right covariance. All
    three have the right mean. For s > 0.
    """
    x = x_t.view(1, 1, 2)
    x0, covariance = mean_and_covariance_of_x0(run.exact, run.schedule, x, t, None)
    c, k, v = posterior_of_step(run.schedule, t, s)
    alphas_cumprod, eye = run.schedule.alphas_cumprod, torch.eye(2, dtype=torch.float64)
    beta = 1 - float(alphas_cumprod[t] / alphas_cumprod[s])
    covariances = {"posterior": v * eye, "beta": beta * eye, "second_moment": v * eye + c**2 * covariance[0]}
    mean = (c * x0 + k * x).view(2)
    return {name: MultivariateNormal(mean, covariance) for name, covariance in covariances.items()}


def between_the_modes(run, t):
    """The x_t (2,) in model space on the line through the two heaviest modes of q(x_t), where they are equally likely.

    Raises ValueError unless there are two modes with a weight, of the same width.
    """
    noisy = run.mixture.diffused(run.schedule.alphas_cumprod[t])
    heaviest = noisy.weights.argsort(descending=True, stable=True)[:2].sort().values
    weights, std = noisy.weights[heaviest], noisy.std[heaviest]
    if len(weights) < 2 or weights.min() == 0 or std[0] != std[1]:
        raise ValueError("there is a place between the modes if two of them have a weight, and the same width")
    first, second = noisy.means[heaviest]
    apart = second - first
    log_odds = float((weights[0] / weights[1]).log())
    return (first + second) / 2 + float(std[0] ** 2) * log_odds / apart.square().sum() * apart


def step_divergences(run, t, s, x_t=None):
    """KL(q(x_s|x_t) ‖ Gaussian) in nats for each of `gaussian_steps` from x_t (2,), or else `between_the_modes`."""
    x_t = between_the_modes(run, t) if x_t is None else x_t
    truth = run.mixture.reverse_kernel(x_t, *run.schedule.alphas_cumprod[[t, s]])
    return {name: kl_divergence(truth, step.log_prob) for name, step in gaussian_steps(run, x_t, t, s).items()}


def mean_step_divergences(run, t, s, n=12):
    """The mean of `step_divergences` over q(x_t), by quadrature with n² points for each mode."""
    names = list(step_divergences(run, t, s))

    def at_points(x):
        rows = [list(step_divergences(run, t, s, x_t).values()) for x_t in x.view(-1, 2)]
        return torch.tensor(rows, dtype=torch.float64).view(*x.shape[:-1], len(names))

    means = expectation(run.mixture.diffused(run.schedule.alphas_cumprod[t]), at_points, n)
    return dict(zip(names, means.tolist(), strict=True))
