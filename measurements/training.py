"""Can the network come nearer to the truth within the same time? What helps and what does not, over three seeds.

    python -m measurements.training            an hour
    python -m measurements.training as_it_is   only some of it

Every variant gets the time that the defaults need for their 3000 steps: the time of its step is measured beside theirs,
step by step in turns. The loss is measured above its floor, and the divergence KL(p ‖ p_θ) of what DPM-Solver++ draws
in 50 steps without label. Writes measurements/training.json.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as train.py does

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from ddpm import TwoPixelUNet
from evaluation.flow_density import flow_density, in_float64
from evaluation.metrics import EVALUATION_SEED
from evaluation.two_pixel import relative_excess_loss
from experiments.checkpoint import load_json, save_json
from experiments.command_line import Parser, names
from experiments.two_pixel import Config, TwoPixel
from measurements.common import mean_and_error, time_of_step
from utils import Training, add_noise, at, drop_labels, noised_batch, standard_normal, training_target

RESULT = Path(__file__).parent / "training.json"
SEEDS = 3
CALLS, GRID = 50, 32  # steps of DPM-Solver++; points in each direction: right to a few percent
TIMED = 40  # steps of a variant and of the defaults, in turns


def stratified(schedule, x0, generator):
    """`noised_batch` with one t from each of B equal parts of 1 … T."""
    u = (torch.arange(len(x0)) + torch.rand(len(x0), generator=generator)) / len(x0)
    t, eps = 1 + (u * schedule.T).long().clamp(max=schedule.T - 1), standard_normal(x0, generator)
    return t, eps, add_noise(schedule, x0, t, eps)


def more_steps_within(schedule, x0, generator, first, last):
    """`noised_batch` in which half of the steps, on average, are drawn from first T < t ≤ last T, shares of T."""
    t, eps, _ = noised_batch(schedule, x0, generator)
    within = torch.randint(1 + round(first * schedule.T), 1 + round(last * schedule.T), t.shape, generator=generator)
    t = torch.where(torch.rand(t.shape, generator=generator) < 0.5, within, t)
    return t, eps, add_noise(schedule, x0, t, eps)


more_low_noise = partial(more_steps_within, first=0.0, last=0.2)
more_middle_noise = partial(more_steps_within, first=0.2, last=0.7)
more_high_noise = partial(more_steps_within, first=0.5, last=1.0)


def in_pairs(schedule, x0, generator, noised=noised_batch):
    """`noised_batch`, or another, in which the second half has the t of the first and its noise with the other sign."""
    half = len(x0) // 2
    t, eps, _ = noised(schedule, x0[:half], generator)
    t, eps = torch.cat([t, t]), torch.cat([eps, -eps])
    return t, eps, add_noise(schedule, x0, t, eps)


@dataclass(frozen=True)
class Variant:
    """What differs from the defaults. weight takes ᾱ to the weight of v's squared error."""

    batch_size: int = 512
    lr: float = 2e-3
    ema_decay: float = 0.999
    label_dropout: float = 0.3
    channels: tuple = (64, 256)
    noised: object = noised_batch
    weight: object = None


VARIANTS = {
    "as_it_is": Variant(),
    "batch_128": Variant(batch_size=128),
    "batch_2048": Variant(batch_size=2048),
    "rate_4e-3": Variant(lr=4e-3),
    "average_0.9995": Variant(ema_decay=0.9995),
    "stratified_t": Variant(noised=stratified),
    "noise_in_pairs": Variant(noised=in_pairs),
    "weight_of_eps": Variant(weight=lambda alphas_cumprod: alphas_cumprod),
    "width_64_128": Variant(channels=(64, 128)),
    "width_128_512": Variant(channels=(128, 512)),
    "batch_1024_rate_4e-3": Variant(noised=stratified, batch_size=1024, lr=4e-3),
    "width_64_128_in_pairs": Variant(noised=in_pairs, channels=(64, 128)),
    "label_dropout_0.6": Variant(label_dropout=0.6),
    "more_low_noise": Variant(noised=more_low_noise),
    "more_low_noise_in_pairs": Variant(noised=partial(in_pairs, noised=more_low_noise)),
    "more_middle_noise": Variant(noised=more_middle_noise),
    "more_high_noise": Variant(noised=more_high_noise),
    "label_dropout_0.6_in_pairs": Variant(noised=in_pairs, label_dropout=0.6),
}


