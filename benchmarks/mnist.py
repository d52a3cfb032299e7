"""Quality on MNIST after the same minutes of training, beside other libraries and the Hugging Face diffusion course.

    python -m benchmarks.mnist --minutes 20 --json benchmarks/mnist.json

Contestants: this repo; and, each as its authors set it, the course's chapter on MNIST, smalldiffusion, and
denoising-diffusion-pytorch, in widths with as many parameters as ours. Each trains alone, one after the other, from the
same training set with labels. The file is saved after each of them, and the next call with the same file goes on with
those who are missing.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as train.py does

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks import with_ddpm_pytorch, with_diffusion_course, with_smalldiffusion
from benchmarks.two_pixel import setting
from evaluation.digit_classifier import load_classifier, load_features
from evaluation.images import CLASSIFIERS, draw_images, measures_of_images, measures_of_others, measures_of_real
from experiments import images
from experiments.checkpoint import save_json
from experiments.images import DEFAULTS, ImageExperiment
from utils import Training

CONFIG = replace(DEFAULTS["mnist"], batch_size=128)
FORESEEN = 0.05  # share of the time that is spent to foresee how many steps fit into it
EVALUATION_SEED = 1
SAMPLED = 50  # steps of ours, about as many as the baselines take
DDPM_PYTORCH, SMALLDIFFUSION = "denoising-diffusion-pytorch", "smalldiffusion"
LIBRARIES = (DDPM_PYTORCH, SMALLDIFFUSION, "diffusers")
CONTESTANTS = {
    "ours": "this repo",
    "course": "the Hugging Face diffusion course",
    "smalldiffusion": SMALLDIFFUSION,
    "ddpm_pytorch": DDPM_PYTORCH,
}


def steps_in(seconds, step):
    """How many calls of step() take so long, foreseen from some of them."""
    step()  # warms up
    steps, start = 0, time.perf_counter()
    while time.perf_counter() - start < FORESEEN * seconds:
        step()
        steps += 1
    return max(1, round(seconds * steps / (time.perf_counter() - start)))


def new_training(experiment, steps):
    return Training(experiment.network, steps, CONFIG.lr, experiment.generator(CONFIG.seed))


def our_loop(seconds):
    """Train as train.py does: (experiment, steps, seconds it took)."""
    experiment = ImageExperiment(CONFIG)
    rehearsal = ImageExperiment(CONFIG)  # to foresee the steps, for the learning rate's schedule
    trial = new_training(rehearsal, 10**6).run(rehearsal.loss)
    steps = steps_in(seconds, lambda: next(trial))
    training, start = new_training(experiment, steps), time.perf_counter()
    for _ in tqdm(training.run(experiment.loss), total=steps, unit="step"):
        pass
    took = time.perf_counter() - start
    experiment.network = training.ema.module.eval()
    return experiment, steps, took


def its_way(name, parameters):
    """A baseline as its authors set it: network, batch_size, step(images, labels), sample(labels)."""
    torch.manual_seed(CONFIG.seed)
    if name == "ddpm_pytorch":
        network = with_ddpm_pytorch.unet(CONFIG.num_classes, parameters, CONFIG.label_dropout)
        return with_ddpm_pytorch.ItsWay(network, CONFIG.size, CONFIG.T)
    module = {"smalldiffusion": with_smalldiffusion, "course": with_diffusion_course}[name]
    return module.ItsWay(CONFIG.num_classes, CONFIG.size)


def its_loop(seconds, baseline):
    """Train a baseline for as long: (steps, seconds it took)."""
    experiment, generator = ImageExperiment(CONFIG), torch.Generator().manual_seed(CONFIG.seed)
    steps, start = 0, time.perf_counter()
    with tqdm(unit="step") as bar:
        while time.perf_counter() - start < seconds:
            x0, y = experiment.draw(baseline.batch_size, generator)
            baseline.step(experiment.to_pixels(x0), y)
            steps += 1
            bar.update()
    return steps, time.perf_counter() - start


def contest(seconds, n, contestants):
    """Train the contestants, each so long, and measure n digits of each: yields (name, dict)."""
    classifier, real = judge()
    y = torch.from_numpy(real["train_labels"][:n])
    parameters = with_ddpm_pytorch.parameters_of(ImageExperiment(CONFIG).network)

    def row(network, batch, steps, took, digits):
        speed = {
            "parameters": with_ddpm_pytorch.parameters_of(network),
            "steps": steps,
            "images_per_second": batch * steps / took,
        }
        return speed | {"seconds": took} | measures_of_images(classifier, digits, y, real)

    def ours():
        experiment, steps, took = our_loop(seconds)
        digits = draw_images(experiment.with_sampler("ddpm", SAMPLED), y, 0.0, EVALUATION_SEED)
        return row(experiment.network, CONFIG.batch_size, steps, took, digits)

    def theirs(name):
        baseline = its_way(name, parameters)
        steps, took = its_loop(seconds, baseline)
        torch.manual_seed(EVALUATION_SEED)
        digits = torch.cat([baseline.sample(part) for part in tqdm(y.split(100), desc="digits of the baseline")])
        return row(baseline.network, baseline.batch_size, steps, took, digits)

    for name in contestants:
        yield CONTESTANTS[name], ours() if name == "ours" else theirs(name)


def judge():
    """The classifier of digits and what it says of real ones."""
    return [load(CLASSIFIERS / f"{CONFIG.data}-classifier") for load in (load_classifier, load_features)]


def rows_of_real(n):
    """What a perfect model would get, {name: dict}."""
    classifier, real = judge()
    return {
        "other training digits": measures_of_others(classifier, n, real),
        "real test digits": measures_of_real(classifier, n, real),
    }


def begun(path, minutes, samples):
    """The result to go on with: the one in the file, if there is one.

    Raises ValueError if the file was measured otherwise.
    """
    result = {"setting": setting(LIBRARIES), "minutes": minutes, "samples": samples, "rows": {}}
    if path is None or not path.exists():
        return result
    saved = json.loads(path.read_text())
    for key in ("setting", "minutes", "samples"):
        if saved.get(key) != result[key]:
            raise ValueError(f"{path} has another {key}: {saved.get(key)} instead of {result[key]}")
    return saved


def hundred_digits():
    """Seconds for a hundred digits of the committed model, T = 200, guided."""
    experiment = images.load(CLASSIFIERS / "mnist")
    start = time.perf_counter()
    draw_images(experiment, torch.arange(100) % 10, 1.0, EVALUATION_SEED)
    return time.perf_counter() - start


def as_text(rows):
    """The table of the contest, for the terminal and the README (Markdown)."""
    columns = {  # what it is called, and how it is written
        "parameters": ("parameters", ",d"),
        "steps": ("steps", ",d"),
        "images_per_second": ("images/s", ".0f"),
        "fidelity": ("fidelity", ".3f"),
        "frechet": ("Fréchet", ".1f"),
        "precision": ("precision", ".3f"),
        "recall": ("recall", ".3f"),
        "coverage": ("coverage", ".3f"),
        "diversity": ("diversity", ".3f"),
    }
    lines = ["| | " + " | ".join(head for head, _ in columns.values()) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, row in rows.items():
        cells = (f"{row[key]:{kind}}" if key in row else "" for key, (_, kind) in columns.items())
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def report(result):
    """The whole result as text."""
    return "\n".join(
        [
            ", ".join(f"{name} {value}" for name, value in result["setting"].items()),
            f"{result['minutes']:g} minutes of training each, {result['samples']} digits without guidance\n",
            as_text(result["rows"] | result["real"]),
            f"\n100 guided digits of checkpoints/mnist: {result['seconds_for_100_guided_digits']:.0f} seconds",
        ]
    )


def main(argv=None):
    p = argparse.ArgumentParser(prog="python -m benchmarks.mnist", description=__doc__.split("\n")[0])
    p.add_argument("--minutes", type=float, default=20.0, help="training time of each contestant")
    p.add_argument("--samples", type=int, default=1000, help="digits that each contestant draws")
    p.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS), help="who takes part")
    p.add_argument("--json", type=Path, metavar="PATH", help="file to save the result to")
    args = p.parse_args(argv)
    try:
        result = begun(args.json, args.minutes, args.samples)
    except ValueError as error:
        p.error(str(error))
    missing = [name for name in args.contestants if CONTESTANTS[name] not in result["rows"]]
    for name, row in contest(60 * args.minutes, args.samples, missing):
        rows = result["rows"] | {name: row}
        result["rows"] = {name: rows[name] for name in CONTESTANTS.values() if name in rows}
        print(as_text(result["rows"]), flush=True)
        if args.json:
            save_json(args.json, result)
    result["real"] = rows_of_real(args.samples)
    result["seconds_for_100_guided_digits"] = hundred_digits()
    print("\n" + report(result))
    if args.json:
        save_json(args.json, result)


if __name__ == "__main__":
    main()
