"""What the text "Naive diffusion" claims, measured: N-a to N-j, in the order of the text."""

import numpy as np
import torch

from evaluation import judges
from evaluation.committed import generator
from exact.finite_set import independent_bits_posterior, mean_one_step_before, posterior_mean
from measurements.common import SEEDS, mean_and_error, over_seeds, trained
from small_systems import naive
from small_systems.command_line import last, load
from small_systems.naive import Naive, clean_share, fair_bits

SAMPLES = 300
SIZES = ((32 * 32, 32, 60), (32 * 32, 32, 240), (16 * 16, 32, 60))  # pixels, k, T
STEPS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
PIXELS = 16 * 16
LONG = ["--width", "64", "--steps", "6000"]  # training of Algorithms 1 and 2: six minutes
COINS = 1000  # added to a seed for the coins on the way, which must not be those of the start
BLACK_NOISE = (0.002, 0.02)  # Cold Diffusion, section 5


def run(name, arguments, seed=0):
    """A trained run of naive.py."""
    return load(trained(f"naive-{name}", ["-m", "small_systems.naive", *arguments], seed), Naive)


def renoising(seed=0):
    return run("renoise", LONG, seed)


def small_renoising(seed=0):
    """The network of the defaults, half as wide and trained for half as long: two minutes."""
    return run("renoise-small", [], seed)


def stepwise(k=32, seed=0):
    return run(f"stepwise-k{k}", ["--algorithm", "stepwise", "--k", f"{k}", *LONG], seed)


def cold(colours, seed=0):
    arguments = ["--algorithm", "cold", "--data", "sprites", "--colours", colours]
    return run(f"cold-{colours}", arguments, seed)


def fair_noise(n, seed=0):
    """z_T of n glyphs."""
    return fair_bits(torch.zeros(n, 1, 16, 16), generator(seed))


# --- N-a to N-d: Algorithm 1, and what is left over -------------------------------------------------------------------


def enough_steps():
    """N-a: is T = 60 enough? The share of pixels that are still clean after T steps, by formula and by simulation."""
    rows = []
    for pixels, k, T in SIZES:
        side = round(pixels**0.5)
        images = torch.zeros(500, 1, side, side)
        hit = naive.picked_with_repetition(images, torch.full((500,), k * T), generator())
        simulated = 1 - float(hit.double().mean())
        rows.append({"pixels": pixels, "k": k, "T": T, "formula": clean_share(T, k, pixels), "simulated": simulated})
    return rows


@torch.no_grad()
def stepwise_losses(system, x, predictions):
    """The stepwise loss of several predictions f(z, level), by name, on images x: the mean over all t."""
    config, n, g = system.config, len(x), generator()
    losses = {name: [] for name in predictions}
    for t in range(config.T):
        z_t = naive.add_noise(x, naive.picked_with_repetition(x, torch.full((n,), config.k * t), g), g)
        z_next = naive.add_noise(z_t, naive.picked_with_repetition(x, torch.full((n,), config.k), g), g)
        level = naive.level_of(x, (t + 1) / config.T)
        for name, predict in predictions.items():
            losses[name].append(float((predict(z_next, level) - z_t).square().mean()))
    return {name: float(np.mean(values)) for name, values in losses.items()}


def loss_beside_identity(system, n=1000):
    """N-b: the stepwise loss on test images, of the network, of giving z back, and of fading z a little towards grey.

    The last is c z + (1-c)/2 with c the share of pixels that one step leaves: the best that looks at one pixel alone,
    if ink is as likely as paper. removed is the share of its loss that the network does without.
    """
    c = clean_share(1, system.config.k, PIXELS)
    predictions = {
        "network": system.f(system.network),
        "identity": lambda z, level: z,
        "shrink": lambda z, level: c * z + (1 - c) / 2,
    }
    losses = stepwise_losses(system, system.test[:n], predictions)
    return losses | {"removed": 1 - losses["network"] / losses["shrink"]}


def share_that_an_exact_denoiser_removes(k, T=60, n=1000):
    """N-b: the same share for the exact denoiser of n images, on those: no network can remove more of their loss."""
    system, c = stepwise(k), clean_share(1, k, PIXELS)
    images = system.train[:n]
    predictions = {"exact": exact_stepwise(images, k, T), "shrink": lambda z, level: c * z + (1 - c) / 2}
    losses = stepwise_losses(system, images, predictions)
    return 1 - losses["exact"] / losses["shrink"]


