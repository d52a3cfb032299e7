"""Quality against network calls, for every sampler, network and oracle, two pixels and MNIST: every number about them.

    python -m measurements.samplers            everything: twenty minutes for two pixels, two hours for MNIST
    python -m measurements.samplers two_pixel  only a part

writes measurements/samplers.json, from which `python -m report.results` takes the report's numbers.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as train.py does

import sys
from pathlib import Path

import torch
from tqdm import tqdm

from evaluation.committed import CHECKPOINTS, generator, weights_behind
from evaluation.digit_classifier import load_classifier, load_features
from evaluation.images import CLASSIFIERS, draw_images, measures_of_images, measures_of_real
from evaluation.metrics import EVALUATION_SEED, energy_distance, energy_distance_floor, permutation_test
from exact.error_ledger import drawn
from experiments import images, two_pixel
from experiments.checkpoint import load_json, save_json
from experiments.command_line import Parser, names
from experiments.data import DataError
from measurements.common import mean_and_error
from samplers import SAMPLERS, calls_of, last, price_of, second_moment, steps_of

RESULT = Path(__file__).parent / "samplers.json"
SAMPLES = 5000
DIGITS = 10_000
SEEDS = 5
STEPS = (1, 2, 3, 5, 10, 25, 50)
STUDENTS = (1, 2, 4)
OWN = (5, 10, 25)  # committed networks with so few steps of their own
LEVEL = 0.05  # of the permutation test, which is left out beyond FAR floors, where it has nothing to find out
FAR = 10


def row(samples_of, sampler, steps, world):
    """Energy distance over the seeds, with what it cost, and p-values of `permutation_test` against true samples."""
    drawings = [samples_of(EVALUATION_SEED + seed) for seed in range(SEEDS)]
    distances, p = [energy_distance(x, world) for x in drawings], []
    if min(distances) < FAR * energy_distance_floor(world, SAMPLES):
        for seed, x in enumerate(drawings):
            truth, _ = world.sample(SAMPLES, torch.Generator().manual_seed(2 * EVALUATION_SEED + seed))
            p.append(permutation_test(x, truth, generator(seed)))
    asked, columns = calls_of(sampler, steps)
    found = {"sampler": sampler, "steps": steps, "calls": asked, "jacobian_columns": columns}
    found["price"] = price_of(sampler, steps)
    return found | {"energy_distance": mean_and_error(distances), "values": distances, "p": p}


def visited(run, denoiser, sampler, dtype):
    """Rows of one sampler that visits some of the T = 50 steps of a network or oracle."""
    rows = []
    for steps in STEPS:
        one = run.with_sampler(sampler, steps)
        rows.append(
            row(lambda seed, one=one: drawn(one, denoiser, seed, n=SAMPLES, dtype=dtype), sampler, steps, run.world)
        )
    return rows


def own_steps(sampler):
    """Rows of the networks whose schedule has so few steps itself."""
    rows = []
    for T in OWN:
        run = two_pixel.load(CHECKPOINTS / f"homework-T{T}").with_sampler(sampler, T)
        denoiser = run.denoiser()
        rows.append(row(lambda seed, run=run, d=denoiser: drawn(run, d, seed, n=SAMPLES), sampler, T, run.world))
    return rows


def students():
    """Rows of the distilled networks."""
    rows = []
    for n in STUDENTS:
        run = two_pixel.load(student_folder(n))
        denoiser = run.denoiser()
        rows.append(row(lambda seed, run=run, d=denoiser: drawn(run, d, seed, n=SAMPLES), "ddim", n, run.world))
    return rows


def student_folder(n):
    """Where the committed student of n steps is: those on the way to the last are within its folder."""
    folder = CHECKPOINTS / "distilled-homework-T50"
    return folder if n == STUDENTS[0] else folder / f"{n}-steps"


def one_labelled_step(run, denoiser, seed, dtype=torch.float32):
    """Images (SAMPLES, 2) in pixel space by one step of second moments from noise, told labels in proportion."""
    random = torch.Generator().manual_seed(seed)
    _, y = run.world.sample(SAMPLES, random)
    x_T = run.noise(SAMPLES, random).to(dtype)
    return run.to_pixels(last(second_moment(denoiser, run.schedule, steps_of(run.config.T, 1), x_T, y, random)))


def with_labels(run, denoiser, dtype):
    """The row of `one_labelled_step`: told the label, every kernel is a Gaussian."""
    return row(lambda seed: one_labelled_step(run, denoiser, seed, dtype), "second_moment", 1, run.world)


def measure_two_pixel():
    """Everything about two pixels, as a dict."""
    run = two_pixel.load(CHECKPOINTS / "homework-T50")
    # in float32 the Jacobian of x̂_0 at t = T is lost: 1/√ᾱ_T magnifies the difference of two almost equal numbers
    denoisers = {"network": (run.denoiser(), torch.float32), "oracle": (run.oracle(), torch.float64)}
    jobs = [(who, sampler) for who in denoisers for sampler in SAMPLERS]
    rows = {who: {} for who in denoisers}
    for who, sampler in tqdm(jobs, desc="samplers"):
        denoiser, dtype = denoisers[who]
        rows[who][sampler] = visited(run, denoiser, sampler, dtype)
    return {
        "samples": SAMPLES,
        "seeds": SEEDS,
        "floor": energy_distance_floor(run.world, SAMPLES),
        "rows": rows,
        "own_steps": {sampler: own_steps(sampler) for sampler in ("ddpm", "second_moment")},
        "students": students(),
        "with_labels": {who: with_labels(run, *denoiser) for who, denoiser in denoisers.items()},
        "weights": weights_behind("samplers"),
    }


MNIST_STUDENTS = ("distilled-mnist/8-steps", "distilled-mnist")
# name: (run, sampler, steps, w, seeds)
MNIST_ROWS = {
    "ddpm, 10": ("mnist", "ddpm", 10, 0.0, 1),
    "ddpm, 20": ("mnist", "ddpm", 20, 0.0, 3),
    "ddpm, 20, w = 0.3": ("mnist", "ddpm", 20, 0.3, 1),
    "analytic, 20": ("mnist", "analytic", 20, 0.0, 1),
    "heun, 10": ("mnist", "heun", 10, 0.0, 1),
    "deis, 20": ("mnist", "deis", 20, 0.0, 1),
    "dpm_solver, 20": ("mnist", "dpm_solver", 20, 0.0, 1),
    "ddim, 20": ("mnist", "ddim", 20, 0.0, 1),
    "ddim, 100": ("mnist", "ddim", 100, 0.0, 1),
    "student, 8": (MNIST_STUDENTS[0], "ddim", 8, 0.0, 3),
    "student, 4": (MNIST_STUDENTS[1], "ddim", 4, 0.0, 3),
}


def mnist_row(classifier, real, y, checkpoint, sampler, steps, w, seeds):
    """What the classifier sees in digits of one sampler with guidance w, for each seed."""
    run, found = images.load(CHECKPOINTS / checkpoint).with_sampler(sampler, steps), []
    for seed in range(seeds):
        digits = draw_images(run, y, w, EVALUATION_SEED + seed)
        found.append(measures_of_images(classifier, digits, y, real))
    calls = calls_of(sampler, steps)[0]
    return {"calls": 2 * calls if w else calls, "seeds": found}  # guided: with the label and without


def measure_mnist():
    """10,000 digits of each sampler beside those of all 200 steps, which the score card of the run has."""
    folder = CLASSIFIERS / "mnist-classifier"
    classifier, real = load_classifier(folder), load_features(folder)
    y = torch.from_numpy(real["train_labels"][:DIGITS])
    return {
        "guidance_of_teachers": [images.load(CHECKPOINTS / run).config.guidance for run in MNIST_STUDENTS],
        "all_steps": load_json(CHECKPOINTS / "mnist" / "scorecard.json")["generated"],
        "real": measures_of_real(classifier, len(y), real),
        "rows": {name: mnist_row(classifier, real, y, *settings) for name, settings in MNIST_ROWS.items()},
        "weights": weights_behind("mnist_samplers"),
    }


PARTS = {"two_pixel": measure_two_pixel, "mnist": measure_mnist}


def as_text(results):
    """The numbers for the terminal, with the tables of README.md (Markdown)."""
    lines = []
    if "two_pixel" in results:
        two = results["two_pixel"]
        lines += [
            f"energy distance x 1e4, mean of {two['seeds']} seeds; true samples: 0 ± {1e4 * two['floor']:.2f}",
            "",
        ]
        lines += [f"network {'steps':<24}" + "".join(f"{n:>9}" for n in STEPS)]
        for who, by_sampler in two["rows"].items():
            for sampler, rows in by_sampler.items():
                lines.append(f"{who + ', ' + sampler:<32}" + "".join(f"{energy(r):>9}" for r in rows))
        for sampler, rows in two["own_steps"].items():
            lines += [f"network of T = {r['steps']}, {sampler}: {energy(r)}, taken for true in {kept(r)}" for r in rows]
        lines += [
            f"distilled model, {r['steps']} calls: {energy(r)}, taken for true in {kept(r)}" for r in two["students"]
        ]
        lines += [
            f"one labelled step, {who}: {energy(r)}, taken for true in {kept(r)}"
            for who, r in two["with_labels"].items()
        ]
        lines += ["", markdown_of_two_pixels(two)]
    if "mnist" in results:
        lines += ["", markdown_of_mnist(results["mnist"])]
    return "\n".join(lines)


def energy(found):
    return f"{1e4 * found['energy_distance']['mean']:.2f}"


def kept(found):
    return f"{sum(p > LEVEL for p in found['p'])} of {len(found['p'])}" if found["p"] else "–"


def markdown_of_two_pixels(two):
    """The table of samplers on two pixels in README.md beside this file."""
    network, own = two["rows"]["network"], two["own_steps"]

    def of(rows, asked):
        return next(found for found in rows if found["calls"] == asked)

    rows = {
        "eq. 13, T = 5": of(own["ddpm"], 5),
        "eq. 13, T = 50": of(network["ddpm"], 50),
        "DDIM, visiting 10 of T = 50": of(network["ddim"], 10),
        "DPM-Solver++, 10 of T = 50": of(network["dpm_solver"], 10),
        "DPM-Solver++, 25 of T = 50": of(network["dpm_solver"], 25),
        "UniPC, 10 of T = 50": of(network["unipc"], 10),
        "Heun, 10 of T = 50": of(network["heun"], 19),
        "best scalar variance (`analytic`), 10 of T = 50": of(network["analytic"], 10),
        "second moments, T = 5": of(own["second_moment"], 5),
        "second moments, T = 10": of(own["second_moment"], 10),
        "second moments, 10 of T = 50": of(network["second_moment"], 10),
        "distilled, 4 steps": of(two["students"], 4),
        "distilled, 1 step": of(two["students"], 1),
    }
    lines = ["| sampler | network calls | energy distance | accepted by the test |", "|---|---|---|---|"]
    for name, found in rows.items():
        columns = f" + {found['jacobian_columns']} columns (≈ {found['price']})" if found["jacobian_columns"] else ""
        error = 1e4 * found["energy_distance"]["error"]
        lines.append(f"| {name} | {found['calls']}{columns} | {energy(found)} ± {error:.2f} | {kept(found)} |")
    return "\n".join(lines)


def markdown_of_mnist(mnist):
    """The table of samplers on MNIST in README.md beside this file."""
    rows = {"ddpm (eq. 13), all 200 steps": (200, [mnist["all_steps"]])}
    rows |= {name: (found["calls"], found["seeds"]) for name, found in mnist["rows"].items()}
    rows["real test digits"] = ("", [mnist["real"]])
    lines = ["| sampler, steps | network calls | fidelity | Fréchet distance | diversity |", "|---|---|---|---|---|"]
    for name, (asked, found) in rows.items():
        means = [sum(m[key] for m in found) / len(found) for key in ("fidelity", "frechet", "diversity")]
        fidelity, frechet, diversity = means
        name = name.replace("student", "distilled")
        lines.append(f"| {name} | {asked} | {fidelity:.4f} | {frechet:.2f} | {diversity:.3f} |")
    return "\n".join(lines)


def main(arguments):
    parser = Parser(prog="python -m measurements.samplers", description=__doc__.split(":")[0])
    chosen = names(parser, "part", tuple(PARTS), arguments)
    results = load_json(RESULT) if RESULT.exists() else {}
    for name in chosen:
        torch.set_num_threads(1 if name == "two_pixel" else 2)
        try:
            results[name] = PARTS[name]()
        except DataError as error:  # the variances of "analytic" are those of training images
            parser.error(str(error))
        save_json(RESULT, results)
    print(as_text(results))


if __name__ == "__main__":
    main(sys.argv[1:])
