"""The checks of the exercises: each takes a student's answer and returns a line that says what is wrong with it.

No answer is written down here: what is right is computed from the modules, and an answer that is a function is tried.
"""

import math
from collections import deque
from dataclasses import replace
from functools import cache

import torch
from broken import BUGS, SAMPLERS
from instruments import energy_of_samples, expected_std
from scipy.optimize import brentq

import samplers
from evaluation.committed import CHECKPOINTS, experiment, mnist_samples
from evaluation.digit_classifier import in_batches, load_classifier
from evaluation.images import CLASSIFIERS
from evaluation.metrics import EVALUATION_SEED, class_spread, energy_distance_floor
from exact.error_ledger import STANDARD_NORMAL, between_the_modes, quality
from exact.finite_set import counted_bits_posterior, mixed_posterior, posterior_mean
from exact.guided_target import tilt, tilted_moments
from exact.information import mutual_information
from exact.quadrature import expectation, kl_divergence
from experiments import two_pixel
from experiments.data import glyphs, sprites
from experiments.distillation import x0_of_one_step
from gmm import WORLDS, GaussianMixture
from samplers import last
from small_systems.barebones import generate, mix
from small_systems.naive import clean_share
from utils import (
    Training,
    add_noise,
    classifier_free_guidance,
    classifier_guidance,
    cosine_schedule,
    linear_schedule,
    reverse_step,
    reverse_variance,
    sample,
    x0_from_eps,
)

UNANSWERED = "Nothing to check yet: put your answer where the ... is, and run that cell again."
RIGHT = "Right."
SO_FAR = "Right so far. Now what is left: put your answer where the ... is."


def number(name, answer, truth, tolerance, hint):
    """The verdict on one number: right within the tolerance, else on which side it lies, and a hint."""
    if answer is ...:
        return UNANSWERED
    try:
        answer = float(answer)
    except (TypeError, ValueError, RuntimeError):
        shape = f"a tensor of shape {tuple(answer.shape)}" if torch.is_tensor(answer) else f"{answer!r:.60}"
        return f"{name}: a number is asked for, not {shape}."
    if abs(answer - truth) <= tolerance:
        return RIGHT
    return f"{name} = {answer:g} is too {'large' if answer > truth else 'small'}. {hint}"


def verdict(*lines):
    """The first line that is not `RIGHT`, or `RIGHT`; of several answers the first may be given alone."""
    line = next((line for line in lines if line != RIGHT), RIGHT)
    return SO_FAR if line == UNANSWERED and lines[0] == RIGHT else line


def wrong_shape(name, output, like):
    """A line that says that a function returned something else than a tensor like `like`; `RIGHT` if it did not."""
    if output is ...:
        return UNANSWERED
    if not torch.is_tensor(output):
        return f"{name} should return a tensor, but returned {output!r}."
    if output.shape != like.shape:
        return f"{name} should return the shape {tuple(like.shape)}, but returned {tuple(output.shape)}."
    return RIGHT


# --- 00 -----------------------------------------------------------------------------------------------------------


def fitted_too_small(n):
    """The n whose fitted variance is 2.5 % too small on average: (n-1)/n = 0.975."""
    if n is ...:
        return UNANSWERED
    return number("n", n, 40, 0, "The mean of the fitted variance is (n-1)/n times the true one.")


def noise_with_steps(share_alpha, share_alpha_bar):
    """√(1-α_t) and √(1-ᾱ_t) at t = 100 of T = 200: the noise in z_t by the text's formula and by the right one."""
    schedule = cosine_schedule(200)
    at_half = float((1 - schedule.alphas[100]).sqrt()), float((1 - schedule.alphas_cumprod[100]).sqrt())
    return verdict(
        number("share_alpha", share_alpha, at_half[0], 1e-3, "√(1-α_t), with α_t = 1-β_t of that step alone."),
        number("share_alpha_bar", share_alpha_bar, at_half[1], 1e-3, "√(1-ᾱ_t), with ᾱ_t the product of all steps."),
    )


def lazy_accuracy(accuracy, balanced):
    """A judge that says left-right always: its accuracy among the two structures, and its balanced accuracy."""
    _, test = glyphs()
    left_right = float((test.labels[test.labels < 2] == 0).double().mean())
    return verdict(
        number("accuracy", accuracy, left_right, 1e-3, "The share of left-right among the two in the test set."),
        number("balanced", balanced, 0.5, 1e-9, "The mean of its accuracies on the two structures."),
    )


# --- 01 -----------------------------------------------------------------------------------------------------------


def steps_until_noise(steps):
    """The first T with (1 - 1/1024)^{32 T} < 0.01."""
    if steps is ...:
        return UNANSWERED
    first = next(T for T in range(1, 1000) if clean_share(T, 32, 1024) < 0.01)
    return number("steps_needed", steps, first, 0, "Solve (1 - 1/N)^{kT} < 0.01 with N = 1024 pixels.")