def exact_noise_left_over(n=100):
    """N-c: the slopes of Algorithm 1 with the exact denoiser of 2000 images: what theory says should be left."""
    images, z, rows = renoising().train[:2000], fair_noise(n), {}
    for k in (32, 8):
        f, T = exact_stepwise(images, k, 60), 60
        rows[f"Algorithm 1, k = {k}"] = slope_on_noise(last(naive.stepwise_sample(f, z, T)), z)
        coins = last(naive.stepwise_sample_bits(f, z, T, generator(COINS)))
        rows[f"Algorithm 1 with coins, k = {k}"] = slope_on_noise(coins, z)
    return rows


def slope_on_noise(pictures, z_T):
    """The regression slope of final pixels on initial noise: 1 if noise passes unchanged, 0 if it is gone."""
    final, noise = pictures - pictures.mean(0), z_T - z_T.mean(0)
    return float((final * noise).mean() / noise.square().mean())


@torch.no_grad()
def noise_left_over(seed, k=32):
    """N-c: what is left of the noise at t = 0, by Algorithms 1 and 2: slope on the start, greyness, isolated ink."""
    stepping, guessing = stepwise(k, seed), renoising(seed)
    z, coins, T = fair_noise(SAMPLES, seed), generator(COINS + seed), stepping.config.T
    f, g = stepping.f(stepping.network), guessing.f(guessing.network)
    rows = {
        f"Algorithm 1, k = {k}": last(naive.stepwise_sample(f, z, T)),
        f"Algorithm 1 with coins, k = {k}": last(naive.stepwise_sample_bits(f, z, T, coins)),
        "Algorithm 2, S = 64": last(naive.renoising_sample(g, z, 64, coins)),
    }
    return {
        name: {
            "slope": slope_on_noise(x, z),
            "greyness": judges.greyness(x),
            "isolated_ink": judges.isolated_ink(x),
        }
        for name, x in rows.items()
    }


@torch.no_grad()
def one_step(seed):
    """N-d: one step from pure noise gives the mean image: rmse to it, greyness, and the share of pixels above ½."""
    system = renoising(seed)
    x = system.sample(SAMPLES, 1, generator(seed))
    mean = system.train.mean(0)
    return {
        "rmse_to_mean": float((x - mean).square().mean().sqrt()),
        "greyness": judges.greyness(x),
        "greyness_of_mean": judges.greyness(mean),
        "ink": judges.ink(x),
        "ink_of_data": judges.ink(system.train),
    }


# --- N-e to N-g: Algorithm 2, its steps and its randomness ------------------------------------------------------------


def quality_by_steps(system, seed):
    """N-e: `judges.measures` of samples by S steps, S in STEPS."""
    return {
        str(S): judges.measures(system.sample(SAMPLES, S, generator(seed)), system.train, system.test) for S in STEPS
    }


@torch.no_grad()
def variety_by_randomness(S, n=100):
    """N-f: how many of n samples differ in black and white, and how far apart they are, by which coins are the same."""
    system = renoising()
    f, z, rows = system.f(system.network), fair_noise(n), {}
    coins = {"fresh": lambda i: generator(COINS + i), "same": lambda i: generator(COINS)}
    for start in ("fresh", "same"):
        for way in ("fresh", "same"):
            x = torch.cat(
                [
                    last(naive.renoising_sample(f, z[i : i + 1] if start == "fresh" else z[:1], S, coins[way](i)))
                    for i in range(n)
                ]
            )
            bits = (x > 0.5).float()
            name = f"{start} coins at the start, {way} coins on the way"
            rows[name] = {"distinct": judges.distinct(bits), "pairwise": judges.pairwise_distance(bits)}
    return rows


def exact_stepwise(images, k, T):
    """f*(z_{t+1}, (t+1)/T) = E[z_t | z_{t+1}] for a finite set of images; a grey z as `finite_set` takes it."""

    def f(z, level):
        t_next = round(float(level[0]) * T)
        return mean_one_step_before(images, z, clean_share(t_next - 1, k, PIXELS), clean_share(1, k, PIXELS))

    return f


def exact_renoising(images):
    """f*(z, t/N) = E[x | z] for a finite set of images, each pixel being noise with probability t/N."""

    def f(z, level):
        return posterior_mean(images, independent_bits_posterior(images, z, 1 - float(level[0])))

    return f


