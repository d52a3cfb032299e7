"""The checks of the exercises: each takes a student's answer and returns a line that says what is wrong with it.

No answer is written down here: what is right is computed from the modules, and an answer that is a function is tried.
"""

import torch
from broken import BUGS, SAMPLERS
from instruments import energy_of_samples, expected_std
from scipy.optimize import brentq

import two_pixel
from barebones import generate, mix
from data import glyphs, sprites
from digit_classifier import in_batches, load_classifier
from figures.common import mnist_samples
from finite_set import counted_bits_posterior, mixed_posterior, posterior_mean
from gmm import WORLDS
from image_scorecard import CLASSIFIERS
from metrics import class_spread
from naive import clean_share
from utils import classifier_guidance, cosine_schedule, linear_schedule, reverse_step, reverse_variance, sample

UNANSWERED = "Nothing to check yet: put your answer where the ... is, and run that cell again."
RIGHT = "Right."


def number(name, answer, truth, tolerance, hint):
    """The verdict on one number: right within the tolerance, else on which side it lies, and a hint."""
    try:
        answer = float(answer)
    except (TypeError, ValueError):
        return f"{name}: a number is asked for, not {answer!r}."
    if abs(answer - truth) <= tolerance:
        return RIGHT
    return f"{name} = {answer:g} is too {'large' if answer > truth else 'small'}. {hint}"


def verdict(*lines):
    """The first line that is not `RIGHT`, or `RIGHT`."""
    return next((line for line in lines if line != RIGHT), RIGHT)


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
    if ... in (share_alpha, share_alpha_bar):
        return UNANSWERED
    schedule = cosine_schedule(200)
    at_half = float((1 - schedule.alphas[100]).sqrt()), float((1 - schedule.alphas_cumprod[100]).sqrt())
    return verdict(
        number("share_alpha", share_alpha, at_half[0], 1e-3, "√(1-α_t), with α_t = 1-β_t of that step alone."),
        number("share_alpha_bar", share_alpha_bar, at_half[1], 1e-3, "√(1-ᾱ_t), with ᾱ_t the product of all steps."),
    )


def lazy_accuracy(accuracy, balanced):
    """A judge that says left-right always: its accuracy among the two structures, and its balanced accuracy."""
    if ... in (accuracy, balanced):
        return UNANSWERED
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
    if ... in (weight_of_noise, weight_of_guess):
        return UNANSWERED
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
    if ... in (at_50, at_200):
        return UNANSWERED
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
    if ... in (guess_l2, guess_l1):
        return UNANSWERED
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
    if ... in (T_posterior, T_beta):
        return UNANSWERED

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
    if ... in (w_of_default, w_without_label):
        return UNANSWERED
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
    if ... in (before, after):
        return UNANSWERED
    labelled, unlabelled, w = torch.tensor(1.2), torch.tensor(0.2), 1.0
    early = (1 + w) * labelled.clamp(-1, 1) - w * unlabelled.clamp(-1, 1)
    late = ((1 + w) * labelled - w * unlabelled).clamp(-1, 1)
    hint = "(1+w) x̂_0(y) - w x̂_0(∅), and a value held in [-1, 1]: which comes first?"
    return verdict(
        number("clipped_before", before, float(early), 1e-6, hint),
        number("clipped_after", after, float(late), 1e-6, hint),
    )


# --- 12 -----------------------------------------------------------------------------------------------------------


def best_guidance(best_w, times_real, card):
    """The w of least Fréchet distance, and that distance over the one of real digits."""
    if ... in (best_w, times_real):
        return UNANSWERED
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