def renoising_step(function):
    """Every pixel of f's answer is ½, so the pixels that are not are the noise of the next z."""
    asked = []

    def f(z, level):
        asked.append(level)
        return torch.full_like(z, 0.5)

    z = torch.randint(0, 2, (50, 1, 8, 8), generator=torch.Generator().manual_seed(0)).float()
    output = function(f, z, 48, 16, torch.Generator().manual_seed(1))
    if (shape := wrong_shape("renoising_step", output, z)) != RIGHT:
        return shape
    if not asked:
        return "The step never asks f."
    level = torch.as_tensor(asked[0], dtype=torch.float32)
    if level.shape != (50,) or not torch.allclose(level, torch.tensor(48 / 64)):
        return "f wants to know how much of z is noise: t over the number of pixels, once for each image, shape (B,)."
    places = output != 0.5
    noisy = places.sum((1, 2, 3))
    if (noisy == 64).all():
        return "All of z is still coins: the noise was put on z, and f's answer was thrown away."
    if not (noisy > 0).any():
        return "There is no noise on it: f's answer is only half of the step."
    if not (noisy == 16).all():
        least, most = int(noisy.min()), int(noisy.max())
        return (
            f"Tried with t = 48 and left = 16: of each image 16 pixels should be noise, in yours {least} to {most} are."
        )
    if (places == places[:1]).all():
        return "Every image has its noise at the same places."
    if abs(float(output[places].mean()) - 0.5) > 0.07 or (output[places] == z[places]).all():  # 800 coins: ± 0.018
        return "The noise should be fresh coins, black or white with equal chance."
    return RIGHT


def which_image(probabilities):
    """Of 0000, 0111, 1111 behind 0001 with two of four pixels turned into coins."""
    if probabilities is ...:
        return UNANSWERED
    images = torch.tensor([[0, 0, 0, 0], [0, 1, 1, 1], [1, 1, 1, 1]]).float().view(3, 1, 1, 4)
    truth = counted_bits_posterior(images, torch.tensor([0, 0, 0, 1]).float().view(1, 1, 1, 4), 2)[0]
    if not isinstance(probabilities, (list, tuple)) or len(probabilities) != 3:
        return f"Three probabilities in a list are asked for, not {probabilities!r}."
    if all(isinstance(p, (int, float)) for p in probabilities) and abs(sum(probabilities) - 1) > 0.01:
        return f"The three should sum to 1; yours sum to {sum(probabilities):g}."
    hint = "In how many ways can two pixels be chosen so that all that differ are among them?"
    names = ("that of 0000", "that of 0111", "that of 1111")
    return verdict(*(number(n, p, float(q), 5e-3, hint) for n, p, q in zip(names, probabilities, truth, strict=True)))


# --- 02 -----------------------------------------------------------------------------------------------------------


def weight_of_first_guess(weight_of_noise, weight_of_guess):
    """After three of S = 4 steps: ¼ of the noise, and 1/12, 1/6 and 1/2 of the guesses."""
    one, zero = torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)
    *_, (noise, _), _ = generate(lambda z, level: zero, one, 4)
    *_, (guess, _), _ = generate(lambda z, level: one if float(level[0]) == 1 else zero, zero, 4)
    return verdict(
        number("weight_of_noise", weight_of_noise, float(noise), 1e-3, "Multiply the α of the first three steps."),
        number(
            "weight_of_guess", weight_of_guess, float(guess), 1e-3, "It enters with 1-α, and then shrinks with each α."
        ),
    )


def loss_from_pure_noise(loss):
    """The variance of the pixels of the training sprites."""
    if loss is ...:
        return UNANSWERED
    train, _ = sprites()
    images = torch.cat([train.images, train.images.flip(3)])
    truth = float(images.var(0, correction=0).mean())
    hint = (
        "The best constant guess is the mean (of system.train, with its mirror images); what is its mean squared error?"
    )
    return number("loss", loss, truth, 1e-5, hint)


def exact_guess(function):
    """The mean of the images that could have been mixed with uniform noise into z."""
    images = torch.tensor([0.0, 0.3, 1.0]).view(3, 1, 1, 1)
    for level in (0.9, 0.7, 0.5, 0.2):
        x = images[torch.arange(30) % 3]
        z = mix(x, torch.rand(x.shape, generator=torch.Generator().manual_seed(0)), torch.full((30,), level))
        truth = posterior_mean(images, mixed_posterior(images, z, level))
        output = function(images, z, level)
        if (shape := wrong_shape("exact_guess", output, truth)) != RIGHT:
            return shape
        output = output.to(truth)
        if output.isnan().any():
            return f"At level {level} your code finds no image possible for some z. Is it (z - (1 - level) x) / level?"
        if torch.allclose(output, images.mean().expand_as(truth)) and not torch.allclose(output, truth):
            return "That is the mean of all images. Which of them could have been mixed into z?"
        if not torch.allclose(output, truth, atol=1e-5):
            off = (output - truth).abs().max()
            return f"Not the mean of the possible images: at level {level} it is off by {off:.2f}."
    return RIGHT


# --- 03 -----------------------------------------------------------------------------------------------------------


def half_noise(at_50, at_200):
    """First step with ᾱ_t < ½ for T = 50 and T = 200."""
    lines = []
    for T, answer in ((50, at_50), (200, at_200)):
        first = int((cosine_schedule(T).alphas_cumprod < 0.5).nonzero()[0])
        lines.append(number(f"the step for T = {T}", answer, first, 0, "Look for the first t with ᾱ_t < 0.5."))
    return verdict(*lines)


