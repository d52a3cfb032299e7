"""The two-pixel experiment that a config names: world, model space, schedule, networks and oracle, from and to disk.

Pixel space is what people see, intensities of about [0, 1]; the network works in model space, an affine map of it.
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import torch

from checkpoint import CheckpointError, load_json, load_weights, save_json
from ddpm import NoisyClassifier, TwoPixelUNet
from gmm import WORLDS, ExactDenoiser
from utils import LOSSES, SCHEDULES, classifier_loss, clip_x0, diffusion_loss, drop_labels, eps_denoiser


@dataclass(frozen=True)
class Config:
    """All that decides the outcome of a run, saved as config.json beside its weights. ValueError for unknown names."""

    T: int = 50
    world: str = "homework"
    space: str = "standardised"
    schedule: str = "cosine"
    prediction: str = "v"
    loss: str = "l2"
    label_dropout: float = 0.3
    steps: int = 3000
    batch_size: int = 512
    lr: float = 2e-3
    seed: int = 0
    clip: bool = True
    variance: str = "posterior"
    classifier: bool = False

    def __post_init__(self):
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} = {getattr(self, name)!r} is none of {', '.join(known)}")
        if not (isinstance(self.T, int) and self.T >= 1):
            raise ValueError(f"T = {self.T!r} is not a whole number from 1")


def standardising_map(world):
    """(scale, shift) to zero mean and unit mean variance; one scale for both pixels keeps the modes round."""
    scale = float(world.variance() ** -0.5)
    return scale, -scale * world.mean()


SPACES = {
    "pixel": lambda world: (1.0, torch.zeros(2, dtype=torch.float64)),
    "symmetric": lambda world: (2.0, -torch.ones(2, dtype=torch.float64)),
    "standardised": standardising_map,
}


CHOICES = {
    "world": tuple(WORLDS),
    "space": tuple(SPACES),
    "schedule": tuple(SCHEDULES),
    "prediction": ("eps", "v", "x0"),
    "loss": tuple(LOSSES),
    "variance": ("posterior", "beta"),
}


class TwoPixel:
    """World, schedule, networks and denoisers of one config. Images are (B, 1, 2), float32, in model space."""

    def __init__(self, config, device="cpu"):
        self.config, self.device = config, device
        self.world = WORLDS[config.world]  # in pixel space
        self.scale, self.shift = SPACES[config.space](self.world)
        self.mixture = self.world.affine(self.scale, self.shift)  # the same world in model space
        self.schedule = SCHEDULES[config.schedule](config.T)
        self.exact = ExactDenoiser(self.mixture, self.schedule.alphas_cumprod)
        torch.manual_seed(config.seed)
        self.network = TwoPixelUNet(config.T, self.mixture.num_classes).to(device)
        self.classifier = NoisyClassifier(config.T, self.mixture.num_classes).to(device) if config.classifier else None

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

    def loss(self, network, generator):
        """The training loss of the config on a fresh batch, a scalar."""
        x0, y = self.draw(self.config.batch_size, generator)
        y = drop_labels(y, self.config.label_dropout, self.mixture.num_classes, generator)
        return diffusion_loss(network, self.schedule, x0, y, generator, self.config.prediction, self.config.loss)

    def classifier_loss(self, classifier, generator):
        """The training loss of the noisy classifier on a fresh batch, in nats."""
        x0, y = self.draw(self.config.batch_size, generator)
        return classifier_loss(classifier, self.schedule, x0, y, generator)

    def clipped(self, denoiser):
        """The denoiser with x̂_0 held within 4 σ of the modes' bounding box, unless the config says otherwise."""
        if not self.config.clip:
            return denoiser
        margin = 4 * self.mixture.std.unsqueeze(1)
        low, high = (self.mixture.means - margin).amin(0), (self.mixture.means + margin).amax(0)
        return clip_x0(denoiser, self.schedule, low.float().to(self.device), high.float().to(self.device))

    def learned(self):
        """The network as a denoiser, without clipping; `exact` is its counterpart that is never wrong."""
        return eps_denoiser(self.network, self.schedule, self.config.prediction)

    def denoiser(self):
        """The network as a denoiser, clipped: what the samplers use."""
        return self.clipped(self.learned())

    def oracle(self):
        """The exact denoiser, clipped in the same way."""
        return self.clipped(self.exact)

    @cached_property
    def loss_floors(self):
        """Per-step floors of the ε-loss without and with label, each (T,) for t = 1 … T."""
        alphas_cumprod = self.schedule.alphas_cumprod[1:]
        unlabelled = [self.mixture.loss_floor(a) for a in alphas_cumprod]
        labelled = [self.mixture.labelled_loss_floor(a) for a in alphas_cumprod]
        return torch.tensor(unlabelled, dtype=torch.float64), torch.tensor(labelled, dtype=torch.float64)

    def training_floor(self):
        """The least possible training loss of the config, or None for L1 and Huber, which have no closed form.

        An error of ε̂ counts 1/ᾱ_t-fold in v̂, and (1-ᾱ_t)/ᾱ_t-fold in x̂_0.
        """
        if self.config.loss != "l2":
            return None
        alphas_cumprod = self.schedule.alphas_cumprod[1:]
        weight = {"eps": torch.ones_like(alphas_cumprod), "v": 1 / alphas_cumprod, "x0": 1 / alphas_cumprod - 1}
        unlabelled, labelled = self.loss_floors
        p = self.config.label_dropout
        return float((weight[self.config.prediction] * (p * unlabelled + (1 - p) * labelled)).mean())


def save_config(folder, config):
    save_json(Path(folder) / "config.json", asdict(config))


def load_config(folder):
    """The config of a run's folder; CheckpointError if it is missing, damaged, or of another kind of run."""
    path = Path(folder) / "config.json"
    try:
        return Config(**load_json(path))
    except (TypeError, ValueError):
        raise CheckpointError(f"{path}: not the config of a two-pixel run") from None


def load(folder, device="cpu"):
    """The experiment of a finished run with its trained weights; CheckpointError if anything of it is missing."""
    folder, config = Path(folder), load_config(folder)
    experiment = TwoPixel(config, device)
    load_weights(folder / "denoiser.safetensors", experiment.network, asdict(config))
    experiment.network.eval()
    if config.classifier:
        load_weights(folder / "classifier.safetensors", experiment.classifier, asdict(config))
    return experiment
