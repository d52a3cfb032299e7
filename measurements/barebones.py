"""What the text "Bare-bones Diffusion Models" claims, measured: B1 to B10."""

from pathlib import Path

import numpy as np
import torch

from evaluation import judges
from evaluation.committed import generator
from evaluation.images import draw_images
from evaluation.metrics import EVALUATION_SEED
from exact.finite_set import effective_size, gaussian_posterior, mixed_posterior, posterior_mean
from experiments.checkpoint import save_arrays
from experiments.images import load as load_experiment
from measurements.common import over_seeds, trained
from small_systems.barebones import BareBones, generate, mix, uniform_noise
from small_systems.command_line import last, load

SAMPLES = 300
MAIN_SPRITES = Path(__file__).parent / "main_sprites.npz"  # some that the main system drew, for a figure
SHOWN = 16
STEPS = (1, 2, 5, 10, 25, 50, 100)
LEVELS = (1.0, 0.95, 0.9, 0.8, 0.6, 0.4, 0.2)
SLICES = 8
LONG = 45_000  # training steps of the long run, with a network of twice the width: three quarters of an hour
MAIN_STEPS = 9000  # training steps of the main system on sprites: a quarter of an hour
REPEATED = 200  # copies of one sprite
COLOURS = 12  # clusters


def trained_folder(name, arguments, seed=0):
    """The folder of a trained run of bare-bones diffusion."""
    return trained(f"barebones-{name}", ["-m", "small_systems.barebones", *arguments], seed)


def run(name, arguments, seed=0):
    """A trained run of bare-bones diffusion."""
    return load(trained_folder(name, arguments, seed), BareBones)


def short(seed=0):
    return run("short", [], seed)


def long():
    return run("long", ["--steps", f"{LONG}", "--width", "64"])


def losses_of(name, arguments, seed=0):
    """The training losses of a run."""
    with np.load(trained_folder(name, arguments, seed) / "losses.npz") as archive:
        return archive["losses"]


SPECIFIC = ("specific", ["--task", "specific-image", "--steps", "800"])
REPEATEDLY = ["--repeated", f"{REPEATED}"]


@torch.no_grad()
def specific_images(seed):
    """B1: a network that draws images from pure noise: its loss over the floor, its outputs beside the mean."""
    system, losses = run(*SPECIFIC, seed), losses_of(*SPECIFIC, seed)
    mean, floor = system.train.mean(0), float(system.train.var(0, correction=0).mean())
    out = system.network(uniform_noise(system.train[:64], generator(seed)), torch.ones(64))
    return {
        "loss": float(losses[-100:].mean()),
        "floor": floor,
        "loss_over_floor": float(losses[-100:].mean()) / floor,
        "rmse_to_mean": float((out - mean).square().mean().sqrt()),
        "spread": judges.spread(out),
    }


def falling_loss(seed):
    """B2: the denoising loss in equal slices of the training, over the pixels' variance."""
    floor, losses = float(short(seed).train.var(0, correction=0).mean()), losses_of("short", [], seed)
    slices = np.array_split(losses, SLICES)
    return {str(i + 1): float(part.mean()) / floor for i, part in enumerate(slices)}


def loss_of_a_linear_guess(images, levels=1000):
    """B2: the same for the best guess that looks at one pixel alone and is linear in it, mean over all levels.

    z = l n + (1-l) x has the variance l²/12 + (1-l)² v; the linear guess leaves v l²/12 of it over that.
    """
    v = images.var(0, correction=0)
    level = (torch.arange(levels).view(-1, 1, 1, 1) + 0.5) / levels
    noise = level.square() / 12
    left = v * noise / (noise + (1 - level).square() * v + 1e-12)
    return float(left.mean() / v.mean())


