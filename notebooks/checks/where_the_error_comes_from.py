"""The checks of the exercises of notebook 07, Where the error comes from."""

import math
from collections import deque
from dataclasses import replace
from functools import cache

import torch

from checks.common import RIGHT, SO_FAR, UNANSWERED, number, number_or_mistake, wrong_shape
from evaluation.committed import CHECKPOINTS, experiment
from evaluation.flow_density import STANDARD_NORMAL
from evaluation.metrics import EVALUATION_SEED, energy_distance_floor
from exact.error_ledger import between_the_modes, quality
from exact.quadrature import kl_divergence
from experiments import two_pixel
from gmm import GaussianMixture
from utils import Training, cosine_schedule


def kl_at_the_end(function, class_0):
    """KL(N(√ᾱ μ, (ᾱσ² + 1-ᾱ) I) ‖ N(0, I)) of two pixels, and that of class 0 on the linear schedule of 50 steps."""

    def closed_form(v, distance_squared, d=2):
        return (d * v + distance_squared - d - d * math.log(v)) / 2

    for mu, sigma, alpha_bar in (([0.5, -1.0], 0.6, 0.6), ([-1.2, 0.4], 0.2, 0.3), ([0.0, 0.8], 1.5, 0.8)):
        mu, squared = torch.tensor(mu, dtype=torch.float64), sum(m**2 for m in mu)
        v, shrunk = alpha_bar * sigma**2 + 1 - alpha_bar, alpha_bar * squared
        q = GaussianMixture(mu[None], sigma, [1.0]).diffused(alpha_bar)
        truth = kl_divergence(q, STANDARD_NORMAL.log_prob)
        answer = function(mu, torch.tensor(sigma).double(), torch.tensor(alpha_bar).double())
        if answer is ...:
            return UNANSWERED
        mistakes = {
            "That is KL(N(0, I) ‖ q), the other way round.": kl_divergence(STANDARD_NORMAL, q.log_prob),
            "That is for x_0: put the mean and the variance of x_T.": closed_form(sigma**2, squared),
            "The mean of x_T is √ᾱ_T μ, not μ.": closed_form(v, squared),
            "The variance of x_T has two parts: ᾱ_T σ² of the image, and 1-ᾱ_T of the noise.": closed_form(
                alpha_bar * sigma**2, shrunk
            ),
            "That is twice the divergence.": 2 * closed_form(v, shrunk),
            "Two pixels: v, 1 and log v count once for each.": closed_form(v, shrunk, d=1),
            "The mean of x_T is missing.": closed_form(v, 0.0),
            "The variance of the image is σ², not σ.": closed_form(alpha_bar * sigma + 1 - alpha_bar, shrunk),
            "log v counts once for each pixel, and half: the log of √v, twice.": closed_form(v, shrunk)
            + math.log(v) / 2,
        }
        line = number("my_kl", answer, truth, 1e-6 * truth, "")
        if line != RIGHT:
            hints = (hint for hint, value in mistakes.items() if number("", answer, float(value), 1e-6, "") == RIGHT)
            hint = f"For μ = {mu.tolist()}, σ = {sigma} and ᾱ_T = {alpha_bar} it is {truth:.4f}."
            return next(hints, line + hint if "asked for" not in line else line)
    if class_0 is ...:
        return "my_kl is right. Now class 0 on the linear schedule."
    run = two_pixel.TwoPixel(two_pixel.Config(T=50, schedule="linear"))
    q = run.mixture.given_label(0).diffused(run.schedule.alphas_cumprod[50])
    truth = kl_divergence(q, STANDARD_NORMAL.log_prob)
    cosine = run.mixture.given_label(0).diffused(cosine_schedule(50).alphas_cumprod[50])
    mistakes = {"That is with ᾱ_T of the cosine schedule.": kl_divergence(cosine, STANDARD_NORMAL.log_prob)}
    hint = "Class 0 in model space has the mean mixture.means[0] and σ mixture.std[0] of run_of('linear', 50)."
    return number_or_mistake("kl_of_class_0", class_0, truth, 0.005, mistakes, hint)


