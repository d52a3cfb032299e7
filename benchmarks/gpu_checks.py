"""Part 1 of benchmarks.gpu: the CUDA path computes what the CPU computes, from the same random numbers.

Every check measures one difference and has a tolerance. A difference of tensors is ‖a - b‖/‖b‖, with b the CPU's result
in float32. On the CPU, float32 is compared with itself, and has to be the same bit for bit.
"""

import math
import shutil
import subprocess
import sys
import tempfile
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from experiments import images, run_folder, two_pixel
from experiments.checkpoint import load_training, load_weights, save_training, save_weights
from experiments.experiment import Experiment
from experiments.images import DEFAULTS, ImageExperiment
from utils import Training, classifier_free_guidance, classifier_guidance, drop_labels, noised_batch

ROOT = Path(__file__).parents[1]
CHECKPOINTS = ROOT / "checkpoints"
COMPILERS = ("g++", "clang++", "gcc", "clang")  # torch.compile needs one, for the CPU's code or for Triton's
SEED = 1
W = 2.0  # guidance
STEPS = 3  # of training in a check
SAMPLING_STEPS = 10  # of images: in all 200, rounding would grow for longer; two pixels take their 50

# float32 has 24 bits, 6e-8 for a number: some 1e-6 after a network that sums in another order, more after several calls
# and in gradients. TensorFloat-32, 11 bits, would be found out by the output.
FLOAT32 = {"output": 3e-5, "loss": 3e-5, "gradient": 3e-4, "training": 3e-4, "sampler": 3e-4, "guidance": 3e-4}
FLOAT32 |= {"classifier guidance": 3e-4}
# bfloat16 has 8 bits: 4e-3 for a number, about 1e-2 after a network.
BFLOAT16 = {"output": 3e-2, "loss": 1e-2, "gradient": 1e-1, "training": 5e-2, "sampler": 5e-2, "guidance": 1e-1}
SHRUNK = 0.9  # weights off their optimum: there a batch's gradient is a small difference of large ones, all rounding
TORCHRUN = 1e-4  # losses of the first STEPS steps in float32, with another number of threads on the CPU


@dataclass(frozen=True)
class Check:
    """A difference that was measured and how large it may be; a check that could not be made has the error as note."""

    name: str
    difference: float
    tolerance: float
    note: str = ""

    @property
    def ok(self):
        return self.difference <= self.tolerance  # not so if it is NaN

    def __str__(self):
        verdict = "ok" if self.ok else "FAILED" + self.note
        return f"{self.name:<52}{self.difference:>10.1e}{self.tolerance:>10.0e}  {verdict}"


HEAD = f"{'check':<52}{'measured':>10}{'tolerance':>10}"


def checked(name, tolerance, measure):
    """The check that measure(), a difference, is at most the tolerance; prints its line."""
    try:
        check = Check(name, float(measure()), tolerance)
    except Exception as error:  # whatever it is, the checks after it are made: a GPU is seldom at hand
        traceback.print_exc()
        check = Check(name, math.nan, tolerance, f": {type(error).__name__}")
    print(check, flush=True)
    return check


def relative(a, b):
    """‖a - b‖/‖b‖ of two tensors of any device; 0 if they are the same bit for bit."""
    a, b = a.detach().cpu().double(), b.detach().cpu().double()
    return float((a - b).norm() / b.norm())


def flat(tensors):
    """All numbers of the tensors, one after the other."""
    return torch.cat([tensor.detach().flatten().float().cpu() for tensor in tensors])


# --- experiments ------------------------------------------------------------------------------------------------------


@cache
def training_set(data, device):
    """Training images in model space and labels, read once for all experiments on the device."""
    return ImageExperiment(DEFAULTS[data], device).training_set


class InPrecision(ImageExperiment):
    """The image experiment in a precision of choice: bfloat16 on the CPU too, float32 on a GPU too."""

    bfloat16 = False

    @property
    def training_set(self):
        return training_set(self.config.data, self.device)

    def autocast(self):
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)


class SameNoise(InPrecision):
    """It draws the noise of the loss on the CPU, where its generator lives: the same on every device."""

    def loss(self, network, generator):
        with self.autocast():
            return Experiment.loss(self, network, generator)


def two_pixels(batch, data, device, bfloat16=False):
    """The two-pixel experiment with trained networks; it has no bfloat16, as its networks are small."""
    experiment = two_pixel.load(CHECKPOINTS / "homework-T50", device)
    experiment.batch_size = batch
    return experiment


