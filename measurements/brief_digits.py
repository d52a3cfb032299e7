"""Brief trainings on MNIST: when the network copies its digits, and what flow matching and reflow change.

    python -m measurements.brief_digits              everything: three hours on one core; needs the data
    python -m measurements.brief_digits 100 flow     only some of it

All networks but that of reflow take the same number of steps with small batches, so that what is compared is alike; the
committed network of checkpoints/mnist is trained far longer. The trained networks are kept in runs/brief-digits;
without that folder they are trained anew. Writes measurements/brief_digits.json, and digits to brief_digits.npz.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as train.py does

import copy
import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import mse_loss
from tqdm import tqdm

from evaluation.committed import CHECKPOINTS, generator, weights_behind
from evaluation.digit_classifier import load_classifier, load_features
from evaluation.images import measures_of_images, measures_of_others
from evaluation.metrics import nearest_distances
from exact import flow_matching
from exact.memorising import along_the_way
from experiments import images
from experiments.checkpoint import load_json, load_weights, save_arrays, save_json, save_weights
from experiments.command_line import Parser, names
from experiments.data import Images
from experiments.images import Config, ImageExperiment
from experiments.reflow import pairs, reflow_loss
from measurements.digits import exact_guess, images_of
from utils import Training, add_noise, eps_from_x0, standard_normal

RESULT, PICTURES = (Path(__file__).parent / f"brief_digits.{kind}" for kind in ("json", "npz"))
NETWORKS = Path("runs/brief-digits")
STEPS, BATCH = 4000, 64
SIZES = ("100", "1000", "10000", "60000")
LOOKS = (1, 3, 5, 10, 15, 20, 30, 40, 50, 60, 80, 100, 120, 140, 160, 180)  # t at which denoisers are compared
NOISY = 500  # noisy digits for it, at each t
DIGITS, CALLS = 1000, 50  # digits that are drawn and judged, and in how many steps
CALLS_OF = {"ddim": (2, 5, 10, 20, 50), "dpm_solver": (5, 10, 20)}  # the samplers of the flows, and their steps
PAIRS, JOINED, MORE = 10_000, 20, 2000  # of reflow: pairs, DPM-Solver++ steps that join them, training steps
AFTER = 1, 2, 4, 10  # Euler steps before and after it
PATHS = 100  # from noise to digits, to see how straight they are


def on_set(N):
    """(an untrained run that sees nothing but N training digits, those digits as `Images` in model space)."""
    run = ImageExperiment(Config(steps=STEPS, batch_size=BATCH))
    x, y = run.training_set
    chosen = torch.randperm(len(x), generator=generator(100))[:N]
    run.training_set = x[chosen], y[chosen]
    return run, Images(*run.training_set)


def trained(run, name, make_loss):
    """The run with its network trained by the loss that make_loss() returns, or as it was trained before."""
    path, config = NETWORKS / f"{name}.safetensors", asdict(run.config)
    if not path.exists():
        loss_of, random = make_loss(), run.generator(run.config.seed)
        training = Training(run.network, run.config.steps, run.config.lr, random)
        for _ in tqdm(training.run(loss_of), total=training.steps, desc=name):
            pass
        NETWORKS.mkdir(parents=True, exist_ok=True)
        save_weights(path, training.ema.module, config)
    load_weights(path, run.network, config)
    run.network.eval()
    return run


def noised(run, digits, t, random):
    """NOISY digits of `digits`, noised to t (1,): x_t, the noise, the labels."""
    chosen = torch.randint(len(digits), (NOISY,), generator=random)
    x0 = digits.images[chosen]
    eps = standard_normal(x0, random)
    return add_noise(run.schedule, x0, t, eps), eps, digits.labels[chosen]


@torch.no_grad()
def compared(run, known, random):
    """The network beside the denoiser of its set of digits `known`, with labels, at each of LOOKS: a dict of dicts.

    memorisation: how far it is on the way from the committed network, which stands in for the world that nobody knows,
    to the set's denoiser, on noisy digits of the set. In practice 0 is what training on all digits gives. set and seen:
    the losses there of the set's denoiser, which is the least, and of the network. unseen: the network's loss on noisy
    test digits.
    """
    world, (_, test) = images.load(CHECKPOINTS / "mnist").learned(), run.data
    fresh = Images(run.to_model(test.images), test.labels)
    learned, by_t = run.learned(), {}
    for step in tqdm(LOOKS, desc="denoisers", leave=False):
        t, alpha_bar = torch.tensor([step]), float(run.schedule.alphas_cumprod[step])
        x_t, eps, y = noised(run, known, t, random)
        of_set = eps_from_x0(run.schedule, x_t, t, exact_guess(known, x_t, alpha_bar, y))
        of_network = learned(x_t, t, y)
        moved, apart = along_the_way(of_network, world(x_t, t, y), of_set)
        unseen_x_t, unseen_eps, unseen_y = noised(run, fresh, t, random)
        by_t[f"{step}"] = {
            "memorisation": float(moved / apart),
            "set": float(mse_loss(of_set, eps)),
            "seen": float(mse_loss(of_network, eps)),
            "unseen": float(mse_loss(learned(unseen_x_t, t, unseen_y), unseen_eps)),
        }
    return by_t


def judged(run):
    """What the score card's classifier makes of DIGITS digits, and the digits themselves in pixel space."""
    folder = CHECKPOINTS / "mnist-classifier"
    classifier, real = load_classifier(folder), load_features(folder)
    y = torch.from_numpy(real["train_labels"][:DIGITS])
    digits = images_of(run, run.denoiser(), y, seed=1)
    measured = measures_of_images(classifier, digits, y, real)
    return {key: measured[key] for key in ("fidelity", "frechet", "diversity")}, digits


