"""The command line: train a diffusion model to a checkpoint, a score card and a picture.

    python train.py --T 50
    python train.py --data mnist
    python train.py --distill runs/homework-T50 --T 4
    torchrun --nproc-per-node 2 train.py --data mnist

Everything lands in the folder --out: config.json, denoiser.safetensors, losses.npz, scorecard.json, samples.npz,
samples.png, and denoiser_training.pt, from which --resume goes on after an interruption.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # else two busy-waiting threads slow each other tenfold

import argparse
import importlib
import sys
import time
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import torch

from evaluation import SAMPLES
from experiments import distillation, images, parallel, run_folder, two_pixel
from experiments.checkpoint import CheckpointError, check_config, fingerprint, load_json, save_arrays, save_json
from experiments.command_line import Parser, number
from experiments.experiment import load_config

DEFAULTS = {"two_pixel": two_pixel.Config()} | images.DEFAULTS


def make_parser(data):
    """The parser for a data set; every setting that is not the data's own is an option, with its default."""
    p = Parser(prog="train.py", description="Train a diffusion model to a checkpoint, a score card and a picture.")
    default = DEFAULTS[data]
    p.set_defaults(samples=SAMPLES.get(data, SAMPLES["other images"]), **asdict(default))
    p.add_argument("--data", choices=DEFAULTS, help="the images to learn; each kind has options of its own")
    p.add_argument(
        "--T", type=number(int, 1, 4000), help="number of diffusion steps; with --distill, the distilled model's"
    )
    p.add_argument("--distill", type=Path, metavar="RUN", help="distil RUN into a model of fewer steps, in stages")
    p.add_argument(
        "--teacher-steps",
        type=number(int, 2),
        help="with --distill, steps of RUN that the first distilled model learns from; without, all but a few",
    )
    p.add_argument("--guidance", type=number(float, 0), metavar="W", help="guidance of the teacher, with --distill")
    if data == "two_pixel":
        p.add_argument("--world", choices=default.CHOICES["world"], help="the Gaussian mixture to learn")
        p.add_argument("--space", choices=default.CHOICES["space"], help="the coordinates that the network works in")
        p.add_argument("--classifier", action="store_true", help="also train the classifier for classifier guidance")
    p.add_argument("--schedule", choices=default.CHOICES["schedule"], help="noise schedule; linear is for T = 1000")
    p.add_argument("--prediction", choices=default.CHOICES["prediction"], help="what the network predicts")
    p.add_argument("--loss", choices=default.CHOICES["loss"], help="distance of prediction and target")
    p.add_argument("--label-dropout", type=number(float, 0, 1), help="share of labels dropped; 1 never learns them")
    p.add_argument("--steps", type=number(int, 1), help="training steps")
    p.add_argument("--batch-size", type=number(int, 1, 100_000), help="images a step, of all processes together")
    p.add_argument("--lr", type=number(float, 0, low_allowed=False), help="learning rate, falling to 0 by a cosine")
    p.add_argument("--seed", type=number(int, 0, 2**63 - 1), help="seed of all randomness")
    p.add_argument("--clip", action=argparse.BooleanOptionalAction, help="hold the sampler's x0 in the data's range")
    p.add_argument("--variance", choices=default.CHOICES["variance"], help="noise variance of the reverse step")
    p.add_argument("--sampler", choices=default.CHOICES["sampler"], help="way to the images; ddpm is the homework's")
    p.add_argument("--sampling-steps", type=number(int, 1), help="steps of the sampler; without, all T")
    p.add_argument("--samples", type=number(int, 100, 1_000_000), help="samples that the score card is made from")
    p.add_argument("--parts", type=number(int, 1), default=1, help="parts of a batch, one after the other, for memory")
    p.add_argument("--compile", action="store_true", help="train by torch.compile: slow to start, then faster on a GPU")
    p.add_argument("--verbose", action="store_true", help="print all of the score card, not only six lines of it")
    p.add_argument("--device", choices=["auto", "cuda", "mps", "cpu"], default="auto", help="where the network runs")
    p.add_argument("--out", type=Path, help="folder of the run; without, a new one in runs/")
    p.add_argument("--resume", action="store_true", help="go on with the run in --out; --steps may be more")
    return p


def parse_arguments(argv=None):
    """The arguments as a namespace; with --resume, what is not given is as in the run's config.json."""
    first = Parser(prog="train.py", add_help=False)
    first.add_argument("--data", choices=DEFAULTS, default="two_pixel")
    first.add_argument("--distill", type=Path)
    first.add_argument("--out", type=Path)
    first.add_argument("--resume", action="store_true")
    args, _ = first.parse_known_args(argv)
    if args.resume and args.distill is not None:
        first.error("--resume goes on with the run in --out as it is, and --distill starts a new one: give one of them")
    before = args.out if args.resume else args.distill  # the run to go on with, or to learn from
    if args.resume and args.out is None:
        first.error("--resume needs --out, the folder of the run to go on with")
    if args.resume and not (args.out / "config.json").is_file():
        first.error(f"--resume: there is no run in --out {args.out}; without --resume, a new one starts")
    if args.distill is not None and not (args.distill / "config.json").is_file():
        first.error(f"--distill {args.distill}: not the folder of a trained run, which has a config.json")
    p = make_parser(args.data)
    if before is not None:
        try:
            config = saved_config(before)
        except CheckpointError as error:
            first.error(str(error))
        p = make_parser(config.data)
        p.set_defaults(**asdict(config) | (distillation.defaults(config.data) if args.distill else {}))
    args = p.parse_args(argv)
    if before is not None and args.data != config.data:
        p.error(f"{before} was trained with data = {config.data}, not {args.data}")
    try:
        if args.distill:
            distillation.as_student(args, config)
        args.config = config_of(args)
    except ValueError as error:
        p.error(str(error))
    available_device(p, args)
    shares = parallel.processes() * args.parts
    if args.batch_size % shares:
        p.error(f"--batch-size {args.batch_size}: cannot be shared evenly by {shares}, as many as processes x parts")
    return args