def some_images(batch, data, device, bfloat16=False):
    """The image experiment with the weights that were trained on MNIST, shrunk; they take images of any size."""
    experiment = SameNoise(replace(DEFAULTS[data], batch_size=batch), device)
    trained = images.load(CHECKPOINTS / "mnist").network.state_dict()
    experiment.network.load_state_dict({name: SHRUNK * value for name, value in trained.items()})
    experiment.bfloat16 = bfloat16
    return experiment.with_sampler("ddpm", SAMPLING_STEPS)


# --- results that have to agree: each takes an experiment, and gives a tensor -----------------------------------------


def output(experiment):
    """ε̂ of noisy images, half of them without label."""
    generator = experiment.generator(SEED)
    x0, y = experiment.draw(experiment.batch_size, generator)
    y = drop_labels(y, 0.5, experiment.num_classes, generator)
    t, _, x_t = noised_batch(experiment.schedule, x0, generator)
    with torch.no_grad():
        return experiment.learned()(x_t, t, y)


def loss(experiment):
    """The training loss of a batch."""
    return experiment.loss(experiment.network, experiment.generator(SEED)).detach()


def gradient(experiment):
    """The gradient of the loss of a batch."""
    experiment.loss(experiment.network, experiment.generator(SEED)).backward()
    return flat(parameter.grad for parameter in experiment.network.parameters())


def training_losses(experiment):
    """The losses of STEPS steps of training, which the weights after each step show in."""
    training = new_training(experiment)
    advance(training, experiment, STEPS)
    return torch.tensor(training.losses)


def drawn(experiment, denoiser):
    """Images of every class in turn, by the experiment's own sampler."""
    generator = experiment.generator(SEED)
    x_T = experiment.noise(experiment.batch_size, generator)
    y = torch.arange(len(x_T), device=x_T.device) % experiment.num_classes
    return experiment.sampler(experiment.clipped(denoiser), labelled=True)(x_T, y, generator)


def samples(experiment):
    return drawn(experiment, experiment.learned())


def guided(experiment):
    return drawn(experiment, classifier_free_guidance(experiment.learned(), W))


def classifier_guided(experiment):
    return drawn(experiment, classifier_guidance(experiment.learned(), experiment.classifier, experiment.schedule, W))


RESULTS = {
    "output": output,
    "loss": loss,
    "gradient": gradient,
    "training": training_losses,
    "sampler": samples,
    "guidance": guided,
}


def agreement(device, data, batch):
    """Both networks on the device beside the CPU in float32, and the one for images in bfloat16, as it trains there."""
    checks = []
    subjects = (
        ("TwoPixelUNet", two_pixels, False, RESULTS | {"classifier guidance": classifier_guided}),
        ("ImageUNet", some_images, False, RESULTS),
        ("ImageUNet", some_images, True, RESULTS),
    )
    for network, make, bfloat16, results in subjects:
        tolerances, precision = (BFLOAT16, "bfloat16") if bfloat16 else (FLOAT32, "float32")
        for name, result in results.items():

            def difference(make=make, bfloat16=bfloat16, result=result):
                return relative(result(make(batch, data, device, bfloat16)), result(make(batch, data, "cpu")))

            same = device == "cpu" and not bfloat16
            checks.append(checked(f"{network}, {precision}: {name}", 0 if same else tolerances[name], difference))
    return checks


# --- training that goes on --------------------------------------------------------------------------------------------


def new_training(experiment):
    return Training(experiment.network, 2 * STEPS, experiment.config.lr, experiment.generator(SEED))


def advance(training, experiment, steps):
    for _ in islice(training.run(experiment.loss), steps):
        pass


def everything(training):
    """All numbers that a training holds: weights, average, optimiser; the losses too."""
    optimizer = training.optimizer.state_dict()["state"]
    moments = (value for state in optimizer.values() for value in state.values())
    weights = (*training.network.parameters(), *training.ema.module.parameters())
    return flat((*weights, *moments, torch.tensor(training.losses)))


@contextmanager
def deterministic():
    """Kernels that give the same bits again: a GPU's usual ones may add in whatever order their threads come."""
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


