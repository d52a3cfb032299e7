"""What every experiment shares, whatever its images: settings, schedule, loss, denoisers, and its folder on disk."""

import copy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar

import torch

from experiments.checkpoint import CheckpointError, load_json, load_weights, save_json
from samplers import SAMPLERS, last, mean_variance_of_x0, steps_of
from utils import LOSSES, SCHEDULES, clip_x0, diffusion_loss, drop_labels, eps_denoiser, sample

VARIANCE_IMAGES = 2000  # training images from which the sampler "analytic" takes its variances


@dataclass(frozen=True)
class Settings:
    """The settings of a run, saved as config.json beside its weights. ValueError for unknown names.

    sampling_steps None is all T. A distilled run has the folder of its teacher, the fingerprint of its
    weights, and how many steps and which guidance the teacher takes.
    Beside them only device, threads, processes and parts of a batch touch the outcome: by rounding, and by random
    numbers as good as the others. The score card records them.
    """

    data: str
    T: int
    steps: int
    batch_size: int
    label_dropout: float
    schedule: str = "cosine"
    prediction: str = "v"
    loss: str = "l2"
    lr: float = 2e-3
    seed: int = 0
    clip: bool = True
    variance: str = "posterior"
    sampler: str = "ddpm"
    sampling_steps: int | None = None
    teacher: str | None = None
    teacher_weights: str | None = None
    teacher_steps: int | None = None
    guidance: float = 0.0

    CHOICES: ClassVar[dict] = {
        "schedule": tuple(SCHEDULES),
        "prediction": ("eps", "v", "x0", "u"),
        "loss": tuple(LOSSES),
        "variance": ("posterior", "beta"),
        "sampler": tuple(SAMPLERS),
    }

    def __post_init__(self):
        for name, known in self.CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} = {getattr(self, name)!r} is none of {', '.join(known)}")
        if not (isinstance(self.T, int) and self.T >= 1):
            raise ValueError(f"T = {self.T!r} is not a whole number from 1")
        if self.teacher is None and (self.guidance or self.teacher_steps):
            raise ValueError("guidance and teacher steps belong to a student: they need --distill")
        steps_of(self.T, self.visits)
        if self.variance != "posterior" and not self.is_eq_13:
            raise ValueError(f"variance = {self.variance} belongs to the sampler ddpm over all T steps")

    @property
    def visits(self):
        """How many t the sampler visits."""
        return self.T if self.sampling_steps is None else self.sampling_steps

    @property
    def way(self):
        """How the samples were drawn, for a title; nothing if by eq. 13."""
        guidance = f" with guidance {self.guidance:g}" if self.guidance else ""
        student = f", distilled from {self.teacher}{guidance}" if self.teacher else ""
        steps = "1 step" if self.visits == 1 else f"{self.visits} steps"
        return "" if self.is_eq_13 else f", sampler {self.sampler} in {steps}{student}"

    @property
    def is_eq_13(self):
        """Whether the sampler is the homework's own."""
        return self.sampler == "ddpm" and self.visits == self.T


class Experiment:
    """Schedule, loss and denoisers of one run's settings. A kind of data brings, beside what is called here:

    network, on the device;
    draw(n, generator) -> x0 (n, *shape) in model space and y (n,); noise(n, generator) -> x_T; to_pixels(x), the map
    back to pixel space; value_range(), the lowest and the highest value of the data in model space.
    """

    def __init__(self, config, num_classes, device):
        self.config, self.num_classes, self.device = config, num_classes, torch.device(device)
        self.schedule = SCHEDULES[config.schedule](config.T)
        self.classifier = None  # of noisy images, for classifier guidance
        self.batch_size = config.batch_size  # of one call of `loss`: less where several share a training step
        self.objective = diffusion_loss

    def generator(self, seed):
        """Randomness for training and sampling, on the CPU: the same numbers on every device."""
        return torch.Generator().manual_seed(seed)

    def check_data(self):
        """Raises DataError if the data to train on is not there."""
        self.draw(1, self.generator(0))

    def loss(self, network, generator):
        """The training loss of the config on a fresh batch, a scalar."""
        x0, y = self.draw(self.batch_size, generator)
        y = drop_labels(y, self.config.label_dropout, self.num_classes, generator)
        return self.objective(network, self.schedule, x0, y, generator, self.config.prediction, self.config.loss)

    def training_floor(self):
        """The least possible training loss, where it is known."""
        return None

    def clipped(self, denoiser):
        """The denoiser with x̂_0 held within the data's range, unless the config says otherwise."""
        return clip_x0(denoiser, self.schedule, *self.value_range()) if self.config.clip else denoiser

    def learned(self):
        """The network as a denoiser, without clipping."""
        return eps_denoiser(self.network, self.schedule, self.config.prediction)

    def denoiser(self):
        """The network as a denoiser, clipped: what the samplers use."""
        return self.clipped(self.learned())

    def with_sampler(self, sampler, steps):
        """The same experiment, its network with it, but with another sampler, which takes so many steps."""
        other = copy.copy(self)
        other.config = replace(self.config, sampler=sampler, sampling_steps=steps)
        return other

    def sampler(self, denoiser, labelled):
        """The config's way from noise to images by a denoiser, told labels or not: draw(x_T, y, generator) -> x_0."""
        config, steps, options = self.config, steps_of(self.config.T, self.config.visits), {}
        if config.sampler == "analytic":
            generator = self.generator(config.seed)
            x0, y = self.draw(VARIANCE_IMAGES, generator)
            y = y if labelled else None
            options["variance_of_x0"] = mean_variance_of_x0(denoiser, self.schedule, steps, x0, y, generator)

        def draw(x_T, y, generator):
            if config.is_eq_13:
                return sample(denoiser, self.schedule, x_T, y, generator, config.variance)
            return last(SAMPLERS[config.sampler](denoiser, self.schedule, steps, x_T, y, generator, **options))

        return draw


def save_config(folder, config):
    save_json(Path(folder) / "config.json", asdict(config))


def load_config(folder, kind):
    """The settings of a run's folder, of the class `kind`; CheckpointError if missing, damaged, or of another kind."""
    path = Path(folder) / "config.json"
    try:
        return kind(**load_json(path))
    except (TypeError, ValueError):
        raise CheckpointError(f"{path}: not the config of a run on this kind of data") from None


def load_denoiser(folder, experiment):
    """Fill the experiment's network with the weights of a finished run; CheckpointError if anything is wrong."""
    load_weights(Path(folder) / "denoiser.safetensors", experiment.network, asdict(experiment.config))
    experiment.network.eval()
