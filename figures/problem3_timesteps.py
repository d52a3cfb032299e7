"""Problem 3: 5000 samples of models with T = 5, 10, 25, 50 over the exact density, and the density they estimate."""

import plots
from evaluation.committed import experiment
from evaluation.metrics import EVALUATION_SEED, energy_distance, energy_distance_floor
from evaluation.two_pixel import samples_in_pixels
from figures.common import PLANE

STEPS = (5, 10, 25, 50)
SAMPLES = 5000


def draw():
    figure, axes = plots.panels(len(STEPS), 2, figsize=(7, 14), sharex=True, sharey=True)
    for (left, right), T in zip(axes, STEPS, strict=True):
        run = experiment(T)
        samples = samples_in_pixels(run, run.denoiser(), seed=EVALUATION_SEED, n=SAMPLES)
        oracle_samples = samples_in_pixels(run, run.oracle(), seed=EVALUATION_SEED, n=SAMPLES)
        plots.exact_density(left, run.world, PLANE)
        plots.scatter(left, samples)
        plots.exact_contours(left, run.world, PLANE)
        plots.estimated_density(right, samples, PLANE)
        plots.exact_contours(right, run.world, PLANE)
        network, oracle = (1e4 * energy_distance(x, run.world) for x in (samples, oracle_samples))
        left.set_title(f"T = {T}: {SAMPLES} samples")
        right.set_title(f"T = {T}: energy distance × 10⁴ {network:.2f}\n(oracle {oracle:.2f})")
        for ax in (left, right):
            plots.pixel_plane(ax, PLANE)
            ax.label_outer()
    figure.suptitle(
        "Left: samples over the exact density (grey, black contours). Right: their kernel\n"
        "density estimate (blue) with the exact contours. True samples would have\n"
        f"energy distance × 10⁴ of 0 ± {1e4 * energy_distance_floor(run.world, SAMPLES):.2f}."
    )
    return figure
