"""Algebra: other formulas for the same numbers (posterior of x_0, logarithms, einsum, one-hot), float64 inside."""

import math
from functools import cached_property

import torch
from torch.nn.functional import one_hot

import utils
from utils import reverse_variance, standard_normal


def cosine_schedule(T, s=0.008):
    """ᾱ_t = f(t)/f(0), f(t) = cos²((t/T + s)/(1 + s) · π/2), β_t ≤ 0.999 (Nichol & Dhariwal 2021, eq. 17)."""
    t = torch.linspace(0, 1, T + 1, dtype=torch.float64)
    log_f = 2 * torch.log(torch.cos((t + s) / (1 + s) * (math.pi / 2)).abs())
    betas = -torch.expm1(log_f.diff())  # 1 - f(t)/f(t-1); f(0) cancels
    return Schedule(torch.nn.functional.pad(torch.minimum(betas, torch.full_like(betas, 0.999)), (1, 0)))


class Schedule(utils.Schedule):
    @cached_property
    def alphas(self):
        """α_t = 1 - β_t (homework eq. 4)."""
        return torch.exp(torch.log1p(-self.betas))

    @cached_property
    def log_alphas_cumprod(self):
        """log ᾱ_t: the product as a sum of logarithms."""
        return torch.log1p(-self.betas).cumsum(0)

    @cached_property
    def alphas_cumprod(self):
        """ᾱ_t = α_1 α_2 … α_t (eq. 5), ᾱ_0 = 1."""
        return torch.exp(self.log_alphas_cumprod)

    @cached_property
    def sqrt_alphas_cumprod(self):
        """√ᾱ_t, the share of the image in x_t."""
        return torch.exp(self.log_alphas_cumprod / 2)

    @cached_property
    def sqrt_one_minus_alphas_cumprod(self):
        """√(1-ᾱ_t), the share of the noise in x_t."""
        return torch.sqrt(-torch.expm1(self.log_alphas_cumprod))

    @cached_property
    def posterior_variance(self):
        """β̃_t = (1-ᾱ_{t-1})/(1-ᾱ_t) β_t, the variance of q(x_{t-1}|x_t, x_0) (Ho et al. 2020, eq. 7); β̃_1 = 0."""
        noise = 1 - self.alphas_cumprod
        before = torch.cat([noise[:1], noise[:-1]])  # 1-ᾱ_{t-1}; 0 at t = 0 and t = 1
        # precisions add up: 1/β̃_t = α_t/β_t + 1/(1-ᾱ_{t-1}), and 1/0 is infinite as it should be
        return 1 / (self.alphas / self.betas + 1 / before)


def coefficient(table, t, x):
    """table[t] in float64 as a column, (B, 1, …, 1) for images like x."""
    rows = one_hot(t, len(table)).double() @ table.to(t.device)
    return rows.reshape(-1, *(1 for _ in x.shape[1:]))


def add_noise(schedule, x0, t, eps):
    """x_t = √ᾱ_t x_0 + √(1-ᾱ_t) ε (eq. 3)."""
    abar = coefficient(schedule.alphas_cumprod, t, x0)
    x_t = abar**0.5 * x0.double() + (1 - abar) ** 0.5 * eps.double()
    return x_t.to(x0.dtype)


def drop_labels(y, p, null_label, generator):
    """A copy of y in which each label by itself becomes the null label ∅ with probability p (Ho & Salimans 2022)."""
    u = torch.rand(y.shape, generator=generator, device=generator.device, dtype=torch.float64).to(y.device)
    dropped = (u < p).to(y.dtype)
    return y + dropped * (null_label - y)


def noised_batch(schedule, x0, generator):
    """t uniform on 1 … T for each sample, ε ~ N(0, I), and x_t: (t, eps, x_t)."""

    def uniform(shape):
        drawn = torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float64)
        return drawn.to(x0.device)

    # Box and Muller: two uniform numbers make a normal one
    eps = torch.sqrt(-2 * torch.log1p(-uniform(x0.shape))) * torch.cos(2 * math.pi * uniform(x0.shape))
    eps = eps.to(x0.dtype)
    t = 1 + (schedule.T * uniform(len(x0))).floor().long()
    return t, eps, add_noise(schedule, x0, t, eps)


def diffusion_loss(network, schedule, x0, y, generator, prediction="eps", loss="l2"):
    """The objective of eq. 9, averaged over batch and pixels, for labels that were dropped already. A scalar."""
    t, eps, x_t = noised_batch(schedule, x0, generator)
    image = coefficient(schedule.sqrt_alphas_cumprod, t, x0).to(x0.dtype)
    noise = coefficient(schedule.sqrt_one_minus_alphas_cumprod, t, x0).to(x0.dtype)
    # every target is a sum of ε and x_0 with these weights
    of_eps, of_x0 = {"eps": (1, 0), "x0": (0, 1), "v": (image, -noise)}[prediction]
    off = (network(x_t, t, y) - of_eps * eps - of_x0 * x0).abs()
    small = off.clamp(max=1)
    return {"l1": off, "l2": off**2, "huber": small * (off - small / 2)}[loss].mean()


