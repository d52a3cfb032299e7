"""The checks of notebook 03 say what is wrong with an answer."""

import copy
import functools

import pytest
import torch
from checks import sampling as checks
from checks import written
from checks.common import RIGHT, UNANSWERED

import utils
from utils import at, reverse_variance, standard_normal


def step_with(root=0.5, divisor="alphas"):
    def function(denoiser, schedule, x_t, t, y, generator, variance="posterior"):
        share = schedule.betas / schedule.sqrt_one_minus_alphas_cumprod
        mean = x_t - at(share, t, x_t) * denoiser(x_t, t, y)
        sigma = at(reverse_variance(schedule, variance) ** root, t, x_t)
        return mean / at(getattr(schedule, divisor).sqrt(), t, x_t) + sigma * standard_normal(x_t, generator)

    return function


def process(stop=0):
    def function(denoiser, schedule, x_T, y, generator, variance="posterior"):
        x = x_T
        yield schedule.T, x
        for step in range(schedule.T, stop, -1):
            with torch.no_grad():
                x = utils.reverse_step(denoiser, schedule, x, torch.tensor([step]), y, generator, variance)
            yield step - 1, x

    return function


RIGHT_BUGS = {"A": "starts at T-1", "B": "noise on the last step", "C": "none", "D": "skips the last step"}


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("reverse_step", (step_with(),), RIGHT),
        ("reverse_step", (step_with(root=1),), "Which of the two multiplies z?"),
        ("reverse_step", (step_with(divisor="alphas_cumprod"),), "ᾱ_t"),
        ("reverse_process", (process(),), RIGHT),
        ("reverse_process", (process(stop=1),), "The last step, from x_1 to x_0, is missing"),
        ("which_bug", (RIGHT_BUGS | {"A": "none", "C": "starts at T-1"}, 0, None), "A is not the one"),
        ("which_bug", (RIGHT_BUGS | {"A": "late"}, 0, None), "is none of"),
        ("which_bug", (RIGHT_BUGS, ..., None), "Now count"),
        ("which_bug", ({"A": "starts at T-1"}, 0, None), "for each of A, B, C, D"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))


@torch.no_grad()
def unwritten(denoiser, schedule, x_t, t, y, generator, variance="posterior"):
    return ...


def nothing(denoiser, schedule, x_t, t, y, generator, variance="posterior"):
    x_t - denoiser(x_t, t, y)


def in_place(denoiser, schedule, x_t, t, y, generator, variance="posterior"):
    x_t *= 1.5
    return utils.reverse_step(denoiser, schedule, x_t / 1.5, t, y, generator, variance)


def one_state_for_all(denoiser, schedule, x_T, y, generator, variance="posterior"):
    x = x_T
    yield schedule.T, x
    for step in range(schedule.T, 0, -1):
        with torch.no_grad():
            x[:] = utils.reverse_step(denoiser, schedule, x, torch.tensor([step]), y, generator, variance)
        yield step - 1, x


def imports_within(denoiser, schedule, x_T, y, generator, variance="posterior"):
    from utils import reverse_step

    x = x_T
    yield schedule.T, x
    for step in range(schedule.T, 0, -1):
        with torch.no_grad():
            x = reverse_step(denoiser, schedule, x, torch.tensor([step]), y, generator, variance)
        yield step - 1, x


def decorated(function):
    @functools.wraps(function)
    def wrapper(*arguments, **options):
        return function(*arguments, **options)

    return wrapper


@decorated
@torch.no_grad()
def under_two_decorators(denoiser, schedule, x_t, t, y, generator, variance="posterior"):
    return with_a_helper(denoiser, schedule, x_t, t, y, generator, variance)


def uniform_noise(denoiser, schedule, x_t, t, y, generator, variance="posterior"):
    share = schedule.betas / schedule.sqrt_one_minus_alphas_cumprod
    mean = (x_t - at(share, t, x_t) * denoiser(x_t, t, y)) / at(schedule.alphas.sqrt(), t, x_t)
    z = 12**0.5 * (torch.rand(x_t.shape, generator=generator, dtype=x_t.dtype) - 0.5)  # of mean 0 and variance 1
    return mean + at(reverse_variance(schedule, variance).sqrt(), t, x_t) * z


@pytest.mark.parametrize(
    ("check", "function", "words"),
    [
        ("reverse_step", unwritten, UNANSWERED),
        ("reverse_step", torch.no_grad()(step_with()), RIGHT),
        ("reverse_step", lambda denoiser, schedule, x_t, *_, **__: x_t, "is off by"),
        ("reverse_step", functools.partial(step_with()), "written with def"),
        ("reverse_step", nothing, "is `return` missing?"),
        ("reverse_process", imports_within, RIGHT),
        ("reverse_step", under_two_decorators, RIGHT),
        ("reverse_step", uniform_noise, "fourth power"),
        ("reverse_step", in_place, "change of the x_t that it was given"),
        ("reverse_process", one_state_for_all, "change of x_T"),
    ],
)
def test_whatever_is_written_gets_its_line(check, function, words):
    assert words in getattr(checks, check)(function)


def test_loop_that_does_not_end_is_ended(monkeypatch):
    def endless(*_, **__):
        while True:
            pass

    monkeypatch.setattr(written, "SECONDS", 1)
    assert "no answer within 1 seconds" in checks.reverse_step(endless)


def test_helpers_written_beside_a_function_find_the_reference(monkeypatch):
    def zero(table, t, x):
        return 0 * x

    zero.__module__ = "utils"
    monkeypatch.setitem(globals(), "at", zero)
    assert checks.reverse_step(with_a_helper) == RIGHT


def test_wrapped_builtin_among_the_names_does_no_harm(monkeypatch):
    """IPython has such an `open` in every notebook."""
    monkeypatch.setitem(globals(), "wrapped", functools.wraps(abs)(lambda x: abs(x)))
    assert checks.reverse_step(with_a_helper) == RIGHT


def test_imports_within_a_function_find_the_reference(monkeypatch):
    monkeypatch.setattr(utils, "reverse_step", step_with(divisor="alphas_cumprod"))
    assert checks.reverse_process(imports_within) == RIGHT


def helper(table, t, x):
    return at(table, t, x)


def with_a_helper(denoiser, schedule, x_t, t, y, generator, variance="posterior"):
    share = schedule.betas / schedule.sqrt_one_minus_alphas_cumprod
    mean = (x_t - helper(share, t, x_t) * denoiser(x_t, t, y)) / helper(schedule.alphas.sqrt(), t, x_t)
    return mean + helper(reverse_variance(schedule, variance).sqrt(), t, x_t) * standard_normal(x_t, generator)


def test_truth_does_not_come_from_modules_that_students_edit(monkeypatch):
    """With a broken utils.py the right step is right, and the step that agrees with the broken one is wrong."""
    like_the_broken_one = step_with(divisor="alphas_cumprod")

    def zero(table, t, x):
        return 0 * x

    zero.__module__ = "utils"
    monkeypatch.setattr(utils, "reverse_step", like_the_broken_one)
    monkeypatch.setattr(utils, "at", zero)
    monkeypatch.setitem(globals(), "at", zero)
    assert checks.reverse_step(step_with()) == RIGHT
    assert checks.reverse_step(like_the_broken_one) != RIGHT
