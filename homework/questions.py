"""What the grader asks each exercise: calls with inputs on which every known mistake shows.

A question is a generator over a submission's modules (code.utils, code.ddpm): it yields an answer's name, a function
that gets it, how far rounding or chance may take it, and, where the answer is of random numbers, what is read from
them. That is done by the grader, not where the submission runs: who forges 20,000 random labels that are dropped
rightly has dropped them rightly. A submission draws its random numbers in whatever way it likes: `again` sets every
generator, so that two calls draw the same ones and their difference has none.
"""

import itertools
import random
from dataclasses import dataclass
from functools import cache
from unittest.mock import patch

import numpy as np
import torch
from torch import nn


@dataclass(frozen=True)
class Rounding:
    """How far rounding may take an answer, as a share of its largest value."""

    share: float


@dataclass(frozen=True)
class Chance:
    """How far chance may take an answer: eight standard errors, for it is compared with another draw."""

    standard_error: float

    @property
    def most(self):
        return 8 * self.standard_error


EXACT = Rounding(1e-5)  # float32
CLOSE = Rounding(1e-4)  # float32, of a sum of many
ABOUT = Rounding(1e-3)
TABLE = Rounding(1e-9)  # float64

QUESTIONS = {}


class Unfit(Exception):
    """An answer that cannot be compared; the message says why, to the student."""


def question(name):
    """Register the question of an exercise: the name of what it grades."""

    def register(function):
        QUESTIONS[name] = function
        return function

    return register


def normal(*shape, seed=0):
    """Standard normal inputs, float64, the same at each call."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def kind_of(value):
    """What a value is, in words."""
    return "nothing: is `return` missing?" if value is None else f"a value of type {type(value).__name__}"


def again(call, seed=0):
    """call(generator) with every source of random numbers as it was at the last call of this seed."""
    torch.default_generator.manual_seed(seed)  # torch.manual_seed looks for GPUs, too
    np.random.seed(seed)
    random.seed(seed)
    with patch("numpy.random.default_rng", lambda *_: np.random.Generator(np.random.PCG64(seed))):
        return call(torch.Generator().manual_seed(seed))


def some_schedule(code, T):
    """A schedule of T steps that asks for no other exercise than its own tables."""
    return code.utils.Schedule(torch.cat([torch.zeros(1), torch.linspace(0.02, 0.7, T)]).double())


def steps(*t):
    return torch.tensor(t)


def moments(z):
    """What independent standard normal numbers are known by, for z (n, ...) of n draws: (mean, std, correlations).

    The correlations are those of neighbouring numbers of a draw, and of neighbouring draws.
    """
    z = z.detach().flatten(1)
    beside = (z[:, :-1] * z[:, 1:]).mean() if z.shape[1] > 1 else torch.zeros(()).to(z)
    return torch.stack([z.mean(), z.std(), beside, (z[:-1] * z[1:]).mean()])


def unchanged(call, *tensors):
    """How much a call changes the tensors that it is given: 0, if it works on copies."""
    copies = [tensor.clone() for tensor in tensors]
    call(*copies)
    return sum((now - before).abs().max() for now, before in zip(copies, tensors, strict=True))


# --- the schedule -------------------------------------------------------------------------------------------------


def betas_of(code, schedule):
    """A schedule's betas, which say whether they are float64. Unfit if it is none."""
    if not isinstance(schedule, code.utils.Schedule):
        raise Unfit(f"it should return a Schedule, and returns {kind_of(schedule)}")
    return schedule.betas


@question("utils.cosine_schedule")
def cosine_schedule(code):
    for T in (5, 50, 1000, 1):
        yield f"betas for T = {T}", lambda T=T: betas_of(code, code.utils.cosine_schedule(T)), TABLE
    yield "betas for T = 10 and s = 0.1", lambda: betas_of(code, code.utils.cosine_schedule(10, s=0.1)), TABLE


@question("utils.linear_schedule")
def linear_schedule(code):
    for T in (5, 50, 1000, 1):
        yield f"betas for T = {T}", lambda T=T: betas_of(code, code.utils.linear_schedule(T)), TABLE
    yield "betas from 0.1 to 0.3 for T = 10", lambda: betas_of(code, code.utils.linear_schedule(10, 0.1, 0.3)), TABLE


TABLES = ("alphas", "alphas_cumprod", "sqrt_alphas_cumprod", "sqrt_one_minus_alphas_cumprod", "posterior_variance")


