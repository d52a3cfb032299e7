"""The pictures of notebook 02, Network and training."""

import torch

import plots
from utils import x0_from_eps


def excess_over_floor(excess, floor):
    """The floor per step (T,), and below it how far networks are above it, a dict of (T,) by name."""
    _, ax = plots.panels(1, 1, figsize=(7, 3.5))
    steps = range(1, len(floor) + 1)
    ax.semilogy(steps, floor, color=plots.BLACK, label="floor: nobody can know")
    for (name, values), colour in zip(excess.items(), (plots.SKY, plots.BLUE), strict=True):
        ax.semilogy(steps, values, color=colour, label=f"excess after {name}: could be learned")
    ax.set(xlabel="step $t$", ylabel="loss per pixel")
    ax.legend(loc="lower left")


@torch.no_grad()
def guesses(run, t, ax=None):
    """The clean images that a run's network (blue) and the exact ε* (orange) take 300 noisy ones of step t for."""
    ax = plots.panels(1, 1, figsize=(4.5, 4.5))[1] if ax is None else ax
    x_t, _ = run.mixture.diffused(run.schedule.alphas_cumprod[t]).sample(300, torch.Generator().manual_seed(4))
    x_t, steps = x_t.float().unsqueeze(1), torch.full((300,), t)
    for denoiser, colour, size in ((run.exact, plots.ORANGE, 22), (run.learned(), plots.BLUE, 5)):
        x0 = run.to_pixels(x0_from_eps(run.schedule, x_t, steps, denoiser(x_t, steps)))
        ax.scatter(*x0.T, s=size, color=colour, linewidths=0)
    ax.set(title=f"t = {t}: guesses of the clean image", xlabel="left pixel", ylabel="right pixel")