def missing_variance(function, share):
    """Cov[x_{t-1}|x_t] - β̃_t I = (√ᾱ_{t-1} β_t/(1-ᾱ_t))² Cov[x_0|x_t]; its share along the modes at t = 20 of 50."""
    run, eye = two_pixel.TwoPixel(two_pixel.Config(T=5)), torch.eye(2, dtype=torch.float64)
    schedule, mixture = run.schedule, run.mixture
    alphas_cumprod = schedule.alphas_cumprod
    for t in (2, 3, 4):
        x_t, _ = mixture.diffused(alphas_cumprod[t]).sample(20, torch.Generator().manual_seed(0))
        of_x0 = mixture.given_noisy(x_t, alphas_cumprod[t]).covariance()
        whole = mixture.reverse_kernel(x_t, alphas_cumprod[t], alphas_cumprod[t - 1]).covariance()
        truth = whole - schedule.posterior_variance[t] * eye
        output = function(schedule, t, of_x0.clone())
        if (shape := wrong_shape("missing_variance", output, truth)) != RIGHT:
            return shape
        output = output.double()
        c = alphas_cumprod[t - 1].sqrt() * schedule.betas[t] / (1 - alphas_cumprod[t])
        mistakes = {
            RIGHT: truth,
            "That is the whole covariance of x_{t-1}; asked for is what β̃_t leaves out.": whole,
            "A factor c of x_0 multiplies its covariance by c².": c * of_x0,
            "It is √ᾱ_{t-1}, not √ᾱ_t.": schedule.alphas[t] * truth,
            "That is the covariance of x_0; with which factor does x_0 enter x_{t-1}?": of_x0,
        }
        line = next((line for line, mistake in mistakes.items() if torch.allclose(output, mistake)), None)
        if line is None:
            return f"Not what is missing: at t = {t} of 5 it is off by {(output - truth).abs().mean():.3f} on average."
        if line != RIGHT:
            return line
    if share is ...:
        return "missing_variance is right. Now the share at t = 20 of 50."
    run = two_pixel.TwoPixel(two_pixel.Config(T=50))
    alphas_cumprod = run.schedule.alphas_cumprod
    kernel = run.mixture.reverse_kernel(between_the_modes(run, 20), alphas_cumprod[20], alphas_cumprod[19])
    along = torch.linalg.eigvalsh(kernel.covariance())[-1]
    truth = float(1 - run.schedule.posterior_variance[20] / along)
    hint = "The missing variance along the modes, over all of it: β̃_t and what is missing together."
    return number("share_missing", share, truth, 0.005, hint)


@cache
def patients():
    """Four runs with one fault each, or none: energy distances, in noise floors, as the ledger has them."""
    hasty = two_pixel.TwoPixel(two_pixel.Config(T=50, steps=200))
    training = Training(hasty.network, hasty.config.steps, hasty.config.lr, hasty.generator(1))
    deque(training.run(hasty.loss), maxlen=0)
    hasty.network.eval()
    wide = experiment(50)
    wide.config = replace(wide.config, variance="beta")
    runs = {"A": hasty, "B": wide, "C": two_pixel.load(CHECKPOINTS / "homework-linear-T50"), "D": experiment(10)}
    floor = energy_distance_floor(wide.world, 5000)

    def row(run):
        ways = {"network": (run.denoiser(), False), "oracle": (run.oracle(), False), "exact": (run.oracle(), True)}
        found = {way: quality(run, denoiser, EVALUATION_SEED, exact) for way, (denoiser, exact) in ways.items()}
        return {way: result["energy_distance"] / floor for way, result in found.items()}

    return {letter: row(run) for letter, run in runs.items()}


def whose_fault(answers):
    """The largest part of each patient's ledger, or none where all of it is within three noise floors."""
    if set(answers) != set(patients()):
        return f"Say for each of {', '.join(patients())} whose fault it is."
    for letter, row in patients().items():
        parts = {
            "network": row["network"] - row["oracle"],
            "prior": row["oracle"] - row["exact"],
            "steps": row["exact"],
            "none": 3.0,
        }
        if answers[letter] is ...:
            return UNANSWERED if letter == "A" else SO_FAR
        if answers[letter] not in parts:
            return f"{answers[letter]!r} is none of {', '.join(parts)}."
        if answers[letter] != max(parts, key=parts.get):
            shares = ", ".join(f"{name} {value:.1f}" for name, value in parts.items() if name != "none")
            return f"{letter} is something else. Its error in parts, in noise floors: {shares}."
    return RIGHT