def denoised_mean(function):
    """E[x_0|x_t] = (x_t + (1-ᾱ_t) ∇log q(x_t)) / √ᾱ_t."""
    world, alpha_bar = WORLDS["homework"], cosine_schedule(50).alphas_cumprod[20]
    x_t, _ = world.diffused(alpha_bar).sample(100, torch.Generator().manual_seed(0))
    score, truth = world.diffused(alpha_bar).score(x_t), world.given_noisy(x_t, alpha_bar).mean()
    output = function(x_t.clone(), alpha_bar, score.clone())
    if (shape := wrong_shape("denoised_mean", output, truth)) != RIGHT:
        return shape
    output = output.double()
    mistakes = {
        RIGHT: truth,
        "The score has the wrong sign: it points towards the images, as x̂_0 does.": 2 * x_t / alpha_bar.sqrt() - truth,
        "1/√ᾱ_t is missing: x_t still is an image shrunk by √ᾱ_t.": truth * alpha_bar.sqrt(),
        "The score wants the factor 1-ᾱ_t: one √(1-ᾱ_t) from ε*, one from eq. 3.": (
            x_t + (1 - alpha_bar).sqrt() * score
        )
        / alpha_bar.sqrt(),
    }
    for line, mistake in mistakes.items():
        if torch.allclose(output, mistake):
            return line
    return f"Not E[x_0|x_t]: at t = 20 of 50 it is off by {(output - truth).abs().mean():.3f} on average."


def broken_noise(function, variance_at_T):
    """√ᾱ_t x_0 + √ᾱ_t ε, and the variance of its pixels at t = T: ᾱ_T (1 + Var x_0), next to nothing."""
    world, schedule = WORLDS["homework"], cosine_schedule(50)
    random = torch.Generator().manual_seed(0)
    x_0, _ = world.sample(20_000, random)
    eps = torch.randn(x_0.shape, generator=random, dtype=torch.float64)
    output = function(schedule, x_0, 25, eps)
    if (shape := wrong_shape("broken_add_noise", output, x_0)) != RIGHT:
        return shape
    a = schedule.sqrt_alphas_cumprod[25]
    if torch.allclose(output, a * x_0 + (1 - a**2).sqrt() * eps):
        return "broken_add_noise is the correct code: the bug has √ᾱ_t before ε as well."
    if not torch.allclose(output, a * (x_0 + eps)):
        return "broken_add_noise is neither the correct code nor the bug, √ᾱ_t x_0 + √ᾱ_t ε."
    if variance_at_T is ...:
        return "broken_add_noise is the bug. Now the variance of its x_T."
    truth = float(function(schedule, x_0, schedule.T, eps).var())
    return number("variance_at_T", variance_at_T, truth, 1e-5, "What is ᾱ_T, and so what is left of both terms?")


# --- 04 -----------------------------------------------------------------------------------------------------------


def floor_without_labels(answer):
    """The average of the unlabelled ε-floor over t = 1 … 50, in model space."""
    if answer is ...:
        return UNANSWERED
    run = two_pixel.TwoPixel(two_pixel.Config(T=50))
    unlabelled, labelled = run.loss_floors
    in_pixels = sum(run.world.loss_floor(a) for a in run.schedule.alphas_cumprod[1:]) / run.schedule.T
    mistakes = {
        "That is the floor with label, but this network never sees one.": float(labelled.mean()),
        "That is the floor of v-prediction with some labels dropped.": run.training_floor(),
        "That is the floor in raw intensities (notebook 03); the network works in model space.": in_pixels,
    }
    for line, mistake in mistakes.items():
        if number("", answer, mistake, 5e-4, "") == RIGHT:
            return line
    return number("floor_without_labels", answer, float(unlabelled.mean()), 5e-4, "Average the floors over all steps.")


def dropped_labels(function, std_correct, std_broken):
    """One coin for n labels: standard deviation n √(p(1-p)); n coins: √(n p (1-p))."""
    n, p, random = 512, 0.3, torch.Generator().manual_seed(0)
    y = torch.zeros(n, dtype=torch.int64)
    outputs = [function(y, p, 2, random) for _ in range(200)]
    if (shape := verdict(*(wrong_shape("broken_drop_labels", output, y) for output in outputs))) != RIGHT:
        return shape
    counts = {int((output == 2).sum()) for output in outputs}
    if y.any():
        return "Your function changed the caller's labels in place: that is a bug of its own. Work on a copy."
    if not counts <= {0, n}:
        return f"The bug drops all {n} labels or none, but yours dropped {max(counts - {0, n})} of them."
    share = sum(int((output == 2).all()) for output in outputs) / len(outputs)
    if abs(share - p) > 4 * (p * (1 - p) / len(outputs)) ** 0.5:
        return f"All labels should be dropped in a share {p} of the batches, not in {share:.2f}."
    if ... in (std_correct, std_broken):
        return "broken_drop_labels is the bug. Now the two standard deviations."
    coin = (p * (1 - p)) ** 0.5
    return verdict(
        number("std_correct", std_correct, n**0.5 * coin, 0.5, "n independent coins: their variances add up."),
        number("std_broken", std_broken, n * coin, 5, "One coin decides for all n: the count is n times that coin."),
    )


