"""Where the network is wrong: ‖ε_θ - ε*‖ over the plane at five t, as it is and weighted by q(x_t)."""

import numpy as np
import torch

import plots
from evaluation.committed import experiment
from measurements.errors import MAPPED, network_minus_oracle

HALF = 2.6  # of the window, in model space, where x_t has about variance 1
LEVELS = np.geomspace(3e-4, 1, 11)


def draw():
    run = experiment(50)
    figure, axes = plots.panels(2, len(MAPPED), figsize=(8.3, 3.5), sharex=True, sharey=True)
    extent = (-HALF, HALF, -HALF, HALF)
    x, y, points = plots.grid(extent, n=120)
    points = torch.as_tensor(points)
    for (above, below), t in zip(axes.T, MAPPED, strict=True):
        noisy = run.mixture.diffused(run.schedule.alphas_cumprod[t])
        error = network_minus_oracle(run, points.float().unsqueeze(1), t).norm(dim=-1).numpy().reshape(120, 120)
        density = noisy.log_prob(points).exp().numpy().reshape(120, 120)
        filled = above.contourf(x, y, error, levels=LEVELS, cmap="viridis", norm="log", extend="both")
        plots.exact_contours(above, noisy, extent, colour="white")
        weighted = below.contourf(x, y, error**2 * density / (error**2 * density).max(), levels=8, cmap="Greys")
        weighted.set_edgecolor("face")
        plots.exact_contours(below, noisy, extent, colour=plots.VERMILION)
        above.set_title(f"$t = {t}$")
    for ax in axes.flat:
        ax.set(aspect="equal", xlabel="left pixel", ylabel="right pixel")
        ax.label_outer()
    figure.colorbar(filled, ax=axes[0], label=r"$\|\varepsilon_\theta - \varepsilon^*\|$", ticks=[1e-3, 1e-2, 1e-1, 1])
    bar = figure.colorbar(weighted, ax=axes[1], label="weighted by\n$q(x_t)$", ticks=[0, 1])
    bar.set_ticklabels(["0", "max"])
    figure.suptitle("Where the network errs, and where that matters: below, weighted by where images are")
    return figure
