"""The density of what a deterministic sampler draws, exactly: no kernel estimate, no integration of a divergence.

A sampler without noise on the way is a map from x_T to x_0, so log p_θ(x_0) = log N(x_T; 0, I) - log |det ∂x_0/∂x_T|.
Its Jacobian has a column for each pixel, by forward differentiation through the whole sampler. On a grid of x_T this
gives p_θ as a density, and its divergences from the truth as sums over the grid: ∫ f(x_0) dx_0 = ∫ f |det| dx_T.
"""

import copy
import inspect
import math
from dataclasses import dataclass

import torch

from gmm import GaussianMixture
from samplers import SAMPLERS, last, steps_of

STANDARD_NORMAL = GaussianMixture([[0.0, 0.0]], 1.0, [1.0])  # where sampling starts, in model space
REACH, POINTS = 6.5, 96  # the grid of x_T: its half width, and its points in each direction


@dataclass(frozen=True)
class Density:
    """A model's density on a grid in pixel space: x_0 (n, 2), log p_θ(x_0) (n,), and the area dx_0 (n,)."""

    x_0: torch.Tensor
    log_p: torch.Tensor
    area: torch.Tensor

    def mass(self):
        """∫ p_θ dx_0: 1, but for what lies beyond the grid of x_T. (It sees nothing of the map: see `mass_of`.)"""
        return float((self.log_p.exp() * self.area).sum())

    def mass_of(self, world):
        """∫ p dx_0 over the same points: 1, unless the model hardly comes to where the world p is, or its map folds."""
        return float((world.log_prob(self.x_0).exp() * self.area).sum())

    def kl_from(self, world):
        """KL(p ‖ p_θ) in nats, p the world."""
        return self.divergence(world.log_prob(self.x_0), self.log_p)

    def kl_to(self, world):
        """KL(p_θ ‖ p) in nats."""
        return self.divergence(self.log_p, world.log_prob(self.x_0))

    def divergence(self, log_p, log_q):
        """∫ (p log(p/q) - p + q) dx_0: the last two cancel, for both integrate to 1.

        With them the integrand is nowhere negative, and 0 where p = q, so that the grid errs by a share of the
        divergence, and not by a share of 1.
        """
        p, q = log_p.exp(), log_q.exp()
        return float(((p * (log_p - log_q) - p + q) * self.area).sum())


def grid(reach=REACH, n=POINTS):
    """(n², 2) points in the middle of the n² equal cells of [-reach, reach]², float64, and the area of a cell."""
    width = 2 * reach / n
    middle = width * (torch.arange(n, dtype=torch.float64) + 0.5) - reach
    return torch.cartesian_prod(middle, middle), width**2


def in_float64(run):
    """The network as a denoiser in float64 on the CPU, without clipping: where it clips, a map's derivative is 0."""
    double = copy.copy(run)
    double.network = copy.deepcopy(run.network).cpu().double()
    return double.learned()


@torch.no_grad()
def density_of_map(run, x_from, log_density, cell, x_0_of):
    """`Density` of x_0 = x_0_of(x), (n, 1, 2) -> (n, 1, 2), for x (n, 2) on a grid of this log density (n,)."""
    columns = []
    for direction in torch.eye(2, dtype=torch.float64):
        tangent = direction.expand(len(x_from), 1, 2)
        x_0, column = torch.func.jvp(x_0_of, (x_from.unsqueeze(1),), (tangent,))
        columns.append(column.squeeze(1))
    log_det = torch.stack(columns, dim=2).det().abs().log() - 2 * math.log(run.scale)  # from model to pixel space
    return Density(run.to_pixels(x_0), log_density - log_det, cell * log_det.exp())


def flow_density(run, denoiser, sampler, steps, reach=REACH, n=POINTS):
    """`Density` of a sampler of the probability flow (or its name) that takes so many steps, without label."""
    draw = inspect.unwrap(SAMPLERS.get(sampler, sampler))  # without its no_grad, which would drop the derivatives
    (x_T, cell), visited = grid(reach, n), steps_of(run.schedule.T, steps)
    random = torch.Generator()  # asked for, and not used: the flow adds no noise

    def x_0_of(x):
        return last(draw(denoiser, run.schedule, visited, x, None, random))

    return density_of_map(run, x_T, STANDARD_NORMAL.log_prob(x_T), cell, x_0_of)
