"""The command line: train a two-pixel diffusion model to a checkpoint, a score card and a picture.

    python train.py --T 50

Everything lands in the folder --out: config.json, denoiser.safetensors, losses.npz, scorecard.json, samples.npz,
samples.png, and denoiser_training.pt, from which --resume goes on after an interruption.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # else two busy-waiting threads slow each other tenfold

import argparse
import itertools
import math
import sys
import time
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

import plots
from checkpoint import (
    CheckpointError,
    check_config,
    load_training,
    save_arrays,
    save_json,
    save_training,
    save_weights,
)
from scorecard import as_text, score
from two_pixel import CHOICES, Config, TwoPixel, load_config, save_config
from utils import Training

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


def make_parser():
    """The parser; every field of `Config` is an option, with the config's default."""
    p = Parser(
        prog="train.py",
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    p.set_defaults(**asdict(Config()))
    p.add_argument("--T", type=number(int, 1, 4000), help="number of diffusion steps")
    p.add_argument("--world", choices=CHOICES["world"], help="the Gaussian mixture to learn")
    p.add_argument("--space", choices=CHOICES["space"], help="the coordinates that the network works in")
    p.add_argument("--schedule", choices=CHOICES["schedule"], help="noise schedule; linear is made for T = 1000")
    p.add_argument("--prediction", choices=CHOICES["prediction"], help="what the network predicts")
    p.add_argument("--loss", choices=CHOICES["loss"], help="distance of prediction and target")
    p.add_argument("--label-dropout", type=number(float, 0, 1), help="share of labels dropped; 1 never learns them")
    p.add_argument("--steps", type=number(int, 1), help="training steps")
    p.add_argument("--batch-size", type=number(int, 1, 100_000), help="images a step, fresh from the world")
    p.add_argument("--lr", type=number(float, 0, low_allowed=False), help="learning rate, falling to 0 by a cosine")
    p.add_argument("--seed", type=number(int, 0, 2**63 - 1), help="seed of all randomness")
    p.add_argument("--clip", action=argparse.BooleanOptionalAction, help="hold the sampler's x0 in the data's range")
    p.add_argument("--variance", choices=CHOICES["variance"], help="noise variance of the reverse step")
    p.add_argument("--classifier", action="store_true", help="also train the classifier for classifier guidance")
    p.add_argument("--device", choices=["auto", "cuda", "mps", "cpu"], default="auto", help="where the network runs")
    p.add_argument("--out", type=Path, help="folder of the run; without, a new one in runs/")
    p.add_argument("--resume", action="store_true", help="go on with the run in --out, with its settings")
    return p


def parse_arguments(argv=None):
    """The arguments as a namespace; with --resume, what is not given is as in the run's config.json."""
    p = make_parser()
    args = p.parse_args(argv)
    if args.resume and (args.out is None or not (args.out / "config.json").is_file()):
        p.error(f"--resume: there is no run in --out {args.out}; without --resume, a new one starts")
    if args.resume:
        try:
            p.set_defaults(**asdict(load_config(args.out)))
        except CheckpointError as error:
            p.error(str(error))
        args = p.parse_args(argv)
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if args.device == "auto":
        args.device = next(device for device, there in available.items() if there)
    if not available[args.device]:
        p.error(f"--device {args.device}: not available on this machine")
    return args


def new_folder(config):
    """A new folder in runs/ named after the world, T and every setting that is not the default, numbered if taken."""
    default = Config(T=config.T, world=config.world)
    changed = [f"-{name}-{value}" for name, value in asdict(config).items() if value != getattr(default, name)]
    stem = f"{config.world}-T{config.T}{''.join(changed)}"
    for n in itertools.count(1):
        out = Path("runs") / (stem if n == 1 else f"{stem}-{n}")
        try:
            out.mkdir(parents=True)
            return out
        except FileExistsError:
            continue


def open_folder(args, config):
    """The run's folder: for --resume one with the same config, else a new one, or one without a run's files in it."""
    if args.resume:
        check_config(args.out, asdict(load_config(args.out)), asdict(config))
        return args.out
    out = args.out or new_folder(config)
    out.mkdir(parents=True, exist_ok=True)
    if any(not path.name.lstrip(".").startswith("config.json") for path in out.iterdir()):
        raise CheckpointError(f"{out} is not empty: choose another --out, or go on with the run in it by --resume")
    save_config(out, config)
    return out


def train(out, name, network, config, loss_of, floor=None):
    """Train to the end, from the last checkpoint in `out` if there is one, and save the moving average of the weights.

    Returns the `Training`: its averaged network and its losses.
    """
    training = Training(network, config.steps, config.lr, torch.Generator().manual_seed(config.seed))
    state, weights = out / f"{name}_training.pt", out / f"{name}.safetensors"
    if state.exists():
        load_training(state, training, asdict(config))
    elif weights.exists():
        raise CheckpointError(f"{out} is a finished run, and without {state.name} there is nothing to go on from")
    bar = tqdm(training.run(loss_of), desc=f"{out}: {name}", total=config.steps, initial=training.step, unit="step")
    for _ in bar:
        if training.step % 50 == 0:
            loss = f"{np.mean(training.losses[-200:]):.4f}"
            bar.set_postfix_str(f"loss {loss}" if floor is None else f"loss {loss}, exact floor {floor:.4f}")
        if training.step % CHECKPOINT_EVERY == 0 or training.step == config.steps:
            save_training(state, training, asdict(config))
    save_weights(weights, training.ema.module, asdict(config))
    training.ema.module.eval()
    return training


def draw_picture(path, experiment, samples, losses, floor):
    """The picture of the run: its samples over the exact density, and its loss over the floor."""
    config, extent = experiment.config, plots.extent_of(experiment.world)
    figure, (left, right) = plots.panels(1, 2, figsize=(10, 4))
    plots.exact_density(left, experiment.world, extent)
    plots.scatter(left, samples)
    plots.pixel_plane(left, extent)
    outside = plots.count_outside(samples, extent)
    left.set_title(f"{len(samples)} samples ({outside} outside) over the exact density, T = {config.T}")
    plots.loss_with_floor(right, losses, floor)
    right.set_title(f"training loss ({config.prediction}-prediction, {config.loss})")
    plots.save(figure, path)


def run(args):
    """Train, measure, write everything into the run's folder, and print the score card."""
    start = time.time()
    config = Config(**{field.name: getattr(args, field.name) for field in fields(Config)})
    args.out = out = open_folder(args, config)
    experiment = TwoPixel(config, args.device)
    floor = experiment.training_floor()
    training = train(out, "denoiser", experiment.network, config, experiment.loss, floor)
    experiment.network = training.ema.module
    if config.classifier:
        trained = train(out, "classifier", experiment.classifier, config, experiment.classifier_loss)
        experiment.classifier = trained.ema.module
    print("measuring against the exact truth ...", flush=True)
    card, samples = score(experiment)
    labels = experiment.world.posterior(samples).argmax(-1)  # the component that most probably made each sample
    save_arrays(out / "losses.npz", losses=np.float32(training.losses))
    save_arrays(out / "samples.npz", samples=samples.unsqueeze(1).numpy(), labels=labels.numpy())
    draw_picture(out / "samples.png", experiment, samples, training.losses, floor)
    card["seconds"] = time.time() - start  # of this command, whether it trained from the start or resumed
    save_json(out / "scorecard.json", card)
    title = f"{config.world} world, T = {config.T}, {config.prediction}-prediction, seed {config.seed}"
    print(f"\n{as_text(card, title, experiment.world)}\n\n{card['seconds']:.0f} seconds; all of it is in {out}")


def main(argv=None):
    args = parse_arguments(argv)
    torch.set_num_threads(1)  # the two-pixel network is so small that a second thread slows it down
    sys.stdout.reconfigure(errors="replace")  # a terminal or file without Greek letters gets question marks
    try:
        run(args)
    except CheckpointError as error:
        message = error
    except FloatingPointError as error:
        message = f"{error}; try a smaller --lr. The last good checkpoint is kept in {args.out}"
    except OSError as error:
        message = f"{error.filename or args.out}: {error.strerror}"
    except KeyboardInterrupt:
        print(f"\ntrain.py: interrupted; to go on: python train.py --resume --out {args.out}", file=sys.stderr)
        return 130
    else:
        return 0
    print(f"train.py: error: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