def resumed(device, data, batch, folder):
    """The difference between training at one go and one that was saved and loaded halfway, all of it train.py's own."""
    config = replace(DEFAULTS[data], batch_size=batch)
    with deterministic():
        ends = []
        for interrupted in (False, True):
            experiment = ImageExperiment(config, device)
            training = new_training(experiment)
            advance(training, experiment, STEPS)
            if interrupted:
                save_training(folder / "training.pt", training, {})
                experiment = ImageExperiment(config, device)
                training = new_training(experiment)
                load_training(folder / "training.pt", training, {})
            advance(training, experiment, STEPS)
            ends.append(everything(training))
    return relative(*ends)


def journey(source, target, data, batch, folder):
    """(experiment, training) on one device, and what they became on another, by way of the disk."""
    experiment = some_images(batch, data, source)
    training = new_training(experiment)
    advance(training, experiment, STEPS)
    save_training(folder / "training.pt", training, {})
    save_weights(folder / "denoiser.safetensors", training.ema.module, {})
    there = some_images(batch, data, target)
    load_weights(folder / "denoiser.safetensors", there.network, {})
    arrived = relative(flat(there.network.parameters()), flat(training.ema.module.parameters()))
    other = new_training(there)
    load_training(folder / "training.pt", other, {})
    return (experiment, training), (there, other), max(arrived, relative(everything(other), everything(training)))


def arrived(*places):
    """The difference between what was saved on one device and loaded on another."""
    return journey(*places)[-1]


def gone_on(*places):
    """The difference between the losses of the next step, on both devices."""
    here, there, _ = journey(*places)
    for experiment, training in (here, there):
        advance(training, experiment, 1)
    return relative(torch.tensor(there[1].losses[-1:]), torch.tensor(here[1].losses[-1:]))


# --- --compile and torchrun -------------------------------------------------------------------------------------------


def compiled(device, data, batch):
    """The difference that torch.compile makes: to a gradient, as in training. On the CPU to an output, which is faster.

    Half a minute of g++ goes into the output of the smallest network already.
    """
    make, result = (some_images, gradient) if device == "cuda" else (two_pixels, output)
    experiment = make(batch, data, device, bfloat16=True)
    experiment.network = torch.compile(experiment.network)
    return relative(result(experiment), result(make(batch, data, device, bfloat16=True)))


def torchrun(device, folder):
    """The difference between the losses of train.py in one process of torchrun, and in this one.

    Its score card comes after the losses, and is not asked for: it needs Matplotlib.
    """
    out, alone, config = folder / "torchrun", folder / "alone", two_pixel.Config(T=5, steps=STEPS)
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "1"]
    options = {"T": config.T, "steps": config.steps, "samples": 100, "device": device, "out": out}
    train = ["train.py", *(f"--{name}={value}" for name, value in options.items())]
    answer = subprocess.run(run + train, cwd=ROOT, capture_output=True, text=True, timeout=120)
    if not (out / "losses.npz").exists():
        raise RuntimeError(f"train.py wrote no losses: {answer.stderr}")
    alone.mkdir()
    experiment = two_pixel.TwoPixel(config, device)
    generator = experiment.generator(config.seed)
    training = run_folder.train(alone, "denoiser", experiment.network, config, experiment.loss, generator)
    return relative(torch.from_numpy(np.load(out / "losses.npz")["losses"]), torch.tensor(training.losses))


def check_everything(device, data, batch):
    """All checks, in order: a list of `Check`."""
    print(HEAD)
    checks = agreement(device, data, batch)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        checks.append(checked(f"resume on {device}", 0, lambda: resumed(device, data, batch, folder)))
        for source, target in (("cpu", device), (device, "cpu")):
            places, name = (source, target, data, batch, folder), f"checkpoint from {source} to {target}"
            tolerance = 0 if device == "cpu" else FLOAT32["loss"]
            checks.append(checked(name, 0, partial(arrived, *places)))
            checks.append(checked(f"{name}, next loss", tolerance, partial(gone_on, *places)))
        checks.append(checked("torchrun with one process", TORCHRUN, lambda: torchrun(device, folder)))
    if any(map(shutil.which, COMPILERS)):
        tolerance = BFLOAT16["gradient"] if device == "cuda" else FLOAT32["output"]
        checks.append(checked("--compile", tolerance, lambda: compiled(device, data, batch)))
    else:
        print(f"--compile: left out, for there is no compiler here: {', '.join(COMPILERS)}")
    return checks
