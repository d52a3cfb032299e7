"""The command line: train a two-pixel diffusion model to a checkpoint, a score card and a picture.

    python train.py --T 50

Everything lands in the folder --out: config.json, denoiser.safetensors, losses.npz, scorecard.json, samples.npz,
samples.png, and denoiser_training.pt, from which --resume goes on after an interruption.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # else two busy-waiting threads slow each other tenfold

import argparse
import math
import sys
import time
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

import plots
from checkpoint import CheckpointError, load_training, save_arrays, save_json, save_training, save_weights
from gmm import WORLDS
from scorecard import as_text, score
from two_pixel import SPACES, Config, TwoPixel, load_config, save_config
from utils import LOSSES, SCHEDULES, Training, classifier_loss, diffusion_loss, drop_labels

CHECKPOINT_EVERY = 500  # training steps


class Parser(argparse.ArgumentParser):
    def error(self, message):
        """One line on stderr and exit code 2, without the page of usage."""
        self.exit(2, f"{self.prog}: error: {message}\n")


def number(kind, low, high=math.inf, low_allowed=True):
    """An argparse type: a finite int or float within [low, high], or (low, high] if low itself is not allowed."""

    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not (low < value <= high or (low_allowed and value == low)) or math.isinf(value):
            name = "whole number" if kind is int else "number"
            limits = f"{'from' if low_allowed else 'above'} {low}" + (f" to {high}" if high < math.inf else "")
            raise argparse.ArgumentTypeError(f"{text!r} is not a {name} {limits}")
        return value

    return parse


def parse_arguments(argv=None):
    """The arguments as a namespace; every field of `Config` is one, with the config's default."""
    defaults = argparse.ArgumentDefaultsHelpFormatter
    p = Parser(prog="train.py", description=__doc__.split("\n")[0], formatter_class=defaults)
    p.set_defaults(**asdict(Config()))
    p.add_argument("--T", type=number(int, 1, 10_000), help="number of diffusion steps")
    p.add_argument("--world", choices=WORLDS, help="the Gaussian mixture to learn")
    p.add_argument("--space", choices=SPACES, help="the coordinates that the network works in")
    p.add_argument("--schedule", choices=SCHEDULES, help="noise schedule")
    p.add_argument("--prediction", choices=["eps", "v", "x0"], help="what the network predicts")
    p.add_argument("--loss", choices=LOSSES, help="distance of prediction and target")
    p.add_argument("--label-dropout", type=number(float, 0, 1), help="share of labels dropped in training")
    p.add_argument("--steps", type=number(int, 1), help="training steps")
    p.add_argument("--batch-size", type=number(int, 1), help="images a step, fresh from the world")
    p.add_argument("--lr", type=number(float, 0, low_allowed=False), help="learning rate, falling to 0 by a cosine")
    p.add_argument("--seed", type=number(int, 0, 2**63 - 1), help="seed of all randomness")
    p.add_argument("--clip", action=argparse.BooleanOptionalAction, help="hold the sampler's x0 in the data's range")
    p.add_argument("--variance", choices=["posterior", "beta"], help="noise variance of the reverse step")
    p.add_argument("--classifier", action="store_true", help="also train the classifier for classifier guidance")
    p.add_argument("--device", choices=["auto", "cuda", "mps", "cpu"], default="auto", help="where the network runs")
    p.add_argument("--out", type=Path, help="folder of the run; without, a new one in runs/")
    p.add_argument("--resume", action="store_true", help="go on with the interrupted run in --out")
    args = p.parse_args(argv)
    if args.resume and args.out is None:
        p.error("--resume needs --out, the folder of the run")
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if args.device == "auto":
        args.device = next(device for device, there in available.items() if there)
    if not available[args.device]:
        p.error(f"--device {args.device}: not available on this machine")
    return args


def free_folder(stem):
    """stem, stem-2, stem-3, …: the first that does not exist."""
    out, n = stem, 1
    while out.exists():
        n += 1
        out = stem.with_name(f"{stem.name}-{n}")
    return out