@question("utils.Schedule")
def schedule_tables(code):
    betas = torch.tensor([0.0, 0.02, 0.1, 0.15, 0.4, 0.7], dtype=torch.float64)
    for table in TABLES:
        yield f"{table} of T = 5", lambda table=table: getattr(code.utils.Schedule(betas.clone()), table), TABLE
    for table in TABLES:
        yield f"{table} of T = 1", lambda table=table: getattr(code.utils.Schedule(betas[:2].clone()), table), TABLE

    def change():
        return unchanged(lambda b: [getattr(code.utils.Schedule(b), table) for table in TABLES], betas)

    yield "change of the betas that it was given", change, TABLE


# --- noising and training -----------------------------------------------------------------------------------------


@question("utils.add_noise")
def add_noise(code):
    schedule = some_schedule(code, 10)
    for shape in ((4, 1, 2), (4, 5), (4, 3, 6, 6)):
        x0, eps = normal(*shape), normal(*shape, seed=1)
        t = steps(1, 4, 10, 7)
        name = f"x_t of images {shape} at t = 1, 4, 10, 7"
        yield name, lambda x0=x0, eps=eps, t=t: code.utils.add_noise(schedule, x0, t, eps), EXACT
    x0, eps = normal(2, 1, 2), normal(2, 1, 2, seed=1)
    one, two = steps(5), steps(2, 3)
    yield "x_t for one t = 5 of shape (1,)", lambda: code.utils.add_noise(schedule, x0, one, eps), EXACT
    yield "x_t of float32", lambda: code.utils.add_noise(schedule, x0.float(), two, eps.float()), EXACT
    yield (
        "type of x_t is that of x_0 (1 if it is)",
        lambda: float(code.utils.add_noise(schedule, x0.float(), two, eps.float()).dtype == torch.float32),
        EXACT,
    )
    yield (
        "x_t for T = 50 at t = 1, 50",
        lambda: code.utils.add_noise(some_schedule(code, 50), x0, steps(1, 50), eps),
        EXACT,
    )

    def change():
        return unchanged(lambda x0, eps: code.utils.add_noise(schedule, x0, two, eps), x0, eps)

    yield "change of the x_0 and ε that it was given", change, EXACT


@question("utils.drop_labels")
def drop_labels(code):
    n, p = 10_000, 0.3
    y = torch.arange(n) % 5
    error = Chance((p * (1 - p) / n) ** 0.5)
    error_of_class = Chance((p * (1 - p) / (n / 5)) ** 0.5)

    def drop(p=p, seed=0):
        return again(lambda generator: code.utils.drop_labels(y.clone(), p, 5, generator), seed)

    def twice():
        return drop(seed=0), drop(seed=1)

    def of_two_classes():
        return again(lambda generator: code.utils.drop_labels(y % 2, 0.5, 2, generator))

    yield "labels for p = 0", lambda: drop(0.0), EXACT
    yield "labels for p = 1", lambda: drop(1.0), EXACT
    yield "type of the labels is int64 (1 if it is)", lambda: float(drop().dtype == torch.int64), EXACT
    yield "share of labels that are ∅ for p = 0.3", drop, error, lambda y: (y == 5).mean()
    yield "share of ∅ = 2 of two classes for p = 0.5", of_two_classes, Chance(0.5 / n**0.5), lambda y: (y == 2).mean()
    yield "share of each class that is dropped", drop, error_of_class, lambda y: (y.reshape(-1, 5) == 5).mean(0)
    yield "share of neighbours that are both dropped", drop, error, lambda y: ((y[1:] == 5) & (y[:-1] == 5)).mean()
    yield "share dropped in two calls alike", twice, error, lambda one, other: ((one == 5) & (other == 5)).mean()
    yield "share of the kept labels that changed", drop, EXACT, lambda d: ((d != y.numpy()) & (d != 5)).mean()

    def change():
        return again(lambda g: unchanged(lambda y: code.utils.drop_labels(y, p, 5, g), y))

    yield "change of the labels that it was given", change, EXACT


def frequencies(T):
    """What is read from steps t (n,): the share of each number from 0 to T+1."""
    return lambda t: np.bincount(np.clip(t, 0, T + 1).astype(int), minlength=T + 2) / len(t)