class Training(utils.Training):
    def run(self, loss_of, parts=1):
        """Train from the present step to the last, yielding the loss after each; loss_of(network, generator).

        Each step averages the gradients of `parts` calls of loss_of, which need the memory of one. Raises
        FloatingPointError, with the weights as they were, at the first loss that is not finite.
        """
        weights = [p for p in self.network.parameters() if p.requires_grad]
        while len(self.losses) < self.steps:
            mean, value = [torch.zeros_like(p) for p in weights], 0.0
            for count in range(1, parts + 1):  # running means: m_n = m_{n-1} + (g_n - m_{n-1}) / n
                loss = loss_of(self.network, self.generator)
                gradients = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
                mean = [m + (g - m) / count for m, g in zip(mean, gradients, strict=True)]
                value += (float(loss.detach()) - value) / count
            if value - value != 0:  # NaN or infinite
                raise FloatingPointError(f"loss {value} in step {self.step}")
            for p, m in zip(weights, mean, strict=True):
                p.grad = m
            self.optimizer.step()
            self.lr_schedule.step()
            self.ema.update_parameters(self.network)
            self.losses.append(value)
            yield value


def reverse_step(denoiser, schedule, x_t, t, y, generator, variance="posterior"):
    """x_{t-1} = (x_t - (1-α_t)/√(1-ᾱ_t) ε̂(x_t, t, y)) / √α_t + σ_t z, z ~ N(0, I) (eq. 13)."""
    x, eps = x_t.double(), denoiser(x_t, t, y).double()
    alpha = coefficient(schedule.alphas, t, x)
    abar = coefficient(schedule.alphas_cumprod, t, x)
    abar_before = coefficient(schedule.alphas_cumprod, t - 1, x)
    x0 = (x - torch.sqrt(1 - abar) * eps) / torch.sqrt(abar)
    # the mean of q(x_{t-1}|x_t, x_0) at this x_0 (Ho et al. 2020, eq. 7) is the mean of eq. 13
    mean = (torch.sqrt(abar_before) * (1 - alpha) * x0 + torch.sqrt(alpha) * (1 - abar_before) * x) / (1 - abar)
    sigma = torch.sqrt(coefficient(reverse_variance(schedule, variance), t, x))
    return (mean + sigma * standard_normal(x, generator)).to(x_t.dtype)


@torch.no_grad()
def reverse_process(denoiser, schedule, x_T, y, generator, variance="posterior"):
    """Yields (T, x_T), (T-1, x_{T-1}), …, (0, x_0): ancestral sampling from the given noise x_T."""
    yield schedule.T, x_T
    t = torch.full(x_T.shape[:1], schedule.T, device=x_T.device)
    x = x_T
    while (t > 0).all():
        x, t = reverse_step(denoiser, schedule, x, t, y, generator, variance), t - 1
        yield t[0].item(), x


def sample_trajectory(denoiser, schedule, x_T, y, generator, variance="posterior"):
    """The whole reverse process, shape (T+1, *x_T.shape), indexed by t: the last entry is x_T, the first x_0."""
    steps, states = zip(*reverse_process(denoiser, schedule, x_T, y, generator, variance), strict=True)
    return torch.stack(states)[torch.tensor(steps).argsort().to(x_T.device)]


def sample(denoiser, schedule, x_T, y, generator, variance="posterior"):
    """x_0, shape of x_T: the end of the reverse process that starts at the noise x_T."""
    return sample_trajectory(denoiser, schedule, x_T, y, generator, variance)[0]


def classifier_free_guidance(denoiser, w):
    """ε̄ = (1+w) ε(x_t, t, y) - w ε(x_t, t, ∅) (eq. 18; Ho & Salimans 2022, eq. 6). w = 0 is the plain conditional."""
    return lambda x_t, t, y: torch.lerp(denoiser(x_t, t, None), denoiser(x_t, t, y), 1.0 + w)


def classifier_guidance(denoiser, classifier, schedule, scale=1.0):
    """ε̂ = ε(x_t, t, ∅) - √(1-ᾱ_t) s ∇ log f(y|x_t, t) (eqs. 14-15; Dhariwal & Nichol 2021, eq. 14, with scale s).

    classifier(x_t, t) returns logits (B, K); y holds real labels, not ∅. Minus, because the score is -ε/√(1-ᾱ_t).
    Their algorithm 1 adds s Σ ∇ log f to the mean of eq. 13 instead, which is the same only where β_t is small.
    """

    def guided(x_t, t, y):
        def log_f(x):
            logits = classifier(x, t)
            chosen = torch.einsum("bk,bk->b", logits, one_hot(y, logits.shape[1]).to(logits))
            return chosen - torch.logsumexp(logits, dim=1)

        x = x_t.detach()
        _, gradient = torch.autograd.functional.vjp(log_f, x, torch.ones_like(x.flatten(1)[:, 0]))
        share = coefficient(schedule.sqrt_one_minus_alphas_cumprod, t, x).to(x.dtype)
        # the score of the joint distribution first, then back from the score to the noise
        score = -denoiser(x_t, t, None) / share + scale * gradient
        return -share * score

    return guided
