"""Instruments that look at a sampler, called as sampler(denoiser, schedule, x_T, y, generator) -> x_0."""

import torch

from evaluation.metrics import energy_in_floors
from exact.one_gaussian import expected_std, samples_in_one_gaussian_world, std_in_one_gaussian_world, steps_asked
from homework import grade
from homework.exercises import exercise_of

__all__ = [
    "correlation_in_one_gaussian_world",
    "energy_of_samples",
    "expected_std",
    "grader_says",
    "std_in_one_gaussian_world",
    "steps_asked",
]


def energy_of_samples(sampler, run, n=5000, seed=0):
    """The energy distance of n of its samples, by the exact denoiser of a two-pixel run, in noise floors."""
    random = torch.Generator().manual_seed(seed)
    samples = sampler(run.oracle(), run.schedule, run.noise(n, random), None, random)
    return energy_in_floors(run.to_pixels(samples), run.world)


def correlation_in_one_gaussian_world(sampler, n=20_000):
    """(correlation of both pixels of its samples, standard error) in a world of one Gaussian; of right ones it is 0."""
    samples = samples_in_one_gaussian_world(sampler, n=n)
    return float(torch.corrcoef(samples.flatten(1).T)[0, 1]), n**-0.5


def grader_says(bug):
    """What the homework's grader says about a bug of the zoo, by its answers alone; "" if it took it for right."""
    graded, (texts, _) = exercise_of(bug.function), grade.reference()
    return grade.verdict(graded, grade.answers_of(bug.put_into(texts, graded), graded))
