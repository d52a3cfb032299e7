"""The command line of naive and bare-bones diffusion: a small network trained into a folder, sampled, and judged.

Everything lands in the folder --out: config.json, denoiser.safetensors, losses.npz, scorecard.json, samples.npz,
samples.png, and denoiser_training.pt, from which --resume goes on after an interruption.
"""

import time
from collections import deque
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path

import numpy as np
import torch

import plots
from evaluation.judges import measures, reference
from evaluation.metrics import EVALUATION_SEED
from experiments import run_folder
from experiments.checkpoint import CheckpointError, fingerprint, load_weights, save_arrays, save_json
from experiments.command_line import Parser, number
from experiments.experiment import load_config

FAST_STEPS = 200
SHOWN = 64  # samples in the picture


def last(states):
    """The last of what a sampler yields."""
    return deque(states, maxlen=1).pop()


def common_options(p, default):
    """Options that both systems have, with the defaults of a config."""
    p.set_defaults(**asdict(default))
    p.add_argument("--steps", type=number(int, 1), help="training steps")
    p.add_argument("--batch-size", type=number(int, 1, 100_000), help="images a step")
    p.add_argument("--width", type=number(int, 1, 1024), help="channels of the UNet's upper level; the lower has twice")
    p.add_argument("--lr", type=number(float, 0, low_allowed=False), help="learning rate, falling to 0 by a cosine")
    p.add_argument("--seed", type=number(int, 0, 2**63 - 1), help="seed of all randomness")
    p.add_argument("--S", type=number(int, 1, 10_000), default=50, help="sampling steps")
    p.add_argument("--samples", type=number(int, 10, 100_000), default=300, help="samples that are drawn and judged")
    p.add_argument("--fast", action="store_true", help=f"{FAST_STEPS} training steps, to see everything work")
    p.add_argument("--out", type=Path, help="folder of the run; without, a new one in runs/")
    p.add_argument("--resume", action="store_true", help="go on with the run in --out; --steps may be more")


def parse_arguments(p, argv, kind):
    """The arguments as a namespace; with --resume, what is not given is as in the run's config.json."""
    first = Parser(prog=p.prog, add_help=False)
    first.add_argument("--out", type=Path)
    first.add_argument("--resume", action="store_true")
    first.add_argument("--fast", action="store_true")
    args, _ = first.parse_known_args(argv)
    if args.resume:
        if args.out is None:
            p.error("--resume needs --out FOLDER, the run to go on with")
        if not (args.out / "config.json").is_file():
            p.error(f"--resume: there is no run in --out {args.out}; without --resume, a new one starts")
        try:
            p.set_defaults(**asdict(load_config(args.out, kind)))
        except CheckpointError as error:
            p.error(str(error))
    elif args.fast:
        p.set_defaults(steps=FAST_STEPS)
    return p.parse_args(argv)


def open_folder(args, config, default):
    """The run's folder: for --resume one with the same config but for the number of steps, else a new or empty one."""
    if args.resume:
        saved = load_config(args.out, type(config))
        before, now = asdict(saved), asdict(config)
        others = [name for name in now if name != "steps" and now[name] != before[name]]
        if others:
            raise CheckpointError(f"{args.out} was trained with another {', '.join(others)}; only --steps can be more")
        if config.steps < saved.steps:
            raise CheckpointError(f"{args.out} was trained for {saved.steps} steps; --steps can only be more")
        return args.out
    stem = f"{args.program}{run_folder.changed_settings(config, default)}"
    return run_folder.free_folder(args.out or run_folder.new_folder(stem))


def load(folder, system):
    """The system (its class) of a finished run's folder, with its weights; CheckpointError if anything is amiss."""
    loaded = system(load_config(folder, system.Config))
    load_weights(Path(folder) / "denoiser.safetensors", loaded.network, asdict(loaded.config))
    loaded.network.eval()
    return loaded


def run(args, system, default):
    """Train, sample, judge, and write everything into the run's folder."""
    start = time.time()
    config = system.Config(**{field.name: getattr(args, field.name) for field in fields(system.Config)})
    trained = system(config)
    args.out = out = open_folder(args, config, default)
    generator = torch.Generator().manual_seed(config.seed)
    training = run_folder.train(out, "denoiser", trained.network, config, trained.loss, generator)
    trained.network = training.ema.module
    save_arrays(out / "losses.npz", losses=np.float32(training.losses))
    pictures = trained.sample(args.samples, args.S, torch.Generator().manual_seed(EVALUATION_SEED + config.seed))
    pictures = pictures.clamp(0, 1)
    save_arrays(out / "samples.npz", samples=(pictures * 255).round().byte().numpy())
    card = {"S": trained.steps(args.S), "loss": float(np.mean(training.losses[-200:]))}
    card |= measures(pictures, trained.train, trained.test)
    card["real"] = reference(trained.train, trained.test, args.samples)
    card |= {"weights": fingerprint(out), "torch": torch.__version__, "seconds": time.time() - start}
    save_json(out / "scorecard.json", card)
    figure, ax = plots.panels(1, 1, figsize=(5, 5))
    plots.image_grid(ax, pictures[:SHOWN].permute(0, 2, 3, 1).squeeze(3), columns=8)
    plots.save(figure, out / "samples.png")
    print(as_text(card))
    print(f"\nall of it is in {out}")


def as_text(card):
    """The card as a table for the terminal: each number beside that of real test pictures."""

    def cell(value):
        return f"{value:>12.4f}" if isinstance(value, float) else f"{value:>12}"

    lines = [f"{'':<16}{'drawn':>12}{'real':>12}"]
    lines += [f"{name:<16}{cell(card[name])}{cell(value)}" for name, value in card["real"].items()]
    return "\n".join([f"{card['S']} sampling steps, loss {card['loss']:.4f}", "", *lines])


def main(argv, p, system, default):
    """Parse, run, and turn what a person can get wrong into one line on stderr: the exit code."""
    args = parse_arguments(p, argv, system.Config)
    args.program = system.__name__.lower()
    return run_folder.exit_code(p.prog, partial(run, system=system, default=default), args)