def open_folder(args, config):
    """The run's folder: for --resume one with the same config, else one that is new or empty."""
    out = args.out or free_folder(Path("runs") / f"{config.world}-T{config.T}")
    if args.resume:
        saved, asked = asdict(load_config(out)), asdict(config)
        for name, value in asked.items():
            if saved[name] != value:
                raise CheckpointError(f"{out} was trained with {name} = {saved[name]}, not {value}")
        return out
    if out.exists() and any(out.iterdir()):
        raise CheckpointError(f"{out} is not empty: choose another --out, or go on with the run in it by --resume")
    out.mkdir(parents=True, exist_ok=True)
    save_config(out, config)
    return out


def train(out, name, network, config, loss_of, floor=None):
    """Train to the end, from the last checkpoint in `out` if there is one, and save the moving average of the weights.

    Returns the `Training`: its averaged network and its losses.
    """
    training = Training(network, config.steps, config.lr, torch.Generator().manual_seed(config.seed))
    state = out / f"{name}_training.pt"
    if state.exists():
        load_training(state, training)
    bar = tqdm(training.run(loss_of), desc=name, total=training.steps, initial=training.step, unit="step")
    for _ in bar:
        if training.step % 50 == 0:
            loss = f"{np.mean(training.losses[-200:]):.4f}"
            bar.set_postfix_str(f"loss {loss}" if floor is None else f"loss {loss}, floor {floor:.4f}")
        if training.step % CHECKPOINT_EVERY == 0 or training.step == training.steps:
            save_training(state, training)
    save_weights(out / f"{name}.safetensors", training.ema.module)
    return training


def draw_picture(path, experiment, samples, losses, floor):
    """The picture of the run: its samples over the exact density, and its loss over the floor."""
    config, extent = experiment.config, plots.extent_of(experiment.world)
    figure, (left, right) = plots.plt.subplots(1, 2, figsize=(9, 4))
    plots.exact_density(left, experiment.world, extent)
    plots.scatter(left, samples)
    plots.pixel_plane(left, extent)
    left.set_title(f"{len(samples)} samples over the exact density, T = {config.T}")
    plots.loss_with_floor(right, losses, floor)
    right.set_title(f"training loss ({config.prediction}-prediction, {config.loss})")
    plots.save(figure, path)


def run(args):
    """Train, measure, and write everything into the run's folder."""
    start = time.time()
    config = Config(**{field.name: getattr(args, field.name) for field in fields(Config)})
    out = open_folder(args, config)
    experiment = TwoPixel(config, args.device)
    schedule, null_label, floor = experiment.schedule, experiment.mixture.num_classes, experiment.training_floor()

    def loss_of(network, generator):
        x0, y = experiment.draw(config.batch_size, generator)
        y = drop_labels(y, config.label_dropout, null_label, generator)
        return diffusion_loss(network, schedule, x0, y, generator, config.prediction, config.loss)

    def loss_of_classifier(classifier, generator):
        x0, y = experiment.draw(config.batch_size, generator)
        return classifier_loss(classifier, schedule, x0, y, generator)

    training = train(out, "denoiser", experiment.network, config, loss_of, floor)
    experiment.network = training.ema.module
    if args.classifier:
        train(out, "classifier", experiment.classifier, config, loss_of_classifier)
    card, samples = score(experiment)
    card["seconds"] = time.time() - start
    title = f"{config.world} world, T = {config.T}, {config.prediction}-prediction, seed {config.seed}"
    print(f"\n{as_text(card, title)}\n\n{card['seconds']:.0f} seconds; all of it is in {out}")
    save_arrays(out / "losses.npz", losses=np.float32(training.losses))
    labels = experiment.world.posterior(samples).argmax(-1)  # the component that most probably made each sample
    save_arrays(out / "samples.npz", samples=samples.unsqueeze(1).numpy(), labels=labels.numpy())
    draw_picture(out / "samples.png", experiment, samples, training.losses, floor)
    save_json(out / "scorecard.json", card)


def main(argv=None):
    args = parse_arguments(argv)
    torch.set_num_threads(1)  # the two-pixel network is so small that a second thread slows it down
    try:
        run(args)
    except (CheckpointError, FloatingPointError, OSError) as error:
        print(f"train.py: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("train.py: interrupted; the same command with --out and --resume goes on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
