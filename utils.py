"""The diffusion process, for data of any shape: schedule, noising, loss, training, reverse step, sampling, guidance.

Step t = 0 is clean data, t = T is noise. Every table has length T+1 and is indexed by t itself. A *denoiser* is
anything called as denoiser(x_t, t, y) that returns the noise prediction ε̂ in the shape of x_t: a network, the exact
oracle, or a wrapper around another denoiser (clipping, guidance). x is (B, *shape); t is int64 in 1 … T, a step for
each image (B,) or one for all of them (1,); y is (B,) int64 with ∅ = number of classes, or None for ∅ everywhere.
"""

import math
from collections import deque
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


@dataclass(frozen=True, eq=False)
class Schedule:
    """The noise schedule. betas (T+1,) float64 with betas[0] = 0; every other table follows from it.

    Raises ValueError unless T >= 1 and betas lie in (0, 1).
    """

    betas: torch.Tensor

    def __post_init__(self):
        if self.T < 1 or not ((self.betas[1:] > 0) & (self.betas[1:] < 1)).all():
            raise ValueError("a schedule needs T >= 1 and betas between 0 and 1")

    @property
    def T(self):
        return len(self.betas) - 1

    @cached_property
    def alphas(self):
        """α_t = 1 - β_t (homework eq. 4)."""
        return 1 - self.betas

    @cached_property
    def alphas_cumprod(self):
        """ᾱ_t = α_1 α_2 … α_t (eq. 5), ᾱ_0 = 1."""
        return self.alphas.cumprod(0)

    @cached_property
    def sqrt_alphas_cumprod(self):
        """√ᾱ_t, the share of the image in x_t."""
        return self.alphas_cumprod.sqrt()

    @cached_property
    def sqrt_one_minus_alphas_cumprod(self):
        """√(1-ᾱ_t), the share of the noise in x_t."""
        return (1 - self.alphas_cumprod).sqrt()

    @cached_property
    def posterior_variance(self):
        """β̃_t = (1-ᾱ_{t-1})/(1-ᾱ_t) β_t, the variance of q(x_{t-1}|x_t, x_0) (Ho et al. 2020, eq. 7); β̃_0 = β̃_1 = 0."""
        noise = 1 - self.alphas_cumprod
        return torch.cat([torch.zeros(1, dtype=torch.float64), noise[:-1] / noise[1:] * self.betas[1:]])


def cosine_schedule(T, s=0.008):
    """The Schedule with ᾱ_t = f(t)/f(0), f(t) = cos²((t/T + s)/(1 + s) · π/2), and β_t ≤ 0.999 (eqs. 11-12; Nichol &
    Dhariwal 2021, eq. 17)."""
    t = torch.arange(T + 1, dtype=torch.float64)
    f = torch.cos((t / T + s) / (1 + s) * math.pi / 2) ** 2
    betas = (1 - f[1:] / f[:-1]).clamp(max=0.999)
    return Schedule(torch.cat([torch.zeros(1, dtype=torch.float64), betas]))


def linear_schedule(T, beta_1=1e-4, beta_T=0.02):
    """β_t from beta_1 to beta_T in equal steps (Ho et al. 2020, sec. 4, for T = 1000; ᾱ_T is 0.60 for T = 50)."""
    betas = torch.linspace(beta_1, beta_T, T, dtype=torch.float64)
    return Schedule(torch.cat([torch.zeros(1, dtype=torch.float64), betas]))


def flow_schedule(T):
    """The line (1-τ) x_0 + τ ε of flow matching, τ = t/T, scaled to the variances of eq. 3: ᾱ_t = (1-τ)²/((1-τ)² + τ²)
    (Liu et al. 2023). β_t ≤ 0.999, as for the cosine: ᾱ_T would be 0."""
    tau = torch.arange(T + 1, dtype=torch.float64) / T
    alphas_cumprod = (1 - tau) ** 2 / ((1 - tau) ** 2 + tau**2)
    betas = (1 - alphas_cumprod[1:] / alphas_cumprod[:-1]).clamp(max=0.999)
    return Schedule(torch.cat([torch.zeros(1, dtype=torch.float64), betas]))


