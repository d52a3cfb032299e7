"""The score card of a two-pixel run: network and oracle through the same sampler, beside the truth."""

import numpy as np
import torch

import plots
from evaluation import SAMPLES
from evaluation.flow_density import flow_density, in_float64
from evaluation.metrics import (
    EVALUATION_SEED,
    classifier_excess,
    energy_distance,
    energy_distance_floor,
    energy_distance_interval,
    exact_statistics,
    excess_loss,
    sample_statistics,
)
from experiments.checkpoint import save_arrays
from samplers import PROBABILITY_FLOW, calls_of
from utils import classifier_free_guidance

LOSS_POINTS = 50_000  # noisy images, spread over the steps, on which network and oracle are compared
GRID = 32  # points in each direction, for a model's own density: a network's divergence is right to a percent
WEIGHT = 1.0  # w of the guided samples
NOT_GUIDED = ("second_moment", "analytic")  # samplers for E[ε|x_t] alone


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


def nats_above_entropy(experiment, denoiser):
    """KL(p ‖ p_θ) per pixel in nats, without label and clipping, p_θ what the probability flow of the denoiser draws.

    It is the flow by the config's sampler, if that adds no noise, or else by DPM-Solver++ over all T steps. None where
    the model comes to too little of the world for a number: the divergence is very large there.
    """
    config = experiment.config
    flow = config.sampler in PROBABILITY_FLOW
    sampler, steps = (config.sampler, config.visits) if flow else ("dpm_solver", config.T)
    density, world = flow_density(experiment, denoiser, sampler, steps, n=GRID), experiment.world
    return density.kl_from(world) / world.dim if density.mass_of(world) > 0.9 else None


