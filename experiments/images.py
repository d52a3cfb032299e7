"""The image experiment that a config names: digits, glyphs or sprites, ImageUNet, model space, from disk.

Pixel space has intensities in [0, 1]; the network works in model space, (x - mean) / std over the training set.
"""

from dataclasses import dataclass
from functools import cached_property

import torch

from ddpm import ImageUNet
from experiments.data import COLOUR, SETS
from experiments.experiment import Experiment, Settings, load_config, load_denoiser
from experiments.threads import shared_out
from samplers import SAMPLERS
from utils import eps_denoiser


@dataclass(frozen=True)
class Config(Settings):
    """Settings of an image run. size, num_classes, pixel_mean and pixel_std belong to the data set."""

    data: str = "mnist"
    T: int = 200
    steps: int = 12_000
    batch_size: int = 256
    label_dropout: float = 0.1
    size: int = 28
    num_classes: int = 10
    pixel_mean: float = 0.1307
    pixel_std: float = 0.3081

    # second moments ask for a column of the Jacobian for each pixel
    CHOICES = Settings.CHOICES | {
        "data": tuple(SETS),
        "sampler": tuple(name for name in SAMPLERS if name != "second_moment"),
    }

    @property
    def shape(self):
        """(C, size, size) of an image."""
        return 3 if self.data in COLOUR else 1, self.size, self.size


SMALL = {"steps": 3000, "batch_size": 128}
DEFAULTS = {
    "mnist": Config(),
    "digits": Config(data="digits", size=8, pixel_mean=0.3054, pixel_std=0.3755, **SMALL),
    "glyphs": Config(data="glyphs", size=16, num_classes=3, pixel_mean=0.3221, pixel_std=0.4673, **SMALL),
    "sprites": Config(data="sprites", size=16, num_classes=1, pixel_mean=0.1080, pixel_std=0.1802, **SMALL),
}


class ImageExperiment(Experiment):
    """Data, schedule, network and denoisers of one config. Images are (B, C, size, size), float32, in model space."""

    def __init__(self, config, device="cpu"):
        super().__init__(config, config.num_classes, device)
        torch.manual_seed(config.seed)
        network = ImageUNet(config.T, config.num_classes, config.shape[0])
        self.network = network.to(device, memory_format=torch.channels_last)

    @cached_property
    def data(self):
        """(train, test), read at first use, since trained weights need no data. DataError if it is not there."""
        return SETS[self.config.data]()

    @cached_property
    def training_set(self):
        """The training images (n, C, size, size) in model space and their labels, kept on the device."""
        train, _ = self.data
        return self.to_model(train.images).to(self.device), train.labels.to(self.device)

    def draw(self, n, generator):
        """n images of the training set, with repetition, and their labels: x0 (n, C, size, size), y (n,)."""
        images, labels = self.training_set
        chosen = torch.randint(len(images), (n,), generator=generator, device=generator.device).to(self.device)
        return images[chosen], labels[chosen]

    def noise(self, n, generator):
        """x_T ~ N(0, I), shape (n, C, size, size)."""
        return torch.randn((n, *self.config.shape), generator=generator, device=generator.device).to(self.device)

    def to_model(self, images):
        """Pixel space to model space."""
        return (images - self.config.pixel_mean) / self.config.pixel_std

    def to_pixels(self, x):
        """Model space to pixel space, held to [0, 1], on the CPU."""
        return (x.detach().cpu() * self.config.pixel_std + self.config.pixel_mean).clamp(0, 1)

    def value_range(self):
        """Black and white in model space."""
        return self.to_model(0.0), self.to_model(1.0)

    def loss(self, network, generator):
        if self.device.type != "cpu":  # hundreds of numbers an image are made where they are used
            seed = int(torch.randint(2**62, (), generator=generator))
            generator = torch.Generator(self.device).manual_seed(seed)
        with self.autocast():
            return super().loss(network, generator)

    def learned(self):
        network = shared_out(self.network) if self.device.type == "cpu" else self.network
        denoiser = eps_denoiser(network, self.schedule, self.config.prediction)

        def autocast_denoiser(x_t, t, y=None):
            with self.autocast():
                return denoiser(x_t, t, y).float()

        return autocast_denoiser

    def autocast(self):
        """bfloat16 for the network's multiplications on a CUDA GPU, which has units for them; float32 elsewhere."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda")


def load(folder, device="cpu"):
    """The experiment of a finished run with its trained weights; CheckpointError if anything of it is missing."""
    experiment = ImageExperiment(load_config(folder, Config), device)
    load_denoiser(folder, experiment)
    return experiment
