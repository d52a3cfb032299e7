"""How to ask: inputs, random numbers that come again, tolerances, and the register of questions."""

import random
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
import torch


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


def correlation(z, other):
    return float((z * other).mean())


# What independent standard normal numbers z (n, channels, ..., pixels) of n draws are known by: what it is, how it is
# read, and its standard error times √n, at most, for images (n, 3, 1, 2).
MOMENTS = (
    ("mean", lambda z: z.mean(), 0.41),
    ("std", lambda z: z.std(), 0.29),
    ("mean fourth power (3 for normal numbers)", lambda z: (z**4).mean(), 4.0),
    ("correlation of neighbouring pixels", lambda z: correlation(z[..., 1:], z[..., :-1]), 1.0),
    ("correlation of neighbouring channels", lambda z: correlation(z[:, 1:], z[:, :-1]), 1.0),
    ("correlation of neighbouring images", lambda z: correlation(z[1:], z[:-1]), 1.0),
)


def unchanged(call, *tensors):
    """How much a call changes the tensors that it is given: 0, if it works on copies."""
    copies = [tensor.clone() for tensor in tensors]
    call(*copies)
    return sum((now - before).abs().max() for now, before in zip(copies, tensors, strict=True))
