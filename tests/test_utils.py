"""The diffusion process against closed forms, brute-force Bayes, diffusers' schedulers, and the exact oracle."""

import copy
import math

import pytest
import torch
from diffusers import DDPMScheduler
from torch import nn

from gmm import WORLDS, ExactDenoiser, GaussianMixture
from utils import (
    LOSSES,
    Schedule,
    Training,
    add_noise,
    classifier_free_guidance,
    classifier_guidance,
    classifier_loss,
    clip_x0,
    cosine_schedule,
    diffusion_loss,
    drop_labels,
    ema_update,
    eps_denoiser,
    eps_from_output,
    eps_from_x0,
    linear_schedule,
    noised_batch,
    reverse_step,
    reverse_variance,
    sample,
    sample_trajectory,
    training_target,
    x0_from_eps,
)

SHAPES = [(1, 2), (1, 28, 28)]
PREDICTIONS = ["eps", "v", "x0"]


def full(x, t):
    return torch.full((len(x),), t)


def toy_network(x, t, y=None):
    """Something that depends on x and t, so that a wrong x or t shows."""
    return torch.sin(3 * x) + 0.1 * t.view(-1, *[1] * (x.ndim - 1))


def oracle(world="overlapping", T=10, schedule=cosine_schedule):
    schedule = schedule(T)
    return ExactDenoiser(WORLDS[world], schedule.alphas_cumprod), schedule


# --- schedule -----------------------------------------------------------------------------------------------------


def test_cosine_schedule_has_the_published_values():
    """Nichol & Dhariwal eq. 17 with the square, s = 0.008 and the clip at 0.999, computed independently."""
    five = cosine_schedule(5)
    betas = [0, 0.10129408, 0.27954385, 0.47363535, 0.72405237, 0.999]
    alphas_cumprod = [1, 0.898705921, 0.647478211, 0.340809640, 0.0940456127, 9.40456e-5]
    assert five.betas.tolist() == pytest.approx(betas, abs=5e-9)
    assert five.alphas_cumprod.tolist() == pytest.approx(alphas_cumprod, rel=1e-6)
    fifty = cosine_schedule(50)
    betas = [0.00174751, 0.00368895, 0.00563379, 0.55483515, 0.749757, 0.999]
    assert fifty.betas[[1, 2, 3, 48, 49, 50]].tolist() == pytest.approx(betas, abs=5e-7)
    assert float(fifty.alphas_cumprod[50]) == pytest.approx(9.71193e-7, rel=1e-5)


@pytest.mark.parametrize(("name", "ours"), [("squaredcos_cap_v2", cosine_schedule), ("linear", linear_schedule)])
def test_schedules_are_those_of_diffusers_one_step_later(name, ours):
    theirs = DDPMScheduler(num_train_timesteps=50, beta_schedule=name).betas.double()
    torch.testing.assert_close(ours(50).betas[1:], theirs, atol=2e-7, rtol=1e-5)  # theirs is float32


@pytest.mark.parametrize("make", [cosine_schedule, linear_schedule])
@pytest.mark.parametrize("T", [1, 2, 5, 50, 1000])
def test_every_table_is_indexed_by_t_itself(make, T):
    s = make(T)
    assert s.T == T
    for table in (s.betas, s.alphas, s.alphas_cumprod, s.posterior_variance):
        assert table.shape == (T + 1,)
        assert table.dtype == torch.float64
    assert (s.betas[0], s.alphas[0], s.alphas_cumprod[0], s.posterior_variance[1]) == (0, 1, 1, 0)
    product = 1.0
    for t in range(1, T + 1):
        previous, product = product, product * (1 - float(s.betas[t]))
        assert float(s.alphas_cumprod[t]) == pytest.approx(product, rel=1e-12)
        assert float(s.posterior_variance[t]) == pytest.approx((1 - previous) / (1 - product) * float(s.betas[t]))


# --- forward process ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_noised_data_has_the_mean_and_variance_of_eq_3(shape, generator):
    schedule, n = cosine_schedule(10), 20_000 // math.prod(shape) + 2
    x0 = torch.randn(shape, generator=generator).expand(n, *shape)
    for t in (1, 5, 10):
        eps = torch.randn(x0.shape, generator=generator)
        x_t = add_noise(schedule, x0, full(x0, t), eps)
        a = float(schedule.alphas_cumprod[t])
        noise = (x_t - math.sqrt(a) * x0) / math.sqrt(1 - a)
        m = noise.numel()
        assert abs(float(noise.mean())) < 4 / math.sqrt(m)
        assert abs(float(noise.square().mean()) - 1) < 4 * math.sqrt(2 / m)


