"""Own way: closures, helpers and classes of its own; the global generator, used in another order; in-place torch."""

import itertools
import math
from functools import cached_property, partial

import torch
from torch.nn import functional as F

import utils
from utils import LOSSES, reverse_variance, training_target


def cosine_schedule(T, s=0.008):
    """ᾱ_t = f(t)/f(0), f(t) = cos²((t/T + s)/(1 + s) · π/2), β_t ≤ 0.999 (Nichol & Dhariwal 2021, eq. 17)."""

    def f(t):
        return torch.cos((t.double() / T + s) / (1 + s) * math.pi / 2).square()

    def abar(t):
        return f(t) / f(torch.zeros(()))

    betas = torch.zeros(T + 1, dtype=torch.float64)
    now = torch.arange(1, T + 1)
    betas[now] = (1 - abar(now) / abar(now - 1)).clip(max=0.999)
    return Schedule(betas)


class Schedule(utils.Schedule):
    @property
    def alphas(self):
        """α_t = 1 - β_t (homework eq. 4)."""
        return self.betas.neg().add_(1)

    @property
    def alphas_cumprod(self):
        """ᾱ_t = α_1 α_2 … α_t (eq. 5), ᾱ_0 = 1."""
        products = itertools.accumulate(self.alphas[1:], torch.mul, initial=torch.ones((), dtype=torch.float64))
        return torch.stack(list(products))

    @property
    def sqrt_alphas_cumprod(self):
        """√ᾱ_t, the share of the image in x_t."""
        return self.alphas.sqrt().cumprod(0)

    @property
    def sqrt_one_minus_alphas_cumprod(self):
        """√(1-ᾱ_t), the share of the noise in x_t."""
        return self.alphas_cumprod.neg_().add_(1).sqrt_()

    @cached_property
    def posterior_variance(self):
        """β̃_t = (1-ᾱ_{t-1})/(1-ᾱ_t) β_t, the variance of q(x_{t-1}|x_t, x_0) (Ho et al. 2020, eq. 7); β̃_1 = 0."""
        noise = 1 - self.alphas_cumprod
        table = noise.roll(1).div(noise).mul(self.betas)
        table[:2] = 0  # nothing comes before t = 0, and x_0 itself before t = 1
        return table


class Mixer:
    """Reads the tables of a schedule at t, and multiplies images by what it reads."""

    def __init__(self, schedule, t):
        self.schedule, self.t = schedule, t

    def __call__(self, table, x):
        values = table if torch.is_tensor(table) else getattr(self.schedule, table)
        values = values.to(self.t.device)[self.t].to(x.dtype)
        return (x.movedim(0, -1) * values).movedim(-1, 0)  # the batch comes last, where it broadcasts


def add_noise(schedule, x0, t, eps):
    """x_t = √ᾱ_t x_0 + √(1-ᾱ_t) ε (eq. 3)."""
    mix = Mixer(schedule, t)
    return mix("sqrt_alphas_cumprod", x0).add_(mix("sqrt_one_minus_alphas_cumprod", eps))


def drop_labels(y, p, null_label, generator):
    """A copy of y in which each label by itself becomes the null label ∅ with probability p (Ho & Salimans 2022)."""
    coins = torch.bernoulli(torch.full(y.shape, float(p), device=y.device)).bool()
    result = y.clone()
    result[coins] = null_label
    return result


def noised_batch(schedule, x0, generator):
    """t uniform on 1 … T for each sample, ε ~ N(0, I), and x_t: (t, eps, x_t)."""
    eps = torch.normal(torch.zeros_like(x0), 1.0)
    chances = torch.ones(schedule.T, device=x0.device)
    t = torch.multinomial(chances, len(x0), replacement=True) + 1
    return t, eps, add_noise(schedule, x0, t, eps)


def diffusion_loss(network, schedule, x0, y, generator, prediction="eps", loss="l2"):
    """The objective of eq. 9, averaged over batch and pixels, for labels that were dropped already. A scalar."""

    def pair():
        t, eps, x_t = noised_batch(schedule, x0, generator)
        yield training_target(schedule, prediction, x0, t, eps)
        yield network(x_t, t, y)

    return LOSSES[loss](*pair())  # every loss is the same both ways round


