"""What label dropout, batches, losses and the training loop are asked: exercises 1.7 to 1.10."""

import itertools
from functools import cache

import numpy as np
import torch
from torch import nn

from homework.questions.asking import (
    ABOUT,
    CLOSE,
    EXACT,
    MOMENTS,
    Chance,
    Unfit,
    again,
    normal,
    question,
    some_schedule,
    unchanged,
)


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
            off = np.abs(x_t - utils.add_noise(some_schedule(code, T), x0, t.long(), eps).numpy())
            return np.round(off.max() / np.abs(x_t).max(), 4)  # float32 has seven digits

        return read

    def twice():
        return *batch(seed=0)[1:3], *batch(seed=1)[1:3]

    of_ten, of_three = Chance((0.1 * 0.9 / n) ** 0.5), Chance((0.3 * 0.7 / n) ** 0.5)
    yield "share of each t from 0 to 11, for T = 10", lambda: batch()[1], of_ten, frequencies(10)
    yield "share of each t from 0 to 4, for T = 3", lambda: batch(3)[1], of_three, frequencies(3)

    def noise_of_colours():
        return batch(shape=(n, 3, 1, 2))[2]

    for name, read, error in MOMENTS:
        yield f"{name} of ε, of images (n, 3, 1, 2)", noise_of_colours, Chance(error / n**0.5), read
    name = "share of x_t that is not what eq. 3 makes of x_0, t and ε"
    yield name, lambda: batch(10, (200, 1, 2)), EXACT, residual(10)
    yield "the same for images (20, 3, 4, 4), T = 50", lambda: batch(50, (20, 3, 4, 4)), EXACT, residual(50)
    yield "ε alike in two calls", twice, Chance(1 / (2 * n) ** 0.5), lambda t, eps, t2, eps2: (eps * eps2).mean()
    yield "t alike in two calls", twice, of_ten, lambda t, eps, t2, eps2: (t == t2).mean()

    def types():
        x0, _, eps, x_t = batch(dtype=torch.float32)
        return torch.tensor([float(eps.dtype == x0.dtype), float(x_t.dtype == x0.dtype)])

    yield "type of ε and x_t is that of x_0 (1 if it is)", types, EXACT


def loss_of(code, network, x0, y=None, prediction="eps", loss="l2", T=10, seed=0):
    """A submission's loss of a network. Unfit if it is not one number."""
    schedule = some_schedule(code, T)
    value = again(lambda g: code.utils.diffusion_loss(network, schedule, x0, y, g, prediction, loss), seed)
    if value.shape != ():
        raise Unfit(f"the loss has the shape {tuple(value.shape)}; it should be one number")
    return value


def loss_and_asked(code, shape=(64, 1, 2), factor=0.3, **case):
    """The loss of a network that returns factor · x_t, and what it was asked: (loss, x_t, t)."""
    x_ts, ts = [], []

    def network(x_t, t, y=None):
        x_ts.append(x_t)
        ts.append(t.expand(len(x_t)))
        return factor * x_t

    value = loss_of(code, network, normal(*shape), **case)
    return value, torch.cat(x_ts), torch.cat(ts)


def ratio(code, prediction="eps", loss="l2", shape=(64, 1, 2), T=10, factor=0.3):
    """What is read from it: the loss as a share of what it should be for these x_t and t."""

    def read(value, x_t, t):
        schedule, x0 = some_schedule(code, T), normal(*shape)
        x_t, t = torch.as_tensor(x_t), torch.as_tensor(t).long()
        eps = code.utils.eps_from_x0(schedule, x_t, t, x0)
        target = code.utils.training_target(schedule, prediction, x0, t, eps)
        return value / code.utils.LOSSES[loss](factor * x_t, target).numpy()

    return read