def mean_and_median(guess_l2, guess_l1):
    """Mean and median of -1 with probability 0.35 and +1 with 0.65."""
    return verdict(
        number("guess_l2", guess_l2, 0.65 - 0.35, 1e-6, "L2 is least at the mean."),
        number("guess_l1", guess_l1, 1.0, 1e-6, "L1 is least at the median: the value with half of the mass below it."),
    )


# --- 05 -----------------------------------------------------------------------------------------------------------


def reverse_step_13(function):
    """Eq. 13 against utils.reverse_step at every t, with the same noise."""
    schedule = cosine_schedule(10)
    x_t, eps = torch.randn(2, 20, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    z = torch.randn(20, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for t in (1, 2, 5, 10):
        beta, alpha, alpha_bar = (table[t] for table in (schedule.betas, schedule.alphas, schedule.alphas_cumprod))
        steps, same_z = torch.full((len(x_t),), t), torch.Generator().manual_seed(1)
        truth = reverse_step(lambda *_: eps, schedule, x_t, steps, None, same_z)
        sigma = schedule.posterior_variance[t].sqrt()
        mean = truth - sigma * z
        given = x_t.clone()
        output = function(eps, schedule, given, t, z)
        if (shape := wrong_shape("my_reverse_step", output, x_t)) != RIGHT:
            return shape
        if not torch.equal(given, x_t):
            return "Your function changed the x_t that it was given. Work on a copy."
        output = output.double()
        mistakes = {
            RIGHT: truth,
            f"There is no noise in it at t = {t}.": mean,
            "The noise is multiplied by the variance; it wants the standard deviation.": mean + sigma**2 * z,
            "The noise has variance β_t; eq. 13 of the homework takes β̃_t.": mean + beta.sqrt() * z,
            "The division by √α_t is missing, in the mean.": mean * alpha.sqrt() + sigma * z,
            "The division is by √α_t, not by √ᾱ_t.": mean * (alpha / alpha_bar).sqrt() + sigma * z,
        }
        line = next((line for line, mistake in mistakes.items() if torch.allclose(output, mistake)), None)
        if line is None:
            return f"Not eq. 13: at t = {t} of 10 it is off by {(output - truth).abs().mean():.3f} on average."
        if line != RIGHT:
            return line
    return RIGHT


def which_bug(bugs, noticed, run):
    """Which sampler of `broken` has which bug, and how many of them the samples betray."""
    if ... in bugs.values():
        return UNANSWERED
    if set(bugs) != set(SAMPLERS):
        return f"Say for each of {', '.join(SAMPLERS)} which bug it has."
    for letter, bug in bugs.items():
        if bug not in BUGS:
            return f"{bug!r} is none of {', '.join(BUGS)}."
        if SAMPLERS[letter] is not BUGS[bug]:
            return f"{letter} is not the one with the bug {bug!r}. Look again at its width and at its steps."
    if noticed is ...:
        return "All four are right. Now count the bugs that the samples betray."
    reference = energy_of_samples(BUGS["none"], run)
    worse = sum(energy_of_samples(sampler, run) > reference + 2 for bug, sampler in BUGS.items() if bug != "none")
    return number("noticed_in_the_samples", noticed, worse, 0, "Compare each energy distance with the right sampler's.")


def width_without_noise(answer):
    """σ of eq. 13 without noise, in a world of one Gaussian with σ = 0.2."""
    if answer is ...:
        return UNANSWERED
    schedule = cosine_schedule(50)
    truth = expected_std(schedule, 0.2, 0 * schedule.betas)
    return number("width_without_noise", answer, truth, 0.1 * truth, "Give expected_std a table of zeros as variance.")


# --- 06 -----------------------------------------------------------------------------------------------------------

SIGMA = 0.55  # of the one Gaussian


def best_lambda(answer):
    """λ for which β̃^(1-λ) β^λ gives the right σ at T = 10."""
    if answer is ...:
        return UNANSWERED
    schedule = cosine_schedule(10)
    low, high = (reverse_variance(schedule, name) for name in ("posterior", "beta"))

    def surplus(x):
        return expected_std(schedule, SIGMA, low ** (1 - x) * high**x) - SIGMA

    verdict_on_lam = number("lam", answer, brentq(surplus, 0, 1), 0.006, "")
    if verdict_on_lam == RIGHT or "asked for" in verdict_on_lam:
        return verdict_on_lam
    return f"The samples of T = 10 get σ = {SIGMA + surplus(float(answer)):.4f} with that, where {SIGMA} is right."


def image_left(answer):
    """√ᾱ_50 of the linear schedule that was made for T = 1000."""
    if answer is ...:
        return UNANSWERED
    schedule = linear_schedule(50)
    if number("", answer, float(schedule.alphas_cumprod[50]), 0.001, "") == RIGHT:
        return "That is ᾱ_T; the image is multiplied by its square root."
    truth = float(schedule.sqrt_alphas_cumprod[50])
    return number("image_left", answer, truth, 0.005, "Look at sqrt_alphas_cumprod of that schedule.")


def steps_for_one_percent(T_posterior, T_beta):
    """The least T from which on σ is within 1 % of the truth, for either variance."""

    def least(name):
        T, error = 400, 0.0  # many enough for either
        while error <= 0.01 * SIGMA:
            T -= 1
            schedule = cosine_schedule(T)
            error = abs(expected_std(schedule, SIGMA, reverse_variance(schedule, name)) - SIGMA)
        return T + 1

    hint = f"Take the first T from which on |σ - {SIGMA}| is at most {0.01 * SIGMA:.4f}."
    return verdict(
        number("T_posterior", T_posterior, least("posterior"), 0, hint),
        number("T_beta", T_beta, least("beta"), 0, hint),
    )


# --- 07 -----------------------------------------------------------------------------------------------------------


def translate_guidance(w_of_default, w_without_label):
    """g = 1 + w."""
    hint = "Write ε(∅) + g (ε(y) - ε(∅)) as (…) ε(y) - (…) ε(∅), and compare with eq. 18."
    return verdict(
        number("w_of_default", w_of_default, 6.5, 1e-9, hint),
        number("w_without_label", w_without_label, -1, 1e-9, hint),
    )


def wrong_sign(function, ends_in_class):
    """ε + s √(1-ᾱ) ∇ log f: the samples flee the class that was asked for."""
    run, random = two_pixel.TwoPixel(two_pixel.Config(T=50)), torch.Generator().manual_seed(0)
    eps, gradient = torch.randn(2, 20, 2, generator=random)
    alpha_bar = run.schedule.alphas_cumprod[30].float()
    output = function(eps, gradient, alpha_bar, 2.0)
    if (shape := wrong_shape("broken_guidance", output, eps)) != RIGHT:
        return shape
    step = 2.0 * (1 - alpha_bar).sqrt() * gradient
    if torch.allclose(output, eps - step):
        return "broken_guidance is the correct code: the bug adds the gradient."
    if not torch.allclose(output, eps + step):
        return "broken_guidance is neither the correct code nor the bug, ε + s √(1-ᾱ_t) ∇ log f."
    if ends_in_class is ...:
        return "broken_guidance is the bug. Now where the images go."
    y = torch.zeros(200, dtype=torch.int64)
    fleeing = run.clipped(classifier_guidance(run.exact, run.exact.log_posterior, run.schedule, scale=-2.0))
    x_0 = run.to_pixels(sample(fleeing, run.schedule, run.noise(200, random), y, random))
    truth = int(run.world.posterior(x_0).argmax(1).double().mean() > 0.5)
    if ends_in_class != truth:
        return f"Not in class {ends_in_class}. The gradient points towards y, and ε̂ is what is taken away from x_t."
    return RIGHT


def clip_and_guide(before, after):
    """(1+w) x̂_0(y) - w x̂_0(∅) with clipping to [-1, 1] before, and after."""
    labelled, unlabelled, w = torch.tensor(1.2), torch.tensor(0.2), 1.0
    early = (1 + w) * labelled.clamp(-1, 1) - w * unlabelled.clamp(-1, 1)
    late = ((1 + w) * labelled - w * unlabelled).clamp(-1, 1)
    hint = "(1+w) x̂_0(y) - w x̂_0(∅), and a value held in [-1, 1]: which comes first?"
    return verdict(
        number("clipped_before", before, float(early), 1e-6, hint),
        number("clipped_after", after, float(late), 1e-6, hint),
    )


# --- 08 -----------------------------------------------------------------------------------------------------------


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


# --- 09 -----------------------------------------------------------------------------------------------------------


def same_or_mistake(name, output, mistakes):
    """The line of the first tensor among the mistakes (a dict by line) that the output is; how far off it is, else."""
    if (shape := wrong_shape(name, output, mistakes[RIGHT])) != RIGHT:
        return shape
    output = output.to(mistakes[RIGHT])
    line = next((line for line, mistake in mistakes.items() if torch.allclose(output, mistake)), None)
    return line or f"{name} is off by {(output - mistakes[RIGHT]).abs().mean():.3f} on average."


def ddim_step(function):
    """x_s = a_s x̂_0 + b_s ε̂, for a short and a long step."""
    schedule, random = cosine_schedule(50), torch.Generator().manual_seed(0)
    x_t, eps = torch.randn(2, 20, 2, generator=random, dtype=torch.float64)
    for t, s in ((20, 19), (40, 10), (30, 0)):
        truth = last(samplers.ddim(lambda *_: eps, schedule, [t, s], x_t, None, random))
        (a_t, b_t), (a_s, b_s) = (samplers.coefficients(schedule, step) for step in (t, s))
        x0 = (x_t - b_t * eps) / a_t
        given = x_t.clone()
        output = function(eps, schedule, given, t, s)
        if not torch.equal(given, x_t):
            return "Your function changed the x_t that it was given. Work on a copy."
        mistakes = {
            RIGHT: truth,
            "That is x̂_0. Now noise it again, to the level of s.": x0,
            "The noise of s is missing: b_s ε̂.": a_s * x0,
            "The noise is to be that of s, not of t.": a_s * x0 + b_t * eps,
            "x̂_0 is to be multiplied by a_s.": x0 + b_s * eps,
            "x̂_0 is (x_t - b_t ε̂)/a_t, with the a and b of t.": x_t,
            "x̂_0 is (x_t - b_t ε̂)/a_t, with the b of t, too.": a_s * (x_t - b_s * eps) / a_t + b_s * eps,
            "In x̂_0, the division by a_t is missing.": a_s * (x_t - b_t * eps) + b_s * eps,
        }
        if (line := same_or_mistake("my_ddim_step", output, mistakes)) != RIGHT:
            return line
    return RIGHT


def covariance_from_slope(function):
    """b²/a² (I - b J): the Jacobian of x̂_0 = (x_t - b ε̂)/a, times b²/a."""
    world, alpha_bar, identity = WORLDS["overlapping"], cosine_schedule(50).alphas_cumprod[30], torch.eye(2).double()
    x_t, _ = world.diffused(alpha_bar).sample(50, torch.Generator().manual_seed(0))
    J = torch.func.vmap(torch.func.jacrev(lambda x: world.best_eps(x, alpha_bar)))(x_t)
    truth = world.given_noisy(x_t, alpha_bar).covariance()
    a, b = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    mistakes = {
        RIGHT: truth,
        "That is ∂x̂_0/∂x_t. Tweedie's second formula multiplies it by (1-ᾱ_t)/√ᾱ_t.": truth * a / b**2,
        "A 1/√ᾱ_t is missing: one is in x̂_0, one in Tweedie's second formula.": truth * a,
        "The factor is (1-ᾱ_t)/√ᾱ_t, not √(1-ᾱ_t)/√ᾱ_t.": truth / b,
        "x_t itself changes, too: where is the I of ∂x̂_0/∂x_t?": truth - (b / a) ** 2 * identity,
        "More noise predicted, less image: J enters with a minus.": 2 * (b / a) ** 2 * identity - truth,
        "ε̂ stands in x̂_0 with the factor √(1-ᾱ_t).": (b / a) ** 2 * (identity - J),
        "1 - b J takes J from a 1 at every place; I is the identity, torch.eye(2).": (b / a) ** 2 * (1 - b * J),
        "x̂_0 divides by √ᾱ_t, and so does Tweedie's second formula: together by ᾱ_t.": truth * a**2,
    }
    return same_or_mistake("covariance_of_x0", function(J.clone(), alpha_bar), mistakes)


def taught_x0(function):
    """(x_s - r x_t)/(a_s - r a_t) with r = b_s/b_t, as `distillation` has it."""
    schedule, random = cosine_schedule(50), torch.Generator().manual_seed(0)
    x_t, x_s = torch.randn(2, 20, 2, generator=random, dtype=torch.float64)
    for t, s in ((40, 30), (20, 0)):
        truth = x0_of_one_step(schedule, x_t, torch.full((20,), t), x_s, torch.full((20,), s))
        a_t, b_t, a_s, b_s = (torch.as_tensor(x) for step in (t, s) for x in samplers.coefficients(schedule, step))
        r = b_s / b_t
        mistakes = {
            RIGHT: truth,
            "The teacher's point is x_s; the student predicts an image, x̃_0.": x_s,
            "The divisor is not a_s alone: x̃_0 stands in ε̃, too.": (x_s - r * x_t) / a_s,
            "The noise that is left in x_s is b_s ε̃, and ε̃ has a 1/b_t.": (x_s - b_s * x_t) / (a_s - b_s * a_t),
            "x̃_0 enters ε̃ with a minus.": (x_s - r * x_t) / (a_s + r * a_t),
            "t and s are mixed up: the noise shrinks from b_t to b_s.": (x_s - x_t / r) / (a_s - a_t / r),
        }
        if (line := same_or_mistake("taught_x0", function(x_t, x_s, a_t, b_t, a_s, b_s), mistakes)) != RIGHT:
            return line
    return RIGHT


def twenty_calls(heun_steps, second_moment_steps):
    """The most steps that cost at most 20 calls."""
    heun = max(n for n in range(1, 21) if samplers.calls_of("heun", n)[0] <= 20)
    second = max(n for n in range(1, 21) if 2 * samplers.calls_of("second_moment", n)[1] <= 20)
    return verdict(
        number("heun_steps", heun_steps, heun, 0, "n steps cost 2n - 1 calls."),
        number(
            "second_moment_steps",
            second_moment_steps,
            second,
            0,
            "Two columns a step, two calls a column, and no call beside.",
        ),
    )


# --- 10 -----------------------------------------------------------------------------------------------------------


def first_aim(left_pixel, w_outside):
    """x̂_0 at t = T, guided to class 1: μ_1 + w (μ_1 - E x_0); and the w at which its left pixel leaves the box."""
    run = two_pixel.TwoPixel(two_pixel.Config(world="overlapping"))
    x_T, t, y = torch.zeros(1, 1, 2, dtype=torch.float64), torch.tensor([run.schedule.T]), torch.tensor([1])

    def aim(w):
        x0 = x0_from_eps(run.schedule, x_T, t, classifier_free_guidance(run.exact, w)(x_T, t, y))
        return float(run.to_pixels(x0)[0, 0])

    _, high = run.value_range()
    edge = float(run.to_pixels(high.view(1, 1, 2))[0, 0])
    hint = "x_T tells nothing: x̂_0(y) is the mean of class y, x̂_0(∅) that of all images. Guide those two."
    return verdict(
        number("left_pixel", left_pixel, aim(2), 0.01, hint),
        number("w_outside", w_outside, (edge - aim(0)) / (aim(1) - aim(0)), 0.05, "The aim is a line in w."),
    )


def exact_weights(first, second):
    """The w for which the guided score is that of the diffused tilted density at t > 0, too."""
    world, alpha_bar = WORLDS["overlapping"], torch.tensor(0.5, dtype=torch.float64)
    noisy = world.diffused(alpha_bar)
    x_t, _ = noisy.sample(5, torch.Generator().manual_seed(0))
    for name, w in (("w_first", first), ("w_second", second)):
        if w is ...:
            return UNANSWERED if w is first else SO_FAR
        if not isinstance(w, (int, float)):
            return f"{name}: a number is asked for, not {w!r}."
        mean = torch.stack([tilted_moments(world.given_noisy(x, alpha_bar), w, 1)[0] for x in x_t])
        right = (alpha_bar.sqrt() * mean - x_t) / (1 - alpha_bar)
        off = (1 + w) * noisy.given_label(1).score(x_t) - w * noisy.score(x_t) - right
        if not off.abs().max() < 1e-9:
            return (
                f"{name} = {w:g}: at ᾱ_t = 0.5 the two scores are up to {off.abs().max():.2f} apart. "
                "Which w leaves only one of the two noise predictions?"
            )
    return RIGHT if first != second else "Two different w are asked for."


def rejection(function, share_kept):
    """x ~ p(x|y) kept with probability p(y|x)^w is a draw of the tilted density; E p(y|x)^w of them are kept."""
    world, y, w = WORLDS["overlapping"], 1, 3.0
    random = torch.Generator().manual_seed(0)
    x, _ = world.given_label(y).sample(2000, random)
    u, p = torch.rand(2000, generator=random, dtype=torch.float64), world.posterior(x)[:, y]
    output = function(world, x.clone(), w, y, u.clone())
    if (shape := wrong_shape("keep", output, u)) != RIGHT:
        return shape
    if output.dtype != torch.bool:
        return "keep should say True or False for each x: is u less than the probability?"
    mistakes = {
        RIGHT: u < p**w,
        "That keeps those that should go.": u >= p**w,
        "The power w is missing.": u < p,
        "The power is w, not 1+w: the x were drawn from p(x|y) already.": u < p ** (1 + w),
        "That is the probability of the other class.": u < (1 - p) ** w,
    }
    line = next((line for line, mistake in mistakes.items() if torch.equal(output, mistake)), None)
    if line is None:
        return f"Not u < p(y|x)^w: for w = 3, {int((output != (u < p**w)).sum())} of 2000 x are treated otherwise."
    if line != RIGHT:
        return line
    if share_kept is ...:
        return "keep is right. Now the share that is kept for w = 2."
    truth = float(expectation(world.given_label(y), tilt(world, 2.0, y)))
    return number("share_kept", share_kept, truth, 0.01, "Draw many x of class 1, and take the mean of keep.")


# --- 11 -----------------------------------------------------------------------------------------------------------


def number_or_mistake(name, answer, truth, tolerance, mistakes, hint):
    """The verdict on one number; if it is one of the mistakes (a dict of numbers by line), the line of that."""
    if answer is ...:
        return UNANSWERED
    line = number(name, answer, truth, tolerance, hint)
    if line == RIGHT or "asked for" in line:
        return line
    return next((said for said, mistake in mistakes.items() if abs(float(answer) - float(mistake)) <= tolerance), line)


def largest_area(largest_two, largest_ten):
    """2 H(y) in nats."""
    lines = []
    for name, answer, p in (
        ("largest_two", largest_two, WORLDS["homework"].weights),
        ("largest_ten", largest_ten, torch.full((10,), 0.1).double()),
    ):
        entropy = float(-(p * p.log()).sum())
        mistakes = {
            f"{name} is the entropy of the label; the area is twice the information.": entropy,
            f"{name} is in bits: take the natural logarithm.": 2 * entropy / math.log(2),
        }
        hint = "Twice the entropy of the label, -Σ π log π."
        lines.append(number_or_mistake(name, answer, 2 * entropy, 2e-3, mistakes, hint))
    return verdict(*lines)


def gap_of_answers(function):
    """The mean over images of ‖ε*(x_t) - ε*(x_t, y)‖², summed over the pixels."""
    run, random = two_pixel.TwoPixel(two_pixel.Config(T=50, world="overlapping")), torch.Generator().manual_seed(0)
    x0, y = run.draw(500, random)
    t = torch.full((500,), 25)
    x_t = add_noise(run.schedule, x0, t, torch.randn(x0.shape, generator=random))
    without, told = run.exact(x_t, t, None).flatten(1), run.exact(x_t, t, y).flatten(1)
    squares = (without - told).square()
    pythagoras = (told.square() - without.square()).sum(1).mean()
    mistakes = {
        "That is the mean over the pixels, too; the gap is summed over both.": squares.mean(),
        "Average over the images: your sum grows with their number.": squares.sum(),
        "Square it: that is the mean length of the difference.": squares.sum(1).sqrt().mean(),
        "That is right on average, by Pythagoras, but scatters more: take the square of the difference.": pythagoras,
        "Take the square of the difference, not the difference of the squares.": -pythagoras,
    }
    answer = function(run.exact, x_t, t, y)
    truth = float(squares.sum(1).mean())
    return number_or_mistake("The gap", answer, truth, 1e-5, mistakes, "E‖ε*(x_t) - ε*(x_t, y)‖².")


def area_of_gaps(function):
    """The trapezoidal rule over λ, from noise to image."""
    alphas_cumprod = cosine_schedule(50).alphas_cumprod[1:]
    lambdas = torch.logit(alphas_cumprod)
    gaps = torch.exp(-(lambdas.square()) / 8)
    truth = float(torch.trapezoid(gaps.flip(0), lambdas.flip(0)))
    mistakes = {
        "Its sign is wrong: λ falls as t grows.": -truth,
        "That is the area over t, not over λ.": torch.trapezoid(gaps),
        "That is the area over ᾱ, not over λ.": torch.trapezoid(gaps.flip(0), alphas_cumprod.flip(0)),
        "That is the area over ᾱ, not over λ, and backwards.": torch.trapezoid(gaps, alphas_cumprod),
        "Gaps and λ do not belong together: turn both round.": torch.trapezoid(gaps, lambdas.flip(0)),
        "That is half the area, the information.": truth / 2,
    }
    answer = function(gaps.clone(), alphas_cumprod.clone())
    return number_or_mistake("The area", answer, truth, 1e-6, mistakes, "Trapezoids over λ = log(ᾱ/(1-ᾱ)).")


def half_a_nat(sigma):
    """σ with I(x_0; y) = ½."""
    if sigma is ...:
        return UNANSWERED
    world = WORLDS["signed"]

    def surplus(std):
        return mutual_information(GaussianMixture(world.means, std, world.weights)) - 0.5

    line = number("sigma", sigma, brentq(surplus, 0.2, 2), 0.006, "")
    if line == RIGHT or "asked for" in line or not float(sigma) > 0:
        return line
    return f"With that σ an image tells {0.5 + surplus(float(sigma)):.3f} nats about its label."


# --- 12 -----------------------------------------------------------------------------------------------------------


def best_guidance(best_w, times_real, card):
    """The w of least Fréchet distance, and that distance over the one of real digits."""
    frechet = {float(w): row["frechet"] for w, row in card["sweep"].items()}
    best = min(frechet, key=frechet.get)
    ratio = frechet[best] / card["sweep_real"]["frechet"]
    return verdict(
        number("best_w", best_w, best, 1e-9, 'Compare row["frechet"] of all rows.'),
        number("times_real", times_real, ratio, 0.02, 'Divide by card["sweep_real"]["frechet"].'),
    )


def fidelity_difference(answer, fidelity, n):
    """(p_1 - p_0) / √(p_0(1-p_0)/n + p_1(1-p_1)/n)."""
    if answer is ...:
        return UNANSWERED
    p_0, p_1 = fidelity[0.0], fidelity[1.0]
    error = ((p_0 * (1 - p_0) + p_1 * (1 - p_1)) / n) ** 0.5
    hint = "The variances of the two add up to that of the difference."
    return number("standard_errors_apart", answer, (p_1 - p_0) / error, 0.2, hint)


def collapsed_class(function, noticed_by):
    """All 3s the same: fidelity of the 3s and their mean pairwise feature distance, before and after."""
    digits, classifier = mnist_samples(0.0), load_classifier(CLASSIFIERS / "mnist-classifier")
    images, labels = digits.images.clone(), digits.labels
    output = function(images, labels)
    if (shape := wrong_shape("collapsed", output, images)) != RIGHT:
        return shape
    if not torch.equal(images, digits.images):
        return "Your function changed the images that it was given. Work on a copy (images.clone())."
    threes = labels == 3
    if not torch.equal(output[~threes], images[~threes]):
        return "Digits of other classes were changed too."
    if not torch.equal(output[threes], images[threes][:1].expand_as(images[threes])):
        return "Not all images of class 3 are the first one of them."
    found = []
    for x in (images, output):
        spread = class_spread(in_batches(classifier.features, x).numpy(), labels.numpy(), 10)
        found.append((float((in_batches(classifier, x).argmax(1) == labels).double().mean()), spread[3]))
    (fidelity, distance), (fidelity_now, distance_now) = found
    found = (
        f"(Fidelity was {fidelity:.3f} and is {fidelity_now:.3f}; the mean distance between two 3s was {distance:.2f} "
        f"and is {distance_now:.2f}.)"
    )
    if noticed_by is ...:
        return f"collapsed is right. Now say who notices. {found}"
    if not str(noticed_by).startswith("diversity"):
        return f"noticed_by = {noticed_by!r}: look at the two numbers. {found}"
    return RIGHT