def test_each_image_gets_its_own_step():
    schedule, x0, eps = cosine_schedule(10), torch.ones(3, 1, 2), torch.zeros(3, 1, 2)
    x_t = add_noise(schedule, x0, torch.tensor([1, 5, 10]), eps)
    torch.testing.assert_close(x_t[:, 0, 0], schedule.alphas_cumprod[[1, 5, 10]].sqrt().float())


def test_one_step_after_another_is_eq_3():
    """Chapman-Kolmogorov by eq. 1: applying N(√(1-β) x, β) T times multiplies the mean by √ᾱ and adds variance 1-ᾱ."""
    s = cosine_schedule(20)
    mean, variance = 1.0, 0.0
    for t in range(1, 21):
        beta = float(s.betas[t])
        mean, variance = math.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
        assert mean == pytest.approx(float(s.alphas_cumprod[t]) ** 0.5)
        assert variance == pytest.approx(1 - float(s.alphas_cumprod[t]))


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_every_parameterisation_gives_the_noise_back(prediction, generator):
    schedule = cosine_schedule(10)
    x0 = torch.randn(10, 1, 2, generator=generator, dtype=torch.float64)
    eps = torch.randn(10, 1, 2, generator=generator, dtype=torch.float64)
    t = torch.arange(1, 11)
    x_t = add_noise(schedule, x0, t, eps)
    target = training_target(schedule, prediction, x0, t, eps)
    torch.testing.assert_close(eps_from_output(schedule, prediction, target, x_t, t), eps)
    torch.testing.assert_close(x0_from_eps(schedule, x_t, t, eps), x0)
    torch.testing.assert_close(eps_from_x0(schedule, x_t, t, x0), eps)


@pytest.mark.parametrize("shape", SHAPES)
def test_forward_process_and_v_conform_to_diffusers(shape, generator):
    scheduler = DDPMScheduler(num_train_timesteps=20, beta_schedule="squaredcos_cap_v2")
    schedule = Schedule(torch.cat([torch.zeros(1), scheduler.betas]).double())
    x0, eps = torch.randn(2, 20, *shape, generator=generator)
    t = torch.arange(1, 21)
    torch.testing.assert_close(add_noise(schedule, x0, t, eps), scheduler.add_noise(x0, eps, t - 1))
    v = training_target(schedule, "v", x0, t, eps)
    torch.testing.assert_close(v, scheduler.get_velocity(x0, eps, t - 1), atol=1e-5, rtol=1e-5)


# --- training -----------------------------------------------------------------------------------------------------


def test_training_draws_every_step_from_1_to_T_equally_often(generator):
    T, n = 10, 20_000
    t, _, _ = noised_batch(cosine_schedule(T), torch.zeros(n, 1, 2), generator)
    counts = torch.bincount(t, minlength=T + 1)
    assert counts[0] == 0
    assert len(counts) == T + 1
    chi_squared = float((counts[1:] - n / T).square().sum() / (n / T))
    assert chi_squared < 9 + 4 * math.sqrt(18)  # T - 1 degrees of freedom: mean 9, variance 18


def test_training_noise_is_standard_normal_and_its_own_for_each_image(generator):
    n = 20_000
    _, eps, _ = noised_batch(cosine_schedule(10), torch.zeros(n, 1, 2), generator)
    assert eps.mean(0).abs().max() < 4 / math.sqrt(n)
    assert (eps.var(0) - 1).abs().max() < 4 * math.sqrt(2 / n)
    assert abs(float((eps[:, 0, 0] * eps[:, 0, 1]).mean())) < 4 / math.sqrt(n)