@question("utils.diffusion_loss")
def diffusion_loss(code):
    cases = {f"L2, prediction {prediction}": {"prediction": prediction} for prediction in ("eps", "v", "x0")}
    cases |= {f"{loss}, prediction eps": {"loss": loss, "factor": 3.0} for loss in ("l1", "huber")}
    cases |= {"images (8, 3, 4, 4)": {"prediction": "v", "shape": (8, 3, 4, 4)}, "T = 50": {"prediction": "v", "T": 50}}
    for name, case in cases.items():
        value = f"loss / its right value ({name})"
        yield value, lambda case=case: loss_and_asked(code, **case), ABOUT, ratio(code, **case)

    def perfect():
        x0, schedule = normal(64, 1, 2), some_schedule(code, 10)
        return loss_of(code, lambda x_t, t, y=None: code.utils.eps_from_x0(schedule, x_t, t, x0), x0)

    yield "loss of a network that knows ε", perfect, EXACT

    def gradient():
        scale = torch.ones((), dtype=torch.float64, requires_grad=True)
        loss_of(code, lambda x_t, t, y=None: x_t.detach() * scale, normal(64, 1, 2)).backward()
        return float(scale.grad.abs() > 1e-6)

    yield "a gradient that reaches the network's weights (1 if it does)", gradient, EXACT
    yield from what_the_network_is_asked(code)


def what_the_network_is_asked(code, n=2000):
    """Labels, steps and noise of what the loss shows the network."""

    def labels():
        seen, y = [], torch.arange(64)

        def network(x_t, t, y=None):
            seen.append(y)
            return 0 * x_t

        loss_of(code, network, normal(64, 1, 2), y)
        return torch.cat(seen).double()

    def steps_asked(seed=0):
        return loss_and_asked(code, (n, 1, 2), seed=seed)[2]

    def twice():
        return steps_asked(), steps_asked(seed=1)

    def noise(read):
        def of(value, x_t, t):
            x_t, t = torch.as_tensor(x_t), torch.as_tensor(t).long()
            return read(code.utils.eps_from_x0(some_schedule(code, 10), x_t, t, normal(n, 3, 1, 2)).numpy())

        return of

    def colours():
        return loss_and_asked(code, (n, 3, 1, 2))

    of_ten = Chance((0.1 * 0.9 / n) ** 0.5)
    yield "labels that the network gets", labels, EXACT
    yield "share of each t from 0 to 11", steps_asked, of_ten, frequencies(10)
    yield "t alike in two calls", twice, of_ten, lambda one, other: (one == other).mean()
    for name, read, error in MOMENTS:
        yield f"{name} of the noise, of images (n, 3, 1, 2)", colours, Chance(error / n**0.5), noise(read)


class Line(nn.Module):
    """y = w·x + b, with a buffer that counts the calls: the least network that can be trained."""

    def __init__(self):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.tensor([0.5, -0.3])), nn.Parameter(torch.zeros(()))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return x @ self.weight + self.bias


def line_loss(network, generator):
    """The squared error of a line on a fresh batch."""
    x = torch.randn(8, 2, generator=generator)
    return (network(x) - x[:, 0] + 2 * x[:, 1] - 1).square().mean()


def stopped(code, bad_value):
    """Calls until the loss is bad, losses that are kept, and how far weights and average moved after it."""
    run = code.utils.Training(Line(), 20, 0.1, torch.Generator().manual_seed(0))
    before = []

    def bad(network, generator):
        before.append(torch.cat([network.weight.detach().clone(), run.ema.module.weight.detach().clone()]))
        if len(before) > 30:
            raise Unfit("a run of 20 steps goes on after 30")
        return line_loss(network, generator) * (bad_value if len(before) == 4 else 1.0)

    try:
        for _ in run.run(bad):
            pass
    except FloatingPointError:
        moved = torch.cat([run.network.weight.detach(), run.ema.module.weight.detach()]) - before[-1]
        return torch.tensor([len(before), len(run.losses), float(moved.abs().max())])
    raise Unfit(f"a loss of {bad_value} should raise FloatingPointError")


@question("utils.Training")
def training(code):
    def run_of(stop, parts=1):
        run = code.utils.Training(Line(), 20, 0.1, torch.Generator().manual_seed(0), ema_decay=0.8)
        run.yielded = []
        for value in run.run(line_loss, parts) if parts > 1 else run.run(line_loss):
            if any(torch.is_tensor(loss) and loss.requires_grad for loss in (value, *run.losses)):
                raise Unfit("it yields or keeps a tensor with all of its graph, where a number is asked for: .item()")
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
        values = [float(value) for value in itertools.islice(run.run(line_loss), 30)]
        return torch.tensor([values[-1], len(run.losses)])

    yield "last loss, and number of losses, of a run that goes on after 7 steps", goes_on, CLOSE
    for bad_value in (float("nan"), float("inf")):
        name = f"a loss of {bad_value} at the fourth call: calls, losses kept, change of the weights after it"
        yield name, lambda bad_value=bad_value: stopped(code, bad_value), EXACT
