"""Faster and better ways back from noise than eq. 13: fewer network calls for the same quality.

Each sampler is a generator called as sampler(denoiser, schedule, steps, x_T, y, generator). steps are the t that are
visited, from T down to 0: `steps_of(T, n)`. It yields (s, x_s) after each step, x_0 last, and asks the denoiser once
for each step, unless its docstring says otherwise. The random generator is for the noise on the way; samplers of the
probability flow add none. Write √ᾱ_t = a_t and √(1-ᾱ_t) = b_t, so that x_t = a_t x_0 + b_t ε.
"""

import math
from collections import deque
from functools import partial
from itertools import pairwise

import torch

from utils import add_noise, standard_normal, x0_from_eps


def steps_of(T, n):
    """n steps from T to 0, as equal as whole numbers allow: n+1 values of t. ValueError unless 1 ≤ n ≤ T."""
    if not 1 <= n <= T:
        raise ValueError(f"{n} sampling steps are asked for; the schedule has {T}, so 1 to {T} are possible")
    return [round(T * (n - i) / n) for i in range(n + 1)]


def calls_of(sampler, n):
    """Calls of the denoiser in n steps of a sampler (a name), and columns of its Jacobian for images of two pixels."""
    return (2 * n - 1 if sampler == "heun" else n), (2 * n if sampler == "second_moment" else 0)


def price_of(sampler, n):
    """What n steps cost in calls: a column of the Jacobian costs about two, and the call itself comes with it."""
    calls, columns = calls_of(sampler, n)
    return 2 * columns if columns else calls


def last(states):
    """x_0 of what a sampler yields."""
    ((_, x_0),) = deque(states, maxlen=1)
    return x_0


def step_tensor(x, t):
    """The step t, the same for all images: (1,) int64, on the device of x."""
    return torch.tensor([t], device=x.device)


def guess(denoiser, schedule, x, t, y):
    """ε̂ and x̂_0 at x_t."""
    eps = denoiser(x, step_tensor(x, t), y)
    return eps, x0_from_eps(schedule, x, step_tensor(x, t), eps)


def coefficients(schedule, t):
    """a_t and b_t as Python floats."""
    return float(schedule.sqrt_alphas_cumprod[t]), float(schedule.sqrt_one_minus_alphas_cumprod[t])


# --- DDIM -------------------------------------------------------------------------------------------------------------


@torch.no_grad()
def ddim(denoiser, schedule, steps, x_T, y, generator, eta=0.0):
    """x_s = a_s x̂_0 + √(b_s² - σ²) ε̂ + σ z, σ² = η² b_s²/b_t² (1 - ᾱ_t/ᾱ_s) (Song et al. 2021, eqs. 12 and 16).

    η = 1 over all steps is eq. 13 with the variance β̃_t; η = 0 adds no noise: the probability flow.
    """
    x = x_T
    for t, s in pairwise(steps):
        eps, x0 = guess(denoiser, schedule, x, t, y)
        (a_t, b_t), (a_s, b_s) = coefficients(schedule, t), coefficients(schedule, s)
        sigma = eta * b_s / b_t * math.sqrt(1 - (a_t / a_s) ** 2)
        x = a_s * x0 + math.sqrt(b_s**2 - sigma**2) * eps + sigma * standard_normal(x, generator)
        yield s, x


# --- probability flow by better integration ---------------------------------------------------------------------------


@torch.no_grad()
def heun(denoiser, schedule, steps, x_T, y, generator=None):
    """Heun's method for dx/dφ = v̂ = a ε̂ - b x̂_0, where a = cos φ, b = sin φ: two calls, one at the last step.

    The rule is that of Karras et al. 2022, alg. 1, in another variable: over these t their b/a begins near 1000, and
    few steps leap far too far. The angle φ (Salimans & Ho 2022, app. D) falls almost evenly from π/2 to 0 on the cosine
    schedule. The last step is x̂_0 itself.
    """

    def velocity(x, t):
        eps, x0 = guess(denoiser, schedule, x, t, y)
        a, b = coefficients(schedule, t)
        return a * eps - b * x0, x0

    x = x_T
    for t, s in pairwise(steps):
        v, x0 = velocity(x, t)
        step = angle(schedule, s) - angle(schedule, t)
        if s == 0:
            x = x0
        else:
            v_ahead, _ = velocity(x + step * v, s)
            x = x + step * (v + v_ahead) / 2
        yield s, x


def angle(schedule, t):
    """φ_t with a_t = cos φ_t and b_t = sin φ_t."""
    a, b = coefficients(schedule, t)
    return math.atan2(b, a)