def test_labels_are_dropped_one_by_one_and_into_a_copy(generator):
    y = torch.arange(10_000) % 2
    before = y.clone()
    dropped = drop_labels(y, 0.3, 2, generator)
    assert torch.equal(y, before)
    share = float((dropped == 2).double().mean())
    assert abs(share - 0.3) < 4 * math.sqrt(0.3 * 0.7 / 10_000)
    assert torch.equal(dropped[dropped != 2], y[dropped != 2])
    assert torch.equal(drop_labels(y, 0.0, 2, generator), y)
    assert (drop_labels(y, 1.0, 2, generator) == 2).all()


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_network_is_given_the_noisy_image_its_step_and_its_label(prediction, generator):
    """Label purity: what reaches the network is (x_t, t, y) of the same image, in the same order."""
    seen = {}

    def network(x_t, t, y):
        seen.update(x_t=x_t, t=t, y=y)
        return torch.zeros_like(x_t)

    x0, y = torch.randn(64, 1, 2, generator=generator), torch.arange(64)
    state = generator.get_state()
    loss = diffusion_loss(network, cosine_schedule(10), x0, y, generator, prediction, "l2")
    generator.set_state(state)
    t, eps, x_t = noised_batch(cosine_schedule(10), x0, generator)
    assert torch.equal(seen["x_t"], x_t)
    assert torch.equal(seen["t"], t)
    assert torch.equal(seen["y"], y)
    target = training_target(cosine_schedule(10), prediction, x0, t, eps)
    torch.testing.assert_close(loss, target.square().mean())


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_are_what_their_names_say(loss):
    """Of a network that is wrong by exactly 0.5 in every pixel; then by 3, where Huber is no longer a square."""
    generator = torch.Generator()
    for error in (0.5, 3.0):

        def network(x_t, t, y, error=error):
            generator_again = torch.Generator().manual_seed(1)
            _, eps, _ = noised_batch(cosine_schedule(5), torch.zeros_like(x_t), generator_again)
            return eps + error

        generator.manual_seed(1)
        value = diffusion_loss(network, cosine_schedule(5), torch.zeros(8, 1, 2), None, generator, "eps", loss)
        expected = {"l1": error, "l2": error**2, "huber": error**2 / 2 if error <= 1 else error - 0.5}
        assert float(value) == pytest.approx(expected[loss], rel=1e-5)


def test_oracle_has_the_loss_of_the_floor(generator):
    """The loss that is trained, of the network that cannot be beaten, averaged over t = 1 … T: the floor of eq. 9."""
    denoiser, schedule = oracle(T=10)
    x0, y = WORLDS["overlapping"].sample(200_000, generator)
    for labels, floor in [
        (None, [WORLDS["overlapping"].loss_floor(a) for a in schedule.alphas_cumprod[1:]]),
        (y, [WORLDS["overlapping"].labelled_loss_floor(a) for a in schedule.alphas_cumprod[1:]]),
    ]:
        chunks = [
            float(diffusion_loss(denoiser, schedule, x.unsqueeze(1), label, generator))
            for x, label in zip(x0.chunk(40), labels.chunk(40) if labels is not None else [None] * 40, strict=True)
        ]
        chunks = torch.tensor(chunks)
        assert abs(chunks.mean() - sum(floor) / 10) < 4 * chunks.std() / math.sqrt(40)


def test_exact_posterior_has_the_least_cross_entropy(generator):
    """No classifier beats p(y|x_t): sharpening it or flattening it costs."""
    denoiser, schedule = oracle(T=10)
    x0, y = WORLDS["overlapping"].sample(20_000, generator)

    def loss(temper):
        generator.manual_seed(1)
        return classifier_loss(
            lambda x, t: temper * denoiser.log_posterior(x, t), schedule, x0.unsqueeze(1), y, generator
        )

    assert loss(1.0) < loss(0.7)
    assert loss(1.0) < loss(1.4)


