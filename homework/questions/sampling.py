"""What the ways back from noise are asked: exercises 2.1 to 3.1."""

import itertools
from functools import cache

import numpy as np
import torch

from homework.questions.asking import (
    EXACT,
    MOMENTS,
    Chance,
    Unfit,
    again,
    normal,
    question,
    some_schedule,
    steps,
    unchanged,
)


def recording(asked=None):
    """A denoiser that depends on x, on t and on the label, and writes down when it is asked."""

    def denoiser(x_t, t, y=None):
        if asked is not None:
            asked.append(t)
        ones = [1] * (x_t.ndim - 1)
        label = torch.zeros(1) if y is None else 1 + y
        return (0.3 + 0.05 * t.to(x_t) + 0.07 * label.to(x_t)).view(-1, *ones) * x_t

    return denoiser


@question("utils.reverse_step")
def reverse_step(code):
    utils = code.utils
    ten = some_schedule(code, 10)

    def step(x_t, t, gain, schedule=ten):
        """A step without its noise, for ε̂ = gain · x_t: the difference to that of x_t = 0, with the same noise."""
        t = t if torch.is_tensor(t) else torch.full((len(x_t),), t)

        def denoiser(x_t, t, y=None):
            return gain * x_t

        def of(x):
            return again(lambda g: utils.reverse_step(denoiser, schedule, x, t, None, g))

        return of(x_t) - of(0 * x_t)

    x_t = 2 * normal(3, 1, 2)
    for t in (1, 2, 5, 10):
        yield f"what t = {t} of 10 makes of x_t", lambda t=t: step(x_t, t, 0.0), EXACT
        yield f"what t = {t} of 10 makes of ε̂ = x_t", lambda t=t: step(x_t, t, 1.0), EXACT
    yield "mean for images of different t", lambda: step(x_t, steps(2, 9, 4), 0.7), EXACT
    yield "mean for one t of shape (1,)", lambda: step(x_t, steps(6), 0.7), EXACT
    yield "mean for images (2, 3, 4, 4)", lambda: step(normal(2, 3, 4, 4), steps(3, 8), 0.7), EXACT
    yield "mean for T = 50 at t = 50", lambda: step(x_t, 50, 0.7, some_schedule(code, 50)), EXACT
    yield "mean of float32", lambda: step(x_t.float(), 4, 0.7), EXACT
    yield (
        "type of x_{t-1} is that of x_t (1 if it is)",
        lambda: float(step(x_t.float(), 4, 0.7).dtype == torch.float32),
        EXACT,
    )

    def labelled():
        y = torch.tensor([1, 0, 2])

        def of(x):
            return again(lambda g: utils.reverse_step(recording(), ten, x, steps(2, 9, 4), y, g))

        return of(x_t) - of(0 * x_t)

    yield "mean for images with labels, of a denoiser that depends on x_t, t and y", labelled, EXACT

    def change():
        return again(lambda g: unchanged(lambda x: utils.reverse_step(recording(), ten, x, steps(4), None, g), x_t))

    yield "change of the x_t that it was given", change, EXACT
    yield from noise_of_a_step(code)


