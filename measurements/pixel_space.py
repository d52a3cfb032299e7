"""What the text on pixel space claims, measured: G1 to G6. The diffusion is train.py's, on glyphs."""

from pathlib import Path

import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier

from evaluation import judges
from evaluation.committed import generator
from evaluation.images import draw_images
from evaluation.metrics import EVALUATION_SEED
from exact.finite_set import flat
from experiments import images
from experiments.checkpoint import save_arrays
from experiments.data import STRUCTURES, glyphs
from measurements.common import over_seeds, trained
from small_systems import pixel_space
from utils import add_noise, at, sample, standard_normal, x0_from_eps

SIZES = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)
REPEATS = 2000  # so that an error is known to 1.6 %
MAP = Path(__file__).parent / "glyph_map.npz"  # kept, because fitting UMAP takes a minute
MAPPED = 5000  # glyphs on the map
LEFT_RIGHT, TOP_BOTTOM, _ = range(len(STRUCTURES))
GUIDANCE = (0.0, 1.0, 3.0)


def one_dimensional_gaussian(seed=0):
    """G1: errors of maximum likelihood for N(0, 1) by sample size, over REPEATS repeats, and their log-log slopes."""
    random, rows = np.random.default_rng(seed), []
    for n in SIZES:
        fits = [pixel_space.fit_gaussian(random.standard_normal(n)) for _ in range(REPEATS)]
        mean, variance = np.array(fits).T
        rows.append(
            {
                "n": n,
                "rmse_of_mean": float(np.sqrt((mean**2).mean())),
                "rmse_of_std": float(np.sqrt(((np.sqrt(variance) - 1) ** 2).mean())),
                "mean_variance": float(variance.mean()),
                "error_of_mean_variance": float(variance.std() / REPEATS**0.5),
            }
        )
    slopes = {
        key: float(np.polyfit(np.log(SIZES), np.log([row[key] for row in rows]), 1)[0])
        for key in ("rmse_of_mean", "rmse_of_std")
    }
    return {"rows": rows, "slopes": slopes}


def mapped_glyphs(seed):
    """MAPPED random training glyphs (n, 1, 16, 16), and their labels (n,)."""
    train, _ = glyphs()
    chosen = torch.randperm(len(train), generator=generator(seed))[:MAPPED]
    return train.images[chosen], train.labels[chosen].numpy()


def separability_of_maps(seed):
    """G2: how well left-right and top-bottom are told apart in pixel space, on two principal components, on UMAP."""
    images, labels = mapped_glyphs(seed)
    points = flat(images)
    two = labels <= TOP_BOTTOM
    maps = {
        "256 pixels": points,
        "PCA": pixel_space.fit_pca(points),
        "UMAP": pixel_space.fit_umap(points, seed).embedding_,
    }
    return {name: pixel_space.separability(place[two], labels[two], seed) for name, place in maps.items()}


def density_of_the_map(seed, held_out=1000, near=50):
    """G3: log-density of held-out glyphs on the map under four estimates; the labels around the two highest peaks.

    And what the map makes of noise: 300 images of fair bits, their log-density where they land and their distance to
    the nearest glyph in pixel space, each beside that of test glyphs; and the share of noise on higher ground than the
    lowest tenth of the test glyphs: 0.9 if the map could not tell noise from glyphs, 0 if it always could. The held-out
    glyphs are held out from the density, not from the map.
    """
    images, labels = mapped_glyphs(seed)
    train, test = glyphs()
    mapper = pixel_space.fit_umap(flat(images), seed)
    place = mapper.embedding_.astype(float)
    random = np.random.default_rng(seed).permutation(len(place))
    density = pixel_space.fit_density(place[random[held_out:]])
    around = [
        np.bincount(labels[np.argsort(np.linalg.norm(place - peak, axis=1))[:near]], minlength=len(STRUCTURES)) / near
        for peak in pixel_space.peaks(density, place)
    ]
    noise = torch.randint(0, 2, (300, 1, 16, 16), generator=generator(seed)).float()
    strangers = {"noise": noise, "test": test.images[:300]}
    landed = {name: density.score_samples(mapper.transform(flat(x))) for name, x in strangers.items()}
    nearest = {name: judges.nearest(x, train.images)[1] for name, x in strangers.items()}
    return {
        "log_density": pixel_space.log_density_of_held_out(place[random[held_out:]], place[random[:held_out]]),
        "purest_label_around_peaks": float(min(shares.max() for shares in around)),
        "log_density_of": {name: float(np.median(values)) for name, values in landed.items()},
        "distance_of": {name: float(np.median(values)) for name, values in nearest.items()},
        "noise_among_glyphs": float((landed["noise"] > np.quantile(landed["test"], 0.1)).mean()),
    }


# --- the diffusion ----------------------------------------------------------------------------------------------------


def glyph_run(seed=0):
    """A trained run of train.py on glyphs."""
    return images.load(trained("glyphs", ["train.py", "--data", "glyphs"], seed))