class Small(nn.Module):
    """A network of one layer, called like the real ones, with a buffer that changes while it trains."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x_t, t, y=None):
        self.calls += 1
        return self.layer(x_t)


def small_training(steps=40, seed=0):
    torch.manual_seed(seed)
    return Training(Small(), steps, 1e-2, torch.Generator().manual_seed(seed), ema_decay=0.9)


def small_loss(network, generator):
    x0 = torch.randn(16, 1, 2, generator=generator)
    return diffusion_loss(network, cosine_schedule(5), x0, None, generator)


def test_training_is_deterministic_and_seeded():
    first, second, other = small_training(), small_training(), small_training(seed=1)
    assert list(first.run(small_loss)) == list(second.run(small_loss))
    for a, b in zip(first.ema.state_dict().values(), second.ema.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert list(other.run(small_loss)) != first.losses


def test_resumed_training_ends_with_the_same_weights():
    uninterrupted = small_training()
    list(uninterrupted.run(small_loss))
    interrupted = small_training()
    run = interrupted.run(small_loss)
    for _ in range(13):
        next(run)
    state = copy.deepcopy(interrupted.state_dict())
    next(run)  # one step past the checkpoint, which is lost
    resumed = small_training(seed=7)  # all of it must come from the state
    resumed.load_state_dict(state)
    assert resumed.step == 13
    list(resumed.run(small_loss))
    assert resumed.losses == uninterrupted.losses
    for a, b in zip(resumed.ema.state_dict().values(), uninterrupted.ema.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_training_learns_and_its_learning_rate_falls_to_zero():
    training = small_training(steps=400)
    list(training.run(small_loss))
    assert sum(training.losses[-50:]) < 0.8 * sum(training.losses[:50])
    assert training.lr_schedule.get_last_lr()[0] == pytest.approx(0, abs=1e-9)


def test_training_goes_on_to_more_steps_at_the_longer_runs_learning_rate():
    short, long = small_training(steps=10), small_training(steps=30)
    list(short.run(small_loss))
    long.load_state_dict(copy.deepcopy(short.state_dict()))
    list(long.run(small_loss))
    assert long.losses[:10] == short.losses
    assert len(long.losses) == 30
    longer = small_training(steps=30)
    longer.load_state_dict(copy.deepcopy(short.state_dict()))
    run = longer.run(small_loss)
    next(run)
    assert longer.lr_schedule.get_last_lr()[0] == pytest.approx(1e-2 * (1 + math.cos(math.pi * 11 / 30)) / 2)


def test_moving_average_is_of_weights_and_leaves_buffers_alone():
    """The EMA of weights by hand, with the decay that grows with age; a buffer is copied, not averaged."""
    training = small_training()
    by_hand = None
    for n, _ in enumerate(training.run(small_loss)):
        weight = training.network.layer.weight.detach().clone()
        decay = min(0.9, (1 + n) / (10 + n))
        by_hand = weight if by_hand is None else decay * by_hand + (1 - decay) * weight
    torch.testing.assert_close(training.ema.module.layer.weight, by_hand)
    assert training.network.calls == 40
    assert training.ema.module.calls == 40


def test_ema_update_reaches_its_decay():
    averaged, current = [torch.ones(2)], [torch.zeros(2)]
    ema_update(0.5)(averaged, current, torch.tensor(1000))
    torch.testing.assert_close(averaged[0], torch.full((2,), 0.5))


def test_loss_that_is_not_finite_stops_training_before_the_weights_change():
    training = small_training()

    def loss_of(network, generator):
        return small_loss(network, generator) * (float("nan") if training.step == 3 else 1.0)

    run = training.run(loss_of)
    for _ in range(3):
        next(run)
    before = training.network.layer.weight.clone()
    with pytest.raises(FloatingPointError, match="step 4"):
        next(run)
    assert torch.equal(training.network.layer.weight, before)
    assert training.step == 3


# --- reverse process ----------------------------------------------------------------------------------------------


def double_scheduler(T, beta_schedule, variance_type, **clipping):
    """diffusers' DDPM scheduler with its tables in float64; its step t - 1 is our t."""
    scheduler = DDPMScheduler(T, beta_schedule=beta_schedule, variance_type=variance_type, **clipping)
    scheduler.betas = scheduler.betas.double()
    scheduler.alphas = 1 - scheduler.betas
    scheduler.alphas_cumprod = scheduler.alphas.cumprod(0)
    scheduler.one = scheduler.one.double()
    scheduler.set_timesteps(T)
    return scheduler


@pytest.mark.parametrize("shape", SHAPES)
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


def test_unknown_names_and_impossible_schedules_are_refused():
    x, schedule = torch.zeros(1, 1, 2), cosine_schedule(3)
    t = torch.tensor([1])
    with pytest.raises(ValueError, match="epsilon"):
        training_target(schedule, "epsilon", x, t, x)
    with pytest.raises(ValueError, match="epsilon"):
        eps_from_output(schedule, "epsilon", x, x, t)
    with pytest.raises(ValueError, match="posterier"):
        reverse_variance(schedule, "posterier")
    for T in (0, -1):
        with pytest.raises(ValueError, match="T >= 1"):
            cosine_schedule(T)


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


