"""Which change makes the network on MNIST learn faster in its first minutes?

    python -m measurements.ladder                   two and a half hours on one core; needs the data
    python -m measurements.ladder as_it_is deeper   only some of it

Every rung trains from new weights for the time that the defaults need for STEPS steps: a larger network takes fewer.
One seed; what it says of early training need not hold for a long one.
Three moving averages of its weights are kept, and the best one is chosen afterwards (after Karras et al. 2024, sec. 3).
Writes measurements/ladder.json.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as train.py does

import sys
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from ddpm import ResidualBlock
from evaluation.committed import generator
from evaluation.digit_classifier import load_classifier, load_features
from evaluation.images import CLASSIFIERS, draw_images, measures_of_images
from evaluation.metrics import EVALUATION_SEED
from experiments.checkpoint import load_json, save_json
from experiments.command_line import Parser, names
from experiments.data import Images
from experiments.images import Config, ImageExperiment
from measurements.common import time_of_step
from measurements.digits import held_out, losses_at
from measurements.training import in_pairs
from utils import LOSSES, Training, add_noise, diffusion_loss, ema_update, standard_normal, training_target

RESULT = Path(__file__).parent / "ladder.json"
# parts of 1 … T, as shares of T
HIGH = 0.6, 1.0  # an image is no more than a hint (ᾱ_t < 0.35 for the cosine schedule)
MIDDLE = 0.4, 0.8  # below, hardly a digit goes wrong (measurements.digits)
STEPS = 500  # of the defaults
TIMED = 10  # pairs of steps, for the time of a step
AVERAGES = (0.95, 0.98, 0.99)  # ema_decay; short trainings have no longer ones, see `utils.ema_update`
JUDGED, SAMPLING_STEPS = 2000, 50
TOLD = "with label", "without label"
AT = 186  # of digits.STEPS, where the loss without label is farthest above the exact denoiser's


class InARow(nn.ModuleList):
    """Residual blocks, one after the other."""

    def forward(self, x, step, label):
        for block in self:
            x = block(x, step, label)
        return x


def deeper(network):
    """One more residual block at each level below the widest. New ones are the identity: the answers stay the same."""
    dim = network.middle.step_dense.in_features
    for part in (network.encoder, network.decoder):
        for level in range(1, len(part)):
            channels = part[level].conv2.out_channels
            part[level] = InARow([part[level], ResidualBlock(channels, channels, dim)])
    return network.to(memory_format=torch.channels_last)


def steps_with_more(T, n, share, part, generator):
    """n steps (n,): uniform on 1 … T, but with probability `share` each uniform on a < t ≤ b, part = (a / T, b / T)."""
    first, last = 1 + int(part[0] * T), int(part[1] * T)
    any_step = torch.randint(1, T + 1, (n,), generator=generator, device=generator.device)
    in_part = torch.randint(first, last + 1, (n,), generator=generator, device=generator.device)
    chosen = torch.rand(n, generator=generator, device=generator.device) < share
    return torch.where(chosen, in_part, any_step)


def more_of(part, share=0.5):
    """`utils.diffusion_loss` with the steps of `steps_with_more`.

    Every t occurs, so the least loss at each t stays what it is. On average the t of a part of width b T weigh
    1 - share + share/b, the others 1 - share: a network that is small, or trained briefly, pays for the one with the
    other.
    """

    def objective(network, schedule, x0, y, generator, prediction="eps", loss="l2"):
        t = steps_with_more(schedule.T, len(x0), share, part, generator).to(x0.device)
        eps = standard_normal(x0, generator)
        x_t = add_noise(schedule, x0, t, eps)
        return LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))

    return objective


def loss_of_pairs(network, schedule, x0, y, generator, prediction, loss):
    """`utils.diffusion_loss`, half of the batch with the steps and the negative noise of the other half."""
    t, eps, x_t = in_pairs(schedule, x0, generator)
    return LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))


@dataclass(frozen=True)
class Rung:
    """What differs from the defaults: settings, the loss of a batch, the network."""

    changes: dict = field(default_factory=dict)
    objective: object = diffusion_loss
    network: object = lambda network: network


RUNGS = {
    "as_it_is": Rung(),
    "high_noise": Rung(objective=more_of(HIGH)),
    "middle_noise": Rung(objective=more_of(MIDDLE)),
    "deeper": Rung(network=deeper),
    "label_dropout_0.2": Rung({"label_dropout": 0.2}),
    "batch_512_rate_3e-3": Rung({"batch_size": 512, "lr": 3e-3}),
    "noise_in_pairs": Rung(objective=loss_of_pairs),
}


def experiment_of(rung):
    """The experiment of a rung, untrained."""
    experiment = ImageExperiment(Config(**rung.changes))
    experiment.objective, experiment.network = rung.objective, rung.network(experiment.network)
    return experiment


def endless_steps(rung):
    """The steps of a training that has no end, as an iterator."""
    experiment = experiment_of(rung)
    return Training(experiment.network, 10**6, experiment.config.lr, experiment.generator(0)).run(experiment.loss)


def trained(rung, steps, name):
    """(the experiment after so many steps, its averaged networks by decay)."""
    experiment = experiment_of(rung)
    training = Training(experiment.network, steps, experiment.config.lr, experiment.generator(experiment.config.seed))
    averages = {decay: AveragedModel(training.network, multi_avg_fn=ema_update(decay)) for decay in AVERAGES}
    for _ in tqdm(training.run(experiment.loss), total=steps, desc=name, leave=False):
        for average in averages.values():
            average.update_parameters(training.network)
    return experiment, {decay: average.module.eval() for decay, average in averages.items()}


@torch.no_grad()
def held_out_loss(experiment):
    """The loss of v per pixel on test digits, with label and without, t uniform: the same noise for every rung."""
    x0, y = held_out(experiment)
    found = {}
    for name, told in zip(TOLD, (y, torch.full_like(y, experiment.num_classes)), strict=True):
        parts, random = zip(x0.split(250), told.split(250), strict=True), generator()
        losses = [diffusion_loss(experiment.network, experiment.schedule, x, k, random, "v") for x, k in parts]
        found[name] = float(torch.stack(losses).mean())
    return found


def row(name):
    """A rung trained and measured with the best of its averages, that of the least loss with label on test digits."""
    rung = RUNGS[name]
    ratio = 1.0
    if name != "as_it_is":
        ratio = time_of_step(endless_steps(rung), endless_steps(RUNGS["as_it_is"]), TIMED, warm_up=1)
    steps = round(STEPS / ratio)
    experiment, averages = trained(rung, steps, name)
    losses = {}
    for decay, network in averages.items():
        experiment.network = network
        losses[f"{decay}"] = held_out_loss(experiment)
    best = min(averages, key=lambda decay: losses[f"{decay}"]["with label"])
    experiment.network = averages[best]
    trained_with = {"time_of_step": ratio, "steps": steps, "average": best, "losses": losses}
    return trained_with | at_high_noise(experiment) | judged(experiment)


def at_high_noise(experiment):
    """By which share the loss at t = AT is above the exact denoiser's, without and with label: see `digits`."""
    train, _ = experiment.data
    known = Images(experiment.to_model(train.images), train.labels)
    found = losses_at(AT, experiment, known, *held_out(experiment), generator(AT))
    return {"above": {name: {key: values[key] for key in ("above", "error")} for name, values in found.items()}}