class Training(utils.Training):
    def run(self, loss_of, parts=1):
        """Train from the present step to the last, yielding the loss after each; loss_of(network, generator).

        Each step averages the gradients of `parts` calls of loss_of, which need the memory of one. Raises
        FloatingPointError, with the weights as they were, at the first loss that is not finite.
        """

        def backward():
            """One part: adds to the gradients, and returns its share of the loss."""
            loss = loss_of(self.network, self.generator).div(parts)
            if not loss.isfinite():
                self.optimizer.zero_grad()
                raise FloatingPointError("the loss is not finite")
            loss.backward()
            return loss.item()

        def closure():
            return sum(backward() for _ in range(parts))

        for _ in itertools.count(self.step + 1):
            if self.step >= self.steps:
                return
            loss = self.optimizer.step(closure)  # calls the closure before it changes the weights
            self.optimizer.zero_grad()
            self.lr_schedule.step()
            self.ema.update_parameters(self.network)
            self.losses += [loss]
            yield loss


def reverse_step(denoiser, schedule, x_t, t, y, generator, variance="posterior"):
    """x_{t-1} = (x_t - (1-α_t)/√(1-ᾱ_t) ε̂(x_t, t, y)) / √α_t + σ_t z, z ~ N(0, I) (eq. 13)."""
    mix = Mixer(schedule, t)
    noise = mix(reverse_variance(schedule, variance).sqrt(), torch.randn_like(x_t))  # before the denoiser is asked
    eps = denoiser(x_t, t, y=y)
    drift = mix(schedule.betas / (schedule.alphas * (1 - schedule.alphas_cumprod)).sqrt(), eps)
    return mix(schedule.alphas.rsqrt(), x_t).sub_(drift).add_(noise)


@torch.no_grad()
def reverse_process(denoiser, schedule, x_T, y, generator, variance="posterior"):
    """Yields (T, x_T), (T-1, x_{T-1}), …, (0, x_0): ancestral sampling from the given noise x_T."""

    def back(pair, _):
        step, x = pair
        t = torch.tensor(step, device=x.device).expand(len(x))
        return step - 1, reverse_step(denoiser, schedule, x, t, y, generator, variance=variance)

    yield from itertools.accumulate(range(schedule.T), back, initial=(schedule.T, x_T))


def sample_trajectory(denoiser, schedule, x_T, y, generator, variance="posterior"):
    """The whole reverse process, shape (T+1, *x_T.shape), indexed by t: the last entry is x_T, the first x_0."""
    states = dict(reverse_process(denoiser, schedule, x_T, y, generator, variance))
    return torch.cat([states[t].unsqueeze(0) for t in sorted(states)])


def sample(denoiser, schedule, x_T, y, generator, variance="posterior"):
    """x_0, shape of x_T: the end of the reverse process that starts at the noise x_T."""
    *_, (_, x_0) = reverse_process(denoiser, schedule, x_T, y, generator, variance)
    return x_0


class Guided:
    """A denoiser that asks another one twice, and goes further in the direction of the label."""

    def __init__(self, denoiser, w):
        self.denoiser, self.w = denoiser, w

    def __call__(self, x_t, t, y=None):
        labelled = self.denoiser(x_t, t, y)
        if self.w == 0:
            return labelled
        return labelled + self.w * (labelled - self.denoiser(x_t, t, None))


def classifier_free_guidance(denoiser, w):
    """ε̄ = (1+w) ε(x_t, t, y) - w ε(x_t, t, ∅) (eq. 18; Ho & Salimans 2022, eq. 6). w = 0 is the plain conditional."""
    return Guided(denoiser, w)


def guided_by_classifier(denoiser, classifier, schedule, scale, x_t, t, y):
    """The noise prediction, pushed uphill on log f."""
    surprise = torch.func.grad(lambda x: F.cross_entropy(classifier(x, t), y, reduction="sum"))(x_t.detach())
    push = Mixer(schedule, t)("sqrt_one_minus_alphas_cumprod", surprise)  # minus log f, so the sign is plus
    return denoiser(x_t, t, y=None).add(push, alpha=scale)


def classifier_guidance(denoiser, classifier, schedule, scale=1.0):
    """ε̂ = ε(x_t, t, ∅) - √(1-ᾱ_t) s ∇ log f(y|x_t, t) (eqs. 14-15; Dhariwal & Nichol 2021, eq. 14, with scale s).

    classifier(x_t, t) returns logits (B, K); y holds real labels, not ∅. Minus, because the score is -ε/√(1-ᾱ_t).
    Their algorithm 1 adds s Σ ∇ log f to the mean of eq. 13 instead, which is the same only where β_t is small.
    """
    return partial(guided_by_classifier, denoiser, classifier, schedule, scale)
