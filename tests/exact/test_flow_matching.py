"""Flow matching is the same model: its Euler steps are those of DDIM, its floors and paths are known."""

import math

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FlowMatchHeunDiscreteScheduler

from exact.flow_matching import bend, euler, heun, tau, velocity, weight_over_log_snr
from experiments.reflow import pairs, reflow_loss
from experiments.two_pixel import Config, TwoPixel, loss_weight
from gmm import WORLDS, ExactDenoiser, GaussianMixture
from samplers import ddim, last, steps_of
from small_systems.barebones import generate
from utils import SCHEDULES, add_noise, cosine_schedule, flow_schedule

WORLD = WORLDS["overlapping"]


def exact(schedule, world=WORLD):
    return ExactDenoiser(world, schedule.alphas_cumprod)


def noise(generator, n=200):
    return torch.randn(n, 1, 2, generator=generator, dtype=torch.float64)


def scale(share):
    """x_t / x_τ at τ = share: a_t + b_t = 1/√((1-τ)² + τ²)."""
    return 1 / math.hypot(1 - share, share)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("n", [50, 7, 1])
def test_euler_step_of_flow_matching_is_a_step_of_ddim(name, n, generator):
    schedule, steps, x_T = SCHEDULES[name](50), steps_of(50, n), noise(generator)
    ours = list(euler(exact(schedule), schedule, steps, x_T, None))
    for (s, x), (t, other) in zip(ours, ddim(exact(schedule), schedule, steps, x_T, None, generator), strict=True):
        assert s == t
        torch.testing.assert_close(x, other, rtol=1e-12, atol=1e-12)


def test_blending_is_the_same_euler_step(generator):
    """`barebones.generate` with Gaussian noise and the exact denoised image, at all levels from 1 to 0."""
    S, schedule, n = 20, flow_schedule(20), noise(generator)

    def denoised(z, level):
        """E[x_0 | x_τ = z], by Bayes' rule for z rather than for x_t; nothing is known at level 1."""
        share = round(S * float(level[0])) / S  # a level comes as float32
        x_t, alpha_bar = z * scale(share), ((1 - share) * scale(share)) ** 2
        return WORLD.given_noisy(x_t, alpha_bar).mean()

    blended = [x for x, _ in generate(denoised, n, S)]
    torch.testing.assert_close(blended[0], n + (1 / S) * (WORLD.mean() - n))  # the first step: towards the mean
    begin = blended[0] * scale(1 - 1 / S)
    walk = euler(exact(schedule), schedule, range(S - 1, -1, -1), begin, None)
    for (s, x), other in zip(walk, blended[1:], strict=True):
        torch.testing.assert_close(x / scale(s / S), other, rtol=1e-12, atol=1e-12)


def test_euler_conforms_to_diffusers_at_every_step(generator):
    schedule, x_T = flow_schedule(10), noise(generator)
    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(sigmas=[tau(schedule, t) for t in range(10, 0, -1)])
    z = x_T / scale(tau(schedule, 10))
    walk = euler(exact(schedule), schedule, range(10, -1, -1), x_T, None)
    for t, timestep, (s, x) in zip(range(10, 0, -1), scheduler.timesteps, walk, strict=True):
        u = velocity(exact(schedule), schedule, z, t)
        z = scheduler.step(u, timestep, z).prev_sample
        torch.testing.assert_close(x / scale(tau(schedule, s)), z, rtol=1e-5, atol=1e-5)  # theirs is float32