@torch.no_grad()
def dpm_solver(denoiser, schedule, steps, x_T, y, generator=None):
    """DPM-Solver++(2M): x_s = b_s/b_t x_t - a_s (e^{-h} - 1) D (Lu et al. 2022b, algorithm 2).

    λ = log(a/b), h = λ_s - λ_t, and D = x̂_0 + (x̂_0 - x̂_0 before) h/2h_before. The first and the last step use x̂_0.
    """
    x, before, h_before = x_T, None, None
    for t, s in pairwise(steps):
        _, x0 = guess(denoiser, schedule, x, t, y)
        (a_t, b_t), (a_s, b_s) = coefficients(schedule, t), coefficients(schedule, s)
        if s == 0:
            x = x0
        else:
            h = math.log(a_s / b_s) - math.log(a_t / b_t)
            D = x0 if before is None else x0 + h / (2 * h_before) * (x0 - before)
            x = b_s / b_t * x - a_s * math.expm1(-h) * D
            before, h_before = x0, h
        yield s, x


@torch.no_grad()
def unipc(denoiser, schedule, steps, x_T, y, generator=None):
    """UniPC of order 2 (Zhao et al. 2023, B(h) = e^{-h} - 1): DPM-Solver++(2M) with a corrector.

    The network's answer at x_s also tells how x̂_0 changed between t and s. So the step to s is taken again with it, and
    the next step starts from the corrected x_s: no further call is needed.
    """
    x, before, h_before, way = x_T, None, None, None
    for t, s in pairwise(steps):
        _, x0 = guess(denoiser, schedule, x, t, y)
        x = x if way is None else corrected(*way, x0)
        (a_t, b_t), (a_s, b_s) = coefficients(schedule, t), coefficients(schedule, s)
        if s == 0:
            yield s, x0
            continue
        h = math.log(a_s / b_s) - math.log(a_t / b_t)
        slope = 0 if before is None else (x0 - before) / h_before  # of x̂_0 over λ
        straight = b_s / b_t * x - a_s * math.expm1(-h) * x0
        way = straight, a_s, h, x0, slope, h_before
        x = straight - a_s * math.expm1(-h) * h / 2 * slope
        before, h_before = x0, h
        yield s, x


def corrected(straight, a_s, h, x0, slope, h_before, x0_ahead):
    """x_s corrected by x̂_0 at s: x̂_0 as a line over λ, or, where the slope before the step is known, as a parabola.

    straight is x_s for a constant x̂_0. The weights ρ solve ρ_1 + ρ_2 = b_1, r ρ_1 + ρ_2 = b_2, r = -h_before/h
    (Zhao et al. 2023, theorem 3.1).
    """
    B = math.expm1(-h)
    if h_before is None:
        return straight - a_s * B / 2 * (x0_ahead - x0)
    phi = -B / h - 1
    b_1, b_2, r = phi / B, -2 * (phi / h + 1 / 2) / B, -h_before / h
    rho_1 = (b_1 - b_2) / (1 - r)
    return straight - a_s * B * (rho_1 * h * slope + (b_1 - rho_1) * (x0_ahead - x0))


@torch.no_grad()
def deis(denoiser, schedule, steps, x_T, y, generator=None):
    """DEIS, two-step in log ρ: x̄_s = x̄_t + ∫ P(ρ) dρ, with P the line in log ρ through ε̂ and the ε̂ before.

    x̄ = x/a, ρ = b/a (Zhang & Chen 2023, sec. 3, whose line is one in t or in ρ; in log ρ it is that of diffusers). The
    first and the last step use ε̂ alone.
    """
    x, before, rho_before = x_T, None, None
    for t, s in pairwise(steps):
        eps, x0 = guess(denoiser, schedule, x, t, y)
        (a_t, b_t), (a_s, b_s) = coefficients(schedule, t), coefficients(schedule, s)
        rho_t, rho_s = b_t / a_t, b_s / a_s
        if s == 0:
            x = x0
        elif before is None:
            x = a_s * (x / a_t + (rho_s - rho_t) * eps)
        else:
            slope = integral_of_log(rho_s, rho_t) / math.log(rho_before / rho_t)
            x = a_s * (x / a_t + (rho_s - rho_t) * eps + slope * (before - eps))
        before, rho_before = eps, rho_t
        yield s, x


def integral_of_log(rho_s, rho_t):
    """∫ log(ρ/ρ_t) dρ from ρ_t to ρ_s."""
    return rho_s * (math.log(rho_s / rho_t) - 1) + rho_t


# --- second moments ---------------------------------------------------------------------------------------------------


