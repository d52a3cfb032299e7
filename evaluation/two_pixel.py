"""The score card of a two-pixel run: network and oracle through the same sampler, beside the truth."""

import numpy as np
import torch

import plots
from evaluation import SAMPLES
from evaluation.metrics import (
    EVALUATION_SEED,
    classifier_excess,
    energy_distance,
    energy_distance_floor,
    excess_loss,
    sample_statistics,
)
from experiments.checkpoint import save_arrays
from samplers import calls_of

LOSS_POINTS = 50_000  # noisy images, spread over the steps, on which network and oracle are compared


def samples_in_pixels(experiment, denoiser, seed, n):
    """n images that the denoiser draws without being told a label, as points (n, 2) of the pixel plane."""
    generator = torch.Generator().manual_seed(seed)
    draw = experiment.sampler(denoiser, labelled=False)
    return experiment.to_pixels(draw(experiment.noise(n, generator), None, generator))


def relative_excess_loss(experiment, seed):
    """The network's loss above the floor as a share of the floor, averaged over t = 1 … T: without, with label."""
    generator = torch.Generator().manual_seed(seed)
    network = experiment.learned()
    x0, y = experiment.draw(max(100, LOSS_POINTS // experiment.config.T), generator)
    shares = []
    for labels, floor in zip((None, y), experiment.loss_floors, strict=True):
        excess = excess_loss(network, experiment.exact, experiment.schedule, x0, labels, generator)
        shares.append(float(excess.mean() / floor.mean()))
    return shares


def score(experiment, n=SAMPLES["two_pixel"]):
    """(card, samples): the score card as a dict of plain numbers, and the network's n samples (n, 2) in pixels."""
    world, seed = experiment.world, EVALUATION_SEED + experiment.config.seed
    floors = experiment.loss_floors
    samples = samples_in_pixels(experiment, experiment.denoiser(), seed, n)
    oracle_samples = samples_in_pixels(experiment, experiment.oracle(), seed, n)
    true_samples, _ = world.sample(n, torch.Generator().manual_seed(seed))
    config = experiment.config
    calls, columns = calls_of(config.sampler, config.visits)
    card = {"samples": n, "calls": calls, "jacobian_columns": columns}
    if config.teacher is None:  # a student's best ε̂ is not E[ε|x_t]
        excess, excess_labelled = relative_excess_loss(experiment, seed)
        card |= {
            "excess_loss": excess,
            "excess_loss_labelled": excess_labelled,
            "loss_floor": float(floors[0].mean()),
            "loss_floor_labelled": float(floors[1].mean()),
        }
    card |= {
        "energy_distance": energy_distance(samples, world),
        "energy_distance_oracle": energy_distance(oracle_samples, world),
        "energy_distance_truth": energy_distance(true_samples, world),
        "energy_distance_floor": energy_distance_floor(world, n),
        **sample_statistics(samples, world),
        "oracle": sample_statistics(oracle_samples, world),
        "truth": sample_statistics(true_samples, world),
    }
    if experiment.classifier is not None:
        card |= classifier_scores(experiment, seed)
    return card, samples


def classifier_scores(experiment, seed):
    """The noisy classifier's cross-entropy above its floor, and the floor, in nats, averaged over t = 1 … T."""
    generator = torch.Generator().manual_seed(seed)
    x0, _ = experiment.draw(max(100, LOSS_POINTS // experiment.config.T), generator)
    excess, floor = classifier_excess(experiment.classifier, experiment.exact, experiment.schedule, x0, generator)
    return {"classifier_excess": excess, "classifier_floor": floor}


def as_text(card, title, world):
    """The card in five lines, each with what a good value is."""

    def line(name, value, good):
        return f"{name:<42}{value:>9}   {good}"

    def excess(key, name):
        if f"excess_loss{key}" not in card:
            return line(name, "–", "a distilled model has no least loss")
        return line(name, f"{100 * card[f'excess_loss{key}']:.3f} %", "0 for a perfect network")

    network, oracle, floor = (1e4 * card[f"energy_distance{key}"] for key in ("", "_oracle", "_floor"))
    low, high = (100 * share for share in card["mode_weight_interval"])
    return "\n".join(
        [
            title,
            "",
            excess("", "loss above the least possible, no label"),
            excess("_labelled", "loss above the least possible, with label"),
            line("distance of the samples to the truth x 1e4", f"{network:.2f}", f"true samples: 0 ± {floor:.2f}"),
            line("… of samples of the exact denoiser", f"{oracle:.2f}", "what a perfect network gets with these steps"),
            line(
                "samples of class 0",
                f"{100 * card['mode_weight']:.1f} %",
                f"right: {100 * float(world.weights[0]):.1f} %; 95 % interval {low:.1f} to {high:.1f}",
            ),
        ]
    )


def details(card, world):
    """All of the card as a table for the terminal, with the exact value in brackets where there is one."""
    columns = [card, card["oracle"], card["truth"]]

    def row(name, values):
        return f"{name:<38}" + "".join(f" {value:>15}" for value in values)

    def pair(values):
        return " ".join(f"{v:.3f}" for v in np.ravel(values))

    energy = [card[f"energy_distance{key}"] for key in ("", "_oracle", "_truth")]
    noise = f"0 ± {1e4 * card['energy_distance_floor']:.2f}"
    lines = [
        *(
            f"noise-prediction loss {name}: {100 * card[f'excess_loss{key}']:.3f} % above the exact floor "
            f"{card[f'loss_floor{key}']:.4f}"
            for name, key in (("without label", ""), ("with label   ", "_labelled"))
            if f"excess_loss{key}" in card
        ),
        *(
            []
            if "excess_loss" in card
            else ["the oracle has the distilled model's few steps, but was not taught to take them"]
        ),
        "",
        row(f"{card['samples']} samples, no label", ["network", "oracle", "true samples"]),
        row(f"energy distance x 1e4 ({noise})", [f"{1e4 * e:.2f}" for e in energy]),
        row(f"weight of mode 0 ({float(world.weights[0]):.3f})", [f"{c['mode_weight']:.3f}" for c in columns]),
        row("  95 % interval", [pair(c["mode_weight_interval"]) for c in columns]),
    ]
    for k, mean in enumerate(world.means):
        lines.append(row(f"mean of mode {k} ({pair(mean)})", [pair(c["mode_means"][k]) for c in columns]))
    stds = " ".join(f"{std:.3f}" for std in dict.fromkeys(world.std.tolist()))  # one number if all are alike
    lines += [
        row(f"std of each mode ({stds})", [pair(c["mode_stds"]) for c in columns]),
        row("share beyond 4 std of every mode", [f"{c['off_mode']:.4f}" for c in columns]),
        row("farthest sample, in std of a mode", [f"{c['farthest']:.1f}" for c in columns]),
        row("NLL under the truth, nats", [f"{c['nll']:.3f}" for c in columns]),
    ]
    if "classifier_excess" in card:
        excess, floor = card["classifier_excess"], card["classifier_floor"]
        lines.append(f"classifier's cross-entropy: {excess:.4f} nats above the exact floor {floor:.4f}")
    return "\n".join(lines)


def draw_picture(path, experiment, samples, losses):
    """The picture of the run: its samples over the exact density, and its loss over the floor."""
    config, extent = experiment.config, plots.extent_of(experiment.world)
    figure, (left, right) = plots.panels(1, 2, figsize=(10, 4))
    plots.exact_density(left, experiment.world, extent)
    plots.scatter(left, samples)
    plots.pixel_plane(left, extent)
    outside = plots.count_outside(samples, extent)
    steps = f"T = {config.T}" if config.visits == config.T else f"{config.visits} of T = {config.T} steps"
    left.set_title(f"{len(samples)} samples ({outside} outside) over the exact density, {steps}")
    plots.loss_with_floor(right, losses, experiment.training_floor())
    right.set_title(f"training loss ({config.prediction}-prediction, {config.loss})")
    plots.save(figure, path)


def report(experiment, losses, n, out):
    """Measure n samples of a trained experiment; samples.npz and samples.png go to `out`. (card, text, details)."""
    config, world = experiment.config, experiment.world
    card, samples = score(experiment, n)
    labels = world.posterior(samples).argmax(-1)  # the component that most probably made each sample
    save_arrays(out / "samples.npz", samples=samples.unsqueeze(1).numpy(), labels=labels.numpy())
    draw_picture(out / "samples.png", experiment, samples, losses)
    title = f"{config.world} world, T = {config.T}, {config.prediction}-prediction, seed {config.seed}{config.way}"
    return card, as_text(card, title, world), details(card, world)
