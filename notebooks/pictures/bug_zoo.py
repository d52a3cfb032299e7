"""The pictures of notebook 11, The bug zoo."""

import plots
from evaluation.committed import generator
from figures.common import PLANE


def samples_of_each(samplers, run, n=1000):
    """n samples of each sampler (a dict by name) by a run's network, over the exact density of its world."""
    figure, axes = plots.panels(2, 6, figsize=(11, 4.4), sharex=True, sharey=True)
    for ax, (name, draw) in zip(axes.flat, samplers.items(), strict=False):
        random = generator(3)
        samples = run.to_pixels(draw(run.denoiser(), run.schedule, run.noise(n, random), None, random))
        plots.exact_density(ax, run.world, PLANE)
        plots.scatter(ax, samples)
        plots.pixel_plane(ax, PLANE)
        outside = plots.count_outside(samples, PLANE)
        ax.set_title(name + (f"\n({outside} outside)" if outside else ""), fontsize=8)
        ax.label_outer()
    for ax in axes.flat[len(samplers) :]:
        ax.axis("off")
    return figure
