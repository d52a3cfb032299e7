"""The first picture: a cloud of noise becomes the two kinds of image, over the exact density at each step. A GIF."""

import io

from PIL import Image

import plots
from evaluation.committed import CHECKPOINTS, experiment, generator
from experiments.checkpoint import load_json
from figures.common import PLANE
from gmm import WORLDS
from utils import sample_trajectory

DRAWN, SHOWN = 600, 12
COLOURS = 64  # of the palette


def draw():
    """The frames, from t = T to 0."""
    run, random = experiment(50), generator(2)
    x_T = run.noise(DRAWN, random)
    states = run.to_pixels(sample_trajectory(run.denoiser(), run.schedule, x_T, None, random, run.config.variance))
    return [as_image(frame(run, states[t], t)) for t in range(run.schedule.T, -1, -1)]


def frame(run, points, t):
    """The cloud at step t over q(x_t), and a dozen of its images."""
    figure = plots.plt.figure(figsize=(6.4, 3.6), layout="constrained")
    plane, pictures = figure.subplots(1, 2, width_ratios=(1, 0.75))
    plots.exact_density(plane, run.pixel_mixture(t), PLANE)
    plane.scatter(*points.T, s=5, color=plots.BLUE, alpha=0.7, linewidths=0)
    plots.pixel_plane(plane, PLANE)
    plane.set_title(f"$t = {t}$")
    plots.image_grid(pictures, points[:SHOWN].view(SHOWN, 1, 2).clamp(0, 1), columns=3)
    pictures.set_title("12 of the images")
    said = f"The end: {numbers()}" if t == 0 else "blue: the network's images; grey: the exact density\n"
    figure.supxlabel(said, fontsize=9)
    return figure


def numbers():
    """Three numbers of the committed run's score card."""
    card = load_json(CHECKPOINTS / "homework-T50" / "scorecard.json")
    network, oracle = (1e4 * card[name] for name in ("energy_distance", "energy_distance_oracle"))
    loss = f"loss {card['excess_loss']:.1%} above the least possible"
    right = float(WORLDS["homework"].weights[0])
    weight = f"{card['mode_weights'][0]:.0%} of the images have a darker left pixel (right: {right:.0%})"
    return f"{loss}; energy distance × 10⁴ {network:.2f}\n(exact denoiser {oracle:.2f}); {weight}"


def as_image(figure):
    """A figure as a picture with few colours, the same ones for all frames of a kind."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    plots.plt.close(figure)
    return Image.open(buffer).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
