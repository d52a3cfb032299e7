"""The bare-bones system: the flow that blending follows, the levels it visits, the exact denoiser that only copies."""

from collections import deque

import pytest
import torch

from exact.finite_set import mixed_posterior, posterior_mean
from small_systems import barebones


def run(D, noise, S, **options):
    x, _ = deque(barebones.generate(D, noise, S, **options), maxlen=1).pop()
    return x


def test_mix_goes_from_the_image_to_the_noise(generator):
    x, noise = torch.rand(2, 4, 3, 8, 8, generator=generator)
    assert torch.equal(barebones.mix(x, noise, torch.zeros(4)), x)
    assert torch.equal(barebones.mix(x, noise, torch.ones(4)), noise)


def test_specific_image_task_shows_the_network_pure_noise_and_nothing_else(generator):
    seen = {}

    def D(z, level):
        seen["z"], seen["level"] = z, level
        return torch.zeros_like(z)

    x = torch.full((2000, 1, 4, 4), 0.9)
    loss = barebones.specific_image_loss(D, x, generator)
    assert float(loss) == pytest.approx(0.81)
    assert (seen["level"] == 1).all()
    z = seen["z"]
    assert abs(z.mean() - 0.5) < 4 * (1 / 12 / z.numel()) ** 0.5
    assert 0 <= z.min() < 0.01
    assert 0.99 < z.max() < 1


def test_denoising_task_mixes_as_much_noise_as_it_says(generator):
    seen = {}

    def D(z, level):
        seen["z"], seen["level"] = z, level
        return torch.zeros_like(z)

    barebones.denoising_loss(D, torch.ones(4000, 1, 4, 4), generator)
    level, darkness = seen["level"], 1 - seen["z"]
    assert level.min() > 0
    # the noise has mean ½ and variance 1/12, so the darkness has mean level/2
    slope = (darkness.mean((1, 2, 3)) * level).sum() / level.square().sum()
    assert abs(slope - 0.5) < 4 * (1 / 12 / 16 / 4000) ** 0.5
    assert (darkness.flatten(1).amax(1) <= level).all()


@pytest.mark.parametrize("S", [1, 7, 100])
def test_generation_visits_the_levels_from_1_to_1_over_S_and_ends_at_the_denoised_image(S, generator):
    seen, target = [], torch.rand(3, 3, 4, 4, generator=generator)

    def D(z, level):
        seen.append(float(level[0]))
        return target

    end = run(D, barebones.uniform_noise(target, generator), S)
    assert seen == pytest.approx([1 - step / S for step in range(S)])
    torch.testing.assert_close(end, target)


def test_generation_is_euler_on_the_flow(generator):
    """dx/dlevel = (x - D)/level; with D = x/2 the solution is x(level) = x(1) √level, reached at first order in 1/S."""
    noise = torch.rand(2, 1, 4, 4, generator=generator, dtype=torch.float64)

    def at_level(S, S_stop):
        chain = barebones.generate(lambda z, level: z / 2, noise, S)
        return [x for x, _ in chain][S_stop - 1]

    exact = noise * 0.5**0.5
    errors = [float((at_level(S, S // 2) - exact).abs().max()) for S in (20, 40, 80)]
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.1)


def test_step_size_one_and_a_half_is_of_second_order(generator):
    """The two-step method of Adams and Bashforth: half the steps' length, a quarter of the error."""
    noise = torch.rand(2, 1, 4, 4, generator=generator, dtype=torch.float64)

    def error(S):
        x, _ = list(barebones.generate(lambda z, level: z / 2, noise, S, step_size=1.5))[S // 2 - 1]
        return float((x - noise * 0.5**0.5).abs().max())

    errors = [error(S) for S in (40, 80, 160)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.1)


def test_step_size_extrapolates_the_denoised_image(generator):
    answers = iter(torch.rand(3, 1, 1, 2, 2, generator=generator))
    kept = []

    def D(z, level):
        kept.append(next(answers))
        return kept[-1]

    denoised = [d for _, d in barebones.generate(D, torch.rand(1, 1, 2, 2), 3, step_size=2.0)]
    assert torch.equal(denoised[0], kept[0])
    torch.testing.assert_close(denoised[1], 2 * kept[1] - kept[0])
    torch.testing.assert_close(denoised[2], 2 * kept[2] - kept[1])


def test_no_randomness_enters_after_the_start(generator):
    noise = torch.rand(2, 1, 4, 4, generator=generator)
    first = run(lambda z, level: z.square(), noise, 10)
    torch.rand(5)
    assert torch.equal(run(lambda z, level: z.square(), noise, 10), first)


def test_exact_denoiser_generates_copies_of_the_training_set(generator):
    images = torch.rand(30, 1, 4, 4, generator=generator)

    def D(z, level):
        return posterior_mean(images, mixed_posterior(images, z, float(level[0])))

    ends = run(D, torch.rand(40, 1, 4, 4, generator=generator), 100)
    distance = (ends[:, None] - images[None]).flatten(2).abs().amax(-1).amin(1)
    assert distance.max() < 1e-5


def test_denoising_loss_mixes_each_image_at_its_own_level(generator):
    seen, x = [], torch.zeros(4000, 1, 2, 2)

    def D(z, level):
        seen.append(level)
        assert (z <= level.view(-1, 1, 1, 1)).all()  # noise lies below 1, and the image is black
        return torch.zeros_like(z)

    assert barebones.denoising_loss(D, x, generator) == 0
    level = seen[0]
    assert 0 < level.min() < 0.01
    assert 0.99 < level.max() <= 1
    assert abs(float(level.mean()) - 0.5) < 4 * (1 / 12 / 4000) ** 0.5


def test_sprites_are_learned_with_their_mirror_images_left_and_right():
    system = barebones.BareBones(barebones.Config(repeated=3))
    n = len(system.train) // 2
    assert torch.equal(system.train[n:], system.train[:n].flip(3))
    assert torch.equal(system.train[n - 2], system.train[0])  # the copies of the first sprite
    assert not torch.equal(system.train[n - 3], system.train[0])
