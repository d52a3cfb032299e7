"""Drawing primitives for the pixel plane, in one style: exact density, estimated density, samples, trajectory, loss."""

import io

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from scipy.stats import gaussian_kde

from experiments.checkpoint import write_atomically

# Okabe & Ito's colours, which colour-blind readers can distinguish
BLACK, ORANGE, SKY, BLUE, VERMILION = "#000000", "#E69F00", "#56B4E9", "#0072B2", "#D55E00"
GREEN, PURPLE = "#009E73", "#CC79A7"
CLASS_COLOURS = (VERMILION, BLUE)
# densities, light enough for dots and lines to show on them: grey for what is exact, blue for what is estimated
EXACT = ListedColormap(plt.colormaps["Greys"](np.linspace(0.06, 0.7, 256)))
ESTIMATED = ListedColormap(plt.colormaps["Blues"](np.linspace(0.06, 0.75, 256)))
LEVELS = np.array([0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.0])  # of filled densities, as shares of the peak

plt.rcParams.update(
    {
        "font.size": 10,
        "axes.titlesize": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.dpi": 100,
        "savefig.dpi": 200,
        "legend.frameon": False,
        "legend.fontsize": 9,
    }
)


def panels(rows, columns, figsize, **options):
    """A figure and its axes in a grid, laid out so that square panels stay together and no title is cut off."""
    return plt.subplots(rows, columns, figsize=figsize, layout="compressed", **options)


def save(figure, path, weights=None):
    """Write the figure as a PNG at twice the screen's resolution, byte for byte the same each time, and close it.

    weights is the fingerprint of the weights that it was drawn from, to be kept in the PNG as a text of that name.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None, "weights": weights})  # None is left out
    write_atomically(path, buffer.getvalue())
    plt.close(figure)


def save_animation(frames, path, weights, milliseconds=110, last=4000):
    """Write pictures as a GIF that goes on for ever and rests at its end, with the fingerprint of the weights."""
    buffer, durations = io.BytesIO(), [milliseconds] * (len(frames) - 1) + [last]
    options = {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": 0, "optimize": True}
    frames[0].save(buffer, format="GIF", comment=f"weights {weights}", **options)
    write_atomically(path, buffer.getvalue())


def pixel_plane(ax, extent):
    """Axes of the two-pixel plane; extent = (left min, left max, right min, right max) in pixel intensity."""
    ax.set(xlim=extent[:2], ylim=extent[2:], aspect="equal", xlabel="left pixel", ylabel="right pixel")
    ax.locator_params(nbins=4)


def extent_of(mixture, margin=4.5):
    """(x0, x1, y0, y1), a square window around the mixture.

    It ends `margin` σ beyond the outermost means, or a tenth of the way between them if that is more.
    """
    low, high = mixture.means.amin(0).numpy(), mixture.means.amax(0).numpy()
    between = (high - low).max()
    half = between / 2 + max(margin * float(mixture.std.max()), between / 10)
    (cx, cy) = (low + high) / 2
    return cx - half, cx + half, cy - half, cy + half


def grid(extent, n=160):
    """n × n points of the window: x (n,), y (n,), points (n·n, 2) with x running fastest."""
    x, y = np.linspace(*extent[:2], n), np.linspace(*extent[2:], n)
    return x, y, np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def points_across(mixture, extent):
    """How many grid points in each direction show the narrowest mode: three to a σ, but from 160 to 1000."""
    return int(np.clip(3 * (extent[1] - extent[0]) / float(mixture.std.min()), 160, 1000))


def filled_density(ax, values, extent, cmap, peak=None):
    """Filled contours of density values on the grid; `peak` sets the darkest level, so that panels can share it."""
    n = int(np.sqrt(len(values)))
    x, y, _ = grid(extent, n)
    peak = values.max() if peak is None else peak
    ax.contourf(x, y, values.reshape(n, n), levels=peak * LEVELS, cmap=cmap, extend="max")


def exact_density(ax, mixture, extent, cmap=EXACT):
    """The mixture's density, filled."""
    _, _, points = grid(extent, points_across(mixture, extent))
    filled_density(ax, mixture.log_prob(torch.as_tensor(points)).exp().numpy(), extent, cmap)


def exact_contours(ax, mixture, extent, colour=BLACK):
    """The mixture's density as lines at 3, 20 and 70 % of its peak, to lie over an estimate."""
    x, y, points = grid(extent, points_across(mixture, extent))
    density = mixture.log_prob(torch.as_tensor(points)).exp().numpy()
    levels = density.max() * np.array([0.03, 0.2, 0.7])
    ax.contour(x, y, density.reshape(len(y), len(x)), levels=levels, colors=colour, linewidths=0.8)


