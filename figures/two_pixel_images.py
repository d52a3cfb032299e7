"""Figure 2: a distribution of many-pixel images must be squeezed into the plane; one of two-pixel images lies in it."""

import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

import plots
from evaluation.committed import experiment, generator
from figures.common import PLANE

COLOURS = (plots.BLACK, plots.ORANGE, plots.SKY, plots.BLUE, plots.VERMILION, plots.GREEN, plots.PURPLE)
COLOURS += ("#8C564B", "#7F7F7F", "#4B3B8F")  # ten classes ask for more than Okabe & Ito have
DRAWN = 60  # digits of each class, as characters


def draw():
    figure = plots.plt.figure(figsize=(7.4, 4.4), layout="constrained")
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
        of_k = points[digits.target == k][:DRAWN]
        plane.scatter(*of_k.T, s=28, marker=f"${k}$", color=COLOURS[k], linewidths=0.2)
    plane.set(xlabel="first principal component (intensity 0 to 16)", ylabel="second", aspect="equal")
    figure.suptitle(
        f"64 pixels: two dimensions can be drawn,\n{kept:.0f} % of the variance; classes overlap", fontsize=11
    )


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
    figure.suptitle("2 pixels: all of it can be drawn,\nand its density is known exactly (grey)", fontsize=11)