@question("utils.noised_batch")
def noised_batch(code):
    utils = code.utils
    n = 5000

    def batch(T=10, shape=(n, 1, 2), seed=0, dtype=torch.float64):
        x0 = normal(*shape, seed=9).to(dtype)
        answer = again(lambda generator: utils.noised_batch(some_schedule(code, T), x0, generator), seed)
        if not (isinstance(answer, tuple | list) and len(answer) == 3 and all(map(torch.is_tensor, answer))):
            raise Unfit("it should return (t, eps, x_t)")
        if answer[0].shape != (len(x0),):
            raise Unfit(f"t has the shape {tuple(answer[0].shape)}; there are {len(x0)} images")
        return x0, *answer

    def residual(T):
        def read(x0, t, eps, x_t):
            x0, t, eps = (torch.as_tensor(a) for a in (x0, t, eps))
            return np.abs(x_t - utils.add_noise(some_schedule(code, T), x0, t.long(), eps).numpy()).max()

        return read

    def twice():
        return *batch(seed=0)[1:3], *batch(seed=1)[1:3]

    of_ten, of_three = Chance((0.1 * 0.9 / n) ** 0.5), Chance((0.3 * 0.7 / n) ** 0.5)
    yield "share of each t from 0 to 11, for T = 10", lambda: batch()[1], of_ten, frequencies(10)
    yield "share of each t from 0 to 4, for T = 3", lambda: batch(3)[1], of_three, frequencies(3)
    yield (
        "mean, std and correlations of ε",
        lambda: batch()[2],
        Chance(1 / n**0.5),
        lambda eps: moments(torch.as_tensor(eps)),
    )
    yield "x_t - (what eq. 3 makes of x_0, t and ε)", lambda: batch(10, (200, 1, 2)), EXACT, residual(10)
    yield "the same for images (20, 3, 4, 4), T = 50", lambda: batch(50, (20, 3, 4, 4)), EXACT, residual(50)
    yield "ε alike in two calls", twice, Chance(1 / (2 * n) ** 0.5), lambda t, eps, t2, eps2: (eps * eps2).mean()
    yield "t alike in two calls", twice, of_ten, lambda t, eps, t2, eps2: (t == t2).mean()

    def types():
        x0, _, eps, x_t = batch(dtype=torch.float32)
        return torch.tensor([float(eps.dtype == x0.dtype), float(x_t.dtype == x0.dtype)])

    yield "type of ε and x_t is that of x_0 (1 if it is)", types, EXACT


@question("utils.diffusion_loss")
def diffusion_loss(code):
    utils = code.utils
    schedule = some_schedule(code, 10)

    def loss_of(network, x0, y=None, prediction="eps", loss="l2", schedule=schedule, seed=0):
        value = again(lambda g: utils.diffusion_loss(network, schedule, x0, y, g, prediction, loss), seed)
        if value.shape != ():
            raise Unfit(f"the loss has the shape {tuple(value.shape)}; it should be one number")
        return value

    def asked(prediction="eps", loss="l2", shape=(64, 1, 2), T=10, factor=0.3, seed=0):
        """The loss of a network that returns factor · x_t, and what it was asked: (loss, x_t, t)."""
        x_ts, ts = [], []

        def network(x_t, t, y=None):
            x_ts.append(x_t)
            ts.append(t.expand(len(x_t)))
            return factor * x_t

        value = loss_of(network, normal(*shape), None, prediction, loss, some_schedule(code, T), seed)
        return value, torch.cat(x_ts), torch.cat(ts)

    def ratio(prediction="eps", loss="l2", shape=(64, 1, 2), T=10, factor=0.3):
        """What is read from it: the loss as a share of what it should be for these x_t and t."""

        def read(value, x_t, t):
            schedule, x0 = some_schedule(code, T), normal(*shape)
            x_t, t = torch.as_tensor(x_t), torch.as_tensor(t).long()
            target = utils.training_target(schedule, prediction, x0, t, utils.eps_from_x0(schedule, x_t, t, x0))
            return value / utils.LOSSES[loss](factor * x_t, target).numpy()

        return read

    cases = {f"L2, prediction {prediction}": {"prediction": prediction} for prediction in ("eps", "v", "x0")}
    cases |= {f"{loss}, prediction eps": {"loss": loss, "factor": 3.0} for loss in ("l1", "huber")}
    cases |= {"images (8, 3, 4, 4)": {"prediction": "v", "shape": (8, 3, 4, 4)}, "T = 50": {"prediction": "v", "T": 50}}
    for name, case in cases.items():
        yield f"loss / its right value ({name})", lambda case=case: asked(**case), ABOUT, ratio(**case)

    def perfect():
        x0 = normal(64, 1, 2)
        return loss_of(lambda x_t, t, y=None: utils.eps_from_x0(schedule, x_t, t, x0), x0)

    yield "loss of a network that knows ε", perfect, EXACT

    def labels():
        seen, y = [], torch.arange(64)

        def network(x_t, t, y=None):
            seen.append(y)
            return 0 * x_t

        loss_of(network, normal(64, 1, 2), y)
        return torch.cat(seen).double()

    yield "labels that the network gets", labels, EXACT

    def gradient():
        scale = torch.ones((), dtype=torch.float64, requires_grad=True)
        loss_of(lambda x_t, t, y=None: x_t.detach() * scale, normal(64, 1, 2)).backward()
        return float(scale.grad.abs() > 1e-6)

    yield "a gradient that reaches the network's weights (1 if it does)", gradient, EXACT
    n = 2000

    def noise(value, x_t, t):
        x_t, t = torch.as_tensor(x_t), torch.as_tensor(t).long()
        return moments(utils.eps_from_x0(schedule, x_t, t, normal(n, 1, 2)))

    def twice():
        return asked(shape=(n, 1, 2))[2], asked(shape=(n, 1, 2), seed=1)[2]

    of_ten = Chance((0.1 * 0.9 / n) ** 0.5)
    yield "share of each t from 0 to 11", lambda: asked(shape=(n, 1, 2))[2], of_ten, frequencies(10)
    yield "mean, std and correlations of the noise", lambda: asked(shape=(n, 1, 2)), Chance(1 / n**0.5), noise
    yield "t alike in two calls", twice, of_ten, lambda one, other: (one == other).mean()


