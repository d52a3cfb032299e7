"""Whether a device computes what the CPU does, and trains, resumes and compiles: the first part of `benchmarks.gpu`.

Differences are relative to the largest value on the CPU. float32 has 24 bits of mantissa, some of which are lost when
sums are taken in another order; a gradient adds up a whole batch, and a sampler feeds 200 answers back. bfloat16 has 8.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from experiments import images, run_folder, two_pixel
from experiments.checkpoint import load_training, load_weights, save_training, save_weights
from utils import Training, classifier_free_guidance, classifier_guidance, diffusion_loss, eps_denoiser, sample

FORWARD, GRADIENT, SAMPLES, BFLOAT16 = 1e-4, 1e-3, 1e-2, 5e-2
DIGITS = replace(images.DEFAULTS["digits"], steps=20, batch_size=32)  # come with scikit-learn: nothing to download
PIXELS = two_pixel.Config(steps=20, batch_size=64, classifier=True)
BATCH = 16


@dataclass(frozen=True)
class Check:
    """One comparison: what was compared, how far apart at most, and how far is right. None: it could not be made."""

    name: str
    difference: float | None
    tolerance: float

    @property
    def ok(self):
        return self.difference is None or self.difference <= self.tolerance

    def __str__(self):
        if self.difference is None:
            return f"{self.name:<58}{'skipped':>12}"
        return f"{self.name:<58}{self.difference:>12.1e}{self.tolerance:>12.1e}{'ok' if self.ok else 'FAILED':>10}"


def apart(one, other):
    """The largest difference of two tensors, relative to the largest value of the first."""
    one, other = one.detach().cpu().double(), other.detach().cpu().double()
    return float((one - other).abs().max() / one.abs().max().clamp(min=1e-30))


def experiments(make, config, device):
    """The same experiment on the CPU and on the device, with the same weights, trained for a few steps."""
    here, there = make(config), make(config, device)
    train(here, config.steps)
    there.network.load_state_dict(here.network.state_dict())
    if here.classifier is not None:
        there.classifier.load_state_dict(here.classifier.state_dict())
    return here, there


def train(experiment, steps):
    """The `Training` of an experiment after so many steps."""
    training = Training(experiment.network, steps, experiment.config.lr, experiment.generator(0))
    for _ in training.run(experiment.loss):
        pass
    return training


def batch(experiment):
    """(x_t, t, y) from the same noise on every device."""
    generator = torch.Generator().manual_seed(1)
    x_t = torch.randn(BATCH, *experiment.noise(1, generator).shape[1:], generator=generator)
    t = torch.randint(1, experiment.config.T + 1, (BATCH,), generator=generator)
    y = torch.randint(0, experiment.num_classes, (BATCH,), generator=generator)
    return (a.to(experiment.device) for a in (x_t, t, y))


def forward(experiment):
    return experiment.network(*batch(experiment))


def loss(experiment):
    """The loss of x_t taken for images: all randomness is drawn on the CPU."""
    x0, _, y = batch(experiment)
    generator = torch.Generator().manual_seed(2)
    return diffusion_loss(experiment.network, experiment.schedule, x0, y, generator, experiment.config.prediction)


def gradient(experiment):
    experiment.network.zero_grad()
    loss(experiment).backward()
    return torch.cat([p.grad.flatten() for p in experiment.network.parameters()])


def guided(experiment):
    denoiser = eps_denoiser(experiment.network, experiment.schedule, experiment.config.prediction)
    return classifier_free_guidance(denoiser, 2.0)(*batch(experiment))


def guided_by_classifier(experiment):
    denoiser = eps_denoiser(experiment.network, experiment.schedule, experiment.config.prediction)
    return classifier_guidance(denoiser, experiment.classifier, experiment.schedule)(*batch(experiment))


def samples(experiment):
    """x_0 by eq. 13 over all steps, without autocast: noise is drawn on the CPU."""
    _, _, y = batch(experiment)
    generator = torch.Generator().manual_seed(3)
    denoiser = experiment.clipped(eps_denoiser(experiment.network, experiment.schedule, experiment.config.prediction))
    x_T = torch.randn(BATCH, *experiment.noise(1, generator).shape[1:], generator=generator).to(experiment.device)
    return sample(denoiser, experiment.schedule, x_T, y, generator)


def in_bfloat16(what, experiment):
    with torch.autocast(experiment.device.type, torch.bfloat16):
        return what(experiment)


def agreement(device):
    """CPU and device beside each other, in float32 and in bfloat16."""
    found = []
    for name, make, config in (
        ("two pixels", two_pixel.TwoPixel, PIXELS),
        ("8 × 8 digits", images.ImageExperiment, DIGITS),
    ):
        here, there = experiments(make, config, device)
        whats = [(forward, FORWARD), (loss, FORWARD), (gradient, GRADIENT), (guided, FORWARD), (samples, SAMPLES)]
        if here.classifier is not None:
            whats.append((guided_by_classifier, FORWARD))
        for what, tolerance in whats:
            label = f"{name}: {what.__name__.replace('_', ' ')}"
            found.append(Check(f"{label}, float32", apart(what(here), what(there)), tolerance))
        for what in (forward, loss):
            label = f"{name}: {what.__name__}, bfloat16 beside float32"
            found.append(Check(label, apart(what(here), in_bfloat16(what, there)), BFLOAT16))
    return found


def resume(device):
    """A training that is saved half-way and resumed from the file, against one that is not stopped."""
    steps, ends = DIGITS.steps, []
    with tempfile.TemporaryDirectory() as folder:
        for stop in (steps, steps // 2):
            experiment = images.ImageExperiment(DIGITS, device)
            training = Training(experiment.network, steps, DIGITS.lr, experiment.generator(0))
            run = training.run(experiment.loss)
            for _ in range(stop):
                next(run)
            if stop < steps:
                save_training(Path(folder) / "state.pt", training, {})
                experiment = images.ImageExperiment(DIGITS, device)
                training = Training(experiment.network, steps, DIGITS.lr, experiment.generator(0))
                load_training(Path(folder) / "state.pt", training, {})
                for _ in training.run(experiment.loss):
                    pass
            ends.append(torch.cat([p.flatten() for p in training.ema.module.parameters()]))
    return [Check("resumed training, against one that was not stopped", apart(*ends), 0.0)]


def travel(device):
    """Weights saved on one side and loaded on the other give the same answers, in both directions."""
    here, there = experiments(images.ImageExperiment, DIGITS, device)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name, of, to in (("device to CPU", there, here), ("CPU to device", here, there)):
            path = Path(folder) / f"{to.device.type}.safetensors"
            save_weights(path, of.network, {})
            before = forward(of)
            load_weights(path, to.network, {})
            found.append(Check(f"a checkpoint from {name}", apart(before, forward(to)), FORWARD))
    return found


def losses_in_a_folder(device, folder, compile=False):
    """The losses of a short run in its folder, as train.py trains it."""
    config = replace(PIXELS, classifier=False)
    experiment = two_pixel.TwoPixel(config, device)
    generator = experiment.generator(0)
    out, network = Path(folder), experiment.network
    losses = run_folder.train(out, "denoiser", network, config, experiment.loss, generator, compile=compile).losses
    np.save(out / "losses.npy", np.array(losses))
    return torch.tensor(losses, dtype=torch.float64)


def launchers(device):
    """--compile, and torchrun with one process, against plain training."""
    with tempfile.TemporaryDirectory() as plain, tempfile.TemporaryDirectory() as other:
        losses = losses_in_a_folder(device, plain)
        code = f"from benchmarks.gpu_checks import losses_in_a_folder; losses_in_a_folder({device!r}, {other!r})"
        start = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "1"]
        subprocess.run([sys.executable, *start, "--no-python", sys.executable, "-c", code], check=True)
        by_torchrun = torch.from_numpy(np.load(f"{other}/losses.npy"))
    found = [Check("torchrun with one process", apart(losses, by_torchrun), 0.0)]
    if shutil.which("c++") is None:
        return [*found, Check("--compile (no C++ compiler here)", None, GRADIENT)]
    with tempfile.TemporaryDirectory() as folder:
        compiled = losses_in_a_folder(device, folder, compile=True)
    return [*found, Check("--compile", apart(losses, compiled), GRADIENT)]


def all_checks(device):
    """Every check, one after the other."""
    for group in (agreement, resume, travel, launchers):
        yield from group(device)
