"""Does the model draw a digit part by part, or all at once? Measured on the x̂_0 of many trajectories.

    python -m evaluation.part_by_part --run checkpoints/mnist

Each measurement is made on made-up models too, with the same first and the same final images, so that its outcome
means something: one draws all at once, straight from the first x̂_0 to the final digit; one draws part by part, row
after row from the top; one settles each pixel on its own, at steps dealt anew among the digits.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported

import sys
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from evaluation.digit_classifier import load_classifier
from evaluation.images import CLASSIFIERS
from evaluation.metrics import EVALUATION_SEED
from experiments import images
from experiments.checkpoint import CheckpointError, fingerprint, save_arrays
from experiments.command_line import Parser, number
from utils import sample, x0_from_eps

TRAJECTORIES = 500
OPEN = 0.1  # a pixel is open if the first x̂_0 is farther than this from its final intensity
SETTLED = 0.25  # a pixel has settled when it is, for good, within this share of its way
BANDS = ((1, 2), (3, 4), (5, 7), (8, 14))  # cycles per image, both ends included; those that the image resolves


def x0_trajectory(experiment, y, n, seed):
    """x̂_0 at every step of n trajectories, (T+1, n, size, size) in pixel space, indexed by t; entry 0 is the image."""
    denoiser, schedule, generator, seen = experiment.denoiser(), experiment.schedule, experiment.generator(seed), []
    bar = tqdm(total=schedule.T, desc=f"{n} trajectories", unit="step")

    def recording(x_t, t, y):
        eps = denoiser(x_t, t, y)
        seen.append(experiment.to_pixels(x0_from_eps(schedule, x_t, t, eps)))
        bar.update()
        return eps

    x_0 = sample(recording, schedule, experiment.noise(n, generator), y, generator, experiment.config.variance)
    bar.close()
    return torch.stack([experiment.to_pixels(x_0), *seen[::-1]]).squeeze(2).numpy()


def interpolation(x0):
    """All at once: from the first x̂_0 of x0 (T+1, n, h, w) straight to the end, each step as far from it as x0 is."""
    final, first = x0[0], x0[-1]
    distance = np.sqrt(((x0 - final) ** 2).sum((2, 3), keepdims=True))  # (T+1, n, 1, 1)
    return final + distance / distance[-1] * (first - final)


def row_by_row(x0):
    """Part by part: each row of the image jumps from its first x̂_0 to its end, the top row first. Like x0."""
    t, rows = np.arange(len(x0))[:, None, None, None], np.arange(x0.shape[2])[:, None]
    return np.where(t <= (len(x0) - 1) * (1 - (rows + 1) / len(rows)), x0[0], x0[-1])


def settling_step(x0):
    """The largest t from which on, down to 0, a pixel has three quarters of its way behind it for good: (n, h, w)."""
    final, first = x0[0], x0[-1]
    within = np.abs(x0 - final) <= SETTLED * np.abs(first - final)
    return np.logical_and.accumulate(within, axis=0).sum(0) - 1


def open_pixels(x0):
    """Pixels that the first x̂_0 leaves open, (n, h, w): most of the background is black from the start."""
    return np.abs(x0[-1] - x0[0]) > OPEN


def dealt_anew(step, mask, seed=0):
    """Every pixel on its own: the steps (n, h, w) of each pixel shuffled among the images in which it is open."""
    step, random = step.copy(), np.random.default_rng(seed)
    for i, j in np.argwhere(mask.any(0)):
        step[mask[:, i, j], i, j] = random.permutation(step[mask[:, i, j], i, j])
    return step


def deviations(values, mask):
    """Values (n, h, w) minus their mean over each image's mask; 0 outside the mask."""
    mean = (values * mask).sum((1, 2), keepdims=True) / mask.sum((1, 2), keepdims=True)
    return (values - mean) * mask


def shares_of_variance(step, mask):
    """What explains when a pixel settles, as shares of its variance: (the image, the place, the rest).

    The image: some digits are decided earlier as a whole; the place: the mean deviation of that pixel in all images.
    """
    total = step[mask].var()
    within = deviations(step, mask)
    place = within.sum(0) / mask.sum(0).clip(1)  # (h, w)
    rest = (within - place)[mask]
    of_images = 1 - (within[mask] ** 2).mean() / total
    of_rest = (rest**2).mean() / total
    return float(of_images), float(1 - of_images - of_rest), float(of_rest)


