"""Whether a network that was trained on N fixed images has learned the world or its training set.

Both denoisers are known: ε* of the world, and ε*_N of the set, which only copies (`finite_set`). A network on the way
from the one to the other has a share of their difference, the memorisation coefficient

    ⟨ε_θ - ε*, ε*_N - ε*⟩ / ‖ε*_N - ε*‖²          (0: the world, 1: the set)

with means over noisy training images. At the noisy end both denoisers nearly agree, so there it may be anything.
"""

import torch
from scipy.spatial import KDTree

from exact.finite_set import gaussian_posterior, posterior_mean
from experiments.two_pixel import TwoPixel
from utils import add_noise, standard_normal


class SetDenoiser:
    """The best denoiser of a finite set of images (N, 1, 2), in model space, without label: (x_t, t, y) -> ε*_N."""

    def __init__(self, images, schedule):
        self.images, self.schedule = images.double(), schedule

    def __call__(self, x_t, t, y=None):
        """x_t (B, 1, 2) and one step t (1,); y is not used."""
        alpha_bar = float(self.schedule.alphas_cumprod[t])
        x0 = posterior_mean(self.images, gaussian_posterior(self.images, x_t, alpha_bar))
        return ((x_t.double() - alpha_bar**0.5 * x0) / (1 - alpha_bar) ** 0.5).to(x_t)


def along_the_way(guess, of_world, of_set):
    """The two products of the memorisation coefficient, (2,): its numerator and its denominator, sums over a batch."""
    apart, moved = of_set - of_world, guess - of_world
    return torch.stack([(moved * apart).sum(), apart.square().sum()]).double()


@torch.no_grad()
def memorisation(run, denoiser, images, generator, n=2000):
    """The memorisation coefficient of a denoiser, from n noisy images of the set (N, 1, 2) at each t = 1 … T.

    Returns those of each t, (T,), and one number: that of all t together, a mean in which a t counts as much as the two
    denoisers differ there.
    """
    of_set, found = SetDenoiser(images, run.schedule), []
    for t in range(1, run.schedule.T + 1):
        step = torch.tensor([t])
        x0 = images[torch.randint(len(images), (n,), generator=generator)]
        x_t = add_noise(run.schedule, x0, step, standard_normal(x0, generator))
        found.append(along_the_way(denoiser(x_t, step), run.exact(x_t, step), of_set(x_t, step)))
    moved, apart = torch.stack(found).T
    return moved / apart, float(moved.sum() / apart.sum())


@torch.no_grad()
def agreement(run, one, other, generator, n=2000):
    """How far two denoisers are apart on noisy images of the world, and whether their errors are the same.

    Returns E‖ε̂ - ε̂'‖² as a share of the world's loss floor, both means over t = 1 … T; and the correlation of ε̂ - ε*
    and ε̂' - ε*, weighted alike. Two that agree without being right have a correlation near 1.
    """
    apart, products = 0.0, torch.zeros(3, dtype=torch.float64)
    for t in range(1, run.schedule.T + 1):
        step, (x0, _) = torch.tensor([t]), TwoPixel.draw(run, n, generator)
        x_t = add_noise(run.schedule, x0, step, standard_normal(x0, generator))
        a, b = (denoiser(x_t, step).double() - run.exact(x_t, step).double() for denoiser in (one, other))
        apart += float((a - b).square().mean()) / run.schedule.T
        products += torch.stack([(a * b).mean(), a.square().mean(), b.square().mean()])
    return apart / float(run.loss_floors[0].mean()), float(products[0] / (products[1] * products[2]).sqrt())


def nearest_in_std(run, samples, images):
    """The distance in σ of a mode of each sample (n, 2) to the nearest image of the set (N, 2), in pixel space."""
    return torch.from_numpy(KDTree(images).query(samples)[0]) / float(run.world.std.min())
