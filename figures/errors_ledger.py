"""The error ledger: whose error it is, by T: the network's, the steps', or that of the noise it starts from."""

import plots
from measurements.common import measurements

WAYS = {  # label, colour, marker, line
    "network": ("network", plots.BLUE, "o", "-"),
    "oracle": ("exact denoiser", plots.VERMILION, "s", "--"),
    "exact prior": (r"exact denoiser, from the exact $q(x_T)$", plots.BLACK, "D", ":"),
}


def draw():
    found = measurements("errors")
    figure, (left, right) = plots.panels(1, 2, figsize=(7.4, 3.5), sharey=True, width_ratios=(1.7, 1))
    for ax, schedule in ((left, "cosine"), (right, "linear")):
        by_T = {int(name.split("T = ")[1]): rows for name, rows in found["ledger"].items() if name.startswith(schedule)}
        for way, (label, colour, marker, line) in WAYS.items():
            rows = {T: rows[way]["energy_distance"] for T, rows in sorted(by_T.items()) if way in rows}
            means, errors = ([1e4 * row[part] for row in rows.values()] for part in ("mean", "error"))
            style = {"color": colour, "marker": marker, "linestyle": line, "label": label, "markersize": 5}
            ax.errorbar(list(rows), means, yerr=errors, **style)
        noise = 1e4 * found["floor"] / found["seeds"] ** 0.5
        ax.axhspan(-2 * noise, 2 * noise, color="0.85")
        ax.set(xscale="log", xlabel="$T$", title=f"{schedule} schedule", xlim=(min(by_T) / 1.5, max(by_T) * 1.5))
        plots.whole_number_ticks(ax, sorted(by_T))
    left.text(4, 0, "true samples", va="center", fontsize=9, color="0.3")
    left.set_yscale("symlog", linthresh=2, linscale=0.6)
    left.set(ylabel=r"energy distance $\times 10^4$ (linear below 2)", ylim=(-1, 200))
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=9)
    figure.suptitle(
        "Nearly all of the error comes from too few steps; a short linear schedule starts from the wrong noise",
        fontsize=10,
    )
    return figure
