"""The reverse step and the sampler against brute-force Bayes, diffusers' schedulers, and the exact oracle."""

import math

import pytest
import torch
from diffusers import DDPMScheduler

from gmm import WORLDS, ExactDenoiser, GaussianMixture
from utils import (
    Schedule,
    add_noise,
    clip_x0,
    cosine_schedule,
    eps_denoiser,
    eps_from_x0,
    linear_schedule,
    reverse_process,
    reverse_step,
    reverse_variance,
    sample,
    sample_trajectory,
    training_target,
    x0_from_eps,
)


def full(x, t):
    return torch.full((len(x),), t)


def toy_network(x, t, y=None):
    """Something that depends on x and t, so that a wrong x or t shows."""
    return torch.sin(3 * x) + 0.1 * t.view(-1, *[1] * (x.ndim - 1))


def double_scheduler(T, beta_schedule, variance_type, **clipping):
    """diffusers' DDPM scheduler with its tables in float64; its step t - 1 is our t."""
    scheduler = DDPMScheduler(T, beta_schedule=beta_schedule, variance_type=variance_type, **clipping)
    scheduler.betas = scheduler.betas.double()
    scheduler.alphas = 1 - scheduler.betas
    scheduler.alphas_cumprod = scheduler.alphas.cumprod(0)
    scheduler.one = scheduler.one.double()
    scheduler.set_timesteps(T)
    return scheduler


@pytest.mark.parametrize("shape", [(1, 2), (1, 28, 28)])
@pytest.mark.parametrize(("variance", "theirs"), [("posterior", "fixed_small"), ("beta", "fixed_large")])
@pytest.mark.parametrize("beta_schedule", ["squaredcos_cap_v2", "linear"])
def test_reverse_step_conforms_to_diffusers_at_every_t(shape, variance, theirs, beta_schedule, generator):
    T = 30
    scheduler = double_scheduler(T, beta_schedule, theirs, clip_sample=False)
    schedule = Schedule(torch.cat([torch.zeros(1), scheduler.betas]))
    for t in range(T, 0, -1):
        x_t = torch.randn(3, *shape, generator=generator, dtype=torch.float64)
        eps = toy_network(x_t, full(x_t, t))
        ours = reverse_step(toy_network, schedule, x_t, full(x_t, t), None, torch.Generator().manual_seed(t), variance)
        reference = scheduler.step(eps, t - 1, x_t, generator=torch.Generator().manual_seed(t)).prev_sample
        # diffusers holds its variance above 1e-20, and its last step has none
        torch.testing.assert_close(ours, reference, atol=1e-9, rtol=1e-9)


def test_each_image_takes_the_step_from_its_own_t(generator):
    """A batch at t = 1, 4 and 10 beside each image alone, with no noise but that of the step."""
    schedule = cosine_schedule(10)
    x_t, t = torch.randn(3, 1, 2, generator=generator, dtype=torch.float64), torch.tensor([1, 4, 10])

    def step(x, t):
        """The mean: the step without that of x = 0, which has the same noise."""
        return sum(
            sign * reverse_step(toy_network, schedule, state, t, None, torch.Generator().manual_seed(0))
            for sign, state in ((1, x), (-1, 0 * x))
        )

    together = step(x_t, t)
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], step(x_t[i : i + 1], t[i : i + 1]))


