"""Five ways from noise to images at their honest price: energy distance against the cost in network calls."""

import plots
from measurements.common import measurements

STYLES = {
    "ddpm": ("eq. 13 (DDPM)", plots.BLACK, "o"),
    "analytic": ("best scalar variance", plots.SKY, "v"),
    "ddim": ("DDIM", plots.ORANGE, "s"),
    "deis": ("DEIS", plots.GREEN, "^"),
    "dpm_solver": ("DPM-Solver++", plots.PURPLE, "D"),
    "heun": ("Heun", plots.BLUE, "P"),
    "second_moment": ("second moments", plots.VERMILION, "X"),
}
PLACES = {  # of the names: a point of the curve, and where beside it
    "ddpm": (3, (8, 3), "left"),
    "ddim": (25, (7, -3), "left"),
    "dpm_solver": (5, (-8, -4), "right"),
    "second_moment": (8, (8, 0), "left"),
}


def draw():
    found = measurements("samplers")["two_pixel"]
    figure, ax = plots.panels(1, 1, figsize=(6.6, 4.2))
    noise = 1e4 * found["floor"] / found["seeds"] ** 0.5
    ax.axhspan(-2 * noise, 2 * noise, color="0.85")
    ax.text(1, 0, "true samples", va="center", fontsize=9, color="0.3")
    for sampler, (near, shift, side) in PLACES.items():
        name, colour, marker = STYLES[sampler]
        rows = found["rows"]["network"][sampler]
        line(ax, rows, cost="price", color=colour, marker=marker)
        row = min(rows, key=lambda row: abs(row["price"] - near))
        place = row["price"], 1e4 * row["energy_distance"]["mean"]
        ax.annotate(name, place, shift, textcoords="offset points", color=colour, ha=side)
    line(ax, found["students"], color=plots.GREEN, marker="*", markersize=10, linestyle=":")
    ax.annotate("distilled", (1, 2), color=plots.GREEN)
    ax.set(xscale="log", xlabel="cost of a sample, in network calls", ylim=(-1.5, 4000))
    ax.set(ylabel=r"energy distance $\times 10^4$ (linear below 2)")
    ax.set_yscale("symlog", linthresh=2, linscale=0.6)
    plots.whole_number_ticks(ax, (1, 2, 5, 10, 20, 50, 100, 200))
    ax.set_title("DPM-Solver++ does in ten calls what eq. 13 does in fifty")
    return figure


def line(ax, rows, cost="calls", **style):
    """Mean energy distance, with its standard error, against network calls, or against the price in calls."""
    spent = [row[cost] for row in rows]
    means, errors = ([1e4 * row["energy_distance"][key] for row in rows] for key in ("mean", "error"))
    ax.errorbar(spent, means, yerr=errors, **{"linewidth": 1.2, "markersize": 5} | style)
