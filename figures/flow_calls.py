"""Quality against calls on the cosine and the flow schedule, with the exact denoiser and with networks."""

import plots
from measurements.common import measurements

SAMPLERS = {  # label, colour, marker, calls of n steps
    "euler": ("Euler (DDIM)", plots.ORANGE, "s", lambda n: n),
    "heun in τ": ("Heun", plots.BLUE, "P", lambda n: 2 * n - 1),
    "dpm_solver": ("DPM-Solver++", plots.PURPLE, "D", lambda n: n),
}
SCHEDULES = {"cosine": ("cosine", "-", None), "flow": ("flow", "--", "white")}  # label, line, colour in the marker
NETWORKS = {"cosine": "cosine v", "flow": "flow u"}
TICKS = (2, 5, 10, 20, 50)


def draw():
    found = measurements("flow_matching")
    figure, axes = plots.panels(1, 2, figsize=(7.4, 3.8), sharey=True)
    parts = {
        "exact denoiser": found["exact"],
        "networks ($v$ on cosine, $u$ on flow)": {name: found["networks"][NETWORKS[name]] for name in SCHEDULES},
    }
    for ax, (title, by_schedule) in zip(axes, parts.items(), strict=True):
        for schedule, (label, style, inside) in SCHEDULES.items():
            for sampler, (name, colour, marker, calls) in SAMPLERS.items():
                kls = by_schedule[schedule][sampler]
                measured = [kl if isinstance(kl, dict) else {"mean": kl, "error": 0} for kl in kls.values()]
                values, errors = ([kl[key] for kl in measured] for key in ("mean", "error"))
                look = {"color": colour, "marker": marker, "linestyle": style, "markersize": 5, "linewidth": 1.2}
                look |= {} if inside is None else {"markerfacecolor": inside}
                ax.errorbar([calls(int(n)) for n in kls], values, yerr=errors, label=f"{name}, {label}", **look)
        ax.set(xscale="log", yscale="log", xlabel="calls", title=title)
        plots.whole_number_ticks(ax, TICKS)
    axes[0].set_ylabel(r"KL$(p\,\|\,p_\theta)$ in nats")
    axes[0].legend(fontsize=8, loc="lower left")
    figure.suptitle("With few calls, methods better than Euler's gain from the steps of flow matching", fontsize=10)
    return figure
