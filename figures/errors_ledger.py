"""The error ledger: network, oracle, and oracle from the exact q(x_T), for each schedule and T."""

import plots
from measurements.common import measurements

# label, colour, marker, and how far from the middle of its row
WAYS = {
    "network": ("network", plots.BLUE, "o", -0.2),
    "oracle": ("oracle: no network error", plots.ORANGE, "s", 0.0),
    "exact prior": ("oracle from the exact q(x_T): no prior error either", plots.BLACK, "D", 0.2),
}


def draw():
    found = measurements("errors")
    names = list(found["ledger"])
    figure, (left, right) = plots.panels(1, 2, figsize=(10, 3.6), sharey=True)
    for way, (label, colour, marker, aside) in WAYS.items():
        rows = [(i + aside, found["ledger"][name][way]) for i, name in enumerate(names) if way in found["ledger"][name]]
        style = {"color": colour, "marker": marker, "linestyle": "", "label": label, "markersize": 6}
        for ax, key, unit in ((left, "energy_distance", 1e4), (right, "mode_weight", 1)):
            means, errors = ([unit * row[key][part] for _, row in rows] for part in ("mean", "error"))
            ax.errorbar(means, [i for i, _ in rows], xerr=errors, **style)
    noise = 1e4 * found["floor"] / found["seeds"] ** 0.5
    left.axvspan(-2 * noise, 2 * noise, color="0.85", label="means of true samples, ±2 standard deviations")
    left.set_xscale("symlog", linthresh=2, linscale=0.6)
    left.set(xlabel="energy distance × 10⁴", yticks=range(len(names)), yticklabels=names, xlim=(-2, None))
    weight, draws = found["weight"], found["seeds"] * found["samples"]
    chance = 2 * (weight * (1 - weight) / draws) ** 0.5
    right.axvspan(weight - chance, weight + chance, color="0.85")
    right.axvline(weight, color="0.6", linestyle="--")
    right.set(xlabel="weight of mode 0 (truth: dashed)")
    left.invert_yaxis()
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure
