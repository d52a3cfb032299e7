"""The checks of the exercises of notebook 08, Fast samplers."""

import torch

import samplers
from checks.common import RIGHT, number, same_or_mistake, verdict
from experiments.distillation import x0_of_one_step
from gmm import WORLDS
from samplers import last
from utils import cosine_schedule


def ddim_step(function):
    """x_s = a_s x̂_0 + b_s ε̂, for a short and a long step."""
    schedule, random = cosine_schedule(50), torch.Generator().manual_seed(0)
    x_t, eps = torch.randn(2, 20, 2, generator=random, dtype=torch.float64)
    for t, s in ((20, 19), (40, 10), (30, 0)):
        truth = last(samplers.ddim(lambda *_: eps, schedule, [t, s], x_t, None, random))
        (a_t, b_t), (a_s, b_s) = (samplers.coefficients(schedule, step) for step in (t, s))
        x0 = (x_t - b_t * eps) / a_t
        given = x_t.clone()
        output = function(eps, schedule, given, t, s)
        if not torch.equal(given, x_t):
            return "Your function changed the x_t that it was given. Work on a copy."
        mistakes = {
            RIGHT: truth,
            "That is x̂_0. Now noise it again, to the level of s.": x0,
            "The noise of s is missing: b_s ε̂.": a_s * x0,
            "The noise is to be that of s, not of t.": a_s * x0 + b_t * eps,
            "x̂_0 is to be multiplied by a_s.": x0 + b_s * eps,
            "x̂_0 is (x_t - b_t ε̂)/a_t, with the a and b of t.": x_t,
            "x̂_0 is (x_t - b_t ε̂)/a_t, with the b of t, too.": a_s * (x_t - b_s * eps) / a_t + b_s * eps,
            "In x̂_0, the division by a_t is missing.": a_s * (x_t - b_t * eps) + b_s * eps,
        }
        if (line := same_or_mistake("my_ddim_step", output, mistakes)) != RIGHT:
            return line
    return RIGHT


def covariance_from_slope(function):
    """b²/a² (I - b J): the Jacobian of x̂_0 = (x_t - b ε̂)/a, times b²/a."""
    world, alpha_bar, identity = WORLDS["overlapping"], cosine_schedule(50).alphas_cumprod[30], torch.eye(2).double()
    x_t, _ = world.diffused(alpha_bar).sample(50, torch.Generator().manual_seed(0))
    J = torch.func.vmap(torch.func.jacrev(lambda x: world.best_eps(x, alpha_bar)))(x_t)
    truth = world.given_noisy(x_t, alpha_bar).covariance()
    a, b = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    mistakes = {
        RIGHT: truth,
        "That is ∂x̂_0/∂x_t. Tweedie's second formula multiplies it by (1-ᾱ_t)/√ᾱ_t.": truth * a / b**2,
        "A 1/√ᾱ_t is missing: one is in x̂_0, one in Tweedie's second formula.": truth * a,
        "The factor is (1-ᾱ_t)/√ᾱ_t, not √(1-ᾱ_t)/√ᾱ_t.": truth / b,
        "x_t itself changes, too: where is the I of ∂x̂_0/∂x_t?": truth - (b / a) ** 2 * identity,
        "More noise predicted, less image: J enters with a minus.": 2 * (b / a) ** 2 * identity - truth,
        "ε̂ stands in x̂_0 with the factor √(1-ᾱ_t).": (b / a) ** 2 * (identity - J),
        "1 - b J takes J from a 1 at every place; I is the identity, torch.eye(2).": (b / a) ** 2 * (1 - b * J),
        "x̂_0 divides by √ᾱ_t, and so does Tweedie's second formula: together by ᾱ_t.": truth * a**2,
    }
    return same_or_mistake("covariance_of_x0", function(J.clone(), alpha_bar), mistakes)


def taught_x0(function):
    """(x_s - r x_t)/(a_s - r a_t) with r = b_s/b_t, as `distillation` has it."""
    schedule, random = cosine_schedule(50), torch.Generator().manual_seed(0)
    x_t, x_s = torch.randn(2, 20, 2, generator=random, dtype=torch.float64)
    for t, s in ((40, 30), (20, 0)):
        truth = x0_of_one_step(schedule, x_t, torch.full((20,), t), x_s, torch.full((20,), s))
        a_t, b_t, a_s, b_s = (torch.as_tensor(x) for step in (t, s) for x in samplers.coefficients(schedule, step))
        r = b_s / b_t
        mistakes = {
            RIGHT: truth,
            "The teacher's point is x_s; the distilled model predicts an image, x̃_0.": x_s,
            "The divisor is not a_s alone: x̃_0 stands in ε̃, too.": (x_s - r * x_t) / a_s,
            "The noise that is left in x_s is b_s ε̃, and ε̃ has a 1/b_t.": (x_s - b_s * x_t) / (a_s - b_s * a_t),
            "x̃_0 enters ε̃ with a minus.": (x_s - r * x_t) / (a_s + r * a_t),
            "t and s are mixed up: the noise shrinks from b_t to b_s.": (x_s - x_t / r) / (a_s - a_t / r),
        }
        if (line := same_or_mistake("taught_x0", function(x_t, x_s, a_t, b_t, a_s, b_s), mistakes)) != RIGHT:
            return line
    return RIGHT


def twenty_calls(heun_steps, second_moment_steps):
    """The most steps that cost at most 20 calls."""
    heun = max(n for n in range(1, 21) if samplers.calls_of("heun", n)[0] <= 20)
    second = max(n for n in range(1, 21) if 2 * samplers.calls_of("second_moment", n)[1] <= 20)
    return verdict(
        number("heun_steps", heun_steps, heun, 0, "n steps cost 2n - 1 calls."),
        number(
            "second_moment_steps",
            second_moment_steps,
            second,
            0,
            "Two columns a step, two calls a column, and no call beside.",
        ),
    )
