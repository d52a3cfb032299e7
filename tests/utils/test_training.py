"""What is trained and how: noise, labels, losses, resuming, the moving average, against closed forms and the oracle."""

import copy
import math

import pytest
import torch
from torch import nn

from gmm import WORLDS
from utils import (
    LOSSES,
    Training,
    classifier_loss,
    cosine_schedule,
    diffusion_loss,
    drop_labels,
    ema_update,
    noised_batch,
    training_target,
)


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


def test_labels_are_dropped_anew_at_each_call_and_anywhere_in_the_batch(generator):
    y, n, p = torch.arange(10_000) % 2, 10_000, 0.3
    first, second = (drop_labels(y, p, 2, generator) for _ in range(2))
    assert first.dtype == torch.int64
    both = float(((first == 2) & (second == 2)).double().mean())
    assert abs(both - p**2) < 4 * math.sqrt(p**2 * (1 - p**2) / n)
    halves = (first == 2).view(2, -1).double().mean(1)
    assert abs(float(halves[0] - halves[1])) < 4 * math.sqrt(2 * p * (1 - p) / (n / 2))


@pytest.mark.parametrize("prediction", ["eps", "v", "x0", "u"])
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


def test_oracle_has_the_loss_of_the_floor(generator, oracle):
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


def test_exact_posterior_has_the_least_cross_entropy(generator, oracle):
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


def test_every_loss_is_yielded_as_it_is_and_is_that_of_all_parts():
    """Two parts of the same batch have its loss and its gradient, and ask the network twice."""
    x0 = torch.randn(16, 1, 2, generator=torch.Generator().manual_seed(5))

    def same_batch(network, generator):
        return diffusion_loss(network, cosine_schedule(5), x0, None, torch.Generator().manual_seed(3))

    whole, parts = small_training(steps=5), small_training(steps=5)
    first = float(same_batch(copy.deepcopy(whole.network), None).detach())
    yielded = list(whole.run(same_batch))
    assert yielded == whole.losses
    assert yielded[0] == first
    assert list(parts.run(same_batch, parts=2)) == pytest.approx(yielded)
    assert (whole.network.calls, parts.network.calls) == (5, 10)
    torch.testing.assert_close(parts.network.layer.weight, whole.network.layer.weight)


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
    averaged = [torch.ones(2)]
    training = Training(torch.nn.Linear(1, 1), 1, 1e-3, torch.Generator())
    training.ema.multi_avg_fn(averaged, current, torch.tensor(1_000_000))
    torch.testing.assert_close(averaged[0], torch.full((2,), 0.999))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_loss_that_is_not_finite_stops_training_before_the_weights_change(bad):
    training = small_training()

    def loss_of(network, generator):
        return small_loss(network, generator) * (bad if training.step == 3 else 1.0)

    run = training.run(loss_of)
    for _ in range(3):
        next(run)
    before = training.network.layer.weight.clone()
    with pytest.raises(FloatingPointError, match="step 4"):
        next(run)
    assert torch.equal(training.network.layer.weight, before)
    assert training.step == 3