def variety_of_the_exact_denoiser(images, n=48):
    """N-g: how many of n samples of the exact denoisers differ in black and white, and how many are training images."""
    z, rows = fair_noise(n), {}
    for k, T, name in ((32, 60, "no pixel clean at T"), (8, 60, "15 % of the pixels clean at T")):
        f = exact_stepwise(images, k, T)
        rows[f"Algorithm 1, {name}"] = last(naive.stepwise_sample(f, z, T))
        rows[f"Algorithm 1 with coins, {name}"] = last(naive.stepwise_sample_bits(f, z, T, generator(COINS)))
    for S in (1, 8, 32):
        rows[f"Algorithm 2, S = {S}"] = last(naive.renoising_sample(exact_renoising(images), z, S, generator(COINS)))

    def row(x):
        x = (x > 0.5).float()
        return {"distinct": judges.distinct(x), "copies": float((judges.nearest(x, images)[1] == 0).mean())}

    return {name: row(x) for name, x in rows.items()}


# --- N-h, N-i: Algorithm 3 --------------------------------------------------------------------------------------------


@torch.no_grad()
def variety_by_colours(colours, n=64, S=50):
    """N-h: how many of n samples differ, how far apart they are, and how far the unclamped chain strays from [0, 1]."""
    system = cold(colours)
    f, rows = system.network, {}
    palette = system.palette if system.palette is not None else system.colours(n, generator())
    colour = palette.repeat(n // len(palette), 1, 1, 1)
    start = colour.expand(n, -1, 16, 16)
    for name, sampler in (("algorithm 1", naive.cold_sample), ("algorithm 2", naive.cold_sample_by_difference)):
        x, free = (last(sampler(f, colour, start, S, clamp)) for clamp in (True, False))
        rows[name] = {
            "distinct": judges.distinct(x),
            "distinct_to_the_eye": judges.distinct(x, same=0.1),
            "pairwise": judges.pairwise_distance(x),
            "unclamped_range": [float(free.min()), float(free.max())],
        }
    return rows | {"pairwise_of_test": judges.pairwise_distance(system.test[:n])}


@torch.no_grad()
def broken_symmetry(n=64, S=50):
    """N-i: a little noise on black, and how diverse the sprites become."""
    system, rows = cold("1"), {}
    colour = system.colours(n, generator())
    for size in BLACK_NOISE:
        start = size * torch.randn(n, 3, 16, 16, generator=generator())
        x = last(naive.cold_sample_by_difference(system.network, colour, start, S))
        rows[str(size)] = {"distinct": judges.distinct(x), "pairwise": judges.pairwise_distance(x)}
    return rows


def coordinates_help():
    """N-j: the loss of Algorithm 2 on test images, with and without coordinates, after the same steps."""

    def loss(system):
        with torch.no_grad():
            return float(naive.denoising_loss(system.f(system.network), system.test, generator()))

    return {
        "with": mean_and_error([loss(small_renoising(seed)) for seed in SEEDS]),
        "without": mean_and_error([loss(run("no-coordinates", ["--no-coordinates"], seed)) for seed in SEEDS]),
    }


def measure():
    """All of it, as a dict of plain numbers."""
    return {
        "N-a": enough_steps(),
        "N-b": over_seeds(lambda seed: loss_beside_identity(stepwise(seed=seed))),
        "N-b k = 8": loss_beside_identity(stepwise(8)),
        "N-b exact": {f"k = {k}": share_that_an_exact_denoiser_removes(k) for k in (32, 8)},
        "N-c": over_seeds(noise_left_over),
        "N-c k = 8": noise_left_over(0, k=8),
        "N-c exact": exact_noise_left_over(),
        "N-d": over_seeds(one_step),
        "N-e": {
            "real": judges.reference(renoising().train, renoising().test, SAMPLES),
            "short": over_seeds(lambda seed: quality_by_steps(small_renoising(seed), seed)),
            "long": over_seeds(lambda seed: quality_by_steps(renoising(seed), seed)),
        },
        "N-f": {f"S = {S}": variety_by_randomness(S) for S in (2, 16)},
        "N-g": variety_of_the_exact_denoiser(renoising().train[:2000]),
        "N-h": {colours: variety_by_colours(colours) for colours in ("1", "4", "16", "any")},
        "N-i": broken_symmetry(),
        "N-j": coordinates_help(),
    }
