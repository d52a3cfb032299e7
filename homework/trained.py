"""Points for the trained model: the submission's own code trains it, and its samples are measured against the truth."""

import numpy as np
import torch

from evaluation.metrics import energy_distance
from gmm import WORLDS
from homework import sandbox
from homework.exercises import TRAINED, VERSION

SAMPLES = 5000
SECONDS = 600


def grade(folder):
    """(points, what is to be said about them) of the model that the folder's code trains for the homework's version."""
    config = {"world": VERSION.world, "T": VERSION.T, "schedule": VERSION.schedule}
    with sandbox.Sandbox(folder, SECONDS, ("samplers.py", "gmm.py", "experiments")) as box:
        found = box.train({"config": config, "samples": SAMPLES})
    if "!" in found:
        return 0.0, found["!"]
    samples = found["samples"][0]
    if samples.shape != (SAMPLES, 2) or not np.isfinite(samples).all():
        return 0.0, f"no {SAMPLES} finite images of two pixels came out, but an array of shape {samples.shape}"
    return mark(1e4 * float(energy_distance(torch.as_tensor(samples).double(), WORLDS[VERSION.world])))


def mark(distance):
    """The points for an energy distance, x 1e4, and the line that goes with them: "" for all points."""
    best, _ = TRAINED.marks[0]
    share = next((share for limit, share in TRAINED.marks if distance <= limit), 0.0)
    says = (
        "" if share == 1 else f"energy distance x 1e4 of {SAMPLES} samples: {distance:.2f}; full points up to {best:g}"
    )
    return share * TRAINED.points, says
