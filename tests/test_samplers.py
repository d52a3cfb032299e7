"""The samplers: conformance to diffusers at every step, identities, and worlds in which the answer is known exactly."""

import math

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    UniPCMultistepScheduler,
)

import samplers
from gmm import WORLDS, ExactDenoiser, GaussianMixture
from samplers import ddim, deis, dpm_solver, heun, last, posterior_of_step, second_moment, steps_of, unipc
from utils import classifier_free_guidance, cosine_schedule, linear_schedule, reverse_step, sample

PROBABILITY_FLOW = {
    "ddim": lambda *a: ddim(*a, torch.Generator()),
    "heun": heun,
    "dpm_solver": dpm_solver,
    "deis": deis,
    "unipc": unipc,
}  # of which only ddim needs a generator, for the noise that η = 0 takes no share of


def smooth(x, t, y=None):
    """A denoiser that is no model of anything, but depends on x and t."""
    return 0.3 * torch.sin(x) + 0.7 * x + 0.01 * t.view(-1, 1, 1)


def oracle(world, schedule):
    return ExactDenoiser(world, schedule.alphas_cumprod)


@pytest.fixture
def x_T(generator):
    return torch.randn(64, 1, 2, generator=generator, dtype=torch.float64)


def test_steps_go_from_T_to_0_as_evenly_as_whole_numbers_can():
    assert steps_of(50, 10) == list(range(50, -1, -5))
    assert steps_of(50, 50) == list(range(50, -1, -1))
    assert steps_of(50, 1) == [50, 0]
    assert steps_of(50, 7) == [50, 43, 36, 29, 21, 14, 7, 0]
    lengths = [a - b for a, b in zip(steps_of(50, 7), steps_of(50, 7)[1:], strict=False)]
    assert set(lengths) == {7, 8}


@pytest.mark.parametrize("n", [0, 51, -1])
def test_impossible_numbers_of_steps_are_refused(n):
    with pytest.raises(ValueError, match="1 to 50"):
        steps_of(50, n)


@pytest.mark.parametrize("schedule", [cosine_schedule(50), linear_schedule(50)], ids=["cosine", "linear"])
@pytest.mark.parametrize(
    ("sampler", "scheduler", "options", "same"),
    [
        ("ddim", DDIMScheduler, {"clip_sample": False, "timestep_spacing": "trailing"}, 10),
        ("dpm_solver", DPMSolverMultistepScheduler, {"timestep_spacing": "trailing"}, 10),
        ("unipc", UniPCMultistepScheduler, {"timestep_spacing": "trailing", "final_sigmas_type": "zero"}, 10),
        # theirs ends at t = 1, ours at 0
        ("deis", DEISMultistepScheduler, {"timestep_spacing": "trailing"}, 9),
    ],
)
def test_sampler_conforms_to_diffusers_at_every_step(sampler, scheduler, options, same, schedule, x_T):
    theirs = scheduler(num_train_timesteps=50, trained_betas=schedule.betas[1:].numpy(), **options)
    theirs.set_timesteps(10)
    x = x_T
    ours = PROBABILITY_FLOW[sampler](smooth, schedule, steps_of(50, 10), x_T, None)
    for step, ((_, state), t) in enumerate(zip(ours, theirs.timesteps, strict=True)):
        x = theirs.step(smooth(x, torch.full((64,), int(t) + 1)), t, x).prev_sample
        if step < same:
            torch.testing.assert_close(state, x, rtol=3e-5, atol=3e-5)  # diffusers' tables are float32


def test_ddim_with_eta_1_over_all_steps_is_eq_13(x_T):
    schedule = cosine_schedule(20)
    ours = ddim(smooth, schedule, steps_of(20, 20), x_T, None, torch.Generator().manual_seed(1), eta=1.0)
    x, random = x_T, torch.Generator().manual_seed(1)
    for t, (s, state) in zip(range(20, 0, -1), ours, strict=True):
        x = reverse_step(smooth, schedule, x, torch.full((64,), t), None, random)
        assert s == t - 1
        torch.testing.assert_close(state, x, rtol=1e-9, atol=1e-9)


