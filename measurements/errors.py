"""Where the error of samples comes from: ledger, schedule cards, single reverse steps, the network over the plane."""

import torch
from tqdm import tqdm

from evaluation.committed import CHECKPOINTS
from evaluation.metrics import EVALUATION_SEED, energy_distance_floor
from exact.error_ledger import mean_step_divergences, quality, schedule_card, step_divergences
from exact.quadrature import expectation
from experiments import two_pixel
from measurements.common import mean_and_error
from utils import SCHEDULES

SEEDS = 5
SAMPLES = 5000
LEDGER = [("cosine", T) for T in (5, 10, 25, 50, 1000)] + [("linear", 50), ("linear", 1000)]
NETWORKS = {("cosine", T): f"homework-T{T}" for T in (5, 10, 25, 50)} | {("linear", 50): "homework-linear-T50"}
LEVELS = (0.2, 0.4, 0.6, 0.8)  # t/T of the reverse steps that are compared
MAPPED = (1, 5, 15, 30, 45)  # t of the map of the network's error


def experiment(schedule, T):
    """The committed run of a schedule, or, where no network was trained, one for its oracle alone."""
    name = NETWORKS.get((schedule, T))
    return two_pixel.load(CHECKPOINTS / name) if name else two_pixel.TwoPixel(two_pixel.Config(T=T, schedule=schedule))


def ledger_row(schedule, T):
    """`quality` of the network, of the oracle, and of the oracle from the exact q(x_T), over the seeds.

    Network and oracle meet the same random numbers, so that "network - oracle" is known far better than either.
    """
    run = experiment(schedule, T)
    ways = {"network": (run.denoiser(), False)} if (schedule, T) in NETWORKS else {}
    ways |= {"oracle": (run.oracle(), False), "exact prior": (run.oracle(), True)}
    found = {
        name: [quality(run, denoiser, EVALUATION_SEED + seed, exact, SAMPLES) for seed in range(SEEDS)]
        for name, (denoiser, exact) in ways.items()
    }
    row = {name: mean_and_error(values) for name, values in found.items()}
    if "network" in found:
        pairs = zip(found["network"], found["oracle"], strict=True)
        row["network - oracle"] = mean_and_error([{key: a[key] - b[key] for key in a} for a, b in pairs])
    return row


def error_of_network(run, t):
    """E‖ε_θ - ε*‖² per pixel over q(x_t), by quadrature: the network's excess loss at this t."""

    def squared(x):
        points = x.flatten(0, -2).float().unsqueeze(1)
        difference = network_minus_oracle(run, points, t)
        return difference.square().mean(-1).view(x.shape[:-1])

    return float(expectation(run.mixture.diffused(run.schedule.alphas_cumprod[t]), squared))


@torch.no_grad()
def network_minus_oracle(run, x, t):
    """ε_θ - ε* at points x (n, 1, 2) of model space, without label: (n, 2), float64."""
    ts = torch.full((len(x),), t)
    return (run.learned()(x, ts, None) - run.exact(x, ts, None)).squeeze(1).double()


def measure():
    run = experiment("cosine", 50)
    steps = {T: [round(level * T) for level in LEVELS] for T in (5, 50)}
    steps[5] = [t for t in steps[5] if t > 1]  # the last step of eq. 13 has no variance, and no finite divergence
    return {
        "seeds": SEEDS,
        "samples": SAMPLES,
        "floor": float(energy_distance_floor(run.world, SAMPLES)),
        "weight": float(run.world.weights[0]),
        "ledger": {f"{s}, T = {T}": ledger_row(s, T) for s, T in tqdm(LEDGER, desc="ledger")},
        "schedules": {
            f"{name}, T = {T}": schedule_card(run.mixture, make(T))
            for name, make in SCHEDULES.items()
            for T in (5, 10, 25, 50, 200, 1000)
        },
        "kernels": {
            str(T): {str(t): step_divergences(experiment("cosine", T), t, t - 1) for t in ts} for T, ts in steps.items()
        },
        "kernels_on_average": {
            str(T): {str(t): mean_step_divergences(experiment("cosine", T), t, t - 1) for t in ts}
            for T, ts in steps.items()
        },
        "map": {str(t): error_of_network(run, t) for t in MAPPED},
    }
