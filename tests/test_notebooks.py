"""The course: notebooks as they should be committed, checks that say what is wrong, instruments that are right."""

import copy
import json
import math
import sys
from pathlib import Path

import pytest
import torch

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import checks  # noqa: E402 (the notebooks' folder has to be on the path)
import instruments  # noqa: E402
from broken import BUGS, SAMPLERS  # noqa: E402

from evaluation.committed import experiment, mnist_scorecard  # noqa: E402
from small_systems import naive  # noqa: E402
from utils import cosine_schedule, drop_labels, reverse_step  # noqa: E402

LESSONS = sorted(path for path in NOTEBOOKS.glob("*.ipynb"))
SOLUTIONS = sorted((NOTEBOOKS / "solutions").glob("*.ipynb"))


def cells(path, kind):
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def printed(cell):
    return "".join("".join(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream").strip()


def test_every_lesson_has_solutions():
    assert LESSONS
    assert [path.name for path in LESSONS] == [path.name for path in SOLUTIONS]


@pytest.mark.parametrize("path", [*LESSONS, *SOLUTIONS], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_notebook_is_committed_as_it_ran(path):
    """From top to bottom, once, without an error; no machine's path in its outputs."""
    code = cells(path, "code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert "/home/" not in path.read_text()
    assert path.stat().st_size < 1_500_000


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_has_goal_runtime_pictures_claims_and_exercises(path):
    text, code = "\n".join(map(source, cells(path, "markdown"))), cells(path, "code")
    for word in ("**Goal.**", "**Before you start.**", "**Runtime.**", "**Why.**", "## Exercises"):
        assert word in text
    assert f"solutions/{path.name}" in text
    assert len(cells(path, "markdown")) + len(code) <= 28
    assert sum("assert" in source(cell) for cell in code) >= 4
    assert sum("print(checks." in source(cell) for cell in code) >= 3
    assert any("image/png" in output.get("data", {}) for cell in code for output in cell["outputs"])


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_unanswered_exercises_say_so(path):
    asked = [cell for cell in cells(path, "code") if "print(checks." in source(cell)]
    for cell in asked:
        assert printed(cell).endswith(checks.UNANSWERED)


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_solutions_are_right(path):
    answers = [cell for cell in cells(path, "code") if "print(checks." in source(cell)]
    assert len(answers) >= 3
    for cell in answers:
        assert "# NBVAL_CHECK_OUTPUT" in source(cell)  # so that running it again must give the same
        assert printed(cell).endswith(checks.RIGHT)


def renoise(on="x", level=None, left=None, shared=False, coins=torch.ones_like):
    """Algorithm 2's step with one mistake; coins are what is put on the chosen pixels, None for those of z."""

    def function(f, z, t, count, random):
        pixels = z.shape[2] * z.shape[3]
        x = f(z, torch.full((len(z),), t / pixels if level is None else level))
        chosen = naive.picked(z[:1] if shared else z, torch.full((1 if shared else len(z),), left or count), random)
        noise = z if coins is None else coins(z)
        return torch.where(chosen.expand_as(z), noise, {"x": x, "z": z}[on])

    return function


def denoised_mean(sign=1, power=1.0, root=True):
    def function(x_t, alpha_bar, score):
        return (x_t + sign * (1 - alpha_bar) ** power * score) / (alpha_bar.sqrt() if root else 1)

    return function


def noise_with(share, like):
    def function(schedule, x_0, t, eps):
        noise = schedule.sqrt_alphas_cumprod[t] if like == "image" else schedule.sqrt_one_minus_alphas_cumprod[t]
        return schedule.sqrt_alphas_cumprod[t] * x_0 + share * noise * eps

    return function


def whole_batch(y, p, null_label, generator):
    return torch.full_like(y, null_label) if torch.rand((), generator=generator) < p else y


def in_place(y, p, null_label, generator):
    y[:] = null_label
    return y


def step_with(z_factor=lambda schedule, t: schedule.posterior_variance[t].sqrt(), divisor="alphas"):
    def function(eps, schedule, x_t, t, z):
        mean = x_t - schedule.betas[t] / schedule.sqrt_one_minus_alphas_cumprod[t] * eps
        divisors = {"alphas": schedule.alphas[t].sqrt(), "cumprod": schedule.sqrt_alphas_cumprod[t], "none": 1}
        return mean / divisors[divisor] + z_factor(schedule, t) * z

    return function


def guidance(sign):
    return lambda eps, gradient, alpha_bar, scale: eps + sign * scale * (1 - alpha_bar).sqrt() * gradient


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


def keep(power=lambda w: w, other=False, sign=1):
    def function(mixture, x, w, y, u):
        p = mixture.posterior(x)[:, 1 - y if other else y]
        return sign * (p ** power(w) - u) > 0

    return function


RIGHT_BUGS = {"A": "starts at T-1", "B": "noise on the last step", "C": "none", "D": "skips the last step"}
FAULTS = {"A": "network", "B": "none", "C": "prior", "D": "steps"}


def replace_threes(images, labels, copied=True, which=3):
    images = images.clone() if copied else images
    images[labels == which] = images[labels == which][0].clone()
    return images


def ddim_step(noise_of="s", image_of="s", divided=True, tables_of="t"):
    """One step of DDIM with one mistake; noise_of None leaves the noise out, image_of None does not multiply x̂_0."""

    def function(eps, schedule, x_t, t, s):
        a, b = schedule.sqrt_alphas_cumprod, schedule.sqrt_one_minus_alphas_cumprod
        steps = {"t": t, "s": s}
        known = steps[tables_of]
        x0 = (x_t - b[known] * eps) / (a[known] if divided else 1)
        image = x0 if image_of is None else a[steps[image_of]] * x0
        return image if noise_of is None else image + b[steps[noise_of]] * eps

    return function


def covariance_of_x0(identity=1, sign=-1, power=2, a_power=2, J_power=1):
    def function(jacobian, alpha_bar):
        a, b = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
        return b**power / a**a_power * (identity * torch.eye(2) + sign * b**J_power * jacobian)

    return function


def taught_x0(r_without_b_t=False, sign=-1, x0_in_noise=True):
    def function(x_t, x_s, a_t, b_t, a_s, b_s):
        r = b_s if r_without_b_t else b_s / b_t
        return (x_s - r * x_t) / (a_s + (sign * r * a_t if x0_in_noise else 0))

    return function


def gap_of_answers(reduce):
    return lambda denoiser, x_t, t, y: reduce(denoiser(x_t, t, None).flatten(1), denoiser(x_t, t, y).flatten(1))


def area_of_gaps(x, reverse=True, factor=1):
    def function(gaps, alphas_cumprod):
        axis = {"lambda": torch.logit(alphas_cumprod), "t": torch.arange(50).flip(0), "alpha_bar": alphas_cumprod}[x]
        y, axis = (gaps.flip(0), axis.flip(0)) if reverse else (gaps, axis)
        return factor * torch.trapezoid(y, axis)

    return function


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("fitted_too_small", (39,), "n = 39 is too small"),
        ("fitted_too_small", (...,), checks.UNANSWERED),
        ("noise_with_steps", (0.7, 0.7), "share_alpha = 0.7 is too large"),
        ("noise_with_steps", (0.125, 0.125), "share_alpha_bar = 0.125 is too small"),
        ("lazy_accuracy", (0.7, 0.5), "accuracy = 0.7 is too small"),
        ("lazy_accuracy", (0.754, 0.754), "balanced = 0.754 is too large"),
        ("steps_until_noise", (60,), "too small"),
        ("renoising_step", (lambda f, z, t, left, random: z,), "never asks"),
        ("renoising_step", (renoise(on="z"),), "thrown away"),
        ("renoising_step", (renoise(level=48),), "t over the number of pixels"),
        ("renoising_step", (renoise(left=17),), "in yours 17 to 17"),
        ("renoising_step", (renoise(shared=True),), "at the same places"),
        ("which_image", ([1 / 3, 1 / 3, 1 / 3],), "that of 0000 = 0.333333 is too small"),
        ("which_image", ([3, 1, 0],), "sum to 1"),
        ("renoising_step", (lambda f, z, t, left, random: f(z, torch.full((50,), t / 64)),), "no noise"),
        ("exact_guess", (lambda images, z, level: z * torch.nan,), "no image possible"),
        ("which_image", ([0.75, 0.25],), "Three probabilities"),
        ("renoising_step", (renoise(coins=torch.zeros_like),), "fresh coins"),
        ("renoising_step", (renoise(coins=None),), "fresh coins"),
        ("weight_of_first_guess", (0.25, 0.25), "weight_of_guess"),
        ("weight_of_first_guess", (0.0, 0.0), "weight_of_noise"),
        ("loss_from_pure_noise", (0.0292,), "too small"),
        ("exact_guess", (lambda images, z, level: images.mean().expand_as(z),), "the mean of all"),
        ("exact_guess", (lambda images, z, level: z,), "off by"),
        ("half_noise", (24, 100), "T = 50 = 24 is too small"),
        ("half_noise", (25, 101), "T = 200 = 101 is too large"),
        ("half_noise", ("half", 100), "a number is asked for"),
        ("half_noise", (25, ...), checks.SO_FAR),
        ("denoised_mean", (denoised_mean(sign=-1),), "wrong sign"),
        ("denoised_mean", (denoised_mean(root=False),), "is missing"),
        ("denoised_mean", (denoised_mean(power=0.5),), "wants the factor"),
        ("denoised_mean", (denoised_mean(power=2.0),), "off by"),
        ("denoised_mean", (lambda x_t, alpha_bar, score: score[0],), "shape"),
        ("denoised_mean", (lambda x_t, alpha_bar, score: 0.0,), "a tensor"),
        ("broken_noise", (noise_with(1, like="noise"), ...), "is the correct code"),
        ("broken_noise", (noise_with(2, like="image"), ...), "neither"),
        ("broken_noise", (noise_with(1, like="image"), ...), "Now the variance"),
        ("broken_noise", (noise_with(1, like="image"), 1.0), "too large"),
        ("floor_without_labels", (0.3409,), "the floor with label"),
        ("floor_without_labels", (0.6460,), "the floor of v-prediction"),
        ("floor_without_labels", (0.1179,), "raw intensities"),
        ("floor_without_labels", ([0.4, 0.4],), "a number is asked for"),
        ("floor_without_labels", (0.5,), "too large"),
        ("dropped_labels", (drop_labels, 10.4, 234.6), "all 512 labels or none"),
        ("dropped_labels", (in_place, 10.4, 234.6), "in place"),
        ("dropped_labels", (lambda y, p, null_label, g: whole_batch(y, 0.9, null_label, g), 10.4, 234.6), "not in 0.9"),
        ("dropped_labels", (whole_batch, ..., ...), "Now the two"),
        ("dropped_labels", (lambda y, p, n, g: n if torch.rand((), generator=g) < p else y, 1, 1), "a tensor"),
        ("dropped_labels", (whole_batch, 107.5, 234.6), "std_correct = 107.5 is too large"),
        ("dropped_labels", (whole_batch, 10.4, 10.4), "std_broken = 10.4 is too small"),
        ("mean_and_median", (0.0, 1.0), "guess_l2"),
        ("mean_and_median", (0.3, 0.3), "guess_l1"),
        ("reverse_step_13", (step_with(z_factor=lambda s, t: 0.0),), "no noise"),
        ("reverse_step_13", (step_with(z_factor=lambda s, t: s.posterior_variance[t]),), "standard deviation"),
        ("reverse_step_13", (step_with(z_factor=lambda s, t: s.betas[t].sqrt()),), "variance β_t"),
        ("reverse_step_13", (step_with(divisor="none"),), "√α_t is missing"),
        ("reverse_step_13", (step_with(divisor="cumprod"),), "not by √ᾱ_t"),
        ("reverse_step_13", (lambda eps, schedule, x_t, t, z: x_t,), "off by"),
        ("which_bug", (RIGHT_BUGS | {"A": "none", "C": "starts at T-1"}, 0, None), "A is not the one"),
        ("which_bug", (RIGHT_BUGS | {"A": "late"}, 0, None), "is none of"),
        ("which_bug", (RIGHT_BUGS, ..., None), "Now count"),
        ("which_bug", ({"A": "starts at T-1"}, 0, None), "for each of A, B, C, D"),
        ("width_without_noise", (0.2,), "too large"),
        ("best_lambda", (0.5,), "σ = 0.49"),
        ("best_lambda", ([0.5],), "a number is asked for"),
        ("image_left", (0.6026,), "square root"),
        ("image_left", (0.5,), "too small"),
        ("steps_for_one_percent", (100, 66), "T_posterior = 100 is too small"),
        ("translate_guidance", (7.5, -1), "w_of_default"),
        ("translate_guidance", (6.5, 0), "w_without_label"),
        ("wrong_sign", (guidance(-1), 1), "is the correct code"),
        ("wrong_sign", (guidance(2), 1), "neither"),
        ("wrong_sign", (guidance(1), ...), "Now where"),
        ("wrong_sign", (guidance(1), 0), "Not in class 0"),
        ("clip_and_guide", (1.0, 1.0), "clipped_before"),
        ("clip_and_guide", (1.8, 2.2), "clipped_after"),
        ("kl_at_the_end", (lambda mu, sigma, alpha_bar: ..., ...), checks.UNANSWERED),
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
        ("missing_variance", (lambda schedule, t, covariance: ..., ...), checks.UNANSWERED),
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
        ("whose_fault", (dict.fromkeys("ABCD", ...),), checks.UNANSWERED),
        ("whose_fault", (FAULTS | {"C": ...},), checks.SO_FAR),
        ("whose_fault", ({"A": "network"},), "for each of A, B, C, D"),
        ("whose_fault", (FAULTS | {"B": "luck"},), "is none of"),
        ("whose_fault", (FAULTS | {"B": "steps"},), "B is something else"),
        ("whose_fault", (FAULTS | {"C": "network"},), "prior 1"),
        ("first_aim", (..., 4.7), checks.UNANSWERED),
        ("first_aim", (0.791, 4.7), "left_pixel = 0.791 is too small"),
        ("first_aim", (1.52, 2.0), "a line in w"),
        ("exact_weights", (0, ...), checks.SO_FAR),
        ("exact_weights", (0, 1), "w_second = 1"),
        ("exact_weights", ("none", 1), "a number is asked for"),
        ("exact_weights", (0, 0.0), "Two different"),
        ("rejection", (lambda mixture, x, w, y, u: ..., ...), checks.UNANSWERED),
        ("rejection", (lambda mixture, x, w, y, u: u, ...), "True or False"),
        ("rejection", (keep(power=lambda w: 1 + w), ...), "not 1+w"),
        ("rejection", (keep(power=lambda w: 1), ...), "power w is missing"),
        ("rejection", (keep(other=True), ...), "other class"),
        ("rejection", (keep(sign=-1), ...), "that should go"),
        ("rejection", (lambda mixture, x, w, y, u: u < 0.5, ...), "of 2000 x"),
        ("rejection", (keep(), ...), "Now the share"),
        ("rejection", (keep(), 0.5), "too small"),
        ("ddim_step", (lambda *a: ...,), checks.UNANSWERED),
        ("ddim_step", (ddim_step(noise_of=None),), "The noise of s is missing"),
        ("ddim_step", (ddim_step(noise_of=None, image_of=None),), "noise it again"),
        ("ddim_step", (ddim_step(noise_of="t"),), "that of s, not of t"),
        ("ddim_step", (ddim_step(image_of=None),), "multiplied by a_s"),
        ("ddim_step", (ddim_step(tables_of="s"),), "with the a and b of t"),
        ("ddim_step", (ddim_step(divided=False),), "division by a_t is missing"),
        ("ddim_step", (lambda eps, schedule, x_t, t, s: x_t + eps,), "off by"),
        ("ddim_step", (lambda eps, schedule, x_t, t, s: x_t.mul_(2),), "Work on a copy"),
        ("covariance_from_slope", (lambda *a: ...,), checks.UNANSWERED),
        ("covariance_from_slope", (lambda J, alpha_bar: J[0],), "shape"),
        ("covariance_from_slope", (covariance_of_x0(power=0, a_power=1),), "That is ∂x̂_0/∂x_t"),
        ("covariance_from_slope", (covariance_of_x0(a_power=1),), "A 1/√ᾱ_t is missing"),
        ("covariance_from_slope", (covariance_of_x0(a_power=0),), "together by ᾱ_t"),
        ("covariance_from_slope", (lambda J, a: (1 - a) / a * (1 - (1 - a).sqrt() * J),), "torch.eye"),
        ("covariance_from_slope", (covariance_of_x0(power=1),), "not √(1-ᾱ_t)/√ᾱ_t"),
        ("covariance_from_slope", (covariance_of_x0(identity=0),), "where is the I"),
        ("covariance_from_slope", (covariance_of_x0(sign=1),), "with a minus"),
        ("covariance_from_slope", (covariance_of_x0(J_power=0),), "with the factor √(1-ᾱ_t)"),
        ("taught_x0", (lambda *a: ...,), checks.UNANSWERED),
        ("taught_x0", (lambda x_t, x_s, *a: x_s,), "predicts an image"),
        ("taught_x0", (taught_x0(x0_in_noise=False),), "not a_s alone"),
        ("taught_x0", (taught_x0(r_without_b_t=True),), "has a 1/b_t"),
        ("taught_x0", (taught_x0(sign=1),), "with a minus"),
        ("taught_x0", (lambda x_t, x_s, a_t, b_t, a_s, b_s: taught_x0()(x_s, x_t, a_s, b_s, a_t, b_t),), "off by"),
        ("taught_x0", (lambda x_t, x_s, a_t, b_t, a_s, b_s: taught_x0()(x_t, x_s, a_t, b_s, a_s, b_t),), "mixed up"),
        ("twenty_calls", (20, 5), "heun_steps = 20 is too large"),
        ("twenty_calls", (10, 10), "second_moment_steps = 10 is too large"),
        ("twenty_calls", (10, ...), checks.SO_FAR),
        ("twenty_calls", (20, ...), "heun_steps = 20 is too large"),
        ("largest_area", (0.6474, 4.6052), "largest_two is the entropy"),
        ("largest_area", (1.2949, 2.3026), "largest_ten is the entropy"),
        ("largest_area", (1.8682, 4.6052), "largest_two is in bits"),
        ("largest_area", (1.2949, 10), "largest_ten = 10 is too large"),
        ("largest_area", ([1], 4.6), "a number is asked for"),
        ("gap_of_answers", (lambda *a: ...,), checks.UNANSWERED),
        ("gap_of_answers", (gap_of_answers(lambda a, b: (a - b).square().mean()),), "over the pixels, too"),
        ("gap_of_answers", (gap_of_answers(lambda a, b: (a - b).square().sum()),), "Average over the images"),
        ("gap_of_answers", (gap_of_answers(lambda a, b: (a - b).norm(dim=1).mean()),), "Square it"),
        ("gap_of_answers", (gap_of_answers(lambda a, b: (b**2 - a**2).sum(1).mean()),), "by Pythagoras"),
        (
            "gap_of_answers",
            (gap_of_answers(lambda a, b: (a**2 - b**2).sum(1).mean()),),
            "the difference of the squares",
        ),
        ("area_of_gaps", (lambda *a: ...,), checks.UNANSWERED),
        ("area_of_gaps", (area_of_gaps("lambda", reverse=False),), "Its sign is wrong"),
        ("area_of_gaps", (area_of_gaps("t"),), "over t, not over λ"),
        ("area_of_gaps", (area_of_gaps("alpha_bar"),), "over ᾱ, not over λ."),
        ("area_of_gaps", (area_of_gaps("alpha_bar", reverse=False),), "and backwards"),
        ("area_of_gaps", (area_of_gaps("lambda", factor=0.5),), "the information"),
        ("half_a_nat", (0.1,), "tells 0.647 nats"),
        ("half_a_nat", ([0.5],), "a number is asked for"),
        ("half_a_nat", (-1,), "too small"),
        ("best_guidance", (4.0, 1.0, mnist_scorecard()), "best_w"),
        ("fidelity_difference", (100.0, {0.0: 0.95, 1.0: 0.99}, 1000), "too large"),
        ("collapsed_class", (lambda images, labels: images, "diversity"), "Not all images of class 3"),
        ("collapsed_class", (lambda i, y: replace_threes(i, y, copied=False), "diversity"), "Work on a copy"),
        ("collapsed_class", (lambda i, y: replace_threes(i, y, which=4), "diversity"), "other classes"),
        ("collapsed_class", (replace_threes, ...), "Now say"),
        ("collapsed_class", (replace_threes, "fidelity"), "and is 0.00"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))


@pytest.mark.parametrize("variance", ["posterior_variance", "betas"])
def test_expected_std_is_what_samples_have(variance):
    """The recursion against samples of the real sampler, in a world of one Gaussian, within four standard errors."""
    schedule = cosine_schedule(10)
    table = getattr(schedule, variance).clone()
    table[1] = 0
    name = {"posterior_variance": "posterior", "betas": "beta"}[variance]

    def sampler(denoiser, schedule, x_T, y, generator):
        x = x_T
        for t in range(schedule.T, 0, -1):
            x = reverse_step(denoiser, schedule, x, torch.full((len(x),), t), y, generator, name)
        return x

    measured, _, error = instruments.std_in_one_gaussian_world(sampler, T=10, std=0.4)
    assert abs(measured - instruments.expected_std(schedule, 0.4, table)) < 4 * error


def test_instruments_find_every_bug():
    right = BUGS["none"]
    for bug, sampler in BUGS.items():
        width, expected, error = instruments.std_in_one_gaussian_world(sampler)
        wide = abs(width - expected) > 4 * error
        assert wide == (bug in ("noise on the last step", "skips the last step"))
        asked = instruments.steps_asked(sampler)
        assert (asked != list(range(50, 0, -1))) == (bug in ("starts at T-1", "skips the last step"))
    assert set(SAMPLERS.values()) == set(BUGS.values())
    run = experiment(50)
    assert 0 < instruments.energy_of_samples(right, run) < 8  # eq. 13's own error, above the noise