SCHEDULES = {"cosine": cosine_schedule, "linear": linear_schedule, "flow": flow_schedule}


def at(table, t, x):
    """table[t] for each sample, shaped (B, 1, …, 1) to multiply x; the float64 table is cast to x's type here."""
    return table.to(x)[t].view(-1, *[1] * (x.ndim - 1))


def standard_normal(x, generator):
    """ε ~ N(0, I) like x. Drawn where the generator lives: one on the CPU gives the same noise on every device."""
    return torch.randn(x.shape, generator=generator, device=generator.device, dtype=x.dtype).to(x.device)


# --- forward process, and the four things a network can predict -------------------------------------------------


def add_noise(schedule, x0, t, eps):
    """x_t = √ᾱ_t x_0 + √(1-ᾱ_t) ε (eq. 3)."""
    return at(schedule.sqrt_alphas_cumprod, t, x0) * x0 + at(schedule.sqrt_one_minus_alphas_cumprod, t, x0) * eps


def x0_from_eps(schedule, x_t, t, eps):
    """x̂_0 = (x_t - √(1-ᾱ_t) ε̂) / √ᾱ_t: eq. 3 solved for x_0."""
    return (x_t - at(schedule.sqrt_one_minus_alphas_cumprod, t, x_t) * eps) / at(schedule.sqrt_alphas_cumprod, t, x_t)


def eps_from_x0(schedule, x_t, t, x0):
    """ε̂ = (x_t - √ᾱ_t x̂_0) / √(1-ᾱ_t): eq. 3 solved for ε."""
    return (x_t - at(schedule.sqrt_alphas_cumprod, t, x_t) * x0) / at(schedule.sqrt_one_minus_alphas_cumprod, t, x_t)


def training_target(schedule, prediction, x0, t, eps):
    """What the network learns: "eps" ε, "x0" x_0, "u" the velocity u = ε - x_0 of flow matching (Liu et al. 2023),
    or "v" v = √ᾱ_t ε - √(1-ᾱ_t) x_0 (Salimans & Ho 2022, app. D).

    Raises ValueError for any other name.
    """
    if prediction == "eps":
        return eps
    if prediction == "x0":
        return x0
    if prediction == "u":
        return eps - x0
    if prediction != "v":
        raise ValueError(f"unknown prediction {prediction!r}")
    return at(schedule.sqrt_alphas_cumprod, t, x0) * eps - at(schedule.sqrt_one_minus_alphas_cumprod, t, x0) * x0


def eps_from_output(schedule, prediction, output, x_t, t):
    """The noise prediction ε̂ that a network's output means: for "v" it is √ᾱ_t v̂ + √(1-ᾱ_t) x_t, and for "u"
    (√ᾱ_t û + x_t) / (√ᾱ_t + √(1-ᾱ_t)).

    Raises ValueError for a name that `training_target` does not know.
    """
    if prediction == "eps":
        return output
    if prediction == "x0":
        return eps_from_x0(schedule, x_t, t, output)
    a, b = at(schedule.sqrt_alphas_cumprod, t, x_t), at(schedule.sqrt_one_minus_alphas_cumprod, t, x_t)
    if prediction == "u":
        return (a * output + x_t) / (a + b)
    if prediction != "v":
        raise ValueError(f"unknown prediction {prediction!r}")
    return a * output + b * x_t


def eps_denoiser(network, schedule, prediction):
    """A network that predicts ε, v, x_0 or u, as a denoiser."""

    def denoiser(x_t, t, y=None):
        return eps_from_output(schedule, prediction, network(x_t, t, y), x_t, t)

    return denoiser


def clip_x0(denoiser, schedule, low, high):
    """The denoiser with its x̂_0 clipped to [low, high]: 1/√ᾱ_T is about 1000, so an error at t = T must not pass."""

    def clipped(x_t, t, y=None):
        x0 = x0_from_eps(schedule, x_t, t, denoiser(x_t, t, y))
        return eps_from_x0(schedule, x_t, t, torch.clamp(x0, low, high))

    return clipped


