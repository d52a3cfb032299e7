"""Quality on MNIST after the same minutes of training, beside other libraries and the Hugging Face diffusion course.

    python -m benchmarks.mnist --minutes 20 --json benchmarks/mnist.json

Contestants: this repo; the network of denoising-diffusion-pytorch, with as many parameters, in this repo's training
loop; and, each as its authors set it, that library, smalldiffusion, and the course's chapter on MNIST. Each trains
alone, one after the other, from the same training set with labels.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as train.py does

import argparse
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
    "network": f"{DDPM_PYTORCH}'s network in our loop",
    "ddpm_pytorch": DDPM_PYTORCH,
    "smalldiffusion": SMALLDIFFUSION,
    "course": "the Hugging Face diffusion course",
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


def our_loop(seconds, make_network=None):
    """Train as train.py does, our network or another: (experiment, steps, seconds it took)."""
    experiment = ImageExperiment(CONFIG)
    rehearsal = ImageExperiment(CONFIG)  # to foresee the steps, for the learning rate's schedule
    if make_network is not None:
        experiment.network, rehearsal.network = make_network(), make_network()
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
    """Train the contestants, each so long, and measure n digits of each: {name: dict}."""
    classifier, real = (load(CLASSIFIERS / f"{CONFIG.data}-classifier") for load in (load_classifier, load_features))
    y = torch.from_numpy(real["train_labels"][:n])
    parameters = with_ddpm_pytorch.parameters_of(ImageExperiment(CONFIG).network)

    def theirs():
        unet = with_ddpm_pytorch.unet(CONFIG.num_classes, parameters, CONFIG.label_dropout)
        return with_ddpm_pytorch.InOurLoop(unet, CONFIG.num_classes)

    def row(network, batch, steps, took, digits):
        speed = {
            "parameters": with_ddpm_pytorch.parameters_of(network),
            "steps": steps,
            "images_per_second": batch * steps / took,
        }
        return speed | {"seconds": took} | measures_of_images(classifier, digits, y, real)

    def in_our_loop(make_network):
        experiment, steps, took = our_loop(seconds, make_network)
        digits = draw_images(experiment.with_sampler("ddpm", SAMPLED), y, 0.0, EVALUATION_SEED)
        return row(experiment.network, CONFIG.batch_size, steps, took, digits)

    def in_its_loop(name):
        baseline = its_way(name, parameters)
        steps, took = its_loop(seconds, baseline)
        torch.manual_seed(EVALUATION_SEED)
        digits = torch.cat([baseline.sample(part) for part in tqdm(y.split(100), desc="digits of the baseline")])
        return row(baseline.network, baseline.batch_size, steps, took, digits)

    runs = {"ours": lambda: in_our_loop(None), "network": lambda: in_our_loop(theirs)}
    rows = {}
    for name in contestants:
        rows[CONTESTANTS[name]] = runs[name]() if name in runs else in_its_loop(name)
        print(as_text(rows), flush=True)  # in case a later contestant fails
    rows["other training digits"] = measures_of_others(classifier, n, real)
    rows["real test digits"] = measures_of_real(classifier, n, real)
    return rows


def hundred_digits():
    """Seconds for a hundred digits of the committed model, T = 200, guided."""
    experiment = images.load(CLASSIFIERS / "mnist")
    start = time.perf_counter()
    draw_images(experiment, torch.arange(100) % 10, 1.0, EVALUATION_SEED)
    return time.perf_counter() - start


def as_text(rows):
    """The table of the contest."""
    names = ("parameters", "steps", "images_per_second", "seconds", "fidelity", "frechet", "precision", "coverage")
    heads = ("parameters", "steps", "images/s", "seconds", "fidelity", "Fréchet", "precision", "coverage")
    kinds = (",d", ",d", ".0f", ".0f", ".3f", ".2f", ".3f", ".3f")
    lines = [f"{'':<52}" + "".join(f"{head:>12}" for head in heads)]
    for name, row in rows.items():
        cells = (f"{row[key]:>12{kind}}" if key in row else " " * 12 for key, kind in zip(names, kinds, strict=True))
        lines.append(f"{name:<52}" + "".join(cells))
    return "\n".join(lines)


def main(argv=None):
    p = argparse.ArgumentParser(prog="python -m benchmarks.mnist", description=__doc__.split("\n")[0])
    p.add_argument("--minutes", type=float, default=20.0, help="training time of each contestant")
    p.add_argument("--samples", type=int, default=1000, help="digits that each contestant draws")
    p.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS), help="who takes part")
    p.add_argument("--json", type=Path, metavar="PATH", help="file to save the result to")
    args = p.parse_args(argv)
    result = {
        "setting": setting(LIBRARIES),
        "minutes": args.minutes,
        "samples": args.samples,
    }
    result["seconds_for_100_guided_digits"] = hundred_digits()
    result["rows"] = rows = contest(60 * args.minutes, args.samples, args.contestants)
    print(", ".join(f"{name} {value}" for name, value in result["setting"].items()))
    print(f"{args.minutes:g} minutes of training each, {args.samples} digits without guidance\n")
    print(as_text(rows))
    print(f"\n100 guided digits of checkpoints/mnist: {result['seconds_for_100_guided_digits']:.0f} seconds")
    if args.json:
        save_json(args.json, result)


if __name__ == "__main__":
    main()