def test_trajectory_is_indexed_by_t_and_repeats(generator):
    denoiser, schedule = oracle(T=5)
    x_T = torch.randn(3, 1, 2, generator=generator)
    trajectory = sample_trajectory(denoiser, schedule, x_T, None, torch.Generator().manual_seed(1))
    assert trajectory.shape == (6, 3, 1, 2)
    assert torch.equal(trajectory[5], x_T)
    assert torch.equal(trajectory[0], sample(denoiser, schedule, x_T, None, torch.Generator().manual_seed(1)))
    step = reverse_step(denoiser, schedule, x_T, full(x_T, 5), None, torch.Generator().manual_seed(1))
    assert torch.equal(trajectory[4], step)


def test_labels_reach_the_denoiser_unchanged(generator):
    y, asked = torch.tensor([0, 1, 2, 1]), []

    def recording(x_t, t, y):
        asked.append(y)
        return torch.zeros_like(x_t)

    sample(recording, cosine_schedule(3), torch.randn(4, 1, 2, generator=generator), y, generator)
    assert all(torch.equal(a, y) for a in asked)


# --- denoisers around denoisers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_network_of_any_prediction_is_the_same_denoiser(prediction, generator):
    """A network that outputs the exact v or x_0 is the exact ε-denoiser once wrapped."""
    denoiser, schedule = oracle(T=10)
    x_t, t = torch.randn(10, 1, 2, generator=generator, dtype=torch.float64), torch.arange(1, 11)

    def network(x_t, t, y=None):
        eps = denoiser(x_t, t, y)
        return training_target(schedule, prediction, x0_from_eps(schedule, x_t, t, eps), t, eps)

    torch.testing.assert_close(eps_denoiser(network, schedule, prediction)(x_t, t), denoiser(x_t, t))


def test_clipping_holds_x0_within_bounds_and_touches_nothing_inside(generator):
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


def test_guidance_weight_0_is_conditional_and_minus_1_unconditional(generator):
    denoiser, _ = oracle(T=10)
    x_t, t = torch.randn(10, 1, 2, generator=generator, dtype=torch.float64), torch.arange(1, 11)
    y = torch.arange(10) % 2
    torch.testing.assert_close(classifier_free_guidance(denoiser, 0.0)(x_t, t, y), denoiser(x_t, t, y))
    torch.testing.assert_close(classifier_free_guidance(denoiser, -1.0)(x_t, t, y), denoiser(x_t, t, None))
    difference = denoiser(x_t, t, y) - denoiser(x_t, t, None)
    torch.testing.assert_close(classifier_free_guidance(denoiser, 2.0)(x_t, t, y), denoiser(x_t, t, y) + 2 * difference)


@pytest.mark.parametrize("w", [-1.0, 0.0, 1.0, 4.0])
def test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior(w, generator):
    """ε̄ of weight w = ε(x, t, ∅) - √(1-ᾱ) (1+w) ∇ log p(y|x_t): Bayes' rule, eqs. 14-18 in one line."""
    denoiser, schedule = oracle("overlapping", T=10)
    x_t, t = torch.randn(10, 1, 2, generator=generator, dtype=torch.float64), torch.arange(1, 11)
    y = torch.arange(10) % 2
    free = classifier_free_guidance(denoiser, w)(x_t, t, y)
    by_classifier = classifier_guidance(denoiser, denoiser.log_posterior, schedule, 1 + w)(x_t, t, y)
    torch.testing.assert_close(free, by_classifier, atol=1e-12, rtol=1e-12)


def test_classifier_guidance_works_inside_the_sampler(generator):
    """The sampler runs without gradients; the classifier's gradient must be taken all the same."""
    denoiser, schedule = oracle("homework", T=10)
    guided = classifier_guidance(denoiser, denoiser.log_posterior, schedule)
    x_T = torch.randn(200, 1, 2, generator=generator, dtype=torch.float64)
    y = torch.arange(200) % 2
    x_0 = sample(guided, schedule, x_T, y, torch.Generator().manual_seed(1))
    conditional = sample(denoiser, schedule, x_T, y, torch.Generator().manual_seed(1))
    torch.testing.assert_close(x_0, conditional, atol=1e-9, rtol=1e-9)
