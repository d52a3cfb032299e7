"""The MNIST job, written with denoising-diffusion-pytorch: its conditional Unet, its diffusion, its trainer's settings.

Its `Trainer` reads image folders and knows no labels, so the few lines of its training step stand here. Widths
(1, 2, 4) × `dim`, since 28 pixels can be halved twice; `dim` is chosen for as many parameters as ours.
"""

import importlib
import sys
from functools import partial
from unittest.mock import MagicMock

import torch
from ema_pytorch import EMA
from tqdm import tqdm

WIDTH_FACTORS = (1, 2, 4)
BATCH, LR, ADAM_BETAS, EMA_DECAY, EMA_EVERY, MAX_GRADIENT = 16, 1e-4, (0.9, 0.99), 0.995, 10, 1.0  # of its Trainer
SAMPLED = 50  # steps, by its DDIM: all of them take a CPU an hour
UNUSED = ("torchvision", "pytorch_fid", "pytorch_fid.inception", "pytorch_fid.fid_score")


def import_package():
    """Its module for labelled images; mocks stand in for torchvision and the FID network, which are not used here."""
    mocks = {name: MagicMock() for name in UNUSED if name not in sys.modules}
    sys.modules.update(mocks)
    try:
        return importlib.import_module("denoising_diffusion_pytorch.classifier_free_guidance")
    finally:
        for name in mocks:
            del sys.modules[name]


package = import_package()
package.tqdm = partial(tqdm, disable=True)  # the benchmark has its own progress bar


def parameters_of(module):
    return sum(p.numel() for p in module.parameters())


def unet(num_classes, parameters, label_dropout):
    """Its Unet whose number of parameters is nearest to `parameters`; it drops as many labels as ours does."""
    options = {"cond_drop_prob": label_dropout, "dim_mults": WIDTH_FACTORS, "channels": 1}
    candidates = (package.Unet(dim, num_classes, **options) for dim in range(16, 49, 2))
    return min(candidates, key=lambda network: abs(parameters_of(network) - parameters))


class ItsWay:
    """Its diffusion and the settings of its trainer around its Unet."""

    batch_size = BATCH

    def __init__(self, network, size, T):
        self.network = network
        self.diffusion = package.GaussianDiffusion(network, image_size=size, timesteps=T, sampling_timesteps=SAMPLED)
        self.optimizer = torch.optim.Adam(self.diffusion.parameters(), LR, betas=ADAM_BETAS)
        self.ema = EMA(self.diffusion, beta=EMA_DECAY, update_every=EMA_EVERY)

    def step(self, images, labels):
        """One training step on images (B, 1, h, w) in [0, 1]; returns the loss."""
        loss = self.diffusion(images, classes=labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.diffusion.parameters(), MAX_GRADIENT)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.ema.update()
        return loss.item()

    def sample(self, labels):
        """Digits of the classes `labels` by its sampler, without guidance, (n, 1, h, w) in [0, 1].

        Without guidance its network returns one prediction where its sampler expects a second one without label, which
        fails, or with two labels passes unnoticed; the second is not used then, so here it is the first again.
        """
        diffusion = self.ema.ema_model
        network = diffusion.model
        network.forward_with_cond_scale = lambda *x, **_: (network(*x, cond_drop_prob=0.0),) * 2
        return diffusion.sample(labels, cond_scale=1.0, rescaled_phi=0.0).clamp(0, 1)
