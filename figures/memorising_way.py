"""Early stopping: a network that is trained on a hundred images, on its way towards the world and then to its set."""

import plots
from measurements.common import measurements


def draw():
    looks = measurements("memorising")["way"]["looks"]
    steps = [int(name) for name in looks]
    figure, (left, right) = plots.panels(1, 2, figsize=(7.4, 3.3))

    def curve(ax, key, colour, marker, times=1):
        values, errors = ([times * look[key][part] for look in looks.values()] for part in ("mean", "error"))
        ax.errorbar(steps, values, yerr=errors, color=colour, marker=marker, markersize=5)
        ax.set(xscale="log", xlabel="training steps")
        plots.whole_number_ticks(ax, steps[::2])
        return values

    excess = curve(left, "excess", plots.BLUE, "o", times=100)
    best = excess.index(min(excess))
    left.axvline(steps[best], color="0.6", linestyle=":")
    left.set(title="loss on fresh images,\n% above its floor", ylim=(0, 16))
    curve(right, "memorisation", plots.VERMILION, "s")
    right.axvline(steps[best], color="0.6", linestyle=":")
    right.set(title="memorisation coefficient\n(0: the world, 1: the set)", ylim=(-0.05, 0.6))
    figure.suptitle("A hundred images: trained longer, the network leaves the truth for its set", fontsize=10)
    return figure
