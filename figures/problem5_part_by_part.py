"""Problem 5: part by part, or all at once? The model beside made-up models that do the one and the other."""

import numpy as np

import plots
from evaluation.committed import CHECKPOINTS
from evaluation.part_by_part import BANDS

EXAMPLES = (0, 2, 7)
BAND_COLOURS = (plots.BLUE, plots.SKY, plots.ORANGE, plots.VERMILION)
STYLES = {"model": "-", "once": "--", "rows": ":", "alone": "-."}
LABELS = {"model": "the model", "once": "all at once", "rows": "row by row", "alone": "each pixel on its own"}


def draw():
    with np.load(CHECKPOINTS / "mnist" / "part_by_part.npz") as archive:
        found = dict(archive)
    T = len(found["model_class"]) - 1
    figure, axes = plots.panels(2, 3, figsize=(9.5, 6.8))
    for ax, digit in zip(axes[0], EXAMPLES, strict=True):
        shown = settling_map(ax, found["example"][digit], found["example_steps"][digit], T)
    figure.colorbar(shown, ax=axes[0], label="step $t$ at which the pixel settles")
    near, bands, classes = axes[1]
    distance = np.arange(1, len(found["model_correlation"]) + 1)
    for name in ("model", "rows", "alone"):
        values = found[f"{name}_correlation"]
        near.plot(distance, values, STYLES[name], color=plots.BLACK, marker=".", label=LABELS[name])
    for name in ("model", "once", "rows"):
        classes.plot(found[f"{name}_class"], STYLES[name], color=plots.BLACK, label=LABELS[name])
    near.axhline(0, color=plots.BLACK, linewidth=0.5)
    near.set(xlabel="distance of two pixels", ylabel="correlation", title="Do neighbours\nsettle together?")
    near.legend()
    for (low, high), model, once, colour in zip(
        BANDS, found["model_frequency"], found["once_frequency"], BAND_COLOURS, strict=True
    ):
        bands.plot(model, color=colour, label=f"{low}–{high} cycles")
        bands.plot(once, "--", color=colour)
    bands.set(xlabel="step $t$", ylabel="share not yet settled", title="Coarse or fine first?\n(dashed: all at once)")
    bands.legend()
    classes.set(xlabel="step $t$", ylabel="share that shows its final class", ylim=(0, 1.02))
    classes.set_title("When is the class decided?\n(no label given)")
    classes.legend()
    for ax in (bands, classes):
        ax.set_xlim(T, 0)  # in the order of denoising
    figure.suptitle(
        "Top: the step from which each pixel of $\\hat x_0$ has three quarters of its way behind it for good\n"
        "(line: the digit; white: the first $\\hat x_0$ is within 0.1)"
    )
    return figure


def settling_map(ax, image, step, T):
    """A digit's outline over its pixels, coloured by the step at which each settles; white ones never were open."""
    shown = ax.imshow(np.ma.masked_less(step, 0), cmap="viridis", vmin=0, vmax=T)
    ax.contour(image, levels=[0.5], colors=plots.BLACK, linewidths=0.8)
    ax.axis("off")
    return shown