def every_sampler(denoiser, schedule, steps, x_T, y, generator):
    """Each by its name, all called alike; "analytic" with variances of the world `signed`."""
    x0, _ = WORLDS["signed"].sample(500, generator)
    x0 = x0.view(-1, 1, 2)
    variances = samplers.mean_variance_of_x0(oracle(WORLDS["signed"], schedule), schedule, steps, x0, None, generator)
    for name, sampler in samplers.SAMPLERS.items():
        options = {"variance_of_x0": variances} if name == "analytic" else {}
        yield name, sampler(denoiser, schedule, steps, x_T, y, generator, **options)


def test_calls_are_those_that_the_denoiser_receives(generator, x_T):
    """Columns of the Jacobian by torch.func come with a call each, of which one is the network call itself."""
    asked = []

    def denoiser(x, t, y=None):
        asked.append(int(t[0]))
        return smooth(x, t)

    for name, states in every_sampler(denoiser, cosine_schedule(50), steps_of(50, 7), x_T, None, generator):
        asked.clear()
        last(states)
        calls, columns = samplers.calls_of(name, 7)
        assert len(asked) == (columns if name == "second_moment" else calls)
        assert sorted(set(asked), reverse=True) == steps_of(50, 7)[:-1]


@pytest.mark.parametrize("sampler", PROBABILITY_FLOW)
def test_sampler_asks_at_every_step_that_is_visited_and_never_at_0(sampler, x_T):
    asked = []

    def denoiser(x, t, y=None):
        asked.append(int(t[0]))
        return smooth(x, t)

    visited = [s for s, _ in PROBABILITY_FLOW[sampler](denoiser, cosine_schedule(50), steps_of(50, 7), x_T, None)]
    steps = steps_of(50, 7)
    assert visited == steps[1:]
    assert sorted(set(asked), reverse=True) == steps[:-1]
    assert len(asked) == (13 if sampler == "heun" else 7)


@pytest.mark.parametrize(("sampler", "order"), [("ddim", 1), ("heun", 2), ("dpm_solver", 2), ("deis", 2), ("unipc", 3)])
def test_samplers_follow_the_probability_flow_with_their_order(sampler, order, x_T):
    """In a world of one Gaussian the flow is known: x_s = √(Var x_s / Var x_t) x_t about the mean. Here s > 0."""
    T, mean, std = 1024, torch.tensor([[0.4, -0.3]], dtype=torch.float64), 0.5
    schedule = cosine_schedule(T)
    world = GaussianMixture(mean, std, [1.0])
    start, end = 3 * T // 4, T // 4

    def exact(t):
        a = float(schedule.alphas_cumprod[t])
        return math.sqrt(a) * mean, math.sqrt(a * std**2 + 1 - a)

    (mean_t, std_t), (mean_s, std_s) = exact(start), exact(end)
    truth = mean_s + (x_T - mean_t) / std_t * std_s
    errors = []
    for n in (32, 64, 128):
        steps = [round(start + (end - start) * i / n) for i in range(n + 1)]
        x = last(PROBABILITY_FLOW[sampler](oracle(world, schedule), schedule, steps, x_T, None))
        errors.append(float((x - truth).abs().max()))
    assert errors[0] > errors[1] > errors[2]
    assert math.log2(errors[1] / errors[2]) > order - 0.35


def test_posterior_of_a_longer_step_is_bayes_rule():
    """q(x_s|x_t, x_0) from the three joint variances, for any s < t; of one step it is that of the schedule."""
    schedule = cosine_schedule(30)
    for t, s in ((30, 29), (30, 12), (7, 1), (5, 0)):
        c, k, v = posterior_of_step(schedule, t, s)
        a_t, a_s = (float(schedule.alphas_cumprod[i]) for i in (t, s))
        covariance = math.sqrt(a_t / a_s) * (1 - a_s)  # of x_s and x_t given x_0
        assert k == pytest.approx(covariance / (1 - a_t), abs=1e-12)
        assert c == pytest.approx(math.sqrt(a_s) - k * math.sqrt(a_t), abs=1e-12)
        assert v == pytest.approx(1 - a_s - covariance**2 / (1 - a_t), abs=1e-12)
    assert posterior_of_step(schedule, 9, 8)[2] == pytest.approx(float(schedule.posterior_variance[9]))


