"""A training run in its folder: never over another run's files, with checkpoints from which it can be resumed."""

import itertools
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from experiments import parallel
from experiments.checkpoint import CheckpointError, load_training, save_training, save_weights
from experiments.data import DataError
from experiments.experiment import save_config
from utils import Training

CHECKPOINT_EVERY = 500  # training steps


def new_folder(stem):
    """A new folder of that name in runs/, numbered if the name is taken."""
    for n in itertools.count(1):
        out = Path("runs") / (stem if n == 1 else f"{stem}-{n}")
        try:
            out.mkdir(parents=True)
            return out
        except FileExistsError:
            continue


def changed_settings(config, default, without=()):
    """Every setting that is not the default, as "-name-value-name-value…", for the name of a folder."""
    default = asdict(default)
    changed = {name: value for name, value in asdict(config).items() if name not in without and value != default[name]}
    return "".join(f"-{name}-{value}" for name, value in changed.items())


def free_folder(out):
    """Make the folder if need be; CheckpointError if there is something in it already, other than a config."""
    out.mkdir(parents=True, exist_ok=True)
    if any(not path.name.lstrip(".").startswith("config.json") for path in out.iterdir()):
        raise CheckpointError(f"{out} is not empty: choose another --out, or go on with the run in it by --resume")
    return out


def train(out, name, network, config, loss_of, generator, floor=None, parts=1, compile=False):
    """Train to the end, from the last checkpoint in the run's folder if there is one, and save the averaged weights.

    config needs steps and lr; loss_of(network, generator) is the loss of a fresh batch, floor the least it can be.
    Returns the `Training`: its averaged network, in evaluation mode, and its losses.
    """
    training = Training(network, config.steps, config.lr, generator)
    state, weights = out / f"{name}_training.pt", out / f"{name}.safetensors"
    if state.exists():
        load_training(state, training, {name: value for name, value in asdict(config).items() if name != "steps"})
    elif weights.exists():
        raise CheckpointError(f"{out} is a finished run, and without {state.name} there is nothing to go on from")
    first, title = parallel.rank() == 0, f"{out}: {name}"
    if first:
        save_config(out, config)  # only now: a run that cannot go on to more steps keeps the config of its weights
    replica = parallel.replica(network)
    called = torch.compile(replica) if compile else replica

    def own_loss(_, generator):
        return parallel.averaged(loss_of(called, parallel.own_generator(generator)))

    steps = training.run(own_loss, parts)
    bar = tqdm(steps, desc=title, total=config.steps, initial=training.step, unit="step", disable=not first)
    for _ in bar:
        if training.step % 50 == 0:
            loss = f"{np.mean(training.losses[-200:]):.4f}"
            bar.set_postfix_str(f"loss {loss}" if floor is None else f"loss {loss}, exact floor {floor:.4f}")
        if first and (training.step % CHECKPOINT_EVERY == 0 or training.step == config.steps):
            save_training(state, training, asdict(config))
    if first:
        save_weights(weights, training.ema.module, asdict(config))
    training.ema.module.eval()
    return training


def exit_code(program, run, args):
    """run(args), with what a person can get wrong as one line on stderr: 0; 2 for an error, 130 for an interruption."""
    try:
        run(args)
    except (CheckpointError, DataError) as error:
        message = error
    except NotImplementedError as error:
        if not str(error).startswith("exercise "):  # of the handout, in which the exercises' code is missing
            raise
        message = f"{error} is not written yet"
    except FloatingPointError as error:
        kept = any(args.out.glob("*_training.pt"))
        message = f"{error}; try a smaller --lr" + (f". The last good checkpoint is kept in {args.out}" if kept else "")
    except OSError as error:
        message = f"{error.filename or args.out}: {error.strerror}"
    except KeyboardInterrupt:
        print(f"\n{program}: interrupted; --resume --out {args.out} goes on with it", file=sys.stderr)
        return 130
    else:
        return 0
    print(f"{program}: error: {message}", file=sys.stderr)
    return 2
