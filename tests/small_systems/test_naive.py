"""The three naive algorithms: how many pixels turn to noise, which levels reach the network, where the chains end."""

from collections import deque

import pytest
import torch

from small_systems import naive
from small_systems.naive import fade


def last(states):
    return deque(states, maxlen=1).pop()


def half(x):
    """Images like x whose pixels are neither black nor white, so that every noisy pixel shows."""
    return torch.full_like(x, 0.5)


IMAGES = torch.zeros(200, 1, 8, 8)
N = 64


def test_fair_bits_are_half_black_half_white_and_the_same_in_all_channels(generator):
    bits = naive.fair_bits(torch.zeros(500, 3, 8, 8), generator)
    assert set(bits.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(bits[:, 0], bits[:, 2])
    assert abs(bits[:, 0].mean() - 0.5) < 4 * 0.5 / (500 * N) ** 0.5


def test_picked_pixels_are_as_many_as_asked_and_each_as_likely(generator):
    count = torch.arange(200) % (N + 1)
    picked = naive.picked(IMAGES, count, generator)
    assert torch.equal(picked.sum((1, 2, 3)), count)
    share = picked.float().mean(0)
    expected = count.float().mean() / N
    assert (share - expected).abs().max() < 4.5 * (0.25 / 200) ** 0.5


@pytest.mark.parametrize(("k", "t"), [(1, 1), (5, 4), (8, 20)])
def test_share_of_clean_pixels_is_that_of_the_formula(k, t, generator):
    picks = torch.full((200,), k * t)
    clean = (~naive.picked_with_repetition(IMAGES, picks, generator)).float().mean((1, 2, 3))
    floor = 4 * clean.std() / len(clean) ** 0.5 + 1e-7  # a single pick always hits one pixel
    assert abs(clean.mean() - naive.clean_share(t, k, N)) <= floor


def test_no_picks_leave_the_image_as_it_is(generator):
    picks = torch.zeros(200, dtype=torch.int64)
    assert not naive.picked_with_repetition(IMAGES, picks, generator).any()


def test_noise_turns_the_chosen_pixels_into_bits_and_no_other(generator):
    x = half(IMAGES)
    chosen = naive.picked(x, torch.full((200,), 20), generator)
    z = naive.add_noise(x, chosen, generator)
    assert torch.equal((z != 0.5), chosen)
    assert torch.equal(x, half(IMAGES))  # the images themselves are left alone


def test_stepwise_training_shows_each_step_its_own_noise_and_asks_for_the_step_before(generator):
    seen = {}

    def f(z, level):
        seen["z"], seen["level"] = z, level
        return torch.zeros_like(z)

    x, k, T = half(torch.zeros(4000, 1, 8, 8)), 6, 10
    naive.stepwise_loss(f, x, k, T, generator)
    t_next = (seen["level"] * T).round().long()
    assert set(t_next.tolist()) == set(range(1, T + 1))
    for t in (1, 5, 10):
        clean = (seen["z"][t_next == t] == 0.5).float().mean((1, 2, 3))
        assert abs(clean.mean() - naive.clean_share(t, k, N)) < 4 * clean.std() / len(clean) ** 0.5


def test_stepwise_target_is_the_image_one_step_cleaner(generator):
    """The network that gives its input back is wrong only in the pixels of one step, half of them by chance."""
    x, k, T = torch.randint(0, 2, (4000, 1, 8, 8), generator=generator).float(), 6, 10
    loss = naive.stepwise_loss(lambda z, level: z, x, k, T, generator)
    expected = (1 - naive.clean_share(1, k, N)) / 2
    assert abs(float(loss) - expected) < 4 * (expected / (4000 * N)) ** 0.5


def test_denoising_loss_of_the_input_itself_is_half_the_noisy_pixels(generator):
    x = torch.randint(0, 2, (4000, 1, 8, 8), generator=generator).float()
    loss = naive.denoising_loss(lambda z, level: z, x, generator)
    expected = (1 + N) / 2 / N / 2  # t is 1 … N, each as likely
    assert abs(float(loss) - expected) < 4 * 0.15 / 4000**0.5


def levels_of(sampler, z, *arguments):
    seen = []

    def f(z, level):
        seen.append(float(level[0]))
        return half(z)

    return seen, list(sampler(f, z, *arguments))


def test_stepwise_sampler_asks_at_T_down_to_1():
    seen, states = levels_of(naive.stepwise_sample, IMAGES, 10)
    assert seen == pytest.approx([t / 10 for t in range(10, 0, -1)])
    assert len(states) == 10


def test_stepwise_bits_are_bits_until_the_last_answer(generator):
    _, states = levels_of(naive.stepwise_sample_bits, IMAGES, 10, generator)
    assert all(set(z.unique().tolist()) == {0.0, 1.0} for z in states[:-1])
    assert torch.equal(states[-1], half(IMAGES))


@pytest.mark.parametrize("S", [1, 3, 64, 100])
def test_renoising_leaves_the_noise_that_the_next_level_says(S, generator):
    seen, noisy = [], []

    def f(z, level):
        seen.append(float(level[0]))
        noisy.append(float((z != 0.5).float().mean()))
        return half(z)

    x = last(naive.renoising_sample(f, torch.zeros_like(IMAGES), S, generator))
    assert seen == pytest.approx([(S - s) / S for s in range(S)])
    assert noisy == pytest.approx(seen, abs=0.5 / N + 1e-6)  # whole pixels
    assert torch.equal(x, half(IMAGES))


def test_fade_goes_from_the_image_to_the_colour():
    x, colour = torch.rand(3, 3, 4, 4), torch.rand(3, 3, 1, 1)
    assert torch.equal(fade(x, torch.zeros(3), colour), x)
    assert torch.equal(fade(x, torch.ones(3), colour), colour.expand_as(x))


@pytest.mark.parametrize("sampler", [naive.cold_sample, naive.cold_sample_by_difference])
def test_cold_samplers_give_the_restored_image_if_the_network_is_right(sampler, generator):
    x, colour = torch.rand(5, 3, 4, 4, generator=generator), torch.rand(5, 3, 1, 1, generator=generator)
    end = last(sampler(lambda z, level: x, colour, colour.expand_as(x), 50))
    torch.testing.assert_close(end, x, atol=1e-5, rtol=0)


def test_cold_samplers_end_at_the_last_restored_image_and_at_the_mean_of_all(generator):
    """So the second averages the errors of all levels, which is why it stays in range where the first does not."""
    colour = torch.rand(5, 1, 1, 1, generator=generator)
    summaries = {naive.cold_sample: lambda seen: seen[-1], naive.cold_sample_by_difference: lambda seen: seen.mean(0)}
    for sampler, summary in summaries.items():
        seen = []

        def f(z, level, seen=seen):
            seen.append(3 * torch.randn(z.shape, generator=generator))
            return seen[-1]

        end = last(sampler(f, colour, colour.expand(5, 1, 4, 4), 20, clamp=False))
        torch.testing.assert_close(end, summary(torch.stack(seen)), atol=1e-5, rtol=0)


def test_cold_loss_fades_each_image_by_its_own_share_of_all_sizes(generator):
    seen, x, colour = [], torch.rand(4000, 1, 2, 2, generator=generator), torch.zeros(4000, 1, 1, 1)

    def f(z, a):
        seen.append(a)
        torch.testing.assert_close(z, fade(x, a, colour))
        return z

    loss = naive.cold_loss(f, x, colour, generator)
    a = seen[0]
    assert 0 < a.min() < 0.01
    assert 0.99 < a.max() <= 1
    assert abs(float(a.mean()) - 0.5) < 4 * (1 / 12 / 4000) ** 0.5
    assert float(loss) == pytest.approx(1 / 9, rel=0.1)  # E a² E x² for uniform a and x


def test_fixed_colours_are_always_the_same_and_the_first_is_black():
    colours = naive.fixed_colours(4, 3)
    assert torch.equal(colours[0], torch.zeros(3, 1, 1))
    assert len(colours.flatten(1).unique(dim=0)) == 4
    assert torch.equal(naive.fixed_colours(4, 3), colours)


@pytest.mark.parametrize("sampler", [naive.cold_sample, naive.cold_sample_by_difference])
def test_clamping_holds_what_is_restored_in_range(sampler):
    colour = torch.zeros(2, 1, 1, 1)
    ends = [last(sampler(lambda z, level: z + 3, colour, torch.zeros(2, 1, 2, 2), 5, clamp)) for clamp in (True, False)]
    assert ends[0].max() <= 1 + 1e-6
    assert ends[1].max() > 2