def test_covariance_of_x0_is_that_of_the_exact_posterior(x_T):
    """Tweedie's second formula on the oracle, against the mixture's own q(x_0|x_t)."""
    world, schedule, t = WORLDS["overlapping"], cosine_schedule(50), 30
    _, covariance = samplers.mean_and_covariance_of_x0(oracle(world, schedule), schedule, x_T, t, None)
    truth = world.given_noisy(x_T.squeeze(1), schedule.alphas_cumprod[t]).covariance()
    torch.testing.assert_close(covariance, truth, rtol=1e-9, atol=1e-12)


def test_covariance_of_x0_is_for_images_of_any_shape_and_batches_of_one():
    """Two channels of one pixel instead of one channel of two."""
    world, schedule = WORLDS["overlapping"], cosine_schedule(50)
    x_t = torch.tensor([[[0.3], [-0.8]]], dtype=torch.float64)
    x0, covariance = samplers.mean_and_covariance_of_x0(oracle(world, schedule), schedule, x_t, 20, None)
    posterior = world.given_noisy(x_t.flatten(1), schedule.alphas_cumprod[20])
    torch.testing.assert_close(x0.flatten(1), posterior.mean())
    torch.testing.assert_close(covariance, posterior.covariance())


def test_root_of_a_covariance_takes_negative_variances_as_0(generator):
    """A network's Jacobian can have some; the rest of the covariance stays as it is."""
    directions = torch.linalg.qr(torch.randn(2, 2, generator=generator, dtype=torch.float64))[0]

    def covariance(*variances):
        return directions @ torch.diag(torch.tensor(variances, dtype=torch.float64)) @ directions.T

    root = samplers.root_of(covariance(0.5, -0.1).unsqueeze(0))[0]
    torch.testing.assert_close(root @ root.T, covariance(0.5, 0.0), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_second_moment_sampling_is_exact_for_one_gaussian_at_any_number_of_steps(n, generator):
    """Mean and covariance over 40,000 images, within four standard errors, where eq. 13 is far too narrow."""
    world, schedule = GaussianMixture([[0.4, -0.3]], 0.5, [1.0]), cosine_schedule(50)
    x_T = torch.randn(40_000, 1, 2, generator=generator, dtype=torch.float64)
    x = last(second_moment(oracle(world, schedule), schedule, steps_of(50, n), x_T, None, generator)).squeeze(1)
    assert ((x.mean(0) - torch.tensor([0.4, -0.3])).abs() < 4 * 0.5 / 200).all()
    assert ((x.var(0) - 0.25).abs() < 4 * 0.25 * (2 / 40_000) ** 0.5).all()
    assert abs(float(x.T.cov()[0, 1])) < 4 * 0.25 / 200


@pytest.mark.parametrize("n", [1, 2, 5])
def test_best_scalar_variance_is_exact_for_one_gaussian_at_any_number_of_steps(n, generator):
    """There every pixel has the same variance and no correlation, so that one number is all of the covariance."""
    world, schedule = GaussianMixture([[0.4, -0.3]], 0.5, [1.0]), cosine_schedule(50)
    exact, steps = oracle(world, schedule), steps_of(50, n)
    x0 = world.sample(100_000, generator)[0].unsqueeze(1)
    variances = samplers.mean_variance_of_x0(exact, schedule, steps, x0, None, generator)
    for t, variance in variances.items():
        known = float(world.given_noisy(torch.zeros(2).double(), schedule.alphas_cumprod[t]).variance())
        assert variance == pytest.approx(known, rel=4 * (2 / 200_000) ** 0.5)
    x_T = torch.randn(40_000, 1, 2, generator=generator, dtype=torch.float64)
    x = last(samplers.analytic(exact, schedule, steps, x_T, None, generator, variances)).squeeze(1)
    assert ((x.mean(0) - torch.tensor([0.4, -0.3])).abs() < 4 * 0.5 / 200).all()
    assert ((x.var(0) - 0.25).abs() < 5 * 0.25 * (2 / 40_000) ** 0.5).all()


def test_variance_of_x0_has_the_error_of_the_denoiser_in_it(generator):
    """Bias δ of x̂_0 adds δ²: the variance about a wrong mean."""
    world, schedule, steps = WORLDS["overlapping"], cosine_schedule(50), [50, 30, 10, 0]
    exact = oracle(world, schedule)

    def biased(x, t, y=None):
        a, b = (float(table[t[0]]) for table in (schedule.sqrt_alphas_cumprod, schedule.sqrt_one_minus_alphas_cumprod))
        return exact(x, t, y) + 0.2 * a / b

    x0 = world.sample(20_000, generator)[0].unsqueeze(1)
    right, wrong = (
        samplers.mean_variance_of_x0(d, schedule, steps, x0, None, torch.Generator().manual_seed(2))
        for d in (exact, biased)
    )
    for t in steps[:-1]:
        expected_variance = world.given_noisy(
            world.diffused(schedule.alphas_cumprod[t]).sample(20_000, generator)[0], schedule.alphas_cumprod[t]
        ).variance()
        assert right[t] == pytest.approx(float(expected_variance.mean()), rel=0.05)
        assert wrong[t] - right[t] == pytest.approx(0.04, abs=4 * 2 * 0.2 * (right[t] / 40_000) ** 0.5)


def test_price_counts_calls_and_two_for_each_column():
    known = dict.fromkeys(samplers.SAMPLERS, (7, 0, 7)) | {"heun": (13, 0, 13), "second_moment": (7, 14, 28)}
    for name, (calls, columns, price) in known.items():
        name = "".join(list(name))  # equal to the name in the code, and another object
        assert (samplers.calls_of(name, 7), samplers.price_of(name, 7)) == ((calls, columns), price)


def test_no_sampler_keeps_a_graph_through_the_network(generator, x_T):
    """Or the memory of all its steps would be held until the last."""
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)

    def denoiser(x, t, y=None):
        return weight * smooth(x, t)

    for name, states in every_sampler(denoiser, cosine_schedule(50), steps_of(50, 5), x_T, None, generator):
        assert not last(states).requires_grad, name


