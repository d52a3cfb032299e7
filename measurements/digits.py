"""Where the network on MNIST falls short: its loss at high noise, what it makes of a label, and the real digits' floor.

The exact denoiser of the training digits (`exact.finite_set`) is the best there is on the training set. At high noise
no digit stands out, so it is nearly the best one for all digits, and a network should reach its loss on digits that
neither has seen. Below some t it only copies, and the network's loss is the smaller one. The area between the losses
without and with label is 2 I(x_0; y) for an exact denoiser (`exact.information`), hence at most 2 H(y).
"""

from itertools import pairwise

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import PCA
from tqdm import tqdm

from evaluation.committed import CHECKPOINTS, generator
from evaluation.digit_classifier import (
    KEPT,
    in_batches,
    load_classifier,
    load_features,
    train_classifier,
    with_labels,
)
from evaluation.images import CLASSIFIER_STEPS, load_samples, measures_of_images
from evaluation.judges import real_or_made
from evaluation.metrics import frechet_distance
from exact.finite_set import gaussian_posterior, posterior_mean
from exact.information import area_between, entropy, learned_gaps
from experiments import images
from experiments.data import Images
from measurements.common import mean_and_error
from samplers import SAMPLERS, last, steps_of
from utils import add_noise, classifier_free_guidance, standard_normal, x0_from_eps

RUN, JUDGE = CHECKPOINTS / "mnist", CHECKPOINTS / "mnist-classifier"
STEPS = (199, 195, 190, 186, 180, 175, 170, 160, 150)
HELD_OUT = 2000  # test digits for the losses
AREAS, OF_AREA = 10, 100  # how often the area is measured, and on how many test digits, at every t
SPLIT = (1, 136, 180, 200)  # t between which its parts lie
AT_A_TIME = 250  # of the exact denoiser: a distance to each of 60,000 digits
DRAWS = 8  # of other training digits
FEWER, CALLS = 5000, 50  # digits drawn here, and in how many steps
INTERVAL = 0.2, 120, 190  # w, first and last t of guidance
BEGUN = (200, 176, 152, 128, 104, 80)  # steps at which drawing begins, of those that it visits
BLUR = 0.4  # pixels
SHOWN = (199, 190, 186, 180, 175, 160)  # steps in the table


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
    """The loss of x̂_0 per pixel at t = step, of network and training set, without and with label: a dict of dicts.

    above is the share by which the network's is the larger one, and error its standard error: of the same digits and
    the same noise, so that most of the scatter cancels.
    """
    t, alpha_bar, learned = torch.tensor([step]), float(run.schedule.alphas_cumprod[step]), run.learned()
    x_t = add_noise(run.schedule, x0, t, standard_normal(x0, random))

    def losses_of(guess, told):
        parts = [guess(x_t[i], y[i] if told else None) - x0[i] for i in torch.arange(len(x0)).split(AT_A_TIME)]
        return torch.cat(parts).square().flatten(1).mean(1).double()

    found = {}
    for name, told in (("without label", False), ("with label", True)):
        network = losses_of(lambda x, y: x0_from_eps(run.schedule, x, t, learned(x, t, y)), told)
        exact = losses_of(lambda x, y: exact_guess(train, x, alpha_bar, y), told)
        found[name] = {"network": float(network.mean()), "training set": float(exact.mean())} | above(network, exact)
    return found


def above(one, other):
    """By which share the mean of one (n,) is above that of the other (n,), and its standard error (delta method)."""
    least = float(other.mean())
    share = float(one.mean()) / least - 1
    return {"above": share, "error": float((one - (1 + share) * other).std()) / len(one) ** 0.5 / least}


def held_out(run):
    """HELD_OUT test digits, chosen at random, in model space, and their labels."""
    _, test = run.data
    chosen = torch.randperm(len(test), generator=generator())[:HELD_OUT]
    return run.to_model(test.images[chosen]), test.labels[chosen]


def losses(run):
    """`losses_at` each of STEPS, on `held_out` digits."""
    train, _ = run.data
    known, (x0, y) = Images(run.to_model(train.images), train.labels), held_out(run)
    return {f"{t}": losses_at(t, run, known, x0, y, generator(t)) for t in tqdm(STEPS, desc="losses")}


def told_by_a_label(run):
    """What a label tells about an image, in nats: its entropy, the most there is to tell, and by the network's area.

    The area as a whole, and its parts between the t of SPLIT.
    """
    train, test = run.data
    chosen = torch.randperm(len(test), generator=generator(1))[: AREAS * OF_AREA].split(OF_AREA)
    ranges, areas = ((1, run.schedule.T), *pairwise(SPLIT)), []
    for seed, i in enumerate(tqdm(chosen, desc="areas")):
        x0, y = run.to_model(test.images[i]), test.labels[i]
        gaps = learned_gaps(run.learned(), run.schedule, x0, y, generator(seed))
        areas.append({ends: area_between(gaps, run.schedule, *ends) / 2 for ends in ranges})
    found, shares = mean_and_error(areas), train.labels.bincount().double() / len(train)
    return {
        "entropy": entropy(shares),
        "network": found[1, run.schedule.T],
        "parts": {f"{first} to {last}": found[first, last] for first, last in pairwise(SPLIT)},
    }


