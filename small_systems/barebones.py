"""Bare-bones diffusion: blend, denoise, blend again, after the text "Bare-bones Diffusion Models".

    python -m small_systems.barebones                        # learn to denoise sprites, then draw some
    python -m small_systems.barebones --task specific-image  # learn to draw images from pure noise, which cannot work

Images x are (B, C, h, w) with intensities in [0, 1]; noise n ~ U[0, 1) in every pixel and channel. D(z, level) is the
network that denoises: level (B,) in [0, 1] says how much of z is noise. Blending is Euler's method for
dx/dlevel = (x - D(x, level)) / level, the flow of Heitz et al. 2023 (IADB) and of rectified flow (Liu et al. 2022).
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported

import sys
from dataclasses import dataclass

import torch
from torch.nn.functional import mse_loss

from experiments.command_line import Parser, number
from experiments.data import SETS
from small_systems.command_line import common_options, last, main
from small_systems.network import SmallUNet


def uniform_noise(x, generator):
    """n ~ U[0, 1) like x."""
    return torch.rand(x.shape, generator=generator).to(x)


def mix(x, noise, level):
    """level·n + (1 - level)·x; level (B,)."""
    level = level.view(-1, 1, 1, 1)
    return level * noise + (1 - level) * x


def specific_image_loss(D, x, generator):
    """‖D(n, 1) - x‖² per pixel: an image from pure noise, which says nothing about which image."""
    return mse_loss(D(uniform_noise(x, generator), torch.ones(len(x))), x)


def denoising_loss(D, x, generator):
    """‖D(z, level) - x‖² per pixel, z = level·n + (1 - level)·x, for a random level in (0, 1] of each image."""
    level = 1 - torch.rand(len(x), generator=generator)
    return mse_loss(D(mix(x, uniform_noise(x, generator), level), level), x)


def generate(D, noise, S, step_size=1.0):
    """Yields (x, denoised) after each of S steps from noise level 1 to 0; the last x is the image.

    step_size g goes on from the denoised image before: D_prev + g (D - D_prev). g = 1 is the text's; g = 2, which its
    published code has, extrapolates; g = 1.5 is the two-step method of Adams and Bashforth for the denoised term.
    """
    x, before = noise, None
    for step in range(S):
        level_in, level_out = 1 - step / S, 1 - (step + 1) / S
        now = D(x, torch.full((len(x),), level_in))
        denoised = now if before is None else before + step_size * (now - before)
        alpha = level_out / level_in
        x = alpha * x + (1 - alpha) * denoised
        before = now
        yield x, denoised


# --- a run: settings, training, samples -------------------------------------------------------------------------------

TASKS = {"denoise": denoising_loss, "specific-image": specific_image_loss}


@dataclass(frozen=True)
class Config:
    """Settings of a run, saved as config.json beside its weights. ValueError for unknown names.

    repeated is how often the first training image is in the training set.
    """

    task: str = "denoise"
    data: str = "sprites"
    repeated: int = 1
    steps: int = 3500
    batch_size: int = 64
    width: int = 32
    lr: float = 1e-3
    seed: int = 0

    def __post_init__(self):
        if self.task not in TASKS or self.data not in SETS:
            raise ValueError(f"unknown task {self.task!r} or data {self.data!r}")


class BareBones:
    """Images, network, loss and sampler of one config. Sprites are learned in their mirror images too."""

    Config = Config

    def __init__(self, config):
        self.config = config
        self.train, self.test = (part.images for part in SETS[config.data]())
        self.train = torch.cat([self.train, self.train[:1].expand(config.repeated - 1, -1, -1, -1)])
        if config.data == "sprites":
            self.train = torch.cat([self.train, self.train.flip(3)])
        torch.manual_seed(config.seed)
        self.network = SmallUNet(self.train.shape[1], (config.width, 2 * config.width), bias=0.5)

    def loss(self, network, generator):
        """The loss of the config's task on a random batch, a scalar."""
        x = self.train[torch.randint(len(self.train), (self.config.batch_size,), generator=generator)]
        return TASKS[self.config.task](network, x, generator)

    def steps(self, S):
        """How many steps `sample` takes if S are asked for."""
        return S

    @torch.no_grad()
    def sample(self, n, S, generator, step_size=1.0):
        """n images, by S steps."""
        noise = uniform_noise(self.train[:1].expand(n, -1, -1, -1), generator)
        x, _ = last(generate(self.network, noise, S, step_size))
        return x


def make_parser():
    p = Parser(
        prog="python -m small_systems.barebones",
        description="Bare-bones diffusion: train a denoiser, draw images, judge them.",
    )
    p.add_argument("--task", choices=TASKS, help="what is learned from noise: to denoise, or a specific image")
    p.add_argument("--data", choices=SETS, help="the images to learn")
    p.add_argument("--repeated", type=number(int, 1, 100_000), help="how often the first image is in the training set")
    common_options(p, Config())
    return p


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], make_parser(), BareBones, Config()))