def noise_of_a_step(code, n=3000):
    """How large the noise of a reverse step is, at which t, and whether it is independent and normal."""
    utils, ten = code.utils, some_schedule(code, 10)

    @cache
    def noise(t, variance="posterior", n=n, seed=0):
        """The noise of a step from x_t = 0; t a number, or a tuple of numbers that take turns."""
        x = torch.zeros(n, 1, 2, dtype=torch.float64)
        t = torch.tensor(t).repeat(n // len(t)) if isinstance(t, tuple) else torch.full((n,), t)
        return again(lambda g: utils.reverse_step(recording(), ten, x, t, None, g, variance), seed)

    # the last step has no noise; elsewhere chance leaves the logarithm of the std of 2n numbers known to 1/√4n
    of_std = Chance(1 / (4 * n) ** 0.5)
    for variance in ("posterior", "beta"):
        yield f"noise of the last step, t = 1, variance {variance}", lambda v=variance: noise(1, v, 5), EXACT
        for t in (2, 5, 10):
            name = f"log std of the noise at t = {t} of 10, variance {variance}"
            yield name, lambda t=t, v=variance: noise(t, v), of_std, log_std

    def of_colours():
        x = torch.zeros(n, 3, 1, 2, dtype=torch.float64)
        return again(lambda g: utils.reverse_step(recording(), ten, x, torch.full((n,), 8), None, g))

    for name, read, error in (moment for moment in MOMENTS if moment[0] != "std"):
        yield (
            f"{name} of the noise at t = 8, of images (n, 3, 1, 2) and divided by its std",
            of_colours,
            Chance(error / n**0.5),
            lambda z, read=read: read(z / z.std()),
        )
    yield (
        "log std of the noise for images at t = 3, 9 and 5",
        lambda: noise((3, 9, 5)),
        Chance(1 / (4 * n / 3) ** 0.5),
        lambda z: np.log(z.reshape(-1, 3, 2).std((0, 2)) + 1e-30),
    )
    yield (
        "noise alike in two calls",
        lambda: (noise(8, seed=0), noise(8, seed=1)),
        Chance(1 / (2 * n) ** 0.5),
        lambda one, other: (one * other).mean(),
    )


def log_std(z):
    """The logarithm of the standard deviation; that of nothing at all is a large negative number."""
    return np.log(z.std() + 1e-30)


def log_std_of_each(states):
    """The same of each state (n, B, …)."""
    return np.log(states.reshape(len(states), -1).std(1) + 1e-30)


def states_of(pairs):
    """What a reverse process yields, as steps (n,) and states (n, B, ...). Unfit if it is anything else."""
    ts, states = [], []
    for count, pair in enumerate(pairs):
        if not (isinstance(pair, tuple | list) and len(pair) == 2 and torch.is_tensor(pair[1])):
            raise Unfit("it should yield pairs (t, x_t)")
        if count > 1000:
            raise Unfit("it yields more than 1000 states")
        ts.append(float(pair[0]))
        states.append(pair[1].detach().clone())
    return torch.tensor(ts), torch.stack(states)


def keeps_a_graph(draw):
    """1 if what a way back from noise returns or yields asks for gradients of the denoiser's weights, else 0."""
    weight = torch.ones(2, dtype=torch.float64, requires_grad=True)

    def denoiser(x_t, t, y=None):
        return weight * x_t

    found = again(lambda g: draw(denoiser, normal(3, 1, 2), g))
    states = [found] if torch.is_tensor(found) else [x for _, x in found]
    return float(any(x.requires_grad for x in states))


@question("utils.reverse_process")
def reverse_process(code):
    utils = code.utils

    def process(T=6, shape=(3, 1, 2), factor=1.0, variance="posterior", seed=0, asked=None, y=None):
        x_T, denoiser, schedule = factor * normal(*shape), recording(asked), some_schedule(code, T)
        return again(lambda g: states_of(utils.reverse_process(denoiser, schedule, x_T, y, g, variance)), seed)

    def without_noise(**case):
        return process(**case)[1] - process(**case, factor=0.0)[1]

    yield "steps t that it yields for T = 6", lambda: process()[0], EXACT
    yield "steps t that it yields for T = 1", lambda: process(T=1)[0], EXACT

    def questions(T=6):
        asked = []
        process(T, asked=asked)
        return torch.tensor([t for t, _ in itertools.groupby(int(each) for t in asked for each in t.flatten())])

    yield "steps t that the denoiser is asked at", questions, EXACT
    yield "steps t that the denoiser is asked at, T = 11", lambda: questions(11), EXACT
    yield "first state", lambda: process()[1][0], EXACT
    yield "states without their noise", without_noise, EXACT
    yield "states without their noise, of images with labels", lambda: without_noise(y=torch.tensor([1, 0, 2])), EXACT
    yield "states without their noise, of images (2, 3, 4, 4)", lambda: without_noise(shape=(2, 3, 4, 4)), EXACT
    n = 3000

    @cache
    def noise(variance="posterior", seed=0):
        return process(shape=(n, 1, 2), factor=0.0, variance=variance, seed=seed)[1]

    for variance in ("posterior", "beta"):
        name = f"log std of the states that start at 0, variance {variance}"
        yield name, lambda v=variance: noise(v), Chance(1 / (4 * n) ** 0.5), log_std_of_each
    yield (
        "states alike that start at 0 with other noise",
        lambda: (noise(), noise(seed=1)),
        Chance(1 / (2 * n) ** 0.5),
        lambda one, other: (one * other).mean(),
    )

    yield from what_it_leaves(code)


def what_it_leaves(code):
    """Whether a reverse process keeps gradients, or changes what it was given or has yielded."""

    def process_of_three(denoiser, x_T, generator):
        return code.utils.reverse_process(denoiser, some_schedule(code, 3), x_T, None, generator)

    def change(generator):
        """How much states change after they were yielded, the first of which is the x_T that it was given."""
        pairs = process_of_three(recording(), normal(3, 1, 2), generator)
        return max(float((x - copy).abs().max()) for x, copy in [(x, x.clone()) for _, x in pairs])

    yield "a graph for gradients that it keeps (1 if it does)", lambda: keeps_a_graph(process_of_three), EXACT
    yield "change of x_T, or of states that it yielded before", lambda: again(change), EXACT


@question("utils.sample_trajectory")
def sample_trajectory(code):
    utils = code.utils

    def trajectory(T=6, shape=(3, 1, 2), factor=1.0, variance="posterior", y=None):
        x_T, schedule = factor * normal(*shape), some_schedule(code, T)
        return again(lambda g: utils.sample_trajectory(recording(), schedule, x_T, y, g, variance))

    def without_noise(**case):
        return trajectory(**case) - trajectory(**case, factor=0.0)

    yield "trajectory[T]", lambda: trajectory()[6], EXACT
    yield "trajectory without its noise", without_noise, EXACT
    yield "trajectory without its noise, of images with labels", lambda: without_noise(y=torch.tensor([1, 0, 2])), EXACT
    yield (
        "trajectory without its noise, T = 4, of images (2, 3, 4, 4)",
        lambda: without_noise(T=4, shape=(2, 3, 4, 4)),
        EXACT,
    )
    n = 3000
    for variance in ("posterior", "beta"):
        yield (
            f"log std of the states that start at 0, variance {variance}",
            lambda v=variance: trajectory(shape=(n, 1, 2), factor=0.0, variance=v),
            Chance(1 / (4 * n) ** 0.5),
            log_std_of_each,
        )


@question("utils.sample")
def sample(code):
    utils = code.utils

    def drawn(T=6, shape=(3, 1, 2), factor=1.0, variance="posterior", y=None):
        x_T, schedule = factor * normal(*shape), some_schedule(code, T)
        return again(lambda g: utils.sample(recording(), schedule, x_T, y, g, variance))

    def without_noise(**case):
        return drawn(**case) - drawn(**case, factor=0.0)

    yield "x_0 without its noise", without_noise, EXACT
    yield "x_0 without its noise, T = 1", lambda: without_noise(T=1), EXACT
    yield "x_0 without its noise, of images with labels", lambda: without_noise(y=torch.tensor([1, 0, 2])), EXACT
    yield "x_0 without its noise, of images (2, 3, 4, 4)", lambda: without_noise(shape=(2, 3, 4, 4)), EXACT
    n = 3000
    for variance in ("posterior", "beta"):
        yield (
            f"log std of x_0 if x_T is 0, variance {variance}",
            lambda v=variance: drawn(shape=(n, 1, 2), factor=0.0, variance=v),
            Chance(1 / (4 * n) ** 0.5),
            log_std,
        )
    yield (
        "a graph for gradients that it keeps (1 if it does)",
        lambda: keeps_a_graph(lambda denoiser, x_T, g: utils.sample(denoiser, some_schedule(code, 3), x_T, None, g)),
        EXACT,
    )