def distances_of_other_digits(train):
    """The Fréchet distances of DRAWS × KEPT training digits to those that the score card compares with.

    None of them is among those; with their labels, and with labels at random: mean, standard error, and standard
    deviation of a draw.
    """
    classifier, reference = load_classifier(JUDGE), load_features(JUDGE)["train"]
    features = in_batches(classifier.features, train.images).numpy()

    def row(draws):
        distances = [frechet_distance(reference, features[chosen]) for chosen in draws]
        return mean_and_error(distances) | {"deviation": float(np.std(distances, ddof=1))}

    labels, rest, seeds = train.labels[:KEPT], len(train) - KEPT, range(DRAWS)
    return {
        "labels alike": row(with_labels(labels, train, KEPT, seed) for seed in seeds),
        "labels at random": row(KEPT + torch.randperm(rest, generator=generator(seed))[:KEPT] for seed in seeds),
    }


def seen_by_a_forest(generated, real):
    """How generated digits (`Images`, whole bytes) differ from as many real ones in their bytes, a dict.

    The share of pixels that are exactly 0, and how well a forest on all pixels distinguishes the two kinds, before and
    after every pixel is called ink or paper.
    """

    def auc(change):
        sets = (change(part.images) for part in (real, generated))
        return real_or_made(*sets, features=lambda pictures: pictures.flatten(1).numpy())

    return {
        "digits": len(generated),
        "zeros": {
            name: float((part.images == 0).double().mean()) for name, part in (("generated", generated), ("real", real))
        },
        "auc": auc(lambda pictures: pictures),
        "auc of ink": auc(lambda pictures: (pictures > 0.5).float()),
    }


def guidance_within(denoiser, w, first, last):
    """Guidance by w at first ≤ t < last, none elsewhere (Kynkäänniemi et al. 2024); t is the same for all images."""
    guided = classifier_free_guidance(denoiser, w)

    def within(x_t, t, y):
        return (guided if first <= int(t[0]) < last else denoiser)(x_t, t, y)

    return within


def guided_in_an_interval(run):
    """What the score card's classifier sees in FEWER digits, without guidance and with a little where it helps."""
    classifier, real = load_classifier(JUDGE), load_features(JUDGE)
    y, run = torch.from_numpy(real["train_labels"][:FEWER]), run.with_sampler("ddpm", CALLS)
    learned, found = run.learned(), {}
    for name, denoiser in (("none", learned), ("interval", guidance_within(learned, *INTERVAL))):
        digits = images_of(run, run.clipped(denoiser), y, seed=1)
        measured = measures_of_images(classifier, digits, y, real)
        found[name] = {key: measured[key] for key in ("fidelity", "frechet", "diversity")}
    return found | {"w": INTERVAL[0], "first": INTERVAL[1], "last": INTERVAL[2], "digits": FEWER, "steps": CALLS}


def begun_from_digits(run):
    """What the judge sees in digits that were drawn from t on, for each t of BEGUN, and at t = 0: {t: dict}.

    Drawing begins with FEWER real test digits, chosen at random, under the noise of t (at t = T, noise alone), and at
    t = 0 are those digits themselves. So only the steps from t down to 0 can go wrong. more_misread is the share of
    misread digits beyond that of the real ones, with the error of a difference of the same digits.
    """
    classifier, real = load_classifier(JUDGE), load_features(JUDGE)
    _, test = run.data
    chosen = torch.randperm(len(test), generator=generator())[:FEWER]
    pictures, y = test.images[chosen], test.labels[chosen]

    def misread(digits):
        return (in_batches(classifier, digits).argmax(1) != y).double()

    def seen(digits):
        measured = measures_of_images(classifier, digits, y, real)
        found = {key: measured[key] for key in ("fidelity", "frechet", "diversity")}
        return found | {"more_misread": mean_and_error((misread(digits) - of_real).tolist())}

    of_real = misread(pictures)
    x0, denoiser = run.to_model(pictures), run.denoiser()
    drawn = {f"{t}": seen(completed(run, denoiser, x0, y, t, seed=t)) for t in tqdm(BEGUN, desc="digits begun at")}
    return drawn | {"0": seen(pictures)}