class Line(nn.Module):
    """y = w·x + b, with a buffer that counts the calls: the least network that can be trained."""

    def __init__(self):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.tensor([0.5, -0.3])), nn.Parameter(torch.zeros(()))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return x @ self.weight + self.bias


@question("utils.Training")
def training(code):
    def loss_of(network, generator):
        x = torch.randn(8, 2, generator=generator)
        return (network(x) - x[:, 0] + 2 * x[:, 1] - 1).square().mean()

    def run_of(stop, parts=1):
        run = code.utils.Training(Line(), 20, 0.1, torch.Generator().manual_seed(0), ema_decay=0.8)
        run.yielded = []
        for value in run.run(loss_of, parts) if parts > 1 else run.run(loss_of):
            run.yielded.append(float(value))
            if len(run.yielded) >= stop:
                break
        return run

    trained = cache(lambda stop=20, parts=1: run_of(stop, parts))

    yield "losses that it yields in 20 steps", lambda: torch.tensor(trained().yielded), CLOSE
    yield "losses that it keeps", lambda: torch.tensor(trained().losses), CLOSE
    yield "weights after 20 steps", lambda: trained().network.weight, CLOSE
    yield "weights after the first step", lambda: trained(stop=1).network.weight, CLOSE
    yield "average of the weights after 20 steps", lambda: trained().ema.module.weight, CLOSE
    yield "learning rate after 5 of 20 steps", lambda: torch.tensor(trained(stop=5).lr_schedule.get_last_lr()), CLOSE
    yield "weights after 20 steps of three parts", lambda: trained(parts=3).network.weight, CLOSE
    yield "losses of three parts", lambda: torch.tensor(trained(parts=3).yielded), CLOSE
    yield "calls of the network in 20 steps of three parts", lambda: trained(parts=3).network.calls, EXACT

    def goes_on():
        run = run_of(stop=7)
        values = [float(value) for value in itertools.islice(run.run(loss_of), 30)]
        return torch.tensor([values[-1], len(run.losses)])

    yield "last loss, and number of losses, of a run that goes on after 7 steps", goes_on, CLOSE

    def stopped(bad_value):
        """Calls until the loss is bad, losses that are kept, and how far weights and average moved after it."""
        run = code.utils.Training(Line(), 20, 0.1, torch.Generator().manual_seed(0))
        before = []

        def bad(network, generator):
            before.append(torch.cat([network.weight.detach().clone(), run.ema.module.weight.detach().clone()]))
            if len(before) > 30:
                raise Unfit("a run of 20 steps goes on after 30")
            return loss_of(network, generator) * (bad_value if len(before) == 4 else 1.0)

        try:
            for _ in run.run(bad):
                pass
        except FloatingPointError:
            moved = torch.cat([run.network.weight.detach(), run.ema.module.weight.detach()]) - before[-1]
            return torch.tensor([len(before), len(run.losses), float(moved.abs().max())])
        raise Unfit(f"a loss of {bad_value} should raise FloatingPointError")

    for bad_value in (float("nan"), float("inf")):
        name = f"a loss of {bad_value} at the fourth call: calls, losses kept, change of the weights after it"
        yield name, lambda bad_value=bad_value: stopped(bad_value), EXACT


