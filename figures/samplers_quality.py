"""Quality against network calls, for every sampler: the network, and the exact oracle, beside the noise floor."""

import plots
from measurements.common import measurements

TITLES = {"network": "trained network", "oracle": "exact oracle"}
STYLES = {
    "ddpm": ("eq. 13 (DDPM)", plots.BLACK, "o"),
    "analytic": ("best scalar variance", plots.SKY, "v"),
    "ddim": ("DDIM", plots.ORANGE, "s"),
    "deis": ("DEIS", plots.GREEN, "^"),
    "dpm_solver": ("DPM-Solver++", plots.PURPLE, "D"),
    "heun": ("Heun", plots.BLUE, "P"),
    "second_moment": ("second moments", plots.VERMILION, "X"),
}


def draw():
    found = measurements("samplers")["two_pixel"]
    figure, axes = plots.panels(1, 2, figsize=(10, 4.6), sharex=True, sharey=True)
    noise = 1e4 * found["floor"] / found["seeds"] ** 0.5
    for ax, who in zip(axes, TITLES, strict=True):
        ax.axhspan(-2 * noise, 2 * noise, color="0.85", label="means of true samples, ±2 sd")
        for sampler, (name, colour, marker) in STYLES.items():
            line(ax, found["rows"][who][sampler], color=colour, marker=marker, label=name)
        priced = {"color": plots.VERMILION, "linestyle": ":", "label": "second moments, 4 calls a step"}
        line(ax, found["rows"][who]["second_moment"], cost="price", **priced)
        ax.set(title=TITLES[who], xlabel="network calls")
        ax.label_outer()
    own = {"color": plots.VERMILION, "marker": "x", "linestyle": "--", "label": "second moments, T = 5, 10, 25"}
    line(axes[0], found["own_steps"]["second_moment"], **own)
    line(
        axes[0],
        found["students"],
        color=plots.BLACK,
        marker="*",
        markersize=10,
        linestyle=":",
        label="distilled students",
    )
    axes[0].set(xscale="log", ylabel="energy distance × 10⁴ (linear below 2)", ylim=(-1.5, 4000))
    axes[0].set_yscale("symlog", linthresh=2, linscale=0.6)
    ticks = (1, 2, 3, 5, 10, 20, 50, 100, 200)
    axes[0].set_xticks(ticks, [str(tick) for tick in ticks])
    axes[0].minorticks_off()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def line(ax, rows, cost="calls", **style):
    """Mean energy distance, with its standard error, against network calls, or against the price in calls."""
    spent = [row[cost] for row in rows]
    means, errors = ([1e4 * row["energy_distance"][key] for row in rows] for key in ("mean", "error"))
    ax.errorbar(spent, means, yerr=errors, **{"linewidth": 1.2, "markersize": 5} | style)