def test_reverse_step_is_bayes_rule_when_x0_is_known():
    """Mean and variance of q(x_{t-1}|x_t, x_0) by summing q(x_t|x_{t-1}) q(x_{t-1}|x_0) over a grid (eq. 7-8)."""
    s, x0, x_t = cosine_schedule(10), 0.7, 0.2
    x_prev = torch.linspace(-8, 8, 400_001, dtype=torch.float64)
    for t in range(2, 11):
        a_prev, alpha, beta = float(s.alphas_cumprod[t - 1]), float(s.alphas[t]), float(s.betas[t])
        log_q = -((x_prev - math.sqrt(a_prev) * x0) ** 2) / (2 * (1 - a_prev))
        weight = (log_q - (x_t - math.sqrt(alpha) * x_prev) ** 2 / (2 * beta)).softmax(0)
        mean = float(weight @ x_prev)
        variance = float(weight @ (x_prev - mean) ** 2)

        def knows_x0(x, t, y):
            return eps_from_x0(s, x, t, torch.full_like(x, x0))

        x = torch.full((100_000, 1, 2), x_t, dtype=torch.float64)
        step = reverse_step(knows_x0, s, x, full(x, t), None, torch.Generator().manual_seed(0))
        n = step.numel()
        assert variance == pytest.approx(float(s.posterior_variance[t]), rel=1e-6)
        assert abs(float(step.mean()) - mean) < 4 * math.sqrt(variance / n)
        assert float(step.var()) == pytest.approx(variance, rel=4 * math.sqrt(2 / n))


def test_both_forms_of_the_posterior_mean_agree(generator):
    """Ho et al. eq. 11 against eq. 7: (x_t - β/√(1-ᾱ) ε)/√α = √ᾱ_{t-1} β/(1-ᾱ) x_0 + √α (1-ᾱ_{t-1})/(1-ᾱ) x_t."""
    s = cosine_schedule(10)
    x0, eps = torch.randn(2, 5, 1, 2, generator=generator, dtype=torch.float64)
    silent = Schedule(s.betas)
    silent.__dict__["posterior_variance"] = torch.zeros(11, dtype=torch.float64)  # the mean alone
    for t in range(1, 11):
        x_t = add_noise(s, x0, full(x0, t), eps)
        mean = reverse_step(lambda x, t, y: eps, silent, x_t, full(x0, t), None, torch.Generator())
        a, a_prev, alpha, beta = s.alphas_cumprod[t], s.alphas_cumprod[t - 1], s.alphas[t], s.betas[t]
        of_x0 = a_prev.sqrt() * beta / (1 - a) * x0 + alpha.sqrt() * (1 - a_prev) / (1 - a) * x_t
        torch.testing.assert_close(mean, of_x0)


@pytest.mark.parametrize("variance", ["posterior", "beta"])
def test_variance_recursion_of_a_one_gaussian_world(variance):
    """With one Gaussian N(0, s²) the oracle is linear, so each step maps variance v to k² v + σ_t², known exactly.

    Skipping the last step, asking at t+1 or noise at the last step all change the final variance by 9 % or more.
    """
    T, std, n = 6, 0.5, 400_000
    schedule = cosine_schedule(T)
    world = GaussianMixture([[0.0, 0.0]], std, [1.0])
    v = 1.0
    for t in range(T, 0, -1):
        a, alpha, beta = (float(table[t]) for table in (schedule.alphas_cumprod, schedule.alphas, schedule.betas))
        eps_gain = math.sqrt(1 - a) / (a * std**2 + 1 - a)  # ε* = eps_gain · x_t
        k = (1 - beta / math.sqrt(1 - a) * eps_gain) / math.sqrt(alpha)
        noise = 0.0 if t == 1 else float(schedule.posterior_variance[t]) if variance == "posterior" else beta
        v = k**2 * v + noise
    generator = torch.Generator().manual_seed(0)
    x_T = torch.randn(n, 1, 2, generator=generator, dtype=torch.float64)
    x_0 = sample(ExactDenoiser(world, schedule.alphas_cumprod), schedule, x_T, None, generator, variance)
    assert float(x_0.var()) == pytest.approx(v, rel=4 * math.sqrt(2 / (2 * n)))
    # neither variance is the exact one: β̃_t leaves out that x_0 is uncertain, β_t takes it for pure noise
    assert (v < std**2) == (variance == "posterior")


def test_sampler_asks_the_network_at_T_down_to_1_and_never_at_0(generator):
    asked = []

    def recording(x_t, t, y):
        assert (t == t[0]).all()
        asked.append(int(t[0]))
        return torch.zeros_like(x_t)

    sample(recording, cosine_schedule(7), torch.randn(4, 1, 2, generator=generator), None, generator)
    assert asked == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("variance", ["posterior", "beta"])
