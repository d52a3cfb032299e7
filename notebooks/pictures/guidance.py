"""The pictures of notebook 05, Guidance."""

import torch

import plots
from evaluation.committed import generator
from utils import classifier_free_guidance, sample

WIDE = (-3, 3, -3, 3)  # in model space


def arrows(mixture, window, points, fields):
    """A panel for each field of arrows (n, 2), a dict by title, at the points (n, 2), over the mixture's density."""
    _, axes = plots.panels(1, len(fields), figsize=(4 * len(fields), 4.2), sharex=True, sharey=True)
    for ax, (title, field) in zip(axes, fields.items(), strict=True):
        plots.exact_density(ax, mixture, window)
        ax.quiver(*points.T, *field.T, color=plots.ORANGE, angles="xy", scale=30, width=0.005)
        ax.set(title=title, aspect="equal", xlabel="left pixel, model space", ylabel="right pixel, model space")


@torch.no_grad()
def class_posteriors(run, steps, n=60):
    """p(y = 0|x_t) at some steps: above by the run's classifier, below exactly."""
    figure, axes = plots.panels(2, len(steps), figsize=(10, 6.6), sharex=True, sharey=True)
    x_t = torch.as_tensor(plots.grid(WIDE, n)[2]).float().unsqueeze(1)
    for column, step in zip(axes.T, steps, strict=True):
        t = torch.full((len(x_t),), step)
        answers = {"classifier": run.classifier(x_t, t).softmax(1), "exact": run.exact.log_posterior(x_t, t).exp()}
        for ax, (name, p) in zip(column, answers.items(), strict=True):
            shown = ax.imshow(p[:, 0].view(n, n), origin="lower", extent=WIDE, cmap="RdBu_r", vmin=0, vmax=1)
            plots.exact_contours(ax, run.mixture.diffused(run.schedule.alphas_cumprod[step]), WIDE)
            ax.set(title=f"{name}, t = {step}", xlabel="left pixel, model space", ylabel="right pixel, model space")
            ax.label_outer()
    figure.colorbar(shown, ax=axes, label="$p(y = 0 | x_t)$")


def guided_samples(run, w, y, n=2000):
    """n images of class y, by the exact denoiser guided with w, as points (n, 2) of the pixel plane."""
    random = generator(3)
    denoiser = run.clipped(classifier_free_guidance(run.exact, w))
    x_0 = sample(denoiser, run.schedule, run.noise(n, random), torch.full((n,), y), random)
    return run.to_pixels(x_0)


def guided(run, w, y, ax=None):
    """`guided_samples` over the exact density, with their mean (cross) and that of class y (star)."""
    ax = plots.panels(1, 1, figsize=(4.5, 4.5))[1] if ax is None else ax
    window = plots.extent_of(run.world, margin=4)
    plots.exact_density(ax, run.world, window)
    samples = guided_samples(run, w, y)
    plots.scatter(ax, samples, plots.CLASS_COLOURS[y])
    ax.plot(*run.world.means[y], "*", color=plots.ORANGE, markersize=12)
    ax.plot(*samples.mean(0), "X", color=plots.BLACK, markeredgecolor="white", markersize=9)
    plots.pixel_plane(ax, window)
    ax.set_title(f"y = {y}, w = {w:g}")