def completed(run, denoiser, x0, y, t, seed):
    """Digits of the classes y drawn from x0 under the noise of t, (n, 1, 28, 28) in pixel space, by ddpm."""
    steps, random = [step for step in steps_of(run.schedule.T, CALLS) if step <= t], generator(seed)
    drawn = []
    for x, k in zip(x0.split(500), y.split(500), strict=True):
        x_t = add_noise(run.schedule, x, torch.tensor([t]), standard_normal(x, random))
        drawn.append(run.to_pixels(last(SAMPLERS["ddpm"](denoiser, run.schedule, steps, x_t, k, random))))
    return torch.cat(drawn)


def images_of(run, denoiser, y, seed):
    """Digits (n, 1, 28, 28) of the classes y (n,) in pixel space, by the run's sampler and this denoiser."""
    draw, random = run.sampler(denoiser, labelled=True), generator(seed)
    parts = (draw(run.noise(len(part), random), part, random) for part in tqdm(y.split(500), desc="digits"))
    return torch.cat([run.to_pixels(x_0) for x_0 in parts])


def blurred(pictures, sigma=BLUR):
    """Images (n, 1, h, w) under a Gaussian of so many pixels."""
    return torch.from_numpy(gaussian_filter(pictures.numpy(), (0, 0, sigma, sigma)))


def in_other_eyes(run):
    """The Fréchet distance of digits to real ones in three kinds of features: {digits: {features: distance}}.

    The judge's; those of a classifier of other initial weights and batches; and the 64 directions in which real digits
    vary most, which know nothing of classes and little of sharpness.
    """
    train, _ = run.data
    reference = train.images[:FEWER]
    judge = load_classifier(JUDGE)
    another = train_classifier(train, CLASSIFIER_STEPS, seed=1)
    directions = PCA(64, random_state=0).fit(reference.flatten(1).numpy())
    eyes = {
        "judge": lambda pictures: in_batches(judge.features, pictures).numpy(),
        "another classifier": lambda pictures: in_batches(another.features, pictures).numpy(),
        "directions": lambda pictures: directions.transform(pictures.flatten(1).numpy()),
    }
    y = train.labels[:FEWER]
    others = train.images[with_labels(y, train, first=KEPT)]
    sets = {"real": others, "real, blurred": blurred(others)}
    for sampler in ("ddpm", "dpm_solver"):
        drawn = run.with_sampler(sampler, CALLS)
        sets[sampler] = images_of(drawn, drawn.denoiser(), y, seed=1)
    return {
        name: {eye: frechet_distance(seen(reference), seen(pictures)) for eye, seen in eyes.items()}
        for name, pictures in sets.items()
    }


def measure():
    run = images.load(RUN)
    train, _ = run.data
    generated = load_samples(RUN / "samples.npz", 0)
    others = with_labels(generated.labels, train, first=KEPT)
    return {
        "held_out": HELD_OUT,
        "losses": losses(run),
        "label": told_by_a_label(run),
        "draws": DRAWS,
        "distances": distances_of_other_digits(train),
        "forest": seen_by_a_forest(generated, Images(train.images[others], train.labels[others])),
        "guidance": guided_in_an_interval(run),
        "begun": begun_from_digits(run),
        "eyes": in_other_eyes(run),
    }


EYES = {"judge": "judge", "another classifier": "another classifier", "directions": "64 directions"}
SEEN = {"real": "other real digits", "real, blurred": "… blurred", "ddpm": "ddpm", "dpm_solver": "DPM-Solver++"}


def eyes_as_text(found):
    """The distances of `in_other_eyes` as a table in Markdown."""
    lines = [f"| digits | {' | '.join(EYES.values())} |", "|---|---|---|---|"]
    for name, distances in found["eyes"].items():
        lines.append(f"| {SEEN[name]} | {' | '.join(f'{distances[eye]:.2f}' for eye in EYES)} |")
    return "\n".join(lines)


def begun_as_text(found):
    """What `begun_from_digits` found, as a table in Markdown."""
    lines = [
        "| drawing begins at t | read as asked, % | misread beyond real, % | Fréchet | diversity |",
        "|---|---|---|---|---|",
    ]
    for t, row in found["begun"].items():
        more = row["more_misread"]
        cells = (
            f"{100 * row['fidelity']:.2f}",
            f"{100 * more['mean']:.2f} ± {100 * more['error']:.2f}",
            f"{row['frechet']:.2f}",
            f"{row['diversity']:.3f}",
        )
        lines.append(f"| {t} | {' | '.join(cells)} |")
    return "\n".join(lines)


def as_text(found):
    """The losses as a table in Markdown."""
    lines = ["| t | without label | above it, % | with label | above it, % |", "|---|---|---|---|---|"]
    for t in SHOWN:
        cells = [
            f"{x['network']:.4f} / {x['training set']:.4f} | {100 * x['above']:.2f} ± {100 * x['error']:.2f}"
            for x in found["losses"][f"{t}"].values()
        ]
        lines.append(f"| {t} | {' | '.join(cells)} |".replace("-", "−"))
    return "\n".join(lines)