# --- the way back -------------------------------------------------------------------------------------------------


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
    n = 3000

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
    yield (
        "mean, std and correlations of the noise at t = 8, in units of its std at t = 5",
        lambda: (noise(8), noise(5)),
        Chance(1 / n**0.5),
        lambda of_8, of_5: moments(torch.as_tensor(of_8 / of_5.std())),
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

    def labelled():
        y = torch.tensor([1, 0, 2])

        def of(x):
            return again(lambda g: utils.reverse_step(recording(), ten, x, steps(2, 9, 4), y, g))

        return of(x_t) - of(0 * x_t)

    yield "mean for images with labels, of a denoiser that depends on x_t, t and y", labelled, EXACT

    def change():
        return again(lambda g: unchanged(lambda x: utils.reverse_step(recording(), ten, x, steps(4), None, g), x_t))

    yield "change of the x_t that it was given", change, EXACT


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
    yield "a graph for gradients that it keeps (1 if it does)", lambda: keeps_a_graph(process_of_three), EXACT

    def process_of_three(denoiser, x_T, generator):
        return utils.reverse_process(denoiser, some_schedule(code, 3), x_T, None, generator)


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


# --- guidance -----------------------------------------------------------------------------------------------------


def labelled_denoiser(asked=None):
    """A denoiser whose answer says what it was asked, and with which label."""

    def denoiser(x_t, t, y=None):
        if asked is not None:
            asked.append(t)
        label = torch.zeros(len(x_t)).to(x_t) if y is None else 1.0 + y.to(x_t)
        ones = [1] * (x_t.ndim - 1)
        return torch.sin(x_t) + 0.1 * t.to(x_t).view(-1, *ones) + (label**2).view(-1, *ones) * torch.cos(3 * x_t)

    return denoiser


@question("utils.classifier_free_guidance")
def classifier_free_guidance(code):
    x_t, t, y = normal(4, 1, 2), steps(1, 5, 9, 3), torch.tensor([0, 1, 1, 0])

    def guided(w, x_t=x_t, t=t):
        return code.utils.classifier_free_guidance(labelled_denoiser(), w)(x_t, t, y)

    for w in (0.0, -1.0, 0.5, 3.0):
        yield f"ε̄ for w = {w:g}", lambda w=w: guided(w), EXACT
    yield "ε̄ for one t of shape (1,)", lambda: guided(2.0, t=steps(7)), EXACT
    yield "ε̄ for images (4, 3, 4, 4)", lambda: guided(2.0, normal(4, 3, 4, 4)), EXACT
    yield "change of the x_t that it was given", lambda: unchanged(lambda x: guided(2.0, x), x_t), EXACT


@question("utils.classifier_guidance")
def classifier_guidance(code):
    schedule = some_schedule(code, 10)
    weight = normal(3, 2, seed=5)

    def classifier(x_t, t):
        """Three classes; not linear in x_t, of its own for each t."""
        x = x_t.flatten(1)[:, :2]
        return torch.tanh(x @ weight.to(x).T) * (1 + 0.3 * t.to(x).view(-1, 1)) + x[:, :1] ** 2 * weight[:, 0].to(x)

    y, some_t = torch.tensor([0, 2, 1, 0]), steps(1, 5, 9, 3)

    def guided(scale=1.0, t=some_t, shape=(4, 1, 2), **options):
        options |= {} if scale is None else {"scale": scale}
        return code.utils.classifier_guidance(labelled_denoiser(), classifier, schedule, **options)(
            normal(*shape), t, y
        ).detach()

    yield "ε̂ at t = 1, 5, 9, 3", guided, EXACT
    yield "ε̂ for scale 0", lambda: guided(0.0), EXACT
    yield "ε̂ for scale 4", lambda: guided(4.0), EXACT
    yield "ε̂ for the default scale", lambda: guided(None), EXACT
    yield "ε̂ for one t of shape (1,)", lambda: guided(t=steps(7)), EXACT
    yield "ε̂ for images (4, 3, 4, 4)", lambda: guided(shape=(4, 3, 4, 4)), EXACT

    def inside_the_sampler():
        with torch.no_grad():
            return guided()

    yield "ε̂ inside torch.no_grad, as the sampler asks", inside_the_sampler, EXACT

    def keeps_a_graph():
        x = normal(4, 1, 2)
        denoiser = code.utils.classifier_guidance(labelled_denoiser(), classifier, schedule)
        with torch.no_grad():
            out = denoiser(x, steps(4), y)
        return torch.tensor([float(x.requires_grad), float(out.requires_grad)])

    yield "gradients that x_t, ε̂ ask for afterwards (1 if they do)", keeps_a_graph, EXACT


# --- networks -----------------------------------------------------------------------------------------------------


def canonical(module, name):
    """A parameter seen as (out, in, ...), so that a transposed convolution and its twin look alike."""
    value = getattr(module, name)
    transposed = isinstance(module, nn.ConvTranspose1d | nn.ConvTranspose2d) and name == "weight"
    return value.transpose(0, 1) if transposed else value


@torch.no_grad()
def fill(network):
    """Give every layer weights by its shape alone: layers of the same shape get the same, in whatever order they come.

    The second half of a layer's inputs has the weights of the first, and so has a norm's second half, so that two parts
    may be concatenated in either order; biases are 0, but for those of the norms.
    """
    for module in network.modules():
        for name, _ in module.named_parameters(recurse=False):
            value = canonical(module, name)
            if isinstance(module, nn.GroupNorm):
                half = normal(-(-len(value) // 2), seed=len(name))
                value.copy_(0.3 * torch.cat([half, half])[: len(value)] + (name == "weight"))
            elif name == "weight":
                inputs = value.shape[1]
                half = normal(value.shape[0], -(-inputs // 2), *value.shape[2:], seed=value.shape[0])
                value.copy_(torch.cat([half, half], 1)[:, :inputs] / (value[0].numel() ** 0.5))
            else:
                value.zero_()
    return network.double().eval()


@question("ddpm.StepEmbedding")
def step_embedding(code):
    def made(T=50, dim=8, seed=0):
        return again(lambda _: code.ddpm.StepEmbedding(T, dim), seed)

    def frequencies(embedding, n):
        """The fixed frequencies among what is saved with the weights. Unfit if there are none."""
        saved = {name for name, value in embedding.state_dict().items() if value.numel() == n}
        trained = {name for name, _ in embedding.named_parameters()}
        if not saved - trained:
            raise Unfit(f"no {n} numbers w_i are saved with the weights without being trained (register_buffer)")
        return embedding.get_buffer(min(saved - trained))

    def features(T, *t):
        """What the dense layer is given, for known frequencies; the order of the features is free."""
        embedding, given = made(T), []
        w = frequencies(embedding, 4)
        w.copy_(torch.tensor([0.3, -0.7, 1.1, 1.9]).view_as(w))
        for layer in embedding.modules():
            if isinstance(layer, nn.Linear):
                layer.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].detach()))
        embedding(steps(*t))
        if not given:
            raise Unfit("no dense layer (nn.Linear) was called")
        return given[0].sort(1).values

    yield "features at t = 1, 7, 25, 50 for T = 50, sorted", lambda: features(50, 1, 7, 25, 50), CLOSE
    yield "features at t = 1, 3, 5 for T = 5, sorted", lambda: features(5, 1, 3, 5), CLOSE
    yield "features at t = 0, sorted", lambda: features(50, 0), CLOSE

    def embedded():
        """The embedding for known frequencies and dense weights, which are alike for all features."""
        embedding = fill(made())
        w = frequencies(embedding, 4)
        w.copy_(torch.tensor([0.3, -0.7, 1.1, 1.9]).view_as(w))
        for p in embedding.parameters():
            if p.ndim > 1:
                p.data.copy_(p.mean(1, keepdim=True).expand_as(p))
        return embedding(steps(1, 7, 25, 50))

    yield "embedding at t = 1, 7, 25, 50 if the dense layer adds all features up", embedded, CLOSE
    yield "shape of the embedding of three steps", lambda: torch.tensor(made()(steps(1, 2, 3)).shape), EXACT

    def drawn():
        w = frequencies(made(dim=1000), 500)
        return torch.stack([w.mean(), w.std(), w.abs().mean()])

    yield "mean, std and mean size of 500 frequencies", drawn, Chance(1 / 500**0.5)
    yield (
        "sets of 500 numbers that are trained, beside the dense layer",
        lambda: float(sum(p.numel() == 500 for p in made(dim=1000).parameters())),
        EXACT,
    )
    yield "the same step embedded twice: difference", lambda: (lambda e: e(steps(3)) - e(steps(3)))(made()), EXACT
    yield "frequencies of two embeddings alike (1 if they are)", lambda: alike(made(), made(seed=1), frequencies), EXACT

    def unused():
        embedding = made()
        embedding(steps(1, 2, 3)).square().sum().backward()
        idle = [p.grad is None or not p.grad.any() for p in embedding.parameters()]
        return torch.tensor([float(sum(idle)), float(len(idle) == 0)])

    yield "parameters without effect", unused, EXACT


def alike(one, other, frequencies):
    first, second = (frequencies(e, 4) for e in (one, other))
    return torch.tensor(float(torch.equal(first, second)))


@question("ddpm.ConditionedBlock")
def conditioned_block(code):
    def block(conv=None, groups=2):
        conv = nn.Conv1d(3, 8, kernel_size=2) if conv is None else conv
        return fill(code.ddpm.ConditionedBlock(conv, groups, 6))

    tables = {"steps": normal(11, 6, seed=2), "labels": normal(4, 6, seed=3)}
    some_t, some_y = steps(1, 10, 4, 4), steps(0, 3, 1, 2)

    def answer(length=2, conv=None, groups=2, t=some_t, y=some_y, factor=1.0):
        x = normal(4, 3, length)
        return block(conv, groups)(factor * x, tables["steps"], t, tables["labels"], y)

    yield "block with a convolution of kernel 2", answer, EXACT
    yield "block on images of length 5", lambda: answer(5), EXACT
    yield "block with a transposed convolution of kernel 1", lambda: answer(1, nn.ConvTranspose1d(3, 8, 1)), EXACT
    yield "block with four groups", lambda: answer(groups=4), EXACT
    yield "block on an image ten times as bright", lambda: answer(factor=10.0), EXACT
    yield "block with one t for all images", lambda: answer(t=steps(7)), EXACT
    yield "effect of the step", lambda: answer(t=steps(1, 2, 3, 4)) - answer(t=steps(5, 6, 7, 8)), EXACT
    yield "effect of the label", lambda: answer(y=steps(0, 1, 2, 3)) - answer(y=steps(1, 2, 3, 0)), EXACT

    def groups():
        return torch.tensor(
            sorted(m.num_groups for m in block(groups=4).modules() if isinstance(m, nn.GroupNorm)), dtype=torch.float64
        )

    yield "groups of its GroupNorm", groups, EXACT
    yield (
        "matrices of a dense layer",
        lambda: float(sum(p.squeeze().shape == (8, 6) for p in block().parameters())),
        EXACT,
    )

    def unused():
        network = block()
        network(
            normal(4, 3, 2), tables["steps"], steps(1, 2, 3, 4), tables["labels"], steps(0, 1, 2, 3)
        ).sum().backward()
        return torch.tensor(float(sum(p.grad is None for p in network.parameters())))

    yield "parameters without effect", unused, EXACT


@question("ddpm.TwoPixelUNet")
def two_pixel_unet(code):
    def network(T=10, K=2, **options):
        unet = again(lambda _: code.ddpm.TwoPixelUNet(T, K, **options))
        for module in unet.modules():
            if isinstance(module, code.ddpm.StepEmbedding):
                module.w.copy_(normal(len(module.w)))
        return fill(unet)

    x, t, y = normal(6, 1, 2), steps(1, 2, 5, 9, 10, 10), steps(0, 1, 2, 2, 1, 0)
    small = {"channels": (16, 128), "dim": 8}

    def answer(x=x, t=t, y=y, **options):
        return network(**small | options)(x, t, y)

    yield "ε̂ of channels (16, 128)", answer, CLOSE
    yield "ε̂ of the default channels (64, 256)", lambda: network()(x, t, y), CLOSE
    yield "ε̂ of an image ten times as bright", lambda: answer(10 * x), CLOSE
    yield "ε̂ with y = None", lambda: network(**small)(x, t), CLOSE
    yield "ε̂ with one t for all images", lambda: answer(t=steps(7)), CLOSE
    yield "ε̂ of one image", lambda: answer(x[:1], t[:1], y[:1]), CLOSE
    yield "ε̂ of three classes, T = 50", lambda: answer(y=(y + 1) % 4, t=5 * t, T=50, K=3), CLOSE
    yield "effect of the step", lambda: answer(t=t) - answer(t=11 - t), CLOSE
    yield "effect of the label", lambda: answer(y=y) - answer(y=(y + 1) % 3), CLOSE

    def groups():
        return torch.tensor(
            sorted(m.num_groups for m in network(**small).modules() if isinstance(m, nn.GroupNorm)),
            dtype=torch.float64,
        )

    yield "groups of its norms", groups, EXACT

    def unused():
        unet = network(**small)
        unet(x, t, y).square().sum().backward()
        return torch.tensor(float(sum(p.grad is None for p in unet.parameters())))

    yield "parameters without effect", unused, EXACT


@question("ddpm.ResidualBlock")
def residual_block(code):
    def answer(c_in=8, c_out=8, size=5, groups=4, factor=1.0):
        block = fill(code.ddpm.ResidualBlock(c_in, c_out, 6, groups))
        with torch.no_grad():  # scale and shift that differ, in the order that the docstring says
            for layer in (block.step_dense, block.class_dense):
                layer.weight.copy_(normal(*layer.weight.shape, seed=4))
        x, step, label = factor * normal(3, c_in, size, size), normal(3, 6, seed=1), normal(3, 6, seed=2)
        return block(x, step, label)

    yield "block of equal channels", answer, EXACT
    yield "block from 8 to 16 channels", lambda: answer(c_out=16), EXACT
    yield "block on images of 4 x 4 pixels", lambda: answer(size=4), EXACT
    yield "block on images ten times as bright", lambda: answer(factor=10.0), EXACT
    yield (
        "change of the x that it was given",
        lambda: unchanged(
            lambda x: fill(code.ddpm.ResidualBlock(8, 8, 6, 4))(x, normal(3, 6, seed=1), normal(3, 6, seed=2)),
            normal(3, 8, 5, 5),
        ),
        EXACT,
    )


@question("ddpm.SelfAttention")
def self_attention(code):
    def layer(heads=2, channels=16):
        attention = fill(code.ddpm.SelfAttention(channels, heads, 4))
        with torch.no_grad():
            attention.qkv.weight.copy_(normal(*attention.qkv.weight.shape, seed=6) / 2)
            attention.out.weight.copy_(normal(*attention.out.weight.shape, seed=7))
        return attention

    yield "attention of two heads", lambda: layer()(normal(2, 16, 4, 4)), EXACT
    yield "attention of one head", lambda: layer(1)(normal(2, 16, 4, 4)), EXACT
    yield "attention of four heads", lambda: layer(4)(normal(2, 16, 4, 4)), EXACT
    yield "attention on an image of 3 x 5 pixels", lambda: layer()(normal(2, 16, 3, 5)), EXACT
    yield "attention of an image by itself", lambda: layer()(normal(2, 16, 4, 4)[1:]), EXACT
    yield "attention on an image ten times as bright", lambda: layer()(10 * normal(2, 16, 4, 4)), EXACT


@question("ddpm.ImageUNet")
def image_unet(code):
    def network(channels=1, widths=(8, 16, 24, 32)):
        unet = again(lambda _: code.ddpm.ImageUNet(20, 3, channels, widths, dim=8))
        unet.step_embedding.w.copy_(torch.tensor([0.3, -0.7, 1.1, 1.9]))
        return fill(unet)

    x, t, y = normal(3, 1, 8, 8), steps(1, 12, 20), steps(0, 2, 3)
    yield "ε̂ of images (3, 1, 8, 8)", lambda: network()(x, t, y), CLOSE
    yield "ε̂ of images (1, 1, 12, 12)", lambda: network()(normal(1, 1, 12, 12), t[:1], y[:1]), CLOSE
    yield "ε̂ of images in colour", lambda: network(3)(normal(3, 3, 8, 8), t, y), CLOSE
    yield "ε̂ with y = None", lambda: network()(x, t), CLOSE
    yield "ε̂ with one t for all images", lambda: network()(x, steps(7), y), CLOSE
    yield "effect of the step", lambda: network()(x, t, y) - network()(x, t.flip(0), y), CLOSE
    yield "effect of the label", lambda: network()(x, t, y) - network()(x, t, y.flip(0)), CLOSE

    def unused():
        unet = network()
        unet(x, t, y).square().sum().backward()
        return torch.tensor(float(sum(p.grad is None for p in unet.parameters())))

    yield "parameters without effect", unused, EXACT
