"""Naive diffusion: three ways to make images from noise that need no mathematics, after the text "Naive diffusion".

    python -m small_systems.naive                       # Algorithm 2 on glyphs: denoise and renoise, by turns
    python -m small_systems.naive --algorithm stepwise  # Algorithm 1: take the noise back step by step
    python -m small_systems.naive --algorithm cold      # Algorithm 3: no noise at all, the image fades to a colour

Images x and z are (B, C, h, w) with intensities in [0, 1]. f(z, level) is the network: level (B,) in [0, 1] says how
much of z is noise. Noise is binomial: a chosen pixel turns black or white by a fair coin, in all its channels at once.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported

import argparse
import sys
from dataclasses import dataclass

import torch
from torch.nn.functional import mse_loss

from experiments.command_line import Parser, number
from experiments.data import SETS
from small_systems.command_line import common_options, last, main
from small_systems.network import SmallUNet


def level_of(z, value):
    """The same noise level for every image, (B,)."""
    return torch.full((len(z),), value, device=z.device)


# --- binomial noise ---------------------------------------------------------------------------------------------------


def fair_bits(x, generator):
    """Black or white with equal chance in every pixel, like x."""
    bits = torch.randint(0, 2, (len(x), 1, *x.shape[2:]), generator=generator)
    return bits.to(x).expand_as(x)


def picked_with_repetition(x, picks, generator):
    """The pixels that are hit if one of them is picked at random picks (B,) times, (B, 1, h, w) of bool."""
    b, _, h, w = x.shape
    pixel = torch.randint(h * w, (b, int(picks.max())), generator=generator)
    counts = torch.arange(pixel.shape[1]) < picks.unsqueeze(1)
    hits = torch.zeros(b, h * w).scatter_add_(1, pixel, counts.float())
    return (hits > 0).view(b, 1, h, w)


def picked(x, count, generator):
    """count (B,) different pixels of each image, (B, 1, h, w) of bool."""
    b, _, h, w = x.shape
    place_in_random_order = torch.rand(b, h * w, generator=generator).argsort(1).argsort(1)
    return (place_in_random_order < count.unsqueeze(1)).view(b, 1, h, w)


def add_noise(x, chosen, generator):
    """x with the chosen pixels (B, 1, h, w) turned into fair bits."""
    return torch.where(chosen, fair_bits(x, generator), x)


def clean_share(t, k, pixels):
    """(1 - 1/N)^{kt}: the share of N pixels that t steps of k picks have not hit."""
    return (1 - 1 / pixels) ** (k * t)


# --- Algorithm 1: step by step ----------------------------------------------------------------------------------------


def stepwise_loss(f, x, k, T, generator):
    """‖f(z_{t+1}, (t+1)/T) - z_t‖² per pixel, for a random t in 0 … T-1 of each image; each step picks k pixels."""
    t = torch.randint(T, (len(x),), generator=generator)
    z_t = add_noise(x, picked_with_repetition(x, k * t, generator), generator)
    z_next = add_noise(z_t, picked_with_repetition(x, torch.full_like(t, k), generator), generator)
    return mse_loss(f(z_next, (t + 1) / T), z_t)


def stepwise_sample(f, z, T):
    """Yields z_{T-1}, …, z_0: each the network's answer to the one before. z is z_T, fair bits."""
    for t in range(T, 0, -1):
        z = f(z, level_of(z, t / T))
        yield z


def stepwise_sample_bits(f, z, T, generator):
    """The same with coins thrown: z_t is black or white with the probability that f gives; z_0 is f's answer itself."""
    for t in range(T, 0, -1):
        p = f(z, level_of(z, t / T))
        z = torch.bernoulli(p, generator=generator)
        yield p if t == 1 else z


# --- Algorithm 2: denoise, renoise ------------------------------------------------------------------------------------


def denoising_loss(f, x, generator):
    """‖f(z_t, t/N) - x‖² per pixel, where t of the N pixels are noise, for a random t in 1 … N of each image."""
    pixels = x.shape[2] * x.shape[3]
    t = torch.randint(1, pixels + 1, (len(x),), generator=generator)
    return mse_loss(f(add_noise(x, picked(x, t, generator), generator), t / pixels), x)


def renoising_sample(f, z, S, generator):
    """Yields S predictions x̂_0, each from a z with fewer noisy pixels; the last is the sample. z starts as noise."""
    pixels = z.shape[2] * z.shape[3]
    for s in range(S):
        x = f(z, level_of(z, (S - s) / S))
        yield x
        left = torch.full((len(z),), round(pixels * (S - s - 1) / S))
        z = add_noise(x, picked(x, left, generator), generator)


# --- Algorithm 3: cold diffusion --------------------------------------------------------------------------------------


def fade(x, a, colour):
    """(1-a) x + a c: a = 0 is the image, a = 1 the colour c (B, C, 1, 1) and nothing else; a (B,)."""
    a = a.view(-1, 1, 1, 1)
    return (1 - a) * x + a * colour


def cold_loss(f, x, colour, generator):
    """‖f(fade(x, a, c), a) - x‖² per pixel, for a random a in (0, 1] of each image."""
    a = 1 - torch.rand(len(x), generator=generator)
    return mse_loss(f(fade(x, a, colour), a), x)


