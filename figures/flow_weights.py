"""What each schedule and prediction makes the loss look at: the weight of an error of ε̂, over the log-SNR."""

import plots
from exact.flow_matching import weight_over_log_snr
from utils import SCHEDULES

WAYS = {  # schedule and prediction: label, colour, line style
    ("cosine", "eps"): (r"cosine, $\varepsilon$", plots.ORANGE, "-"),
    ("cosine", "v"): ("cosine, $v$", plots.BLUE, "-"),
    ("cosine", "x0"): ("cosine, $x_0$", plots.GREEN, "-"),
    ("flow", "u"): (r"flow matching: flow, $u$ ($\pi/2$ times cosine, $v$)", plots.VERMILION, "--"),
}
T = 2000  # so many steps draw a curve
SHOWN = 7.0  # of λ, on either side


def draw():
    figure, ax = plots.panels(1, 1, figsize=(6.6, 3.6))
    for (schedule, prediction), (label, colour, style) in WAYS.items():
        lam, weight = weight_over_log_snr(SCHEDULES[schedule](T), prediction)
        shown = lam.abs() < SHOWN
        ax.plot(lam[shown], weight[shown], color=colour, linestyle=style, linewidth=1.8, label=label)
    ax.set(yscale="log", xlabel=r"log-SNR $\lambda$ (noise on the left, image on the right)", ylim=(1e-4, 1e2))
    ax.set_ylabel(r"weight of $\|\varepsilon-\hat\varepsilon\|^2$ in the loss")
    ax.legend()
    ax.set_title("Flow matching weighs its errors as $v$-prediction on the cosine schedule does")
    return figure
