"""Problem 5: part by part, or all at once? Model against the interpolation that draws all pixels at once."""

import numpy as np

import plots
from figures.common import CHECKPOINTS
from part_by_part import BANDS

EXAMPLES = (0, 3, 8)
COLOURS = (plots.BLUE, plots.SKY, plots.ORANGE, plots.VERMILION)


def draw():
    with np.load(CHECKPOINTS / "mnist" / "part_by_part.npz") as archive:
        found = dict(archive)
    figure, axes = plots.panels(2, 3, figsize=(12, 7))
    for ax, digit in zip(axes[0], EXAMPLES, strict=True):
        settling_map(ax, found["example"][digit], found["example_steps"][digit])
    distance = np.arange(1, len(found["model_correlation"]) + 1)
    near, bands, classes = axes[1]
    near.plot(distance, found["model_correlation"], "o-", color=plots.BLUE, label="model")
    near.plot(distance, found["null_correlation"], "x--", color=plots.BLACK, label="all at once")
    near.axhline(0, color=plots.BLACK, linewidth=0.8)
    near.set(xlabel="distance of two pixels", ylabel="correlation of their settling steps")
    near.legend()
    settling = zip(BANDS, found["model_frequency"], found["null_frequency"], COLOURS, strict=True)
    for (low, high), model, null, colour in settling:
        bands.plot(model, color=colour, label=f"{low}–{high} cycles")
        bands.plot(null, "--", color=colour)
    bands.set(xlabel="step $t$", ylabel="share not yet settled")
    bands.legend(title="per image; dashed: all at once")
    classes.plot(found["model_class"], color=plots.BLUE, label="model")
    classes.plot(found["null_class"], "--", color=plots.BLACK, label="all at once")
    classes.set(xlabel="step $t$", ylabel="$\\hat x_0$ shows the final class", ylim=(0, 1.02))
    classes.legend()
    for ax in (bands, classes):
        ax.invert_xaxis()  # in the order of denoising
    return figure


def settling_map(ax, image, step):
    """A digit coloured by the step at which each pixel settles; what never was open stays white."""
    shown = ax.imshow(np.ma.masked_less(step, 0), cmap="viridis", vmin=0, vmax=200)
    ax.contour(image, levels=[0.5], colors=plots.BLACK, linewidths=0.8)
    ax.set(xticks=[], yticks=[])
    ax.figure.colorbar(shown, ax=ax, label="settling step $t$")