def test_noise_enters_at_every_step_but_the_last(variance):
    schedule, x_t = cosine_schedule(7), torch.zeros(2, 1, 2)
    for t in range(1, 8):
        one, other = (
            reverse_step(toy_network, schedule, x_t, full(x_t, t), None, torch.Generator().manual_seed(seed), variance)
            for seed in (0, 1)
        )
        assert torch.equal(one, other) == (t == 1)


def test_gaussian_steps_with_the_exact_variance_are_exact():
    """In a one-Gaussian world q(x_{t-1}|x_t) is Gaussian: its own variance instead of β̃_t or β_t ends at σ² exactly."""
    T, std = 6, 0.5
    schedule, world = cosine_schedule(T), GaussianMixture([[0.0, 0.0]], std, [1.0])
    v = float(schedule.alphas_cumprod[T]) * std**2 + 1 - float(schedule.alphas_cumprod[T])
    for t in range(T, 0, -1):
        x = torch.tensor([[0.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
        kernel = world.reverse_kernel(x, schedule.alphas_cumprod[t], schedule.alphas_cumprod[t - 1])
        k, variance = float(kernel.mean()[1, 0] - kernel.mean()[0, 0]), float(kernel.variance()[0])
        assert float(schedule.posterior_variance[t]) <= variance <= float(schedule.betas[t])  # Ho et al. 2020, sec. 3.2
        v = k**2 * v + variance
    assert v == pytest.approx(std**2, rel=1e-12)


def test_prior_error_vanishes_when_sampling_starts_at_the_exact_q_x_T():
    """Linear betas at T = 50 end at ᾱ_T = 0.60, far from N(0, I): the exact q(x_T) brings the mode weight back."""
    schedule, n = linear_schedule(50), 20_000
    world = WORLDS["signed"]
    denoiser = ExactDenoiser(world, schedule.alphas_cumprod)
    assert float(schedule.alphas_cumprod[50]) == pytest.approx(0.60, abs=0.005)

    def weight_of_mode_0(x_T):
        x_0 = sample(denoiser, schedule, x_T.unsqueeze(1), None, torch.Generator().manual_seed(1), "beta")
        return float((world.posterior(x_0[:, 0]).argmax(-1) == 0).double().mean())

    generator = torch.Generator().manual_seed(0)
    exact, _ = world.diffused(schedule.alphas_cumprod[50]).sample(n, generator)
    prior = torch.randn(n, 2, generator=generator, dtype=torch.float64)
    noise = 4 * math.sqrt(0.35 * 0.65 / n)
    assert abs(weight_of_mode_0(exact) - 0.35) < noise
    assert weight_of_mode_0(prior) > 0.35 + 3 * noise


@pytest.mark.parametrize("beta_schedule", ["squaredcos_cap_v2", "linear"])
def test_clipping_conforms_to_diffusers_at_every_t(beta_schedule, generator):
    scheduler = double_scheduler(20, beta_schedule, "fixed_small", clip_sample=True, clip_sample_range=0.7)
    schedule = Schedule(torch.cat([torch.zeros(1), scheduler.betas]))
    clipped = clip_x0(toy_network, schedule, -0.7, 0.7)
    for t in range(20, 0, -1):
        x_t = torch.randn(3, 1, 2, generator=generator, dtype=torch.float64)
        ours = reverse_step(clipped, schedule, x_t, full(x_t, t), None, torch.Generator().manual_seed(t))
        eps = toy_network(x_t, full(x_t, t))
        theirs = scheduler.step(eps, t - 1, x_t, generator=torch.Generator().manual_seed(t)).prev_sample
        torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=1e-9)


def test_named_variances():
    s = cosine_schedule(10)
    assert torch.equal(reverse_variance(s, "posterior"), s.posterior_variance)
    assert torch.equal(reverse_variance(s, "beta")[2:], s.betas[2:])
    assert reverse_variance(s, "beta")[1] == 0
    assert (s.posterior_variance[2:] < s.betas[2:]).all()


def test_trajectory_is_indexed_by_t_and_repeats(generator, oracle):
    denoiser, schedule = oracle(T=5)
    x_T = torch.randn(3, 1, 2, generator=generator)
    trajectory = sample_trajectory(denoiser, schedule, x_T, None, torch.Generator().manual_seed(1))
    assert trajectory.shape == (6, 3, 1, 2)
    assert torch.equal(trajectory[5], x_T)
    assert torch.equal(trajectory[0], sample(denoiser, schedule, x_T, None, torch.Generator().manual_seed(1)))
    step = reverse_step(denoiser, schedule, x_T, full(x_T, 5), None, torch.Generator().manual_seed(1))
    assert torch.equal(trajectory[4], step)


@pytest.mark.parametrize("variance", ["posterior", "beta"])
def test_trajectory_is_what_the_reverse_process_yields(variance, generator):
    """Each state with its own t, and with the variance that was asked for."""
    schedule, x_T = cosine_schedule(5), torch.randn(3, 1, 2, generator=generator)
    arguments = (toy_network, schedule, x_T, None)
    states = dict(reverse_process(*arguments, torch.Generator().manual_seed(1), variance))
    trajectory = sample_trajectory(*arguments, torch.Generator().manual_seed(1), variance)
    assert list(states) == [5, 4, 3, 2, 1, 0]
    for t, state in states.items():
        assert torch.equal(trajectory[t], state)
    assert torch.equal(sample(*arguments, torch.Generator().manual_seed(1), variance), states[0])


def test_sampling_keeps_no_graph_through_the_network(generator):
    weight = torch.ones((), requires_grad=True)
    x_T = torch.randn(3, 1, 2, generator=generator)
    trajectory = sample_trajectory(lambda x, t, y: weight * x, cosine_schedule(4), x_T, None, generator)
    assert not trajectory.requires_grad


@pytest.mark.parametrize("draw", [sample, sample_trajectory])
def test_labels_reach_the_denoiser_unchanged(draw, generator):
    y, asked = torch.tensor([0, 1, 2, 1]), []

    def recording(x_t, t, y):
        asked.append(y)
        return torch.zeros_like(x_t)

    draw(recording, cosine_schedule(3), torch.randn(4, 1, 2, generator=generator), y, generator)
    assert all(torch.equal(a, y) for a in asked)


@pytest.mark.parametrize("prediction", ["eps", "v", "x0", "u"])
def test_network_of_any_prediction_is_the_same_denoiser(prediction, generator, oracle):
    """A network that outputs the exact v or x_0 is the exact ε-denoiser once wrapped."""
    denoiser, schedule = oracle(T=10)
    x_t, t = torch.randn(10, 1, 2, generator=generator, dtype=torch.float64), torch.arange(1, 11)

    def network(x_t, t, y=None):
        eps = denoiser(x_t, t, y)
        return training_target(schedule, prediction, x0_from_eps(schedule, x_t, t, eps), t, eps)

    torch.testing.assert_close(eps_denoiser(network, schedule, prediction)(x_t, t), denoiser(x_t, t))


def test_clipping_holds_x0_within_bounds_and_touches_nothing_inside(generator, oracle):
    denoiser, schedule = oracle(T=10)
    x_t = 3 * torch.randn(200, 1, 2, generator=generator, dtype=torch.float64)
    for t in (1, 5, 10):
        low, high = torch.tensor([-0.2, -0.3]).double(), torch.tensor([0.6, 0.4]).double()
        x0 = x0_from_eps(schedule, x_t, full(x_t, t), denoiser(x_t, full(x_t, t)))
        clipped = clip_x0(denoiser, schedule, low, high)(x_t, full(x_t, t))
        clipped_x0 = x0_from_eps(schedule, x_t, full(x_t, t), clipped)
        torch.testing.assert_close(clipped_x0, torch.minimum(torch.maximum(x0, low), high), atol=1e-9, rtol=1e-9)
        untouched = clip_x0(denoiser, schedule, -1e9 * high.abs(), 1e9 * high)(x_t, full(x_t, t))
        torch.testing.assert_close(untouched, denoiser(x_t, full(x_t, t)))
