"""The pictures of notebook 03, Sampling."""

import torch

import plots
from evaluation.committed import generator
from evaluation.metrics import energy_in_floors
from figures.common import PLANE
from utils import reverse_step, sample_trajectory


def normal(x, mean, variance):
    """The density of N(mean, variance)."""
    return torch.exp(-((x - mean) ** 2) / (2 * variance)) / (2 * torch.pi * variance) ** 0.5


def bayes_step(schedule, t, x_0, x_t):
    """q(x_{t-1}|x_t, x_0) of one pixel, and the two Gaussians whose product it is."""
    x, a = torch.linspace(-2.5, 3, 400).double(), schedule.alphas_cumprod
    from_x_t = normal(x, x_t / schedule.alphas[t].sqrt(), schedule.betas[t] / schedule.alphas[t])
    from_x_0 = normal(x, a[t - 1].sqrt() * x_0, 1 - a[t - 1])
    product = from_x_t * from_x_0
    _, ax = plots.panels(1, 1, figsize=(7, 3))
    for y, colour, text, offset, side in (
        (from_x_t, plots.BLUE, "where $x_t$ may come from:\n$q(x_t|x_{t-1})$, scaled", (-20, -8), "right"),
        (from_x_0, plots.ORANGE, "where $x_0$ may have led:\n$q(x_{t-1}|x_0)$", (20, -8), "left"),
        (product / torch.trapezoid(product, x), plots.BLACK, "both: $q(x_{t-1}|x_t, x_0)$", (16, 0), "left"),
    ):
        ax.plot(x, y, color=colour)
        peak = (x[y.argmax()], y.max())
        ax.annotate(text, peak, offset, textcoords="offset points", ha=side, color=colour)
    for value, name in ((x_t, "$x_t$"), (x_0, "$x_0$")):
        ax.plot(value, 0, "k|", markersize=14)
        ax.annotate(name, (value, 0), (4, 6), textcoords="offset points")
    ax.set(xlabel=f"$x_{{t-1}}$, here $t = {t}$ of {schedule.T}", ylabel="density", ylim=(0, None))


def step_back(ax, run, t):
    """From one x_t (star): the exact q(x_{t-1}|x_t), and 2000 draws by eq. 13 with the exact ε*."""
    x_t, alphas_cumprod = torch.tensor([[-0.2, 0.1]]), run.schedule.alphas_cumprod  # between the modes, in model space
    truth = run.mixture.reverse_kernel(x_t[0].double(), alphas_cumprod[t], alphas_cumprod[t - 1])
    many = x_t.expand(2000, 1, 2)
    window = plots.extent_of(truth)
    plots.exact_density(ax, truth, window)
    plots.scatter(ax, reverse_step(run.exact, run.schedule, many, torch.full((2000,), t), None, generator())[:, 0])
    ax.plot(*x_t[0], "*", color=plots.ORANGE, markersize=12)
    ax.set(title=f"T = {run.schedule.T}: exact $q(x_{{{t - 1}}}|x_{{{t}}})$ (grey), eq. 13 (dots)")
    ax.set(xlim=window[:2], ylim=window[2:], xlabel="left pixel, model space", ylabel="right pixel, model space")


def distance_on_the_way(run, clouds):
    """Draw and return the energy distance to q(x_t) at every fifth t, in noise floors, of clouds (T+1, n, 1, 2)."""
    steps = range(0, run.schedule.T + 1, 5)
    _, ax = plots.panels(1, 1, figsize=(7, 3.5))
    curves = {}
    for (name, cloud), colour in zip(clouds.items(), (plots.BLUE, plots.ORANGE), strict=True):
        curves[name] = torch.tensor([energy_in_floors(run.to_pixels(cloud[t]), run.pixel_mixture(t)) for t in steps])
        ax.plot(steps, curves[name], "o-", color=colour, label=name)
    ax.axhspan(-2, 2, color="0.9", label="±2 noise floors")
    ax.set(xlabel="step $t$ (sampling runs from right to left)", ylabel="energy distance in noise floors")
    ax.legend()
    return curves


def paths(run, seed, n=1):
    """The paths of n starting noises, from that of the seed on, over the exact density."""
    _, ax = plots.panels(1, 1, figsize=(4.5, 4.5))
    plots.exact_density(ax, run.world, PLANE)
    for k in range(seed, seed + n):
        random = generator(100 + k)
        path = run.to_pixels(sample_trajectory(run.denoiser(), run.schedule, run.noise(1, random), None, random))
        plots.trajectory(ax, path[:, 0].flip(0), (plots.ORANGE, plots.SKY, plots.BLUE, plots.VERMILION)[k % 4])
    ax.set(xlabel="left pixel", ylabel="right pixel", title=f"starting noise {seed} to {seed + n - 1}")
