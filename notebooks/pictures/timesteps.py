"""The pictures of notebook 04, Timesteps."""

import plots
from evaluation.metrics import EVALUATION_SEED
from evaluation.two_pixel import samples_in_pixels
from experiments.two_pixel import Config, TwoPixel
from figures.common import PLANE

VARIANCES = {"posterior": r"$\tilde\beta_t$", "beta": r"$\beta_t$"}


def distances(network, oracle):
    """Energy distance in noise floors against T, of the network and of the oracle, each a dict by T."""
    _, ax = plots.panels(1, 1, figsize=(6, 3.5))
    ax.loglog(list(network), list(network.values()), "o-", color=plots.BLUE, label="network")
    ax.loglog(list(oracle), list(oracle.values()), "x--", color=plots.ORANGE, label="oracle")
    ax.axhline(1, color=plots.BLACK, linewidth=0.8, label="noise floor")
    ax.set(xlabel="number of steps $T$", ylabel="energy distance in noise floors")
    ax.set_xticks(list(network), [str(T) for T in network])
    ax.minorticks_off()
    ax.legend()


def widths_of_one_gaussian(T_range, widths, sigma):
    """σ of the samples against T for both variances of eq. 13, beside the true one."""
    _, ax = plots.panels(1, 1, figsize=(6, 3.5))
    for (name, values), colour in zip(widths.items(), (plots.BLUE, plots.ORANGE), strict=True):
        ax.semilogx(T_range, values, "o-", color=colour, label=VARIANCES[name])
    ax.axhline(sigma, color=plots.BLACK, linewidth=0.8, label="truth")
    ax.set(xlabel="number of steps $T$", ylabel="σ of the samples")
    ax.legend()


def oracle_samples(T, variance, ax=None):
    """Two thousand samples by the exact ε* and eq. 13 with that variance, over the exact density."""
    ax = plots.panels(1, 1, figsize=(4.5, 4.5))[1] if ax is None else ax
    run = TwoPixel(Config(T=T, variance=variance))
    plots.exact_density(ax, run.world, PLANE)
    plots.scatter(ax, samples_in_pixels(run, run.oracle(), EVALUATION_SEED, 2000))
    plots.pixel_plane(ax, PLANE)
    ax.set_title(f"oracle, T = {T}, variance {VARIANCES[variance]}")