def of_size(N):
    """A network trained on N digits: beside its set's denoiser, and its digits beside the set.

    nearest: the median distance of its digits to the nearest of the set, in pixel space, beside that of test digits;
    copies: the share of digits nearer than all but 1 % of the test digits, 0.01 if there are no copies.
    """
    run, known = on_set(int(N))
    run = trained(run, N, lambda: run.loss).with_sampler("ddpm", CALLS)
    measured, digits = judged(run)
    _, test = run.data
    held_out = test.images[torch.randperm(len(test), generator=generator(2))[:DIGITS]]
    nearest, of_test = (nearest_distances(x, run.to_pixels(known.images)) for x in (digits, held_out))
    return measured | {
        "by_t": compared(run, known, generator(0)),
        "nearest": float(np.median(nearest)),
        "nearest_of_test": float(np.median(of_test)),
        "copies": float((nearest < np.quantile(of_test, 0.01)).mean()),
    }


def flow_run():
    """A run on all digits with the flow schedule and prediction u, untrained."""
    return ImageExperiment(Config(steps=STEPS, batch_size=BATCH, schedule="flow", prediction="u"))


def by_calls(run):
    """`judged` for each sampler of CALLS_OF and number of steps."""
    return {
        sampler: {f"{n}": judged(run.with_sampler(sampler, n))[0] for n in steps} for sampler, steps in CALLS_OF.items()
    }


def flow():
    """Quality against calls: a network on the cosine schedule that predicts v, and one on the flow schedule with u."""
    cosine, _ = on_set(60_000)
    run = flow_run()
    return {
        "cosine v": by_calls(trained(cosine, "60000", lambda: cosine.loss)),
        "flow u": by_calls(trained(run, "flow", lambda: run.loss)),
    }


def loss_of_joined(teacher, y):
    """The loss of the pairs that a network joins, one for each label of y (n,)."""
    random = generator(100)
    parts = [pairs(teacher, len(part), random, part) for part in tqdm(y.split(500), desc="pairs")]
    x_T, x_0 = (torch.cat(ends) for ends in zip(*parts, strict=True))
    return partial(reflow_loss, run=teacher, x_T=x_T, x_0=x_0, y=y)


def reflow():
    """Before and after one round of reflow: how far paths are from straight, and digits in few Euler steps."""
    before = flow_run()
    before = trained(before, "flow", lambda: before.loss)
    after = ImageExperiment(replace(before.config, steps=MORE))
    after.network = copy.deepcopy(before.network).train()
    y = torch.from_numpy(load_features(CHECKPOINTS / "mnist-classifier")["train_labels"][:PAIRS])
    after = trained(after, "reflow", lambda: loss_of_joined(before.with_sampler("dpm_solver", JOINED), y))
    noise, found = before.noise(PATHS, generator(0)), {}
    for name, run in (("before", before), ("after", after)):
        few = {f"{n}": judged(run.with_sampler("ddim", n))[0] for n in AFTER}
        found[name] = few | {"bend": flow_matching.bend(run.learned(), run.schedule, noise, y[:PATHS])}
    return found | {"pairs": PAIRS}


def pictures():
    """Digits of each size's network, one of each class, and the digits of its set nearest to them, as bytes."""
    y, found = torch.arange(10), {}
    for N in SIZES:
        run, known = on_set(int(N))
        run = trained(run, N, lambda run=run: run.loss).with_sampler("ddpm", CALLS)
        digits, pixels = images_of(run, run.denoiser(), y, seed=2), run.to_pixels(known.images)
        nearest = torch.cdist(digits.flatten(1), pixels.flatten(1)).argmin(1)
        found[f"N{N}"] = (torch.stack([digits, pixels[nearest]]).squeeze(2) * 255).round().byte().numpy()
    save_arrays(PICTURES, **found)
    return {"file": PICTURES.name}


def references():
    """What the classifier makes of as many real digits with the same labels: the floor."""
    folder = CHECKPOINTS / "mnist-classifier"
    found = measures_of_others(load_classifier(folder), DIGITS, load_features(folder))
    return {key: found[key] for key in ("fidelity", "frechet", "diversity")}


PARTS = {N: lambda N=N: of_size(N) for N in SIZES} | {
    "flow": flow,
    "reflow": reflow,
    "real": references,
    "pictures": pictures,
}


def main(arguments):
    torch.set_num_threads(1)
    parser = Parser(prog="python -m measurements.brief_digits", description=__doc__.split("\n")[0])
    asked = names(parser, "part", tuple(PARTS), arguments)
    ImageExperiment(Config()).check_data()
    for name in tqdm(asked, desc="parts"):
        found = PARTS[name]() | {"weights": weights_behind("brief_digits")}
        results = (load_json(RESULT) if RESULT.exists() else {}) | {name: found}  # another process may add some, too
        save_json(RESULT, {name: results[name] for name in PARTS if name in results})


if __name__ == "__main__":
    main(sys.argv[1:])
