"""Memorising: both ends of the coefficient, and the set's denoiser as the limit of narrow modes."""

import pytest
import torch

from exact.memorising import SetDenoiser, agreement, memorisation, nearest_in_std
from experiments.two_pixel import Config, TwoPixel
from gmm import ExactDenoiser, GaussianMixture
from utils import add_noise, standard_normal


@pytest.fixture(scope="module")
def run():
    return TwoPixel(Config(T=10))


@pytest.fixture(scope="module")
def images(run):
    return run.draw(40, torch.Generator().manual_seed(0))[0]


def test_set_s_denoiser_is_the_limit_of_narrow_modes(run, images, generator):
    narrow = GaussianMixture(images.squeeze(1).double(), 1e-5, torch.full((40,), 1 / 40).double())
    limit, of_set = ExactDenoiser(narrow, run.schedule.alphas_cumprod), SetDenoiser(images, run.schedule)
    x_t = torch.randn(50, 1, 2, generator=generator, dtype=torch.float64)
    for t in range(1, 11):
        torch.testing.assert_close(of_set(x_t, torch.tensor([t])), limit(x_t, torch.tensor([t])), rtol=1e-6, atol=1e-6)


def test_coefficient_is_0_for_the_world_1_for_the_set_and_linear_between(run, images):
    of_set = SetDenoiser(images, run.schedule)

    def between(x_t, t, y=None):
        return 0.7 * run.exact(x_t, t) + 0.3 * of_set(x_t, t)

    for denoiser, share in ((run.exact, 0.0), (of_set, 1.0), (between, 0.3)):
        found, of_all = memorisation(run, denoiser, images, torch.Generator().manual_seed(1), n=200)
        assert of_all == pytest.approx(share, abs=1e-4)
        torch.testing.assert_close(found, torch.full((10,), share, dtype=torch.float64), rtol=0, atol=1e-4)


def test_an_error_in_another_direction_does_not_count(run, images):
    """An error that is independent of the set, on average. Not at the last t, where both denoisers agree too well."""
    random = torch.Generator().manual_seed(2)

    def noisy(x_t, t, y=None):
        return run.exact(x_t, t) + 0.1 * torch.randn(x_t.shape, generator=random)

    found, of_all = memorisation(run, noisy, images, torch.Generator().manual_seed(1), n=5000)
    assert abs(of_all) < 0.02
    assert found[:7].abs().max() < 0.05


def test_all_steps_count_as_much_as_the_denoisers_differ_there(run, images):
    """A denoiser of the set at t = 1 and of the world elsewhere: one coefficient is 1, and all together its share."""
    of_set = SetDenoiser(images, run.schedule)

    def at_t_1(x_t, t, y=None):
        return of_set(x_t, t) if int(t) == 1 else run.exact(x_t, t)

    found, of_all = memorisation(run, at_t_1, images, torch.Generator().manual_seed(1), n=500)
    torch.testing.assert_close(found, torch.tensor([1.0] + [0.0] * 9).double(), rtol=0, atol=1e-5)
    random, squares = torch.Generator().manual_seed(1), []
    for t in range(1, 11):
        step, x0 = torch.tensor([t]), images[torch.randint(40, (500,), generator=random)]
        x_t = add_noise(run.schedule, x0, step, standard_normal(x0, random))
        squares.append(float((of_set(x_t, step) - run.exact(x_t, step)).square().sum()))
    assert of_all == pytest.approx(squares[0] / sum(squares), rel=1e-5)


def test_agreement_of_denoisers_whose_errors_are_known(run):
    """The same error: 0 apart, correlation 1; the opposite error e: 4 e² apart, -1; independent ones: their sum, 0."""
    random = torch.Generator().manual_seed(2)

    def off_by(size):
        return lambda x_t, t: run.exact(x_t, t) + size

    def noisy(x_t, t):
        return run.exact(x_t, t) + 0.1 * torch.randn(x_t.shape, generator=random)

    floor = float(run.loss_floors[0].mean())
    for one, other, apart, correlation in (
        (off_by(0.1), off_by(0.1), 0, 1),
        (off_by(0.1), off_by(-0.1), 0.04, -1),
        (off_by(0.1), off_by(0.2), 0.01, 1),
        (noisy, noisy, 0.02, 0),
    ):
        found = agreement(run, one, other, torch.Generator().manual_seed(1))
        assert found[0] == pytest.approx(apart / floor, rel=0.05, abs=1e-9)
        assert found[1] == pytest.approx(correlation, abs=0.03)


def test_nearest_image_is_found_in_sigmas(run):
    images = torch.tensor([[0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    samples = torch.tensor([[0.3, 0.4], [1.0, 0.9]], dtype=torch.float64)
    torch.testing.assert_close(nearest_in_std(run, samples, images), torch.tensor([5.0, 1.0]).double())
