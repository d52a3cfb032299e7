"""The tables that the page reads: worlds, schedules, model spaces, and the training images of the small systems.

No formula of a schedule is written a second time in JavaScript.
"""

import numpy as np
import torch

from evaluation.committed import CHECKPOINTS
from evaluation.metrics import nearest_distances
from experiments import images, two_pixel
from experiments.data import STRUCTURES, glyphs, sprites
from gmm import WORLDS

TWO_PIXEL = ("homework-T5", "homework-T10", "homework-T25", "homework-T50", "signed-T50", "overlapping-T50")
IMAGES = {"mnist": "mnist", "mnist-8": "distilled-mnist/8-steps", "mnist-4": "distilled-mnist", "glyphs": "glyphs"}


def tables_of(schedule):
    return {"T": schedule.T} | {
        name: getattr(schedule, name).tolist() for name in ("betas", "alphas", "alphas_cumprod", "posterior_variance")
    }


def tables():
    """Everything that the page needs beside the models: worlds, schedules, model spaces."""
    two = {run: two_pixel.TwoPixel(two_pixel.load_config(CHECKPOINTS / run, two_pixel.Config)) for run in TWO_PIXEL}
    pictures = {
        run: images.ImageExperiment(images.load_config(CHECKPOINTS / path, images.Config))
        for run, path in IMAGES.items()
    }
    schedules = {e.schedule.T: tables_of(e.schedule) for e in (*two.values(), *pictures.values())}
    return {
        "worlds": {
            name: {"means": w.means.tolist(), "std": w.std.tolist(), "weights": w.weights.tolist()}
            for name, w in WORLDS.items()
        },
        "runs": {run: {"world": e.config.world, "T": e.config.T} for run, e in two.items()},
        "schedules": schedules,
        "images": {run: image_table(e) for run, e in pictures.items()},
        "structures": STRUCTURES,
        "nearest": {name: nearest_of_real(data) for name, data in (("glyphs", glyphs), ("sprites", sprites))},
    }


def nearest_of_real(data, n=300):
    """The median distance of real images that were not trained on to the training image nearest to each."""
    train, test = data()
    return float(np.median(nearest_distances(test.images[:n], train.images)))


def taught(config):
    """With which guidance a distilled model was taught, in words; of its teacher's teacher, too."""
    if config.teacher is None:
        return ""
    before = taught(images.load_config(CHECKPOINTS.parent / config.teacher, images.Config))
    return f"{before}, then w = {config.guidance:g}" if before else f"w = {config.guidance:g}"


def image_table(experiment):
    low, high = experiment.value_range()
    config = experiment.config
    return {
        "T": config.T,
        "shape": config.shape,
        "mean": config.pixel_mean,
        "std": config.pixel_std,
        "low": low,
        "high": high,
        "taught": taught(config),
    }


def pictures():
    """The training images of the small systems, one byte a pixel, to compare what was generated with."""
    for name, data in (("glyphs", glyphs), ("sprites", sprites)):
        yield name, (data()[0].images * 255).round().to(torch.uint8).numpy().tobytes()
