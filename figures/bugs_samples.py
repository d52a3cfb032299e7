"""Ten bugs of samplers: the energy distance of their samples sees six of them, sharper instruments see all."""

import plots
from measurements.bugs import RIGHT, seen
from measurements.common import measurements

WHO = {
    "oracle": (r"exact $\varepsilon^*$", plots.ORANGE, "s", -0.15),
    "network": ("network", plots.BLUE, "o", 0.15),
}
MATHS = {
    "√ᾱ_t for √α_t": r"$\sqrt{\bar\alpha_t}$ for $\sqrt{\alpha_t}$",
    "x_t clipped to [-1, 1]": "$x_t$ clipped to $[-1, 1]$",
    "network asked at t-1": "network asked at $t - 1$",
    "network asked at t+1": "network asked at $t + 1$",
    "starts at T-1": "starts at $T - 1$",
}


def found_by(name, found):
    """What shows a bug: the samples of network or oracle, the width in a world of one Gaussian, the steps asked."""
    row, right = found["rows"][name], found["rows"][RIGHT]
    ways = {
        "samples": any(seen(row[who]) for who in WHO),
        "width": abs(row["width_off"]) > 4,
        "steps asked": row["asked"] != right["asked"],
    }
    return ", ".join(way for way, finds in ways.items() if finds)


def draw():
    found = measurements("bugs")
    rows = found["rows"]
    names = sorted((name for name in rows if name != RIGHT), key=lambda name: rows[name]["network"]["mean"])
    figure, ax = plots.panels(1, 1, figsize=(7.6, 4.2))
    for who, (label, colour, marker, aside) in WHO.items():
        right = rows[RIGHT][who]
        means, errors = ([rows[name][who][part] for name in names] for part in ("mean", "error"))
        style = {"color": colour, "marker": marker, "linestyle": "", "markersize": 6}
        ax.errorbar(means, [i + aside for i in range(len(names))], xerr=errors, label=label, **style)
        ax.axvline(right["mean"], color=colour, linestyle="--", linewidth=1, label=f"right sampler, {label}")
    beside = {"xycoords": ("axes fraction", "data"), "va": "center", "fontsize": 8.5}
    ax.annotate("found by", (1.02, -0.75), weight="bold", **beside)
    for i, name in enumerate(names):
        ax.annotate(found_by(name, found), (1.02, i), **beside)
    ax.set_xscale("symlog", linthresh=4, linscale=0.7)
    ax.set(yticks=range(len(names)), yticklabels=[MATHS.get(name, name) for name in names])
    ax.set(xlabel="energy distance of 5000 samples, in noise floors")
    ax.set(xlim=(-1, 2e4), xticks=(0, 4, 10, 100, 1000, 10000), xticklabels=(0, 4, 10, 100, 1000, "10,000"))
    ax.minorticks_off()
    ax.invert_yaxis()
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    shown = sum("samples" in found_by(name, found) for name in names)
    figure.suptitle(f"Samples show {shown} of {len(names)} bugs; sharper instruments show all")
    return figure
