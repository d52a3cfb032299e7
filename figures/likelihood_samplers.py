"""How far each sampler's own density is from the truth, in nats: with the network and with the exact denoiser."""

import plots
from measurements.common import measurements

WAYS = {"network": ("network", plots.BLUE, "o"), "oracle": ("exact denoiser", plots.VERMILION, "s")}
NAMES = {"ddim": "DDIM", "deis": "DEIS", "heun": "Heun", "dpm_solver": "DPM-Solver++"}


def rows_of(found):
    """[(name, {who: KL(p ‖ p_θ) in nats})], from the top of the figure to its end."""

    def kl(parts):
        return {who: parts[who]["from"] for who in WAYS}

    chains = {T: found["chains"][f"homework-T{T}"] for T in (5, 10, 25, 50)}
    rows = [
        (f"eq. 13, ${symbol}$, T = {T}", {who: parts[who][name]["from"] for who in WAYS})
        for name, symbol in (("posterior", r"\tilde\beta_t"), ("beta", r"\beta_t"))
        for T, parts in chains.items()
    ]
    flows = [row for row in found["flows"] if row["run"] == "homework-T50"]
    rows += [(f"{NAMES[row['sampler']]}, {row['steps']} steps", kl(row)) for row in flows]
    distilled = found["distilled"].items()
    return rows + [(f"distilled, {n} step{'s' if n != '1' else ''}", {"network": row["from"]}) for n, row in distilled]


def draw():
    rows = rows_of(measurements("likelihood"))
    figure, ax = plots.panels(1, 1, figsize=(6.6, 5.2))
    for place, (_, values) in enumerate(rows):
        ax.plot(list(values.values()), [place] * len(values), color="0.7", linewidth=1.5)
    for who, (label, colour, marker) in WAYS.items():
        points = [(values[who], place) for place, (_, values) in enumerate(rows) if who in values]
        ax.scatter(*zip(*points, strict=True), color=colour, marker=marker, s=28, label=label, zorder=3)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=8.5)
    ax.invert_yaxis()
    ax.set(xscale="log", xlabel=r"KL$(p\,\|\,p_\theta)$ in nats")
    ax.legend(loc="lower right", fontsize=9)
    ax.set_title("The better the sampler, the more of its error is the network's", fontsize=11)
    return figure
