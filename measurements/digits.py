"""Where the network on digits falls short: its loss at high noise beside the exact one, what it makes of a label, and
how near real digits are to real digits.

The exact denoiser of the training digits (`exact.finite_set`) is the best there is on the training set. At high noise
no digit stands out, so it is nearly the best one for all digits, and a network should reach its loss on digits that
neither has seen. Below some t it only copies, and the network's loss is the smaller one. The area between the losses
without and with label is 2 I(x_0; y) for an exact denoiser (`exact.information`), hence at most 2 H(y).
"""

import numpy as np
import torch
from tqdm import tqdm

from evaluation.committed import CHECKPOINTS, generator
from evaluation.digit_classifier import in_batches, load_classifier, load_features, with_labels
from evaluation.images import load_samples
from evaluation.judges import real_or_made
from evaluation.metrics import frechet_distance
from exact.finite_set import gaussian_posterior, posterior_mean
from exact.information import entropy, learned_area
from experiments import images
from experiments.data import Images
from measurements.common import mean_and_error
from utils import add_noise, standard_normal, x0_from_eps

RUN = CHECKPOINTS / "mnist"
STEPS = (199, 195, 190, 186, 180, 175, 170, 160, 150)
HELD_OUT = 2000  # test digits for the losses
OF_AREA = 500  # test digits for the area, at every t
AT_A_TIME = 250  # of the exact denoiser: a distance to each of 60,000 digits
SIZES = (10_000, 2000)  # of the score card's "generated" and "sweep"
DRAWS = 8


def exact_guess(train, x_t, alpha_bar, y=None):
    """E[x_0|x_t] over the training digits `train` (model space), or with labels y (B,) over those of each class."""
    if y is None:
        return posterior_mean(train.images, gaussian_posterior(train.images, x_t, alpha_bar))
    guess = torch.empty_like(x_t)
    for k in y.unique():
        known = train.images[train.labels == k]
        guess[y == k] = posterior_mean(known, gaussian_posterior(known, x_t[y == k], alpha_bar))
    return guess


@torch.no_grad()
def losses_at(step, run, train, x0, y, random):
    """The loss of x̂_0 per pixel at t = step, of network and training set, without and with label: a dict of dicts."""
    t, alpha_bar, learned = torch.tensor([step]), float(run.schedule.alphas_cumprod[step]), run.learned()
    x_t = add_noise(run.schedule, x0, t, standard_normal(x0, random))

    def loss(guess, told):
        parts = [guess(x_t[i], y[i] if told else None) - x0[i] for i in torch.arange(len(x0)).split(AT_A_TIME)]
        return float(torch.cat(parts).square().mean())

    guesses = {
        "network": lambda x, y: x0_from_eps(run.schedule, x, t, learned(x, t, y)),
        "training set": lambda x, y: exact_guess(train, x, alpha_bar, y),
    }
    told = {"without label": False, "with label": True}
    return {name: {kind: loss(guess, given) for kind, guess in guesses.items()} for name, given in told.items()}


def losses_and_area(run):
    """`losses_at` every step of STEPS, and the area between the losses beside 2 H(y), in nats, on held-out digits."""
    train, test = run.data
    known = Images(run.to_model(train.images), train.labels)
    chosen = torch.randperm(len(test), generator=generator())[:HELD_OUT]
    x0, y = run.to_model(test.images[chosen]), test.labels[chosen]
    found = {f"{t}": losses_at(t, run, known, x0, y, generator(t)) for t in tqdm(STEPS, desc="losses")}
    shares = train.labels.bincount().double() / len(train)
    area = learned_area(run.learned(), run.schedule, x0[:OF_AREA], y[:OF_AREA], generator())
    return {"losses": found, "area": area, "two_H": 2 * entropy(shares)}


def distances_of_real(train, test, size):
    """The Fréchet distances of `size` real digits, DRAWS times, to the 10,000 training digits of the score card.

    Other training digits and test digits, each with the labels of the reference and at random: mean, standard error,
    and standard deviation of a draw. All 10,000 test digits are one draw only.
    """
    folder = CHECKPOINTS / "mnist-classifier"
    classifier, real = load_classifier(folder), load_features(folder)
    reference, labels = real["train"], torch.from_numpy(real["train_labels"][:size])
    others = Images(train.images[len(reference) :], train.labels[len(reference) :])
    found = {}
    for name, data in (("training", others), ("test", test)):
        features = in_batches(classifier.features, data.images).numpy()

        def row(choose, features=features):
            distances = [frechet_distance(reference, features[choose(seed)]) for seed in range(DRAWS)]
            return mean_and_error(distances) | {"deviation": float(np.std(distances, ddof=1))}

        if size == len(data):
            found[name] = {"mean": frechet_distance(reference, features)}
            continue
        found[f"{name}, labels alike"] = row(lambda seed, data=data: with_labels(labels, data, 0, seed))
        found[f"{name}, labels at random"] = row(
            lambda seed, data=data: torch.randperm(len(data), generator=generator(seed))[:size]
        )
    return found


def seen_by_a_forest(generated, real):
    """How generated digits (`Images`, whole bytes) differ from as many real ones in their bytes, a dict.

    The share of pixels that are exactly 0, and how well a forest on all pixels distinguishes the two kinds, before and
    after every pixel is called ink or paper.
    """

    def auc(change):
        sets = (change(part.images) for part in (real, generated))
        return real_or_made(*sets, features=lambda pictures: pictures.flatten(1).numpy())

    parts = {"generated": generated, "real": real}
    return {
        "digits": len(generated),
        "zeros": {name: float((part.images == 0).double().mean()) for name, part in parts.items()},
        "auc": auc(lambda pictures: pictures),
        "auc of ink": auc(lambda pictures: (pictures > 0.5).float()),
    }


def measure():
    run = images.load(RUN)
    distances = {f"{size}": distances_of_real(*run.data, size) for size in SIZES}
    of_network = losses_and_area(run)
    generated, (train, _) = load_samples(RUN / "samples.npz", 0), run.data
    chosen = with_labels(generated.labels, train, first=10_000)
    forest = seen_by_a_forest(generated, Images(train.images[chosen], train.labels[chosen]))
    return {
        "forest": forest,
        "held_out": HELD_OUT,
        "of_area": OF_AREA,
        "draws": DRAWS,
        **of_network,
        "distances": distances,
    }
