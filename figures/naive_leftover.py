"""Naive diffusion: how much of the initial noise is left in the samples of the step-by-step algorithm."""

import plots
from evaluation.committed import generator
from measurements.common import measurements
from measurements.naive import COINS, fair_noise, renoising, stepwise
from small_systems.command_line import last
from small_systems.naive import renoising_sample, stepwise_sample, stepwise_sample_bits

SHOWN = 14


def draw():
    z, found = fair_noise(SHOWN), measurements("naive")
    rows = {"the noise": z}
    system = stepwise()
    f = system.f(system.network)
    rows["Algorithm 1, k = 32"] = last(stepwise_sample(f, z, system.config.T))
    rows["Algorithm 1 with coins, k = 32"] = last(stepwise_sample_bits(f, z, system.config.T, generator(COINS)))
    system = renoising()
    rows["Algorithm 2, S = 64"] = last(renoising_sample(system.f(system.network), z, 64, generator(COINS)))
    rows["real"] = system.test[:SHOWN]
    figure, (top, bottom) = plots.panels(2, 1, figsize=(7.4, 5), height_ratios=(1.4, 1))
    plots.rows_of_images(top, {name: 1 - x.detach() for name, x in rows.items()})
    slopes = {name: row["slope"]["mean"] for name, row in found["N-c"].items()}
    slopes |= {name: row["slope"] for name, row in found["N-c k = 8"].items()}
    names, exact = list(slopes), found["N-c exact"]
    bottom.barh(names, slopes.values(), color=plots.BLUE, label="network")
    places = [names.index(name) for name in exact]
    bottom.plot(exact.values(), places, "D", color=plots.VERMILION, label="exact denoiser of 2000 characters")
    bottom.invert_yaxis()
    bottom.set(xlabel="slope of the samples' pixels on the starting noise", xlim=(-0.03, 1))
    bottom.legend(loc="upper right")
    figure.suptitle("Stepping back keeps some of the starting noise, guessing anew does not")
    return figure
