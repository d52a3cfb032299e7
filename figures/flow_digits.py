"""MNIST: quality against calls on both schedules after brief trainings, and what one round of reflow changes."""

import plots
from measurements.common import measurements

SAMPLERS = {"ddim": ("Euler (DDIM)", plots.ORANGE, "s"), "dpm_solver": ("DPM-Solver++", plots.PURPLE, "D")}
NETWORKS = {"cosine v": ("cosine, $v$", "-", None), "flow u": ("flow, $u$", "--", "white")}
REFLOW = {  # label, colour, line, colour in the marker
    "before": ("flow, $u$, before reflow", plots.ORANGE, "--", "white"),
    "after": ("after one round", plots.BLUE, "-", None),
}
DISTANCES = (80, 100, 200, 500, 1000)  # ticks


def curve(ax, rows, label, colour, marker, style, inside):
    """The Fréchet distance over the calls, from a dict whose keys are numbers of steps, or other things."""
    distances = {int(n): row["frechet"] for n, row in rows.items() if n.isdigit()}
    look = {"color": colour, "marker": marker, "linestyle": style, "markersize": 5, "linewidth": 1.2}
    look |= {} if inside is None else {"markerfacecolor": inside}
    ax.plot(list(distances), list(distances.values()), label=label, **look)


def draw():
    found = measurements("brief_digits")
    figure, (left, right) = plots.panels(1, 2, figsize=(7.4, 3.6), sharey=True)
    for network, (label, style, inside) in NETWORKS.items():
        for sampler, (name, colour, marker) in SAMPLERS.items():
            curve(left, found["flow"][network][sampler], f"{name}, {label}", colour, marker, style, inside)
    for state, (label, colour, style, inside) in REFLOW.items():
        curve(right, found["reflow"][state], label, colour, "s", style, inside)
    for ax, title, ticks in (
        (left, "two schedules", (2, 5, 10, 20, 50)),
        (right, "Euler's method on the flow", (1, 2, 4, 10)),
    ):
        ax.set(xscale="log", yscale="log", xlabel="calls", title=title)
        plots.whole_number_ticks(ax, ticks)
        ax.set_yticks(DISTANCES, [f"{distance}" for distance in DISTANCES])
        ax.minorticks_off()
        ax.legend(fontsize=8)
    left.set_ylabel(f"Fréchet distance (real digits: {found['real']['frechet']:.1f})")
    figure.suptitle("On digits, too, the flow is better with few steps, and reflow with one or two", fontsize=11)
    return figure
