"""Problem 3: with few steps the modes are too narrow: samples, their estimated density, width and distance, by T."""

import numpy as np

import plots
from evaluation.committed import experiment
from evaluation.metrics import EVALUATION_SEED, energy_distance, energy_distance_floor, sample_statistics
from evaluation.two_pixel import samples_in_pixels
from figures.common import PLANE

STEPS = (5, 10, 25, 50)
SAMPLES = 5000
DRAWN = 1200
NETWORK, ORACLE = {"color": plots.BLUE, "marker": "o"}, {"color": plots.VERMILION, "marker": "s", "linestyle": "--"}


def draw():
    runs = {T: experiment(T) for T in STEPS}
    world = runs[50].world
    network, oracle = (
        {T: samples_in_pixels(run, of(run), seed=EVALUATION_SEED, n=SAMPLES) for T, run in runs.items()}
        for of in (lambda run: run.denoiser(), lambda run: run.oracle())
    )
    figure = plots.plt.figure(figsize=(7, 6.2), layout="constrained")
    planes, strip = figure.subfigures(2, 1, height_ratios=(2, 1))
    axes = planes.subplots(2, len(STEPS), sharex=True, sharey=True)
    for (top, bottom), T in zip(axes.T, STEPS, strict=True):
        plots.scatter(top, network[T][:DRAWN])
        plots.estimated_density(bottom, network[T], PLANE)
        for ax in (top, bottom):
            plots.exact_contours(ax, world, PLANE)
            plots.pixel_plane(ax, PLANE)
            ax.label_outer()
        top.set_title(f"$T = {T}$")
    width, distance = strip.subplots(1, 2)
    draw_widths(width, network, oracle, world)
    draw_distances(distance, network, oracle, world)
    figure.suptitle("With few steps the modes are too narrow, even with the exact denoiser")
    return figure


def draw_widths(ax, network, oracle, world):
    """The mean standard deviation of the modes against T."""
    for samples, style in ((network, NETWORK), (oracle, ORACLE)):
        ax.plot(STEPS, [np.mean(sample_statistics(x, world)["mode_stds"]) for x in samples.values()], **style)
    truth = float(world.std[0])
    ax.axhline(truth, color=plots.BLACK, linewidth=0.8)
    ax.text(STEPS[0], truth, "the truth", va="bottom")
    ax.set(xscale="log", xlabel="$T$", ylabel="std of a mode", ylim=(0.7 * truth, 1.05 * truth))
    plots.whole_number_ticks(ax, STEPS)


def draw_distances(ax, network, oracle, world):
    """The energy distance against T, above its noise floor."""
    for samples, style in ((network, NETWORK), (oracle, ORACLE)):
        ax.plot(STEPS, [1e4 * energy_distance(x, world) for x in samples.values()], **style)
    ax.annotate("network", (12, 22), color=NETWORK["color"])
    ax.annotate("exact denoiser", (5.2, 9), color=ORACLE["color"], va="center")
    floor = 1e4 * energy_distance_floor(world, SAMPLES)
    ax.axhspan(1e-3, floor, color="0.85")
    ax.text(5, 0.9 * floor, "noise floor", va="top")
    ax.set(xscale="log", yscale="log", xlabel="$T$", ylabel=r"energy distance $\times 10^4$", ylim=(0.2, 150))
    plots.whole_number_ticks(ax, STEPS)
