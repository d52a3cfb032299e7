"""The pictures of notebook 09, What guidance samples."""

import torch

import plots

WINDOW = (-2.3, 2.4, -2.1, 2.1)
LEVELS = (2, 10, 30)  # t of the pushes
STYLES = {
    "tilted": ("tilted density", plots.BLACK, "X-"),
    "oracle, eq. 13": ("eq. 13", plots.VERMILION, "s-"),
    "oracle, flow": ("probability flow", plots.ORANGE, "^-"),
}


def densities(log_densities, mean):
    """Densities of the pixel plane side by side, with a cross at the mean (2,).

    log_densities is a dict by title of functions, points (n, 2) -> (n,).
    """
    points = torch.as_tensor(plots.grid(WINDOW)[2])
    figure, axes = plots.panels(1, len(log_densities), figsize=(11, 3), sharex=True, sharey=True)
    for ax, (title, log_density) in zip(axes, log_densities.items(), strict=True):
        plots.filled_density(ax, log_density(points).exp().numpy(), WINDOW, plots.EXACT)
        plots.pixel_plane(ax, WINDOW)
        ax.plot(*mean, "x", color=plots.ORANGE)
        ax.label_outer()
        ax.set_title(title)
    return figure


def pushes_along_the_modes(run, pushes, away, y):
    """What guidance adds to the score of class y, and what would be right, along the line through the modes.

    pushes(t, x_t) returns (guided, right), each (n,), at points x_t (n, 2) of model space; away (2,) is the line's
    direction.
    """
    s = torch.linspace(-2.5, 2.5, 60, dtype=torch.float64)
    figure, axes = plots.panels(1, len(LEVELS), figsize=(11, 3.4), sharex=True)
    for ax, t in zip(axes, LEVELS, strict=True):
        q_t = run.mixture.diffused(run.schedule.alphas_cumprod[t]).given_label(y)
        x_t = q_t.mean() + s[:, None] * away
        guided, right = pushes(t, x_t)
        density = q_t.log_prob(x_t).exp()
        ax.fill_between(s, density / density.max() * guided.max(), color="0.88", label="$q(x_t|y)$, not to scale")
        ax.plot(s, right, color=plots.BLACK, label="right")
        ax.plot(s, guided, color=plots.ORANGE, label="guided")
        ax.set_title(f"t = {t}")
    axes[0].set_ylabel("what w = 2 adds to the score")
    axes[1].set_xlabel("distance from the mean of class 1, away from class 0 (model space)")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def shifts_and_widths(weights, shifts, widths):
    """How far the mean lies from that of the class, and how wide a pixel is, against w; dicts of lists by way."""
    figure, axes = plots.panels(1, 2, figsize=(9, 3.4))
    for way, (label, colour, mark) in STYLES.items():
        axes[0].plot(weights, shifts[way], mark, color=colour, label=label)
        axes[1].plot(weights, widths[way], mark, color=colour)
    axes[0].set(xlabel="w", ylabel="distance of the mean from that of class 1")
    axes[1].set(xlabel="w", ylabel="standard deviation of a pixel")
    axes[0].legend()
    return figure