def config_of(args):
    """The settings among the arguments. ValueError if they do not go together."""
    kind = type(DEFAULTS[args.data])
    return kind(**{field.name: getattr(args, field.name) for field in fields(kind)})


def available_device(p, args):
    """Put a device in the place of "auto"; an error if there is none of the kind asked for."""
    one_alone = parallel.processes() == 1  # torch.distributed has nothing for MPS
    available = {
        "cuda": torch.cuda.device_count() > parallel.local_rank(),
        "mps": torch.backends.mps.is_available() and one_alone,
        "cpu": True,
    }
    if args.device == "auto":
        args.device = next(device for device, there in available.items() if there)
    if not available[args.device]:
        p.error(f"--device {args.device}: not available on this machine")


def saved_config(out):
    """The settings of the run in a folder, whatever its data."""
    path = out / "config.json"
    content = load_json(path)
    if not isinstance(content, dict) or content.get("data") not in DEFAULTS:
        raise CheckpointError(f"{path}: not the config of a run")
    return load_config(out, type(DEFAULTS[content["data"]]))


def open_folder(args, config):
    """The run's folder: for --resume one with the same config, else a new one, or one without a run's files in it.

    A run may be resumed to more steps than it was begun with, but not to fewer; one with students on the way, whose
    last one would get another teacher, to neither.
    """
    if args.resume:
        saved = saved_config(args.out)
        on_the_way = any(args.out.glob("*-steps"))
        longer = saved if on_the_way else replace(saved, steps=max(saved.steps, config.steps))
        check_config(args.out, asdict(longer), asdict(config))
        return args.out
    named = f"{getattr(config, 'world', config.data)}-T{config.T}"
    default, known = DEFAULTS[config.data], ["data", "world", "T"]
    if config.teacher is not None:
        named += f"-student-{config.sampling_steps}"
        known += ["teacher", "teacher_weights", "sampler", "sampling_steps"]
        default = replace(default, **{key: value for key, value in distillation.defaults(config.data).items() if value})
    changed = run_folder.changed_settings(config, default, without=known)
    return run_folder.free_folder(args.out or run_folder.new_folder(named + changed))


def score_card_of(data):
    """The module that measures runs on the data; imported only here, for SciPy and Matplotlib take seconds to load."""
    kind = data if data in ("two_pixel", "sprites") else "images"
    return importlib.import_module(f"evaluation.{kind}")


def run(args):
    """Train, measure, write everything into the run's folder, and print the score card."""
    start = time.time()
    config = args.config
    make = two_pixel.TwoPixel if args.data == "two_pixel" else images.ImageExperiment
    experiment = make(config, parallel.start(args.device))
    if config.teacher is not None:
        distillation.load_teacher(experiment)  # before there is a folder, as the data
    parallel.from_first(experiment.check_data)
    args.out = out = parallel.from_first(lambda: open_folder(args, config))
    experiment.batch_size = config.batch_size // (parallel.processes() * args.parts)

    def train(name, network, loss_of, floor=None, out=out, config=config):
        generator = experiment.generator(config.seed)
        return run_folder.train(out, name, network, config, loss_of, generator, floor, args.parts, args.compile)

    if config.teacher is None:
        training = train("denoiser", experiment.network, experiment.loss, experiment.training_floor())
    else:
        training = distillation.train_students(experiment, out, train)
    experiment.network = training.ema.module
    if experiment.classifier is not None:
        experiment.classifier = train("classifier", experiment.classifier, experiment.classifier_loss).ema.module
    parallel.finish()
    if parallel.rank() > 0:
        return
    torch.set_num_threads(parallel.processes() * torch.get_num_threads())  # the other processes have left
    save_arrays(out / "losses.npz", losses=np.float32(training.losses))
    print("measuring against the truth ...", flush=True)
    card, text, details = score_card_of(args.data).report(experiment, training.losses, args.samples, out)
    card["weights"] = fingerprint(out)
    card["made_by"] = {name: str(value) for name, value in vars(args).items()} | {
        "processes": parallel.processes(),
        "torch": torch.__version__,
        "seconds": time.time() - start,  # of this command, whether it trained from the start or resumed
    }
    save_json(out / "scorecard.json", card)
    text += f"\n\n{details}" if args.verbose and details else ""
    print(f"\n{text}\n\n{card['made_by']['seconds']:.0f} seconds; all of it is in {out}")


def main(argv=None):
    args = parse_arguments(argv)
    if args.data == "two_pixel":
        torch.set_num_threads(1)  # the two-pixel network is so small that a second thread slows it down
    sys.stdout.reconfigure(errors="replace")  # a terminal or file without Greek letters gets question marks
    return run_folder.exit_code("train.py", run, args)


if __name__ == "__main__":
    sys.exit(main())
