"""The pictures of notebook 08, Fast samplers."""

import math

import torch

import plots
from figures.common import PLANE
from figures.samplers_quality import STYLES
from samplers import root_of

SIX = (plots.BLUE, plots.ORANGE, plots.GREEN, plots.PURPLE, plots.SKY, plots.VERMILION)
ELLIPSES = ((4, 0.28), (3, 0.33), (2, 0.38))  # t, and the scale at which its ellipses do not touch
NOISE = (-3.5, 3.5)  # window of x_T


def ends_of_six_noises(ends, world):
    """The images of six noises by few steps and by more, over the world's density: a panel for each sampler.

    ends is a dict by title of dicts by number of steps of images (n, 2) in pixel space, all from the same n noises.
    """
    figure, axes = plots.panels(1, len(ends), figsize=(9, 4.4), sharey=True)
    for ax, (title, images) in zip(axes, ends.items(), strict=True):
        plots.exact_density(ax, world, PLANE)
        paths = torch.stack([x[: len(SIX)] for x in images.values()], dim=1)  # (6, numbers of steps, 2)
        for path, colour in zip(paths, SIX, strict=True):
            plots.trajectory(ax, path, colour)
        plots.pixel_plane(ax, PLANE)
        few, *between, most = images
        between = ", ".join(str(steps) for steps in between)
        ax.set_title(f"{title}: the images of six noises\nby {few} steps (ring), {between} and {most} (star)")
        ax.label_outer()
    return figure


def errors_by_calls(numbers, errors):
    """Errors against network calls, with the order p of the error, 1/n^p, that the last two of them show.

    errors is a dict by sampler of lists, one error for each of the numbers of steps, of which each is twice the last.
    """
    figure, ax = plots.panels(1, 1, figsize=(6, 3.8))
    for name, found in errors.items():
        label, colour, marker = STYLES[name]
        calls = [2 * n if name == "heun" else n for n in numbers]  # none of these steps is the last, which has one
        order = math.log2(found[-2] / found[-1])
        ax.loglog(calls, found, color=colour, marker=marker, label=f"{label}: order {order:.2f}")
    ax.set(xlabel="network calls", ylabel="error of $x_s$ (root mean square)")
    plots.whole_number_ticks(ax, (*numbers, 2 * numbers[-1]))
    ax.legend()
    return figure


def ellipses(run, covariances):
    """Cov[x_0|x_t] as ellipses at points where noisy images are, over q(x_t): the exact one and the network's.

    covariances(t, x_t) returns both, (n, 2, 2), for points x_t (n, 2) of model space.
    """
    figure, axes = plots.panels(1, len(ELLIPSES), figsize=(12, 4.6))
    angle = torch.linspace(0, 2 * math.pi, 60, dtype=torch.float64)
    circle = torch.stack([angle.cos(), angle.sin()])  # (2, 60)
    for ax, (t, scale) in zip(axes, ELLIPSES, strict=True):
        q_t = run.mixture.diffused(run.schedule.alphas_cumprod[t])
        window = plots.extent_of(q_t, margin=2.5)
        points = torch.as_tensor(plots.grid(window, n=8)[2])
        points = points[q_t.log_prob(points) > q_t.log_prob(q_t.means).max() - 3.5]
        plots.exact_density(ax, q_t, window)
        styles = (("exact", plots.BLACK, "-"), ("the network's", plots.ORANGE, "--"))
        for covariance, (name, colour, line) in zip(covariances(t, points), styles, strict=True):
            rings = points.unsqueeze(2) + scale * root_of(covariance) @ circle  # (n, 2, 60)
            ax.plot(*rings.permute(1, 2, 0), line, color=colour, linewidth=1.2)
            ax.plot([], [], line, color=colour, label=name)
        ax.set(title=f"Cov[$x_0$|$x_t$] at t = {t} of {run.schedule.T}", aspect="equal")
        ax.set(xlim=window[:2], ylim=window[2:], xlabel="left pixel, model space", ylabel="right pixel, model space")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def noise_by_mode(x_T, images, world):
    """Which of the noises x_T (n, 1, 2) becomes which mode, a panel for each set of images; then the last images.

    images is a dict by title of images (n, 2) in pixel space, one for each noise.
    """
    figure, axes = plots.panels(1, len(images) + 1, figsize=(12.5, 4.2))
    for ax, (title, x) in zip(axes, images.items(), strict=False):
        mode = world.posterior(x).argmax(1)
        for k, colour in enumerate(plots.CLASS_COLOURS):
            plots.scatter(ax, x_T[mode == k].squeeze(1), colour)
        ax.set(title=f"which noise becomes which mode:\n{title}", aspect="equal", xlim=NOISE, ylim=NOISE)
        ax.set(xlabel="left pixel of $x_T$", ylabel="right pixel of $x_T$")
    plots.exact_density(axes[-1], world, PLANE)
    plots.scatter(axes[-1], x)
    plots.pixel_plane(axes[-1], PLANE)
    axes[-1].set_title(f"the images: {title}")
    return figure


def samples_side_by_side(samples, world, n=1500):
    """The first n of each set of samples (a dict by title, in pixel space) over the world's density."""
    figure, axes = plots.panels(1, len(samples), figsize=(12.5, 3), sharex=True, sharey=True)
    for ax, (title, x) in zip(axes, samples.items(), strict=True):
        plots.exact_density(ax, world, PLANE)
        plots.scatter(ax, x[:n])
        plots.pixel_plane(ax, PLANE)
        ax.set_title(title)
        ax.label_outer()
    return figure