def mean_and_covariance_of_x0(denoiser, schedule, x_t, t, y):
    """E[x_0|x_t], the shape of x_t, and Cov[x_0|x_t] = b_t²/a_t ∂x̂_0/∂x_t, (B, d, d): Tweedie's formulas.

    d is the number of pixels. The Jacobian is that of the denoiser itself, column by column: each costs about as much
    as two calls. It is made symmetric, which that of a network is not quite. An error of the Jacobian of ε̂, were it
    only the rounding of float32, counts 1/ᾱ_t-fold: near t = T it needs float64, and an excellent network. The formulas
    are those of a denoiser that estimates E[ε|x_t], not of one that is guided, or clipped here.
    """

    def x0_of(x):
        return guess(denoiser, schedule, x, t, y)[1]

    columns = []
    for direction in torch.eye(x_t[0].numel(), dtype=x_t.dtype, device=x_t.device):
        tangent = direction.view(1, *x_t.shape[1:]).expand_as(x_t)
        x0, column = torch.func.jvp(x0_of, (x_t,), (tangent,))
        columns.append(column.flatten(1))
    a, b = coefficients(schedule, t)
    covariance = torch.stack(columns, dim=2) * b**2 / a
    return x0, (covariance + covariance.mT) / 2


def root_of(covariance):
    """A symmetric root of covariances (B, d, d), their negative eigenvalues taken as 0."""
    values, vectors = torch.linalg.eigh(covariance)
    return vectors @ (values.clamp(min=0).sqrt().unsqueeze(-1) * vectors.mT)


def posterior_of_step(schedule, t, s):
    """q(x_s|x_t, x_0) = N(c x_0 + k x_t, v I): (c, k, v) for s < t, by Bayes' rule (Ho et al. 2020, eq. 7, any s)."""
    (a_t, b_t), (a_s, b_s) = coefficients(schedule, t), coefficients(schedule, s)
    alpha = (a_t / a_s) ** 2  # of the whole stretch from s to t
    return a_s * (1 - alpha) / b_t**2, math.sqrt(alpha) * b_s**2 / b_t**2, b_s**2 / b_t**2 * (1 - alpha)


@torch.no_grad()
def second_moment(denoiser, schedule, steps, x_T, y, generator):
    """x_s ~ N(c x̂_0 + k x_t, v I + c² Cov[x_0|x_t]): the Gaussian with the mean and the covariance of q(x_s|x_t).

    Each step asks for the Jacobian, too (`mean_and_covariance_of_x0`), so it is for images of few pixels. A first long
    step from ᾱ_T near 0 is the weak place of a trained network: one whose T is small has a larger ᾱ_T.
    """
    x = x_T
    for t, s in pairwise(steps):
        x0, covariance = mean_and_covariance_of_x0(denoiser, schedule, x, t, y)
        c, k, v = posterior_of_step(schedule, t, s)
        d = covariance.shape[1]
        root = root_of(c**2 * covariance + v * torch.eye(d).to(covariance))
        noise = (root @ standard_normal(x, generator).flatten(1).unsqueeze(2)).view_as(x)
        x = c * x0 + k * x + noise
        yield s, x


# --- the best variance that is one number for each step ---------------------------------------------------------------


@torch.no_grad()
def mean_variance_of_x0(denoiser, schedule, steps, x0, y, generator):
    """E‖x_0 - x̂_0(x_t)‖²/d over noisy versions of the images x0, at each t > 0 of steps: a dict by t.

    For the best denoiser it is the mean over pixels and images of Var[x_0|x_t]; for any other one it has the error of
    x̂_0 in it. Analytic-DPM (Bao et al. 2022) takes b_t²/a_t² (1 - E‖ε̂‖²/d) instead, the same for the best denoiser;
    where a_t is small, an average over data is far too rough for that.
    """
    variance = {}
    for t in steps[:-1]:
        x_t = add_noise(schedule, x0, step_tensor(x0, t), standard_normal(x0, generator))
        variance[t] = float((x0 - guess(denoiser, schedule, x_t, t, y)[1]).square().mean())
    return variance


@torch.no_grad()
def analytic(denoiser, schedule, steps, x_T, y, generator, variance_of_x0):
    """x_s ~ N(c x̂_0 + k x_t, (v + c² Var) I), with Var by t from `mean_variance_of_x0`: the best scalar variance.

    Analytic-DPM (Bao et al. 2022, theorem 1). It costs no more calls than eq. 13, once Var is known. Noise is added at
    the last step, too, as the theorem says (on images it is usually left out, for the eye); for a denoiser that
    estimates E[ε|x_t], as in `second_moment`.
    """
    x = x_T
    for t, s in pairwise(steps):
        _, x0 = guess(denoiser, schedule, x, t, y)
        c, k, v = posterior_of_step(schedule, t, s)
        x = c * x0 + k * x + math.sqrt(v + c**2 * variance_of_x0[t]) * standard_normal(x, generator)
        yield s, x


SAMPLERS = {
    "ddpm": partial(ddim, eta=1.0),
    "ddim": ddim,
    "heun": heun,
    "dpm_solver": dpm_solver,
    "unipc": unipc,
    "deis": deis,
    "second_moment": second_moment,
    "analytic": analytic,
}
PROBABILITY_FLOW = ("ddim", "heun", "dpm_solver", "unipc", "deis")  # those that add no noise
