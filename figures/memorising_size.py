"""From copying to generalising: how far a network is on the way from the world's denoiser to its training set's."""

import plots
from measurements.common import measurements

WIDTHS = {  # label, colour, marker
    "narrow": ("64, 128 channels", plots.ORANGE, "v"),
    "wide": ("128, 512 channels", plots.PURPLE, "^"),
}
BY_T = {"10": plots.VERMILION, "100": plots.ORANGE, "1000": plots.GREEN, "10000": plots.BLUE}


def series(ax, by_size, label, colour, marker):
    """The coefficient against N, with its standard error, of the rows {N: row}."""
    values, errors = ([row["memorisation"][key] for row in by_size.values()] for key in ("mean", "error"))
    ax.errorbar(list(by_size), values, yerr=errors, color=colour, marker=marker, linewidth=1.2, label=label)


def draw():
    found = measurements("memorising")
    figure, (left, right) = plots.panels(1, 2, figsize=(7.6, 3.7), sharey=True)
    by_size = {int(name): row for name, row in found.items() if name.isdigit()}
    series(left, by_size, "64, 256 channels", plots.BLUE, "o")
    for width, (label, colour, marker) in WIDTHS.items():
        series(left, {N: found[f"{width} {N}"] for N in (30, 100, 300)}, label, colour, marker)
    longer = {30: found["long 30"], 100: found["way"]} | {N: found[f"long {N}"] for N in (300, 1000)}
    series(left, longer, "64, 256, trained 4 × as long", plots.BLACK, "D")
    left.legend(fontsize=8, handlelength=1.4, loc="upper right", bbox_to_anchor=(1.04, 0.88))
    left.set(xscale="log", xlabel="training images $N$", ylabel="memorisation coefficient", ylim=(-0.1, 1.15))
    left.set_title("all noise levels together")
    for name, colour in BY_T.items():
        by_t = found[name]["memorisation_by_t"]
        shown = [t for t in by_t if int(t) <= 40]  # beyond, it is too noisy
        low, high = ([by_t[t]["mean"] + sign * by_t[t]["error"] for t in shown] for sign in (-1, 1))
        right.fill_between([int(t) for t in shown], low, high, color=colour, alpha=0.15, linewidth=0)
        right.plot([int(t) for t in shown], [by_t[t]["mean"] for t in shown], color=colour, label=f"$N$ = {name}")
    right.set(xlabel="$t$ (noise on the right)", title="at each $t$")
    right.legend(loc="lower right", bbox_to_anchor=(1, 0.1))
    for ax in (left, right):
        for end in (0, 1):
            ax.axhline(end, color="0.6", linewidth=0.8, linestyle=":")
    left.text(3, 0.02, "the world", fontsize=9, color="0.3")
    left.text(5000, 1.02, "the training set", fontsize=9, color="0.3", ha="center")
    figure.suptitle(
        "Copying ends between ten and a thousand images, and first where there is little noise", fontsize=10
    )
    return figure
