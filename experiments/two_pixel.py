"""The two-pixel experiment that a config names: world, model space, schedule, networks and oracle, from and to disk.

Pixel space is what people see, intensities of about [0, 1]; the network works in model space, an affine map of it.
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import torch

from ddpm import NoisyClassifier, TwoPixelUNet
from experiments.checkpoint import load_weights
from experiments.experiment import Experiment, Settings, load_config, load_denoiser
from gmm import WORLDS, ExactDenoiser
from utils import classifier_loss


def loss_weight(alphas_cumprod, prediction):
    """What a squared error of ε̂ counts in the loss of a prediction, shape of alphas_cumprod.

    x_t is given, so an error of ε̂ is -√(1/ᾱ_t - 1) times as large in x̂_0; v̂ and û are linear in both.
    """
    noise_to_signal = (1 / alphas_cumprod - 1).sqrt()
    weights = {
        "eps": torch.ones_like(alphas_cumprod),
        "x0": noise_to_signal**2,
        "v": 1 / alphas_cumprod,
        "u": (1 + noise_to_signal) ** 2,
    }
    return weights[prediction]


def standardising_map(world):
    """(scale, shift) to zero mean and unit mean variance; one scale for both pixels keeps the modes round."""
    scale = float(world.variance() ** -0.5)
    return scale, -scale * world.mean()


SPACES = {
    "pixel": lambda world: (1.0, torch.zeros(2, dtype=torch.float64)),
    "symmetric": lambda world: (2.0, -torch.ones(2, dtype=torch.float64)),
    "standardised": standardising_map,
}


@dataclass(frozen=True)
class Config(Settings):
    """Settings of a two-pixel run."""

    data: str = "two_pixel"
    T: int = 50
    steps: int = 3000
    batch_size: int = 512
    label_dropout: float = 0.3
    world: str = "homework"
    space: str = "standardised"
    classifier: bool = False

    CHOICES = Settings.CHOICES | {"data": ("two_pixel",), "world": tuple(WORLDS), "space": tuple(SPACES)}


class TwoPixel(Experiment):
    """World, schedule, networks and denoisers of one config. Images are (B, 1, 2), float32, in model space."""

    def __init__(self, config, device="cpu"):
        self.world = WORLDS[config.world]  # in pixel space
        self.scale, self.shift = SPACES[config.space](self.world)
        self.mixture = self.world.affine(self.scale, self.shift)  # the same world in model space
        num_classes = self.mixture.num_classes
        super().__init__(config, num_classes, device)
        self.exact = ExactDenoiser(self.mixture, self.schedule.alphas_cumprod)
        torch.manual_seed(config.seed)
        self.network = TwoPixelUNet(config.T, num_classes).to(device)
        if config.classifier:
            self.classifier = NoisyClassifier(config.T, num_classes).to(device)

    def draw(self, n, generator):
        """n images of the world with their labels: x0 (n, 1, 2), y (n,)."""
        x0, y = self.mixture.sample(n, generator)
        return x0.float().unsqueeze(1).to(self.device), y.to(self.device)

    def noise(self, n, generator):
        """x_T ~ N(0, I), shape (n, 1, 2)."""
        return torch.randn(n, 1, 2, generator=generator).to(self.device)

    def to_pixels(self, x):
        """Model space (..., 1, 2) to points of the pixel plane (..., 2), float64 on the CPU."""
        return (x.detach().cpu().double().squeeze(-2) - self.shift) / self.scale

    def pixel_mixture(self, t):
        """The exact q(x_t), seen in pixel space."""
        return self.mixture.diffused(self.schedule.alphas_cumprod[t]).affine(1 / self.scale, -self.shift / self.scale)

    def classifier_loss(self, classifier, generator):
        """The training loss of the noisy classifier on a fresh batch, in nats."""
        x0, y = self.draw(self.batch_size, generator)
        return classifier_loss(classifier, self.schedule, x0, y, generator)

    def value_range(self):
        """The corners of the box that reaches 4 σ beyond the modes, each (2,)."""
        margin = 4 * self.mixture.std.unsqueeze(1)
        low, high = (self.mixture.means - margin).amin(0), (self.mixture.means + margin).amax(0)
        return low.float().to(self.device), high.float().to(self.device)

    def oracle(self):
        """The exact denoiser, clipped as `denoiser` is: its counterpart that is never wrong."""
        return self.clipped(self.exact)

    @cached_property
    def loss_floors(self):
        """Per-step floors of the ε-loss without and with label, each (T,) for t = 1 … T."""
        alphas_cumprod = self.schedule.alphas_cumprod[1:]
        unlabelled = [self.mixture.loss_floor(a) for a in alphas_cumprod]
        labelled = [self.mixture.labelled_loss_floor(a) for a in alphas_cumprod]
        return torch.tensor(unlabelled, dtype=torch.float64), torch.tensor(labelled, dtype=torch.float64)

    def training_floor(self):
        """The least possible training loss of the config, or None for L1 and Huber, which have no closed form."""
        if self.config.loss != "l2":
            return None
        weight = loss_weight(self.schedule.alphas_cumprod[1:], self.config.prediction)
        unlabelled, labelled = self.loss_floors
        p = self.config.label_dropout
        return float((weight * (p * unlabelled + (1 - p) * labelled)).mean())


def load(folder, device="cpu"):
    """The experiment of a finished run with its trained weights; CheckpointError if anything of it is missing."""
    experiment = TwoPixel(load_config(folder, Config), device)
    load_denoiser(folder, experiment)
    if experiment.classifier is not None:
        load_weights(Path(folder) / "classifier.safetensors", experiment.classifier, asdict(experiment.config))
    return experiment