@torch.no_grad()
def loss_by_level(seed):
    """B3: the denoising loss by noise level on training and test sprites, of network and exact denoiser.

    The exact denoiser knows the training sprites only: on them it is perfect, on test sprites it is not.
    """
    system, g, rows = short(seed), generator(seed), {}
    for level in LEVELS:
        row = {}
        for name, x in (("train", system.train[:SAMPLES]), ("test", system.test)):
            z = mix(x, uniform_noise(x, g), torch.full((len(x),), level))
            row[name] = float((system.network(z, torch.full((len(x),), level)) - x).square().mean())
            exact = posterior_mean(system.train, mixed_posterior(system.train, z, level))
            row[f"exact_{name}"] = float((exact - x).square().mean())
        rows[str(level)] = row
    return rows


def quality_by_steps(system, seed, step_size=1.0):
    """B4, B10: `judges.measures` of samples by S steps, S in STEPS, as ratios to real sprites where that says more."""
    rows = {}
    for S in STEPS:
        x = system.sample(SAMPLES, S, generator(seed), step_size).clamp(0, 1)
        rows[str(S)] = relative(judges.measures(x, system.train, system.test), system.test)
    return rows


def main_system():
    """B4: the same measures of the main system of this repository on the same sprites, T = 200 steps."""
    experiment = load_experiment(trained("sprites", ["train.py", "--data", "sprites", "--steps", f"{MAIN_STEPS}"]))
    train, test = (part.images for part in experiment.data)
    x = draw_images(experiment, torch.zeros(SAMPLES, dtype=torch.int64), 0.0, EVALUATION_SEED)
    save_arrays(MAIN_SPRITES, sprites=(x[:SHOWN] * 255).round().byte().numpy())
    return relative(judges.measures(x, train, test), test)


def relative(row, test):
    """Measures with spread and edge energy as multiples of those of the test sprites."""
    return row | {
        "spread": row["spread"] / judges.spread(test),
        "edge_energy": row["edge_energy"] / judges.edge_energy(test),
    }


def contrast(images):
    """The variance over the pixels of an image, mean over the images."""
    return float(images.var(dim=(1, 2, 3)).mean())


@torch.no_grad()
def pareidolia(seed, S=100, n=64):
    """B5: the contrast of the denoised image at each step of the chain, and what it has to do with the final image.

    chain (S,): contrast by step; correlation (S,): of the denoised image, less the mean of all, with the final image;
    told: contrast of the answer to pure noise if the network is told another level; mixed: to true mixtures.
    """
    system = short(seed)
    noise, x = uniform_noise(system.test[:n], generator(seed)), system.test[:n]
    chain = list(generate(system.network, noise, S))
    final = chain[-1][0] - chain[-1][0].mean(0)
    answers = [d for _, d in chain]
    shapes = [d - d.mean(0) for d in answers]
    levels = {level: torch.full((n,), level) for level in LEVELS}
    return {
        "chain": {str(i): contrast(d) for i, d in enumerate(answers)},
        "correlation": {
            str(i): float((s * final).mean() / (s.square().mean() * final.square().mean()).sqrt())
            for i, s in enumerate(shapes)
        },
        "told": {str(value): contrast(system.network(noise, level)) for value, level in levels.items()},
        "mixed": {str(value): contrast(system.network(mix(x, noise, level), level)) for value, level in levels.items()},
    }


def proportionality(seed, S=50):
    """B7: total variation of the shares of colour clusters from those of the training set: generated, test, floor.

    The floor is the median for as many sprites drawn from the training set itself.
    """
    system = short(seed)
    x = system.sample(SAMPLES, S, generator(seed)).clamp(0, 1)
    random = np.random.default_rng(seed)
    shares = judges.share_of_clusters(system.train, system.test, x, clusters=COLOURS)
    train, test, generated = shares
    drawn = [judges.total_variation(random.multinomial(SAMPLES, train) / SAMPLES, train) for _ in range(200)]
    return {
        "generated": judges.total_variation(generated, train),
        "test": judges.total_variation(test, train),
        "floor": float(np.median(drawn)),
        "clusters_missed": int(((train >= 0.05) & (generated == 0)).sum()),
    }


