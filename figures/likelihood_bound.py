"""The bound on -log p in nats: what the variance of a step costs at each t, and what is left with the best one."""

import plots
from measurements.common import measurements

VARIANCES = {  # label, colour, marker
    "posterior": (r"$\tilde\beta_t$, the homework's", plots.BLACK, "o"),
    "beta": (r"$\beta_t$", plots.ORANGE, "s"),
}
PARTS = {  # label, colour, marker, and where the label is: beside which T, how far, on which side
    "shape": ("a variance that is not round", plots.GREEN, "^", (5, (0, 9), "left")),
    "network": ("network", plots.BLUE, "o", (5, (0, 9), "left")),
    "humps": ("a step with two humps", plots.PURPLE, "D", (25, (-8, -16), "right")),
}
STEPS = (5, 10, 25, 50)


def draw():
    bounds = measurements("likelihood")["bounds"]
    figure, (left, right) = plots.panels(1, 2, figsize=(7.4, 3.5))
    exact = bounds["homework-T50"]["oracle"]
    for name, (label, colour, marker) in VARIANCES.items():
        costs = [a - b for a, b in zip(exact[name]["terms"], exact["best"]["terms"], strict=True)]
        t = range(2, len(costs))  # L_{t-1} stands at t - 1; at t = 1 all have the best variance
        left.plot(
            t, costs[1:-1], color=colour, marker=marker, markersize=3.5, label=f"{label}: {sum(costs):.3f} in all"
        )
    left.set(yscale="log", xlabel="$t$", ylabel="nats above the best variance", ylim=(1e-6, 3))
    left.set_title("cost of a step's variance\n(exact denoiser, $T = 50$)", fontsize=10)
    left.legend(fontsize=9)
    for part, (label, colour, marker, (near, shift, side)) in PARTS.items():
        costs = [bounds[f"homework-T{T}"]["network"]["best"]["gap"][part] for T in STEPS]
        right.plot(STEPS, costs, color=colour, marker=marker, markersize=5)
        place = near, costs[STEPS.index(near)]
        right.annotate(label, place, shift, textcoords="offset points", color=colour, ha=side, fontsize=9)
    right.set(xscale="log", yscale="log", xlabel="$T$", ylabel="nats above the entropy", ylim=(5e-4, 0.4))
    plots.whole_number_ticks(right, STEPS)
    right.set_title("what is left of the bound's gap\nwith the best variance", fontsize=10)
    figure.suptitle("The homework's variance costs nats where it is least expected: at $t = 2$", fontsize=10)
    return figure