# --- training -----------------------------------------------------------------------------------------------------

LOSSES = {"l1": F.l1_loss, "l2": F.mse_loss, "huber": F.huber_loss}


def drop_labels(y, p, null_label, generator):
    """A copy of y in which each label by itself becomes the null label ∅ with probability p (Ho & Salimans 2022)."""
    dropped = torch.rand(y.shape, generator=generator, device=generator.device).to(y.device) < p
    return torch.where(dropped, null_label, y)


def noised_batch(schedule, x0, generator):
    """t uniform on 1 … T for each sample, ε ~ N(0, I), and x_t: (t, eps, x_t)."""
    t = torch.randint(1, schedule.T + 1, (len(x0),), generator=generator, device=generator.device).to(x0.device)
    eps = standard_normal(x0, generator)
    return t, eps, add_noise(schedule, x0, t, eps)


def diffusion_loss(network, schedule, x0, y, generator, prediction="eps", loss="l2"):
    """The objective of eq. 9, averaged over batch and pixels, for labels that were dropped already. A scalar."""
    t, eps, x_t = noised_batch(schedule, x0, generator)
    return LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))


def classifier_loss(classifier, schedule, x0, y, generator):
    """Cross-entropy in nats of a classifier f(x_t, t) -> logits on images at every noise level. A scalar."""
    t, _, x_t = noised_batch(schedule, x0, generator)
    return F.cross_entropy(classifier(x_t, t), y)


def ema_update(decay):
    """The update of a moving average for AveragedModel, whose decay min(decay, (1+n)/(10+n)) grows with its age n."""

    def update(averaged, current, n):
        get_ema_multi_avg_fn(min(decay, float((1 + n) / (10 + n))))(averaged, current, n)

    return update


def half_cosine(steps):
    """The factor of the learning rate, from 1 down to 0; of the step alone, so that a run can go on to more steps."""
    return lambda step: (1 + math.cos(math.pi * step / steps)) / 2


class Training:
    """All that changes while a network trains: weights, their moving average (EMA), optimiser, randomness, losses."""

    PARTS = ("network", "ema", "optimizer", "lr_schedule")

    def __init__(self, network, steps, lr, generator, ema_decay=0.999):
        self.network, self.steps, self.generator = network, steps, generator
        self.ema = AveragedModel(network, multi_avg_fn=ema_update(ema_decay))
        self.optimizer = torch.optim.Adam(network.parameters(), lr, fused=True)
        self.lr_schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, half_cosine(steps))
        self.losses = []

    @property
    def step(self):
        return len(self.losses)

    def run(self, loss_of, parts=1):
        """Train from the present step to the last, yielding the loss after each; loss_of(network, generator).

        Each step averages the gradients of `parts` calls of loss_of, which need the memory of one. Raises
        FloatingPointError, with the weights as they were, at the first loss that is not finite.
        """
        while self.step < self.steps:
            self.optimizer.zero_grad()
            value = 0.0
            for _ in range(parts):
                loss = loss_of(self.network, self.generator) / parts
                loss.backward()
                value += loss.item()
            if not math.isfinite(value):
                raise FloatingPointError(f"the loss is {value} at step {self.step + 1}")
            self.optimizer.step()
            self.lr_schedule.step()
            self.ema.update_parameters(self.network)
            self.losses.append(value)
            yield value

    def state_dict(self):
        """Everything that a resumed run needs to end with the same weights as an uninterrupted one."""
        state = {name: getattr(self, name).state_dict() for name in self.PARTS}
        return state | {"generator": self.generator.get_state(), "losses": list(self.losses)}

    def load_state_dict(self, state):
        for name in self.PARTS:
            getattr(self, name).load_state_dict(state[name])
        self.generator.set_state(state["generator"])
        self.losses = list(state["losses"])


