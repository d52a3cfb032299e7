"""What the models believe, in nats: the bound and what makes it loose, and the divergences of samplers from the truth.

Everything is by quadrature or on a grid, so there is no sampling noise. Divergences are KL(p ‖ p_θ) ("from") and
KL(p_θ ‖ p) ("to"), p the world; "mass" is that of p_θ on the grid, 1 where the grid is fine and wide enough.
"""

from tqdm import tqdm

from evaluation.committed import CHECKPOINTS
from evaluation.flow_density import flow_density, in_float64
from exact.bound import entropy, gap, squared_errors, terms, variances
from exact.chain_density import chain_density
from experiments import two_pixel
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


def flow_of(run, sampler, steps):
    """The divergences of a sampler of the flow, for network and oracle."""
    return {
        who: divergences(run, flow_density(run, denoiser, sampler, steps))
        for who, denoiser in (("network", in_float64(run)), ("oracle", run.exact))
    }


def measure():
    runs = {name: two_pixel.load(CHECKPOINTS / name) for name in {*BOUNDS, *CHAINS}}
    distilled = {n: two_pixel.load(CHECKPOINTS / folder) for n, folder in DISTILLED.items()}
    return {
        "bounds": {name: bound_of(runs[name]) for name in tqdm(BOUNDS, desc="bounds")},
        "flows": [
            {"run": name, "sampler": sampler, "steps": steps} | flow_of(runs[name], sampler, steps)
            for name, sampler, steps in tqdm(FLOWS, desc="flows")
        ],
        "distilled": {
            f"{n}": divergences(run, flow_density(run, in_float64(run), "ddim", n)) for n, run in distilled.items()
        },
        "chains": {name: chain_of(runs[name]) for name in tqdm(CHAINS, desc="chains")},
    }