def cold_sample(f, colour, z, S, clamp=True):
    """Yields z after each of S steps: restore, then degrade a little less (Bansal et al. 2022, algorithm 1).

    z (B, C, h, w) is the image faded to the colour c (B, C, 1, 1). clamp holds the restored image in [0, 1].
    """
    for s in range(S, 0, -1):
        x = restored(f, z, s / S, clamp)
        z = fade(x, level_of(z, (s - 1) / S), colour)
        yield z


def cold_sample_by_difference(f, colour, z, S, clamp=True):
    """The same by z - D(x̂, s) + D(x̂, s-1), in which errors of x̂ almost cancel (Bansal et al. 2022, algorithm 2)."""
    for s in range(S, 0, -1):
        x = restored(f, z, s / S, clamp)
        z = z - fade(x, level_of(z, s / S), colour) + fade(x, level_of(z, (s - 1) / S), colour)
        yield z


def restored(f, z, a, clamp):
    x = f(z, level_of(z, a))
    return x.clamp(0, 1) if clamp else x


# --- a run: settings, training, samples -------------------------------------------------------------------------------

ALGORITHMS = ("stepwise", "renoise", "cold")


@dataclass(frozen=True)
class Config:
    """Settings of a run, saved as config.json beside its weights; k and T are Algorithm 1's, colours Algorithm 3's.

    colours: "any", or how many fixed colours images fade to, of which the first is black. ValueError for unknown names.
    """

    algorithm: str = "renoise"
    data: str = "glyphs"
    k: int = 32
    T: int = 60
    colours: str = "any"
    steps: int = 3000
    batch_size: int = 64
    width: int = 32
    coordinates: bool = True
    lr: float = 1e-3
    seed: int = 0

    def __post_init__(self):
        if self.algorithm not in ALGORITHMS or self.data not in SETS:
            raise ValueError(f"unknown algorithm {self.algorithm!r} or data {self.data!r}")


class Naive:
    """Images, network, loss and sampler of one config. For Algorithms 1 and 2 images are black and white at ½."""

    Config = Config

    def __init__(self, config):
        self.config = config
        self.train, self.test = (part.images for part in SETS[config.data]())
        if config.algorithm != "cold":
            self.train, self.test = (self.train >= 0.5).float(), (self.test >= 0.5).float()
        torch.manual_seed(config.seed)
        bias = 0.5 if config.algorithm == "cold" else 0.0
        widths = (config.width, 2 * config.width)
        self.network = SmallUNet(self.train.shape[1], widths, config.coordinates, bias)
        self.palette = None if config.colours == "any" else fixed_colours(int(config.colours), self.train.shape[1])

    def f(self, network):
        """The network's answer, held between 0 and 1 for bits, whose mean it is."""
        if self.config.algorithm == "cold":
            return network
        return lambda z, level: network(z, level).sigmoid()

    def colours(self, n, generator):
        """n colours to fade to, (n, C, 1, 1)."""
        if self.palette is None:
            return torch.rand(n, self.train.shape[1], 1, 1, generator=generator)
        return self.palette[torch.randint(len(self.palette), (n,), generator=generator)]

    def loss(self, network, generator):
        """The loss of the config's algorithm on a random batch, a scalar."""
        config, f = self.config, self.f(network)
        x = self.train[torch.randint(len(self.train), (config.batch_size,), generator=generator)]
        if config.algorithm == "stepwise":
            return stepwise_loss(f, x, config.k, config.T, generator)
        if config.algorithm == "renoise":
            return denoising_loss(f, x, generator)
        return cold_loss(f, x, self.colours(len(x), generator), generator)

    def steps(self, S):
        """How many steps `sample` takes if S are asked for: Algorithm 1 has its own T."""
        return self.config.T if self.config.algorithm == "stepwise" else S

    @torch.no_grad()
    def sample(self, n, S, generator):
        """n images, by `steps(S)` steps."""
        config, f = self.config, self.f(self.network)
        like = self.train[:1].expand(n, -1, -1, -1)
        if config.algorithm == "cold":
            colour = self.colours(n, generator)
            states = cold_sample_by_difference(f, colour, colour.expand_as(like), S)
        elif config.algorithm == "stepwise":
            states = stepwise_sample(f, fair_bits(like, generator), config.T)
        else:
            states = renoising_sample(f, fair_bits(like, generator), S, generator)
        return last(states)


def fixed_colours(n, channels):
    """Black and n - 1 colours that are always the same, (n, C, 1, 1)."""
    colours = torch.rand(n, channels, 1, 1, generator=torch.Generator().manual_seed(0))
    colours[0] = 0
    return colours


def make_parser():
    p = Parser(
        prog="python -m small_systems.naive",
        description="Naive diffusion: train a small network, draw images, judge them.",
    )
    p.add_argument("--algorithm", choices=ALGORITHMS, help="1 stepwise, 2 denoise and renoise, 3 cold diffusion")
    p.add_argument("--data", choices=SETS, help="the images to learn; for cold diffusion try sprites")
    p.add_argument("--k", type=number(int, 1), help="stepwise: pixels that are picked in each step")
    p.add_argument("--T", type=number(int, 1, 100_000), help="stepwise: steps of noising, and of sampling")
    p.add_argument("--colours", choices=["any", "1", "4", "16"], help="cold: how many colours images fade to")
    p.add_argument("--coordinates", action=argparse.BooleanOptionalAction, help="show the network where a pixel is")
    common_options(p, Config())
    return p


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], make_parser(), Naive, Config()))
