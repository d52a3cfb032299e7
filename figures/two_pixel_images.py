"""Figure 2: a distribution of many-pixel images must be squeezed into the plane; one of two-pixel images lies in it."""

import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

import plots
from evaluation.committed import experiment, generator
from figures.common import PLANE

LABEL = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "boxstyle": "circle"}


def draw():
    figure = plots.plt.figure(figsize=(10, 4.8), layout="constrained")
    left, right = figure.subfigures(1, 2)
    many_pixels(left)
    two_pixels(right)
    return figure


def many_pixels(figure):
    """Handwritten digits of 8 × 8 pixels, and their best linear picture in the plane."""
    digits = load_digits()
    pca = PCA(2, random_state=0).fit(digits.data)
    points, kept = pca.transform(digits.data), 100 * pca.explained_variance_ratio_.sum()
    top, plane = figure.subplots(2, 1, height_ratios=[1, 4])
    plots.image_strip(top, digits.images[:8] / 16)
    for k in range(10):
        of_k = points[digits.target == k]
        plane.scatter(*of_k.T, s=4, color=plots.plt.colormaps["cividis"](k / 9), linewidths=0)
        plane.annotate(str(k), of_k.mean(0), ha="center", va="center", fontweight="bold", bbox=LABEL)
    plane.set(xlabel="first principal component (intensity 0 to 16)", ylabel="second", aspect="equal")
    figure.suptitle(f"64 pixels: two of 64 dimensions\n({kept:.0f} % of the variance) can be drawn")


def two_pixels(figure):
    """Images of two pixels: the plane is the whole space, and the density is known exactly."""
    run = experiment(50)
    x0, y = run.draw(1000, generator(1))
    pixels = run.to_pixels(x0)
    top, plane = figure.subplots(2, 1, height_ratios=[1, 4])
    plots.image_strip(top, pixels[:8].unsqueeze(1))
    plots.exact_density(plane, run.world, PLANE)
    for k, (colour, name) in enumerate(zip(plots.CLASS_COLOURS, ("left darker", "left lighter"), strict=True)):
        plots.scatter(plane, pixels[y == k], colour)
        place = run.world.means[k] + torch.tensor([0.1, 0.33]) * (1 - 2 * k)
        plane.annotate(f"y = {k}: {name}, {run.world.weights[k] * 100:.0f} %", place, color=colour, ha="center")
    plots.pixel_plane(plane, PLANE)
    figure.suptitle("2 pixels: all of it can be drawn,\nand its density is known exactly (grey)")