def training_of(variant, seed, steps):
    """(experiment, a `Training` of the variant, its loss_of)."""
    experiment = TwoPixel(Config(seed=seed))
    torch.manual_seed(seed)
    network = TwoPixelUNet(experiment.config.T, experiment.num_classes, variant.channels)
    schedule, config = experiment.schedule, experiment.config

    def loss_of(network, generator):
        x0, y = experiment.draw(variant.batch_size, generator)
        y = drop_labels(y, variant.label_dropout, experiment.num_classes, generator)
        t, eps, x_t = variant.noised(schedule, x0, generator)
        error = (network(x_t, t, y) - training_target(schedule, config.prediction, x0, t, eps)).square()
        return (
            error.mean()
            if variant.weight is None
            else (at(variant.weight(schedule.alphas_cumprod), t, x0) * error).mean()
        )

    return experiment, Training(network, steps, variant.lr, experiment.generator(seed), variant.ema_decay), loss_of


def endless_steps(variant):
    """The steps of a training that has no end, as an iterator."""
    _, training, loss_of = training_of(variant, 0, 10**6)
    return training.run(loss_of)


def row(name):
    """Excess losses of a variant over the seeds, each trained for the time of the defaults."""
    variant = VARIANTS[name]
    ratio = 1.0
    if name != "as_it_is":
        ratio = time_of_step(endless_steps(variant), endless_steps(Variant()), TIMED, warm_up=10)
    steps, shares, divergences = round(Config().steps / ratio), [], []
    for seed in range(SEEDS):
        experiment, training, loss_of = training_of(variant, seed, steps)
        for _ in tqdm(training.run(loss_of), total=steps, desc=f"{name}, seed {seed}", leave=False):
            pass
        experiment.network = training.ema.module.eval()
        shares.append(relative_excess_loss(experiment, EVALUATION_SEED + seed))
        density = flow_density(experiment, in_float64(experiment), "dpm_solver", CALLS, n=GRID)
        divergences.append(density.kl_from(experiment.world))
    unlabelled, labelled = zip(*shares, strict=True)
    return {
        "time_of_step": ratio,
        "steps": steps,
        "excess_loss": mean_and_error(unlabelled),
        "excess_loss_labelled": mean_and_error(labelled),
        "kl": mean_and_error(divergences),
    }


def as_text(table):
    """The table for the terminal and the README (Markdown)."""
    lines = [
        "| variant | time of a step | steps | excess % | with label % | KL, 10⁻³ nats |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in table.items():
        cells = [
            f"{100 * e['mean']:.3f} ± {100 * e['error']:.3f}"
            for e in (found["excess_loss"], found["excess_loss_labelled"])
        ]
        cells.append(f"{1e3 * found['kl']['mean']:.2f} ± {1e3 * found['kl']['error']:.2f}")
        lines.append(
            f"| {name.replace('_', ' ')} | {found['time_of_step']:.2f} | {found['steps']} | {' | '.join(cells)} |"
        )
    return "\n".join(lines)


def main(arguments):
    torch.set_num_threads(1)
    parser = Parser(prog="python -m measurements.training", description=__doc__.split("\n")[0])
    results = load_json(RESULT) if RESULT.exists() else {}
    for name in tqdm(names(parser, "variant", tuple(VARIANTS), arguments), desc="variants"):
        results[name] = row(name)
        save_json(RESULT, {name: results[name] for name in VARIANTS if name in results})
    print(as_text(load_json(RESULT)))


if __name__ == "__main__":
    main(sys.argv[1:])