def guided(experiment, denoiser, seed, n):
    """With labels and guidance: the share of n samples in the mode that was asked for, and the mean σ of a label."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % experiment.num_classes
    draw = experiment.sampler(experiment.clipped(classifier_free_guidance(denoiser, WEIGHT)), labelled=True)
    x = experiment.to_pixels(draw(experiment.noise(n, generator), y.to(experiment.device), generator))
    stds = [float((x[y == k] - x[y == k].mean(0)).square().mean().sqrt()) for k in range(experiment.num_classes)]
    return {"in_mode": float((experiment.world.posterior(x).argmax(-1) == y).double().mean()), "std": np.mean(stds)}


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
        "energy_distance_interval": energy_distance_interval(world, n),
        "nats_above_entropy": nats_above_entropy(experiment, in_float64(experiment)),
        "nats_above_entropy_oracle": nats_above_entropy(experiment, experiment.exact),
        **sample_statistics(samples, world),
        "oracle": sample_statistics(oracle_samples, world),
        "truth": sample_statistics(true_samples, world),
        "exact": exact_statistics(world),
    }
    if config.sampler not in NOT_GUIDED:
        card["guided"] = guided(experiment, experiment.learned(), seed, n)
        card["oracle"]["guided"] = guided(experiment, experiment.exact, seed, n)
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
    """The card in a few lines, each with what a good value is."""

    def line(name, value, good):
        return f"{name:<42}{value:>9}   {good}"

    def excess(key, name):
        if f"excess_loss{key}" not in card:
            return line(name, "–", "a distilled model has no least loss")
        return line(name, f"{100 * card[f'excess_loss{key}']:.3f} %", "0 for a perfect network")

    network, oracle, floor = (1e4 * card[f"energy_distance{key}"] for key in ("", "_oracle", "_floor"))
    low, high = (1e4 * end for end in card["energy_distance_interval"])

    def share(k):
        right, ends = card["exact"]["mode_weights"][k], (100 * end for end in card["mode_weight_intervals"][k])
        interval = "right: {:.1f} %; 95 % interval {:.1f} to {:.1f}".format(100 * right, *ends)
        return line(f"samples nearest to mode {k}", f"{100 * card['mode_weights'][k]:.1f} %", interval)

    return "\n".join(
        [
            title,
            "",
            excess("", "loss above the least possible, no label"),
            excess("_labelled", "loss above the least possible, with label"),
            line(
                "distance of the samples to the truth x 1e4",
                f"{network:.2f}",
                f"true samples: 0 ± {floor:.2f}, 19 of 20 between {low:.2f} and {high:.2f}",
            ),
            line("… of samples of the exact denoiser", f"{oracle:.2f}", "what a perfect network gets with these steps"),
            line(
                "nats per pixel above the entropy",
                in_nats(card["nats_above_entropy"]),
                f"exact denoiser: {in_nats(card['nats_above_entropy_oracle'])}",
            ),
            *(share(k) for k in (range(world.num_classes) if world.num_classes > 2 else [0])),
        ]
    )


def in_nats(value):
    """A number of nats for a table."""
    return "–" if value is None else f"{value:.6f}"


def row(name, values):
    """A line of the table: a name, and a value for network, oracle and true samples, as far as there is one."""
    return f"{name:<41}" + "".join(f" {value:>15}" for value in values)


def pair(values):
    """Numbers beside each other, three digits each."""
    return " ".join(f"{v:.3f}" for v in np.ravel(values))


def details(card, world):
    """All of the card as a table for the terminal, with the exact value in brackets where there is one."""
    energy = [card[f"energy_distance{key}"] for key in ("", "_oracle", "_truth")]
    noise = f"0 ± {1e4 * card['energy_distance_floor']:.2f}"
    lines = [
        *details_of_losses(card),
        "",
        row(f"{card['samples']} samples, no label", ["network", "oracle", "true samples"]),
        row(f"energy distance x 1e4 ({noise})", [f"{1e4 * e:.2f}" for e in energy]),
        *details_of_modes(card, world),
        row("nats per pixel above the entropy", [in_nats(card[f"nats_above_entropy{key}"]) for key in ("", "_oracle")]),
    ]
    if "guided" in card:
        both = [card["guided"], card["oracle"]["guided"]]
        lines += [
            row(f"guided, w = {WEIGHT:g}: in the mode asked for", [f"{found['in_mode']:.4f}" for found in both]),
            row("  std of a mode", [f"{found['std']:.3f}" for found in both]),
        ]
    if "classifier_excess" in card:
        excess, floor = card["classifier_excess"], card["classifier_floor"]
        lines.append(f"classifier's cross-entropy: {excess:.4f} nats above the exact floor {floor:.4f}")
    return "\n".join(lines)


def details_of_losses(card):
    """The losses above their floors, in lines; a distilled model has none."""
    if "excess_loss" not in card:
        return ["the oracle has the distilled model's few steps, but was not taught to take them"]
    return [
        f"noise-prediction loss {name}: {100 * card[f'excess_loss{key}']:.3f} % above the exact floor "
        f"{card[f'loss_floor{key}']:.4f}"
        for name, key in (("without label", ""), ("with label   ", "_labelled"))
    ]


def details_of_modes(card, world):
    """Weight, mean and std of the samples of each mode, and how far from the modes samples are, in lines."""
    columns, exact, lines = [card, card["oracle"], card["truth"]], card["exact"], []
    for k in range(world.num_classes):
        for name, key in (("weight", "mode_weights"), ("mean", "mode_means"), ("std", "mode_stds")):
            lines.append(row(f"{name} of mode {k} ({pair(exact[key][k])})", [pair(c[key][k]) for c in columns]))
            if name == "weight":
                lines.append(row("  95 % interval", [pair(c["mode_weight_intervals"][k]) for c in columns]))
    off, nll = exact["off_mode"], exact["nll"]
    return [
        *lines,
        row(f"share beyond 4 std of every mode ({off:.4f})", [f"{c['off_mode']:.4f}" for c in columns]),
        row("farthest sample, in std of a mode", [f"{c['farthest']:.1f}" for c in columns]),
        row(f"NLL under the truth ({nll:.3f} nats)", [f"{c['nll']:.3f}" for c in columns]),
    ]


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
