"""Ten bugs of samplers: what samples show of them, with the exact denoiser and with the trained network, and what two
sharper instruments show: the width in a world of one Gaussian, and the steps that the network is asked at.
"""

import torch
from tqdm import tqdm

from evaluation.committed import experiment, generator
from evaluation.metrics import energy_in_floors
from exact.one_gaussian import std_in_one_gaussian_world, steps_asked
from measurements.common import mean_and_error
from utils import at, reverse_step, standard_normal

SAMPLES = 5000
SEEDS = 6
T = 50


def sampler(step=reverse_step, first=0, last=1):
    """Ancestral sampling by any step, from T - first to last: draw(denoiser, schedule, x_T, y, generator) -> x_0."""

    def draw(denoiser, schedule, x_T, y, generator):
        x = x_T
        for t in range(schedule.T - first, last - 1, -1):
            x = step(denoiser, schedule, x, torch.tensor([t]), y, generator)
        return x

    return draw


def eq_13(divisor=None, sigma=None, one_noise=False):
    """A step of eq. 13 with other tables, each a function of the schedule: below the mean, and of the noise."""

    def step(denoiser, schedule, x_t, t, y, generator):
        share_t = schedule.betas / schedule.sqrt_one_minus_alphas_cumprod
        divisor_t = divisor(schedule) if divisor else schedule.alphas.sqrt()
        sigma_t = sigma(schedule) if sigma else schedule.posterior_variance.sqrt()
        mean = (x_t - at(share_t, t, x_t) * denoiser(x_t, t, y)) / at(divisor_t, t, x_t)
        z = standard_normal(x_t[:1] if one_noise else x_t, generator)
        return mean + at(sigma_t, t, x_t) * z

    return step


def asks_at(shift):
    """The step from t, with the network asked at t + shift, within 1 … T."""

    def step(denoiser, schedule, x_t, t, y, generator):
        def elsewhere(x_t, t, y):
            return denoiser(x_t, (t + shift).clamp(1, schedule.T), y)

        return reverse_step(elsewhere, schedule, x_t, t, y, generator)

    return step


def noise_at_the_end(denoiser, schedule, x_t, t, y, generator):
    """Eq. 13, but the last step adds noise of variance β_1."""
    x = reverse_step(denoiser, schedule, x_t, t, y, generator)
    return x + at(schedule.betas.sqrt(), t, x) * standard_normal(x, generator) if int(t) == 1 else x


def clipped(denoiser, schedule, x_t, t, y, generator):
    """Eq. 13 with x_{t-1} held to [-1, 1], where the range of x̂_0 was meant."""
    return reverse_step(denoiser, schedule, x_t, t, y, generator).clamp(-1, 1)


RIGHT = "right"
WAYS = {
    RIGHT: sampler(),
    "noise on the last step": sampler(noise_at_the_end),
    "last step skipped": sampler(last=2),
    "starts at T-1": sampler(first=1),
    "network asked at t-1": sampler(asks_at(-1)),
    "network asked at t+1": sampler(asks_at(1)),
    "variance for standard deviation": sampler(eq_13(sigma=lambda s: s.posterior_variance)),
    "no noise": sampler(eq_13(sigma=lambda s: 0 * s.betas)),
    "one noise for all images": sampler(eq_13(one_noise=True)),
    "√ᾱ_t for √α_t": sampler(eq_13(divisor=lambda s: s.sqrt_alphas_cumprod)),
    "x_t clipped to [-1, 1]": sampler(clipped),
}


def distances(draw, run, denoiser):
    """The energy distance of samples in noise floors, for each seed."""
    found = []
    for seed in range(SEEDS):
        random = generator(seed)
        x_0 = draw(denoiser, run.schedule, run.noise(SAMPLES, random), None, random)
        found.append(energy_in_floors(run.to_pixels(x_0), run.world) if torch.isfinite(x_0).all() else float("inf"))
    return found


def shown_by_instruments(draw):
    """How many standard errors (of independent images) the width is off, and the steps that the network is asked at."""
    width, expected, error = std_in_one_gaussian_world(draw, T)
    return {"width_off": (width - expected) / error, "asked": steps_asked(draw, T)}


def seen(row):
    """Whether samples are worse than the right sampler's, from the same noise: beyond three standard errors."""
    return row["worse"]["mean"] > 3 * row["worse"]["error"]


def better(row):
    """Whether they are better, likewise."""
    return row["worse"]["mean"] < -3 * row["worse"]["error"]


def measure():
    run, rows = experiment(T), {}
    denoisers = {"oracle": run.oracle(), "network": run.denoiser()}
    right = {who: distances(WAYS[RIGHT], run, denoiser) for who, denoiser in denoisers.items()}
    for name, draw in tqdm(WAYS.items(), desc="bugs"):
        rows[name] = shown_by_instruments(draw)
        for who, denoiser in denoisers.items():
            found = distances(draw, run, denoiser)
            worse = [mine - theirs for mine, theirs in zip(found, right[who], strict=True)]
            rows[name][who] = mean_and_error(found) | {"worse": mean_and_error(worse)}
    return {"samples": SAMPLES, "seeds": SEEDS, "T": T, "rows": rows}