def exact_denoiser(images):
    """D*(z, level) = E[x | z] for a finite set of images (n, C, h, w) and uniform noise; level (B,), all the same."""

    def D(z, level):
        return posterior_mean(images, mixed_posterior(images, z, float(level[0])))

    return D


def copies_of_the_exact_denoiser(n=48, S=100):
    """B8: the share of samples of the exact denoiser that are training sprites."""
    images = short().train
    x, _ = last(generate(exact_denoiser(images), uniform_noise(images[:n], generator()), S))
    return float((judges.nearest(x, images)[1] < 1e-3).mean())


@torch.no_grad()
def memory_of_the_first_sprite(system, n=500, S=50, level=0.6):
    """B9: what the network knows of the first training sprite and its mirror image.

    of_training_set: their share of it; share: of the samples that are nearest to one of them; nearest: the distance of
    the closest sample; loss: of denoising them at one level, from 200 noises.
    """
    x, sprite = system.sample(n, S, generator()).clamp(0, 1), system.train[:1]
    both = torch.cat([sprite, sprite.flip(3)])
    is_it = judges.nearest(system.train, both)[1] < 1e-6
    index, _ = judges.nearest(x, system.train)
    many = sprite.expand(200, -1, -1, -1)
    z, levels = mix(many, uniform_noise(many, generator()), torch.full((200,), level)), torch.full((200,), level)
    return {
        "of_training_set": float(is_it.mean()),
        "share": float(is_it[index].mean()),
        "nearest": float(judges.nearest(x, both)[1].min()),
        "loss": float((system.network(z, levels) - many).square().mean()),
    }


def images_that_are_possible(images, n=64, S=50):
    """How many of the images an exact denoiser takes for possible, by noise level: uniform and Gaussian noise.

    The effective number (`finite_set.effective_size`). Both noises have the mean ½ and the variance 1/12.
    """
    g, rows = generator(), {}
    x = images[torch.randint(len(images), (n,), generator=g)]
    for level in np.linspace(1, 0.02, S):
        z = mix(x, uniform_noise(x, g), torch.full((n,), float(level)))
        gaussian = (1 - level) * x + level * torch.randn(x.shape, generator=g) / 12**0.5  # without the mean, level/2
        total = (1 - level) ** 2 + level**2 / 12
        scaled, alpha_bar = gaussian / np.sqrt(total), (1 - level) ** 2 / total  # as √ᾱ x + √(1-ᾱ) ε
        rows[f"{level:.2f}"] = {
            "uniform": float(effective_size(mixed_posterior(images, z, level)).mean()),
            "gaussian": float(effective_size(gaussian_posterior(images, scaled, alpha_bar)).mean()),
        }
    return rows


def measure():
    """All of it, as a dict of plain numbers."""
    once, often = (memory_of_the_first_sprite(system) for system in (short(), run("repeated", REPEATEDLY)))
    return {
        "B1": over_seeds(specific_images),
        "B2": over_seeds(falling_loss) | {"linear": loss_of_a_linear_guess(short().train)},
        "B3": over_seeds(loss_by_level),
        "B4": {
            "real": relative(judges.reference(short().train, short().test, SAMPLES), short().test),
            "short": over_seeds(lambda seed: quality_by_steps(short(seed), seed)),
            "long": quality_by_steps(long(), 0),
            "main system": main_system(),
        },
        "B5": over_seeds(pareidolia),
        "B7": over_seeds(proportionality),
        "B8": copies_of_the_exact_denoiser(),
        "B9": {"once": once, f"{REPEATED} times": often},
        "B10": over_seeds(lambda seed: quality_by_steps(short(seed), seed, step_size=2.0)),
        "possible": images_that_are_possible(short().train),
    }
