"""What the models believe, in nats: the bound and what makes it loose, and the divergences of samplers from the truth.

Everything is by quadrature or on a grid, so there is no sampling noise. Divergences are KL(p ‖ p_θ) ("from") and
KL(p_θ ‖ p) ("to"), p the world; "mass" is that of p_θ on the grid, 1 where the grid is fine and wide enough.
"""

from pathlib import Path

import torch
from tqdm import tqdm

from evaluation.committed import CHECKPOINTS
from evaluation.flow_density import flow_density, in_float64
from exact.bound import entropy, gap, squared_errors, terms, variances
from exact.chain_density import chain_density, chain_on_grid, end_of_chain, grid_of
from experiments import two_pixel
from experiments.checkpoint import save_arrays
from utils import reverse_variance

BOUNDS = ("homework-T5", "homework-T10", "homework-T25", "homework-T50", "overlapping-T50")
CHAINS = ("homework-T5", "homework-T10", "homework-T25", "homework-T50")
FLOWS = (  # run, sampler, steps
    ("homework-T50", "ddim", 10),
    ("homework-T50", "ddim", 25),
    ("homework-T50", "ddim", 50),
    ("homework-T50", "deis", 10),
    ("homework-T50", "heun", 10),
    ("homework-T50", "dpm_solver", 10),
    ("homework-T50", "dpm_solver", 25),
    ("homework-T50", "dpm_solver", 50),
    ("overlapping-T50", "dpm_solver", 50),
)
BANDS = ((1, 6), (7, 12), (13, 20), (21, 30), (31, 50))  # first and last t
DENSITIES = Path(__file__).parent / "likelihood_chain.npz"  # of eq. 13, for the figure
SHOWN, WINDOW, EVERY = (50, 40, 30, 20, 10, 0), (-0.2, 1.3), 2  # t; intensities; which points of the grid are kept
DISTILLED = {4: "distilled-homework-T50/4-steps", 2: "distilled-homework-T50/2-steps", 1: "distilled-homework-T50"}


def bound_of(run):
    """The entropy, and for network and oracle the bound with each variance: its terms and the parts of its gap."""
    least, beyond = squared_errors(run, run.learned())
    found = {"entropy": entropy(run)}
    for who, extra in (("network", beyond), ("oracle", 0 * beyond)):
        rows = {}
        for name, variance in variances(run.schedule, least + extra).items():
            parts = terms(run, least + extra, variance)
            rows[name] = {
                "bound": float(parts.sum()),
                "terms": parts.tolist(),
                "gap": gap(run, least, extra, variance),
            }
        found[who] = rows
    return found


def divergences(run, density):
    """Of a `Density` from the world of the run, in nats."""
    return {"from": density.kl_from(run.world), "to": density.kl_to(run.world), "mass": density.mass()}


def chain_of(run):
    """The divergences of eq. 13, for network and oracle, with either variance."""
    return {
        who: {
            name: divergences(run, chain_density(run, denoiser, reverse_variance(run.schedule, name)))
            for name in ("posterior", "beta")
        }
        for who, denoiser in (("network", in_float64(run)), ("oracle", run.exact))
    }


@torch.no_grad()
def chain_in_pixels(run):
    """p_θ(x_t) of eq. 13 at each t of SHOWN, for the run's network: {t: (m, m, 3)}, x_t in pixel space and density.

    The points lie on a grid, except for t = 0, where they are where the last step takes them.
    """
    denoiser, variance, found = in_float64(run), reverse_variance(run.schedule, run.config.variance), {}
    points = run.to_pixels(grid_of(variance)[0].unsqueeze(1))
    for t, log_p in chain_on_grid(run, denoiser, variance):
        if t in SHOWN:
            found[t] = points, log_p.exp() * run.scale**2
    end = end_of_chain(run, denoiser, variance, t, log_p)
    found[0] = end.x_0, end.log_p.exp()
    n = round(len(points) ** 0.5)
    return {t: within_window(torch.cat([x, p[:, None]], dim=1).view(n, n, 3)) for t, (x, p) in found.items()}


def within_window(points):
    """Of (n, n, 3) points every EVERY-th whose row and column are within WINDOW."""
    inside = [(axis > WINDOW[0]) & (axis < WINDOW[1]) for axis in (points[:, 0, 0], points[0, :, 1])]
    return points[inside[0]][:, inside[1]][::EVERY, ::EVERY]


def flow_of(run, sampler, steps):
    """The divergences of a sampler of the flow, for network and oracle."""
    return {
        who: divergences(run, flow_density(run, denoiser, sampler, steps))
        for who, denoiser in (("network", in_float64(run)), ("oracle", run.exact))
    }


def divergence_by_steps(run, first, last):
    """KL(p ‖ p_θ) of DPM-Solver++ over all T steps, the network at first ≤ t ≤ last, the exact denoiser elsewhere."""
    network = in_float64(run)

    def denoiser(x_t, t, y=None):
        return (network if first <= int(t[0]) <= last else run.exact)(x_t, t, y)

    return flow_density(run, denoiser, "dpm_solver", run.schedule.T).kl_from(run.world)


def measure():
    runs = {name: two_pixel.load(CHECKPOINTS / name) for name in {*BOUNDS, *CHAINS}}
    distilled = {n: two_pixel.load(CHECKPOINTS / folder) for n, folder in DISTILLED.items()}
    save_arrays(DENSITIES, **{f"t{t}": p.float().numpy() for t, p in chain_in_pixels(runs["homework-T50"]).items()})
    return {
        "bounds": {name: bound_of(runs[name]) for name in tqdm(BOUNDS, desc="bounds")},
        "flows": [
            {"run": name, "sampler": sampler, "steps": steps} | flow_of(runs[name], sampler, steps)
            for name, sampler, steps in tqdm(FLOWS, desc="flows")
        ],
        "distilled": {
            f"{n}": divergences(run, flow_density(run, in_float64(run), "ddim", n)) for n, run in distilled.items()
        },
        "by_steps": {
            f"{a} to {b}": divergence_by_steps(runs["homework-T50"], a, b) for a, b in tqdm(BANDS, desc="steps")
        },
        "chains": {name: chain_of(runs[name]) for name in tqdm(CHAINS, desc="chains")},
    }
