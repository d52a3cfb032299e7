"""From copying to generalising: how far a network is on the way from the world's denoiser to its training set's."""

import plots
from measurements.common import measurements

WIDTHS = {  # label, colour, marker
    "narrow": ("64 and 128 channels", plots.ORANGE, "v"),
    "wide": ("128 and 512 channels", plots.PURPLE, "^"),
}
BY_T = {"10": plots.VERMILION, "100": plots.ORANGE, "1000": plots.GREEN, "10000": plots.BLUE}


def draw():
    found = measurements("memorising")
    figure, (left, right) = plots.panels(1, 2, figsize=(7.6, 3.7), sharey=True)
    sizes = [name for name in found if name.isdigit()]
    values, errors = ([found[name]["memorisation"][key] for name in sizes] for key in ("mean", "error"))
    left.errorbar(
        [int(name) for name in sizes], values, yerr=errors, color=plots.BLUE, marker="o", label="64 and 256 channels"
    )
    for width, (label, colour, marker) in WIDTHS.items():
        by_size = {N: found[f"{width} {N}"] for N in (30, 100, 300)}
        values, errors = ([row["memorisation"][key] for row in by_size.values()] for key in ("mean", "error"))
        left.errorbar(list(by_size), values, yerr=errors, color=colour, marker=marker, linewidth=1.2, label=label)
    longer = found["way"]["memorisation"]
    left.errorbar(
        100,
        longer["mean"],
        yerr=longer["error"],
        color=plots.BLACK,
        marker="D",
        linestyle="",
        label="four times as long",
    )
    left.legend(fontsize=8.5, loc="upper right", bbox_to_anchor=(1, 0.86))
    left.set(xscale="log", xlabel="training images $N$", ylabel="memorisation coefficient", ylim=(-0.1, 1.15))
    left.set_title("all noise levels together")
    for name, colour in BY_T.items():
        by_t = found[name]["memorisation_by_t"]
        shown = [t for t in by_t if int(t) <= 40]  # beyond, it is too noisy
        low, high = ([by_t[t]["mean"] + sign * by_t[t]["error"] for t in shown] for sign in (-1, 1))
        right.fill_between([int(t) for t in shown], low, high, color=colour, alpha=0.15, linewidth=0)
        right.plot([int(t) for t in shown], [by_t[t]["mean"] for t in shown], color=colour, label=f"$N$ = {name}")
    right.set(xlabel="$t$ (noise on the right)", title="at each $t$")
    right.legend(loc="lower right")
    for ax in (left, right):
        for end in (0, 1):
            ax.axhline(end, color="0.6", linewidth=0.8, linestyle=":")
    left.text(3, 0.02, "the world", fontsize=9, color="0.3")
    left.text(5000, 1.02, "the training set", fontsize=9, color="0.3", ha="center")
    figure.suptitle(
        "Copying ends between ten and a thousand images, and first where there is little noise", fontsize=10
    )
    return figure