# --- reverse process ----------------------------------------------------------------------------------------------


def reverse_variance(schedule, name):
    """σ_t² of eq. 13: "posterior" is β̃_t, "beta" is β_t; neither adds noise at the last step, t = 1. (T+1,)

    β̃_t is right when x_0 is known, β_t when x_0 is pure noise; on average the truth lies between (Ho et al. 2020,
    sec. 3.2).
    Raises ValueError for any other name.
    """
    if name == "posterior":
        return schedule.posterior_variance
    if name != "beta":
        raise ValueError(f"unknown variance {name!r}")
    variance = schedule.betas.clone()
    variance[1] = 0
    return variance


def reverse_step(denoiser, schedule, x_t, t, y, generator, variance="posterior"):
    """x_{t-1} = (x_t - (1-α_t)/√(1-ᾱ_t) ε̂(x_t, t, y)) / √α_t + σ_t z, z ~ N(0, I) (eq. 13)."""
    eps = denoiser(x_t, t, y)
    noise_share = at(schedule.betas / schedule.sqrt_one_minus_alphas_cumprod, t, x_t)
    mean = (x_t - noise_share * eps) / at(schedule.alphas.sqrt(), t, x_t)
    sigma = at(reverse_variance(schedule, variance).sqrt(), t, x_t)
    return mean + sigma * standard_normal(x_t, generator)


@torch.no_grad()
def reverse_process(denoiser, schedule, x_T, y, generator, variance="posterior"):
    """Yields (T, x_T), (T-1, x_{T-1}), …, (0, x_0): ancestral sampling from the given noise x_T."""
    x = x_T
    yield schedule.T, x
    for step in range(schedule.T, 0, -1):
        t = torch.tensor([step], device=x.device)  # the same for all images: whatever depends on t broadcasts
        x = reverse_step(denoiser, schedule, x, t, y, generator, variance)
        yield step - 1, x


def sample(denoiser, schedule, x_T, y, generator, variance="posterior"):
    """x_0, shape of x_T: the end of the reverse process that starts at the noise x_T."""
    _, x_0 = deque(reverse_process(denoiser, schedule, x_T, y, generator, variance), maxlen=1).pop()
    return x_0


def sample_trajectory(denoiser, schedule, x_T, y, generator, variance="posterior"):
    """The whole reverse process, shape (T+1, *x_T.shape), indexed by t: the last entry is x_T, the first x_0."""
    states = [x for _, x in reverse_process(denoiser, schedule, x_T, y, generator, variance)]
    return torch.stack(states[::-1])


# --- guidance: denoisers around denoisers -------------------------------------------------------------------------


def classifier_free_guidance(denoiser, w):
    """ε̄ = (1+w) ε(x_t, t, y) - w ε(x_t, t, ∅) (eq. 18; Ho & Salimans 2022, eq. 6). w = 0 is the plain conditional."""

    def guided(x_t, t, y):
        return (1 + w) * denoiser(x_t, t, y) - w * denoiser(x_t, t, None)

    return guided


def classifier_guidance(denoiser, classifier, schedule, scale=1.0):
    """ε̂ = ε(x_t, t, ∅) - √(1-ᾱ_t) s ∇ log f(y|x_t, t) (eqs. 14-15; Dhariwal & Nichol 2021, eq. 14, with scale s).

    classifier(x_t, t) returns logits (B, K); y holds real labels, not ∅. Minus, because the score is -ε/√(1-ᾱ_t).
    Their algorithm 1 adds s Σ ∇ log f to the mean of eq. 13 instead, which is the same only where β_t is small.
    """

    def guided(x_t, t, y):
        with torch.enable_grad():
            x = x_t.detach().requires_grad_()
            log_f = classifier(x, t).log_softmax(-1).gather(1, y[:, None]).sum()
            (gradient,) = torch.autograd.grad(log_f, x)
        return denoiser(x_t, t, None) - at(schedule.sqrt_one_minus_alphas_cumprod, t, x_t) * scale * gradient

    return guided