def estimated_density(ax, samples, extent, cmap=ESTIMATED):
    """A Gaussian kernel density estimate of samples (n, 2), bandwidth by Scott's rule: an estimate, not the truth."""
    _, _, points = grid(extent, n=100)
    filled_density(ax, gaussian_kde(np.asarray(samples).T)(points.T), extent, cmap)


def count_outside(samples, extent):
    """How many of the samples (n, 2) a window does not show."""
    x, y = np.asarray(samples).T
    return int((~((extent[0] <= x) & (x <= extent[1]) & (extent[2] <= y) & (y <= extent[3]))).sum())


def scatter(ax, samples, colour=BLUE, **style):
    """Samples (n, 2) as small dots."""
    ax.scatter(*np.asarray(samples).T, s=1.5, color=colour, alpha=0.4, linewidths=0, rasterized=True, **style)


def trajectory(ax, states, colour=ORANGE, label=None, faintest=0.3):
    """A denoising path, states (m, 2) in the order of denoising: a ring where it starts, a star where it ends.

    Early steps are faint, the last ones strong: opacity rises from `faintest` to 1.
    """
    states = np.asarray(states)
    opacity = np.linspace(faintest, 1, len(states))
    segments = np.stack([states[:-1], states[1:]], axis=1)
    borders = ((2.2, "white"), (1.1, colour)) if len(segments) else ()  # white, so that it stands out on any ground
    for width, line in borders:
        ax.add_collection(LineCollection(segments, colors=line, linewidths=width, alpha=opacity[1:], zorder=3))
    ax.scatter(*states.T, s=4, color=colour, alpha=opacity, linewidths=0, zorder=4, label=label)
    ax.plot(*states[0], "o", markerfacecolor="white", markeredgecolor=colour, markersize=6, zorder=5)
    ax.plot(*states[-1], "*", markerfacecolor=colour, markeredgecolor="black", markersize=10, zorder=6)


def two_pixel_image(ax, pixels):
    """One image of two pixels (2,): two grey squares, black 0 and white 1."""
    image_strip(ax, np.asarray(pixels).reshape(1, 1, 2))


def image_strip(ax, images):
    """Grey images (n, h, w) side by side, black 0 and white 1."""
    n, _, w = images.shape
    gap = 0.15 * w
    for i, image in enumerate(np.asarray(images)):
        left = i * (w + gap)
        ax.imshow(image, cmap="gray", vmin=0, vmax=1, extent=(left, left + w, 0, len(image)))
        ax.add_patch(plt.Rectangle((left, 0), w, len(image), fill=False, linewidth=0.8))
    ax.set(xlim=(-0.1, n * (w + gap) - gap + 0.1), ylim=(-0.1, images.shape[1] + 0.1), aspect="equal")
    ax.axis("off")


def image_grid(ax, images, columns, gap=1):
    """Images row by row: grey (n, h, w), black 0 and white 1, or in colour (n, h, w, 3); gap pixels between."""
    images = np.asarray(images)
    n, h, w, *colours = images.shape
    rows = -(-n // columns)
    grid = np.ones((rows * (h + gap) - gap, columns * (w + gap) - gap, *colours))
    for i, image in enumerate(images):
        top, left = i // columns * (h + gap), i % columns * (w + gap)
        grid[top : top + h, left : left + w] = image
    ax.imshow(grid, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.axis("off")


def rows_of_images(ax, rows):
    """One row of images for each name: rows are tensors (n, C, h, w) in [0, 1], all with the same n."""
    images = [pictures.permute(0, 2, 3, 1).squeeze(3) for pictures in rows.values()]
    gap = 3  # or black strokes on white would run together
    image_grid(ax, torch.cat(images), len(images[0]), gap)
    height = images[0].shape[1] + gap
    for i, name in enumerate(rows):
        ax.text(-2, i * height + height / 2 - 1, name, ha="right", va="center", fontsize=9)


def loss_with_floor(ax, losses, floor=None, window=50):
    """Training losses (n,), their running mean, and the least loss that any network can have.

    The window shows 0.8 to 2 times the typical late loss: the first steps start far above it.
    """
    losses = np.asarray(losses)
    ax.plot(np.arange(1, len(losses) + 1), losses, ".", color=SKY, markersize=1, label="each batch")
    window = min(window, len(losses))
    mean = np.convolve(losses, np.ones(window) / window, mode="valid")
    ax.plot(np.arange(len(mean)) + window, mean, color=BLUE, label=f"mean of {window} batches")
    late = np.median(losses[len(losses) // 2 :])
    if floor is not None:
        ax.axhline(floor, color=VERMILION, linestyle="--", label=f"exact floor {floor:.4f}")
    ax.set(xlabel="training step", ylabel="loss per pixel", ylim=(0.8 * late, 2 * late))
    ax.legend()


def whole_number_ticks(ax, ticks):
    """Only these ticks on the horizontal axis, written out."""
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()
