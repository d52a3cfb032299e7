"""The pictures of notebook 12, What the model believes."""

import torch

import plots
from figures.common import PLANE


def terms_of_a_bound(terms, least):
    """The terms L_0 … L_T of a bound (T+1,) in nats, beside the least that they can be (T+1,)."""
    figure, ax = plots.panels(1, 1, figsize=(7, 3.2))
    places = range(len(terms))
    ax.plot(places, least, color=plots.VERMILION, marker="s", markersize=4, linestyle="", label="best variance")
    ax.plot(places, terms, color=plots.BLUE, marker="o", markersize=4, linestyle="", label=r"variance $\tilde\beta_t$")
    names = ["$L_0$", *(f"$L_{{{i}}}$" for i in range(1, len(terms)))]
    ax.set_xticks(places, names)
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.set(ylabel="nats", title="the bound's terms, $T = 10$")
    ax.legend()
    return figure


def densities(world, found, titles):
    """log p_θ - log p of each `Density` in the pixel plane, where p_θ or the world is not vanishing."""
    figure, axes = plots.panels(1, len(found), figsize=(4.2 * len(found), 3.9), sharey=True)
    for ax, density, title in zip(axes, found, titles, strict=True):
        truth = world.log_prob(density.x_0)
        seen = torch.maximum(truth, density.log_p) > world.log_prob(world.means).max() - 6
        x, difference = density.x_0[seen], (density.log_p - truth)[seen]
        drawn = ax.scatter(x[:, 0], x[:, 1], c=difference, cmap="PuOr", vmin=-0.5, vmax=0.5, s=6, linewidths=0)
        plots.exact_contours(ax, world, PLANE)
        plots.pixel_plane(ax, PLANE)
        ax.set_title(title)
    figure.colorbar(drawn, ax=axes, label=r"$\log p_\theta - \log p$", shrink=0.85)
    return figure