def judged(experiment):
    """What the score card's classifier makes of JUDGED digits in SAMPLING_STEPS steps."""
    folder = CLASSIFIERS / "mnist-classifier"
    classifier, real = load_classifier(folder), load_features(folder)
    y = torch.from_numpy(real["train_labels"][:JUDGED])
    digits = draw_images(experiment.with_sampler("ddpm", SAMPLING_STEPS), y, 0.0, EVALUATION_SEED)
    found = measures_of_images(classifier, digits, y, real)
    return {key: found[key] for key in ("fidelity", "fidelity_interval", "frechet", "diversity")}


def as_text(table):
    """The table for the terminal and the README (Markdown)."""
    lines = [
        "| rung | time | steps | average | loss: label | none | above: label | none | fidelity | Fréchet | diversity |",
        f"|{11 * '---|'}",
    ]
    for name, found in table.items():
        losses, above = found["losses"][f"{found['average']}"], found["above"]
        cells = (
            f"{found['time_of_step']:.2f}",
            f"{found['steps']}",
            f"{found['average']}",
            *(f"{losses[told]:.4f}" for told in TOLD),
            *(f"{100 * above[told]['above']:.1f} ± {100 * above[told]['error']:.1f} %" for told in TOLD),
            f"{100 * found['fidelity']:.1f} %",
            f"{found['frechet']:.2f}",
            f"{found['diversity']:.3f}",
        )
        lines.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |".replace("| -", "| −"))
    return "\n".join(lines)


def main(arguments):
    torch.set_num_threads(1)
    parser = Parser(prog="python -m measurements.ladder", description=__doc__.split("\n")[0])
    asked = names(parser, "rung", tuple(RUNGS), arguments)
    experiment_of(RUNGS["as_it_is"]).check_data()
    for name in tqdm(asked, desc="rungs"):
        found = row(name)
        results = (load_json(RESULT) if RESULT.exists() else {}) | {name: found}  # another process may add rungs, too
        save_json(RESULT, {name: results[name] for name in RUNGS if name in results})
    print(as_text(load_json(RESULT)))


if __name__ == "__main__":
    main(sys.argv[1:])