def judge_of_structure():
    """A random forest that tells left-right from top-bottom glyphs, and its accuracy on test glyphs of each."""
    train, test = glyphs()
    known = torch.nonzero(train.labels <= TOP_BOTTOM).flatten()[:8000]
    forest = RandomForestClassifier(200, class_weight="balanced", random_state=0)
    forest.fit(flat(train.images[known]), train.labels[known].numpy())
    accuracy = {
        STRUCTURES[label]: float((forest.predict(flat(test.images[test.labels == label])) == label).mean())
        for label in (LEFT_RIGHT, TOP_BOTTOM)
    }
    return forest, accuracy


def labelled_glyphs(experiment, forest, seed, n=300):
    """G4: for each w and label, the share of n glyphs that the judge reads as their label, and `judges.measures`."""
    train, test = experiment.data
    rows = {}
    for w in GUIDANCE:
        for label in (LEFT_RIGHT, TOP_BOTTOM):
            x = draw_images(experiment, torch.full((n,), label), w, EVALUATION_SEED + seed)
            known, unknown = train.images[train.labels == label], test.images[test.labels == label]
            row = judges.measures(x, known, unknown, seed)
            row["label_accuracy"] = float((forest.predict(flat((x > 0.5).float())) == label).mean())
            row["ink_over_real"] = row["ink"] / judges.ink(unknown)
            row["spread_over_real"] = judges.spread(x) / judges.spread(unknown)
            rows[f"w = {w:g}, {STRUCTURES[label]}"] = row
    for label in (LEFT_RIGHT, TOP_BOTTOM):
        known, unknown = train.images[train.labels == label], test.images[test.labels == label]
        rows[f"real, {STRUCTURES[label]}"] = judges.reference(known, unknown, n, seed)
    return rows


def forward_process(experiment, n=4000, t_shown=(1, 50, 100, 150, 200)):
    """G6: mean and variance of z_t over the noise, for one glyph, beside √ᾱ_t x_0 and 1 - ᾱ_t, in standard errors."""
    schedule, g = experiment.schedule, generator()
    x_0 = experiment.training_set[0][:1].expand(n, -1, -1, -1)
    rows = {}
    for step in t_shown:
        t = torch.full((n,), step)
        z = add_noise(schedule, x_0, t, standard_normal(x_0, g))
        variance = 1 - schedule.alphas_cumprod[step]
        mean_off = (z.mean(0) - at(schedule.sqrt_alphas_cumprod, t, x_0)[0] * x_0[0]) / (variance / n).sqrt()
        variance_off = (z.var(0) - variance) / (variance * (2 / (n - 1)) ** 0.5)
        rows[str(step)] = {
            "snr": float(schedule.alphas_cumprod[step] / variance),
            "mean_off": float(mean_off.square().mean().sqrt()),
            "variance_off": float(variance_off.square().mean().sqrt()),
        }
    return rows


def chains_on_the_map(experiment, mapper, density, seed=0, n=20):
    """G5: x̂_0 of n chains at every 20th step, and x_0: medians over the chains, by t.

    to_end: distance to the chain's own x_0; greyness; log_density of the map where it lands; and, in black and white,
    distance to the nearest glyph, for test glyphs its quartiles. Beside these: the places on the map (steps, n, 2), and
    the t of each.
    """
    denoiser, schedule, g, seen = experiment.denoiser(), experiment.schedule, generator(seed), {}

    def recording(x_t, t, y):
        eps = denoiser(x_t, t, y)
        if int(t[0]) % 20 == 0:
            seen[int(t[0])] = experiment.to_pixels(x0_from_eps(schedule, x_t, t, eps))
        return eps

    y = torch.arange(n) % 2
    seen[0] = experiment.to_pixels(
        sample(recording, schedule, experiment.noise(n, g), y, g, experiment.config.variance)
    )
    train, test = experiment.data
    places, rows = [], {}
    for t, x in seen.items():
        places.append(mapper.transform(flat(x)))
        rows[str(t)] = {
            "to_end": float((x - seen[0]).square().mean((1, 2, 3)).sqrt().median()),
            "greyness": judges.greyness(x.clamp(0, 1)),
            "distance": float(np.median(judges.nearest((x > 0.5).float(), train.images)[1])),
            "log_density": float(np.median(density.score_samples(places[-1]))),
        }
    _, base = judges.nearest(test.images[:500], train.images)
    return {
        "rows": rows,
        "distance_of_test": np.quantile(base, (0.25, 0.5, 0.75)).tolist(),
        "places": np.stack(places).tolist(),
        "t": list(seen),
    }


def measure():
    """All of it, as a dict of plain numbers."""
    forest, accuracy = judge_of_structure()
    images, labels = mapped_glyphs(0)
    mapper = pixel_space.fit_umap(flat(images), 0)
    density = pixel_space.fit_density(mapper.embedding_.astype(float))
    save_arrays(MAP, places=mapper.embedding_, labels=labels)
    return {
        "G1": one_dimensional_gaussian(),
        "G2": over_seeds(separability_of_maps),
        "G3": over_seeds(density_of_the_map),
        "G4": {"judge": accuracy} | over_seeds(lambda seed: labelled_glyphs(glyph_run(seed), forest, seed)),
        "G5": chains_on_the_map(glyph_run(), mapper, density),
        "G6": forward_process(glyph_run()),
    }