def test_sampler_named_ddpm_adds_noise_and_the_one_named_ddim_none(x_T):
    schedule, steps = cosine_schedule(50), steps_of(50, 10)
    ends = {
        (name, seed): last(
            samplers.SAMPLERS[name](smooth, schedule, steps, x_T, None, torch.Generator().manual_seed(seed))
        )
        for name in ("ddpm", "ddim")
        for seed in (0, 1)
    }
    assert torch.equal(ends["ddim", 0], ends["ddim", 1])
    assert (ends["ddpm", 0] - ends["ddpm", 1]).std() > 0.1


def test_samplers_take_guidance_like_any_denoiser(generator):
    """Guided to a class of `signed`, whose modes lie far apart, every sampler ends in its mode."""
    world, schedule = WORLDS["signed"], cosine_schedule(50)
    denoiser = classifier_free_guidance(oracle(world, schedule), w=1.0)
    x_T, y = torch.randn(100, 1, 2, generator=generator, dtype=torch.float64), torch.ones(100, dtype=torch.int64)
    for _, states in every_sampler(denoiser, schedule, steps_of(50, 10), x_T, y, generator):
        assert (world.posterior(last(states).squeeze(1)).argmax(1) == 1).mean(dtype=torch.float) > 0.98
    assert (world.posterior(sample(denoiser, schedule, x_T, y, generator).squeeze(1)).argmax(1) == 1).all()
