"""The course: notebooks as they should be committed, checks that say what is wrong, instruments that are right."""

import copy
import json
import sys
from pathlib import Path

import pytest
import torch

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))

import checks  # noqa: E402 (the notebooks' folder has to be on the path)
import instruments  # noqa: E402
from broken import BUGS, SAMPLERS  # noqa: E402

import naive  # noqa: E402
from figures.common import experiment, mnist_scorecard  # noqa: E402
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


RIGHT_BUGS = {"A": "starts at T-1", "B": "noise on the last step", "C": "none", "D": "skips the last step"}


def replace_threes(images, labels, copied=True, which=3):
    images = images.clone() if copied else images
    images[labels == which] = images[labels == which][0].clone()
    return images


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
        ("half_noise", (25, ...), checks.UNANSWERED),
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