def test_heun_conforms_to_diffusers(generator):
    """Theirs calls the velocity at each τ but the first twice, and takes an Euler step to τ = 0, as ours."""
    schedule, x_T = flow_schedule(10), noise(generator)
    scheduler = FlowMatchHeunDiscreteScheduler()
    scheduler.set_timesteps(10)
    sigmas = torch.tensor([tau(schedule, t) for t in range(10, -1, -1)])
    scheduler.sigmas = torch.cat([sigmas[:1], sigmas[1:-1].repeat_interleave(2), sigmas[-1:]])
    asked = [10] + [t for t in range(9, 0, -1) for _ in range(2)]
    z = x_T / scale(tau(schedule, 10))
    for t, timestep in zip(asked, scheduler.timesteps, strict=True):
        z = scheduler.step(velocity(exact(schedule), schedule, z, t), timestep, z).prev_sample
    ours = last(heun(exact(schedule), schedule, range(10, -1, -1), x_T, None))
    torch.testing.assert_close(ours, z, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("make", [flow_schedule, cosine_schedule])
def test_floor_of_the_velocity_by_linear_regression(make):
    """Of u = ε - x_0 on x_t for one Gaussian: its variance less Cov²/Var; and through the floor of ε."""
    schedule, sigma = make(50), 0.45
    one = GaussianMixture([[0.3, -0.2]], sigma, [1.0])
    for t in range(1, 51):
        alpha_bar = schedule.alphas_cumprod[t]
        a, b = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
        regression = 1 + sigma**2 - (b - a * sigma**2) ** 2 / (a**2 * sigma**2 + b**2)
        assert float(loss_weight(alpha_bar, "u") * one.labelled_loss_floor(alpha_bar)) == pytest.approx(
            float(regression), rel=1e-9
        )


@pytest.mark.parametrize(("schedule", "prediction", "divisor"), [("cosine", "v", math.pi), ("flow", "u", 2)])
def test_flow_matching_has_the_weights_of_v_prediction(schedule, prediction, divisor):
    """e^{-λ/2} for both: on the cosine a = cos φ and φ is uniform, on the line τ is. The cosine's offset is small."""
    lam, weight = weight_over_log_snr(SCHEDULES[schedule](2000), prediction)
    middle = lam.abs() < 5
    torch.testing.assert_close(weight[middle], (-lam / 2).exp()[middle] / divisor, rtol=0.02, atol=0)


def test_paths_of_one_gaussian_bend_as_they_must(generator):
    """Each path is x_τ = x_1 √((1-τ)² s² + τ²); those of a single image are straight."""
    s, schedule = 0.5, flow_schedule(1000)
    x_T = noise(generator, 2000)
    found = bend(exact(schedule, GaussianMixture([[0.0, 0.0]], s, [1.0])), schedule, x_T)
    share = (torch.arange(100_000).double() + 0.5) / 100_000
    radius = ((1 - share) ** 2 * s**2 + share**2).sqrt()
    speed = (share - (1 - share) * s**2) / radius
    assert found == pytest.approx(float((speed - (1 - s)).square().mean() * x_T.square().mean()), rel=5e-3)
    point = GaussianMixture([[0.4, -1.0]], 1e-6, [1.0])
    assert bend(exact(flow_schedule(50), point), flow_schedule(50), x_T) < 1e-9


def test_heun_has_order_two(generator):
    """Against 64 times as many steps; of Euler the error halves, of Heun it falls to a quarter."""
    errors = {euler: [], heun: []}
    x_T = noise(generator)
    for method, found in errors.items():
        for T in (20, 40):
            # from the same place, τ = 0.9 to 0.1, where the velocity is smooth
            ends = []
            for n in (T, 640):
                schedule = flow_schedule(n)
                begin = x_T * scale(0.9)
                steps = range(int(0.9 * n), int(0.1 * n) - 1, -1)
                ends.append(last(method(exact(schedule), schedule, steps, begin, None)) / scale(0.1))
            found.append(float((ends[0] - ends[1]).square().mean().sqrt()))
    assert 1.7 < errors[euler][0] / errors[euler][1] < 2.4
    assert 3.4 < errors[heun][0] / errors[heun][1] < 4.8


def test_reflow_loss_is_zero_for_the_velocity_of_the_pairs(generator):
    """Pairs x_0 = c + ε/2, where x_τ tells ε. A network that says more is wrong by that much."""
    run = TwoPixel(Config(T=10, schedule="flow", prediction="u", batch_size=500))
    c, x_T = torch.tensor([[0.3, -1.2]]), torch.randn(1000, 1, 2, generator=generator)

    def network(x_t, t, y, more=0.0):
        shares = [tau(run.schedule, int(step)) for step in t]
        share, size = (torch.tensor(x).view(-1, 1, 1) for x in (shares, [scale(share) for share in shares]))
        eps = (x_t / size - (1 - share) * c) / (share + (1 - share) / 2)
        return eps / 2 - c + more

    images = c + x_T / 2
    assert float(reflow_loss(network, generator, run=run, x_T=x_T, x_0=images)) < 1e-8
    more = float(reflow_loss(lambda x, t, y: network(x, t, y, 0.5), generator, run=run, x_T=x_T, x_0=images))
    assert more == pytest.approx(0.25, rel=1e-4)


def test_reflow_of_pairs_with_labels_tells_each_its_own(generator):
    """Pairs x_0 = y, whose velocity is ε - y, and x_τ and the label tell ε."""
    run = TwoPixel(Config(T=10, schedule="flow", prediction="u", batch_size=500))
    x_T, y = torch.randn(1000, 1, 2, generator=generator), torch.randint(0, 2, (1000,), generator=generator)

    def network(x_t, t, y):
        shares = [tau(run.schedule, int(step)) for step in t]
        share, size = (torch.tensor(x).view(-1, 1, 1) for x in (shares, [scale(share) for share in shares]))
        x_0 = y.view(-1, 1, 1)
        return (x_t / size - (1 - share) * x_0) / share - x_0

    x_0 = y.view(-1, 1, 1) + torch.zeros(1000, 1, 2)
    assert float(reflow_loss(network, generator, run=run, x_T=x_T, x_0=x_0, y=y)) < 1e-8
    assert float(reflow_loss(network, generator, run=run, x_T=x_T, x_0=x_0, y=1 - y)) > 0.1


def test_pairs_are_the_ends_of_the_same_path(generator):
    run = TwoPixel(Config(T=10)).with_sampler("ddim", 10)
    x_T, x_0 = pairs(run, 5, generator)
    again = last(ddim(run.denoiser(), run.schedule, steps_of(10, 10), x_T, None, generator))
    torch.testing.assert_close(x_0, again)


def test_noise_on_the_line_is_the_noise_of_eq_3(generator):
    """x_τ (a_t + b_t) is x_t, for the same image and the same noise."""
    schedule, x0, eps = flow_schedule(50), noise(generator, 50), noise(generator, 50)
    t = torch.arange(50)  # at t = T, β_T ≤ 0.999 keeps τ below 1
    share = (t.double() / 50).view(-1, 1, 1)
    size = torch.tensor([scale(step / 50) for step in range(50)]).double().view(-1, 1, 1)
    torch.testing.assert_close(add_noise(schedule, x0, t, eps), size * ((1 - share) * x0 + share * eps))