def correlation_at_distance(step, mask):
    """Correlation of the settling steps of two pixels of one image by their distance, for 1, 2, … h/2 - 1, each ± ½."""
    d, m = deviations(step, mask), mask.astype(float)
    size = [2 * s for s in d.shape[1:]]  # room for every offset without wrapping round
    products, pairs = (np.fft.irfft2((np.abs(np.fft.rfft2(v, size)) ** 2).sum(0), size) for v in (d, m))
    offsets = [np.fft.fftfreq(s, 1 / s) for s in size]
    distance = np.hypot(offsets[0][:, None], offsets[1])
    rings = [np.abs(distance - r) < 0.5 for r in range(1, mask.shape[1] // 2)]
    return np.array([products[ring].sum() / pairs[ring].sum() for ring in rings]) / (d[mask] ** 2).mean()


def unsettled_by_frequency(x0):
    """‖x̂_0(t) - x_0‖² in each band of spatial frequency over its value at t = T: (bands, T+1)."""
    h, w = x0.shape[2:]
    cycles = np.hypot(np.fft.fftfreq(h, 1 / h)[:, None], np.fft.fftfreq(w, 1 / w)).round()
    power = np.array([(np.abs(np.fft.fft2(x - x0[0])) ** 2).sum(0) for x in x0])  # (T+1, h, w)
    bands = np.array([power[:, (low <= cycles) & (cycles <= high)].sum(1) for low, high in BANDS if low <= h // 2])
    return bands / bands[:, -1:]


@torch.no_grad()
def agreement_with_final_class(classifier, x0):
    """The share of trajectories whose x̂_0 at t the classifier reads as their final digit: (T+1,)."""
    classes = np.array([classifier(torch.from_numpy(x).unsqueeze(1)).argmax(1).numpy() for x in x0])
    return (classes == classes[0]).mean(1)


def measure(experiment, classifier, n=TRAJECTORIES, seed=EVALUATION_SEED):
    """All measurements on the model and the made-up ones, as a dict of arrays: model_…, once_…, rows_…, alone_….

    Labelled trajectories for pixels and frequencies; unlabelled ones for the class, which a label would give away.
    """
    labelled = x0_trajectory(experiment, torch.arange(n, device=experiment.device) % 10, n, seed)
    unlabelled = x0_trajectory(experiment, None, n, seed)
    mask, results, steps = open_pixels(labelled), {}, {}
    for name, model in (("model", np.asarray), ("once", interpolation), ("rows", row_by_row)):
        x0 = model(labelled)
        steps[name] = settling_step(x0)
        results |= {
            f"{name}_spread": np.sqrt((deviations(steps[name], mask)[mask] ** 2).mean()),
            f"{name}_frequency": unsettled_by_frequency(x0),
            f"{name}_class": agreement_with_final_class(classifier, model(unlabelled)),
        }
    steps["alone"] = dealt_anew(steps["model"], mask)
    for name in ("model", "rows", "alone"):  # all at once, there is nothing to correlate
        results |= {
            f"{name}_shares": np.array(shares_of_variance(steps[name], mask)),
            f"{name}_correlation": correlation_at_distance(steps[name], mask),
        }
    return results


def as_text(results):
    """The main numbers of all models; a dash where one has nothing to say."""
    names = {"model": "the model", "once": "all at once", "rows": "row by row", "alone": "pixel by pixel"}
    lines = [f"{'':<60}" + "".join(f"{name:>16}" for name in names.values())]

    def row(title, key, value):
        cells = (value(results[f"{name}_{key}"]) if f"{name}_{key}" in results else "-" for name in names)
        lines.append(f"{title:<60}" + "".join(f"{cell:>16}" for cell in cells))

    row("settling step of a pixel, spread within a digit", "spread", lambda spread: f"{spread:.1f}")
    for i, share in enumerate(("which digit it is in", "its place in the image", "neither")):
        row(f"  share of its variance: {share}", "shares", lambda shares, i=i: f"{shares[i]:.0%}")
    for d in (1, 2, 4, 8)[: len(results["model_correlation"]) // 2]:
        row(f"  correlation of two pixels {d} apart", "correlation", lambda values, d=d: f"{values[d - 1]:.2f}")
    for i, (low, high) in enumerate(BANDS[: len(results["model_frequency"])]):
        title = f"step at which {low}-{high} cycles per image are half settled"
        row(title, "frequency", lambda bands, i=i: str(last(bands[i] <= 0.5)))
    row("step from which 90 % show their final class", "class", lambda agree: str(last(agree >= 0.9)))
    return "\n".join(lines)


def last(true_from_zero):
    """The largest t up to which all entries are true."""
    return int(np.logical_and.accumulate(true_from_zero).sum() - 1)


def main(argv=None):
    p = Parser(prog="python -m evaluation.part_by_part", description=__doc__.split("\n")[0])
    p.add_argument("--run", type=Path, required=True, help="folder of a finished image run")
    p.add_argument("--trajectories", type=number(int, 10), default=TRAJECTORIES, help="how many are measured")
    args = p.parse_args(argv)
    try:
        experiment = images.load(args.run)
        classifier = load_classifier(CLASSIFIERS / f"{experiment.config.data}-classifier")
        results = measure(experiment, classifier, args.trajectories)
        save_arrays(args.run / "part_by_part.npz", weights=np.str_(fingerprint(args.run)), **results)
    except (CheckpointError, OSError) as error:
        print(f"{p.prog}: error: {error}", file=sys.stderr)
        return 2
    print(as_text(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
