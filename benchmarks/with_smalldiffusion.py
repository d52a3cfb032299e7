"""The jobs, written with smalldiffusion: its `training_loop` and `samples`, on two pixels around our network.

smalldiffusion names a noise level by σ = √((1-ᾱ)/ᾱ) instead of t and works with x_t/√ᾱ_t instead of x_t. Its sampler
does not clip x̂_0. Its training loop has neither a learning rate schedule nor a moving average: the average, which
its own examples add from outside, is added here too.
"""

import importlib
import sys
from functools import partial
from unittest.mock import MagicMock

import torch
from accelerate import Accelerator
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from utils import ema_update


def import_smalldiffusion():
    """The package; its unused image transforms want torchvision, which this repo does without: a mock stands in."""
    stand_in = MagicMock()
    torchvision = sys.modules.setdefault("torchvision", stand_in)
    try:
        return importlib.import_module("smalldiffusion")
    finally:
        if torchvision is stand_in:
            del sys.modules["torchvision"]


smalldiffusion = import_smalldiffusion()
smalldiffusion.diffusion.tqdm = partial(tqdm, disable=True)  # the benchmark has its own progress bar


class SigmaConditioned(torch.nn.Module, smalldiffusion.ModelMixin):
    """Our network asked by σ, a scalar or (B, 1, 1), instead of t: the first step whose σ_t is not below σ."""

    input_dims = (1, 2)

    def __init__(self, network, sigmas):
        super().__init__()
        self.network, self.sigmas = network, sigmas

    def forward(self, x, sigma, cond=None):
        t = torch.searchsorted(self.sigmas, sigma.flatten()) + 1
        return self.network(x, t.expand(len(x)), cond)


def model_and_schedule(experiment):
    """The network for v-prediction, with its input scaled back to unit variance, and the cosine schedule."""
    schedule = smalldiffusion.ScheduleCosine(experiment.config.T)
    model_class = smalldiffusion.PredV(smalldiffusion.Scaled(SigmaConditioned))
    return model_class(experiment.network, schedule.sigmas), schedule


def training(experiment, batches):
    """Trains for ever on the batches (x0, y), yielding the loss of each step."""
    model, schedule = model_and_schedule(experiment)
    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.999))
    states = smalldiffusion.training_loop(
        batches, model, schedule, Accelerator(cpu=True), epochs=1, lr=experiment.config.lr, conditional=True
    )
    for state in states:
        ema.update_parameters(model)
        yield state.loss.item()


def sampling(experiment, n):
    """Draws n images (n, 1, 2) without label, again and again, yielding after each reverse step.

    gam = 1 and mu = 1/2 make it ancestral sampling, as ours is.
    """
    model, schedule = model_and_schedule(experiment)
    sigmas, accelerator = schedule.sample_sigmas(experiment.config.T), Accelerator(cpu=True)
    while True:
        yield from smalldiffusion.samples(model, sigmas, gam=1, mu=0.5, batchsize=n, accelerator=accelerator)


class ItsWay:
    """MNIST by its own Unet and the settings of its example for Fashion-MNIST, with its embedding of labels.

    Widths (1, 1, 2) × 64 at 28 × 28, log-linear σ, AdamW at 7e-4, batches of 1024, a moving average that is short at
    first; 20 steps with gam = 1.6. The example's mirrored images are left out: a mirrored 3 is no digit.
    """

    batch_size, lr, steps, gam = 1024, 7e-4, 20, 1.6

    def __init__(self, num_classes, size):
        width, embedding = 64, smalldiffusion.model.CondEmbedderLabel(4 * 64, num_classes)
        kind = smalldiffusion.Scaled(smalldiffusion.Unet)
        self.network = kind(
            size, 1, 1, ch=width, ch_mult=(1, 1, 2), attn_resolutions=(size // 2,), cond_embed=embedding
        )
        self.schedule = smalldiffusion.ScheduleLogLinear(sigma_min=0.01, sigma_max=20, N=800)
        self.ema = AveragedModel(self.network, multi_avg_fn=ema_update(0.999))
        self.batch = None
        self.loop = smalldiffusion.training_loop(
            self, self.network, self.schedule, Accelerator(cpu=True), epochs=10**9, lr=self.lr, conditional=True
        )

    def __iter__(self):
        """The batches of the loop: whatever `step` was given last."""
        yield self.batch

    def step(self, images, labels):
        """One training step on images (B, 1, h, w) in [0, 1]; returns the loss."""
        self.batch = 2 * images - 1, labels
        loss = next(self.loop).loss.item()  # its loop updates the weights when it is asked for the next one
        self.ema.update_parameters(self.network)
        return loss

    def sample(self, labels):
        """Digits of the classes `labels`, (n, 1, h, w) in [0, 1]."""
        model, sigmas = self.ema.module, self.schedule.sample_sigmas(self.steps)
        *_, x = smalldiffusion.samples(
            model, sigmas, gam=self.gam, batchsize=len(labels), cond=labels, accelerator=Accelerator(cpu=True)
        )
        return (x.clamp(-1, 1) + 1) / 2
