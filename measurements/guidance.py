"""What guided samples are, beside the tilted density p(x|y) p(y|x)^w that they are often said to come from."""

import torch
from tqdm import tqdm

from evaluation.committed import CHECKPOINTS, generator
from exact.guided_target import tilted_moments
from experiments import two_pixel
from samplers import SAMPLERS, last, steps_of
from utils import classifier_free_guidance

CLASS = 1
WEIGHTS = (0.0, 1.0, 2.0, 5.0)
SAMPLES = 20_000
FINE = 1000  # steps, so that what is left is not discretisation
WORLD = "overlapping"


def run_of(T):
    """The experiment with T steps: the committed one for T = 50, else one for its oracle alone, without clipping."""
    if T == FINE:
        return two_pixel.TwoPixel(two_pixel.Config(T=T, world=WORLD, clip=False))
    return two_pixel.load(CHECKPOINTS / f"{WORLD}-T{T}")


# who, sampler and steps of the guided samples, by name
WAYS = {
    "oracle, eq. 13": ("oracle", "ddpm", FINE),
    "oracle, flow": ("oracle", "ddim", FINE),
    "oracle, eq. 13, T = 50": ("oracle", "ddpm", 50),
    "network, eq. 13, T = 50": ("network", "ddpm", 50),
    "network, flow, T = 50": ("network", "ddim", 50),
}


def guided_samples(way, w, n=SAMPLES, seed=0):
    """n images guided to CLASS with weight w, in pixel space, (n, 2)."""
    who, sampler, T = WAYS[way]
    run, random = run_of(T), generator(seed)
    denoiser = run.clipped(classifier_free_guidance(run.exact if who == "oracle" else run.learned(), w))
    y, x_T = torch.full((n,), CLASS), run.noise(n, random)
    return run.to_pixels(last(SAMPLERS[sampler](denoiser, run.schedule, steps_of(T, T), x_T, y, random)))


def moments(x):
    """Mean and standard deviation of each pixel of samples (n, 2), with the standard error of the mean."""
    std = x.std(0)
    return {"mean": x.mean(0).tolist(), "error": (std / len(x) ** 0.5).tolist(), "std": std.tolist()}


def measure():
    world, rows = run_of(FINE).world, {}
    for w in tqdm(WEIGHTS, desc="guidance"):
        mean, covariance = tilted_moments(world, w, CLASS)
        rows[f"{w:g}"] = {
            "tilted": {"mean": mean.tolist(), "std": covariance.diagonal().sqrt().tolist()},
            **{way: moments(guided_samples(way, w)) for way in WAYS},
        }
    return {"samples": SAMPLES, "class": CLASS, "rows": rows}
