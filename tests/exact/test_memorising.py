"""Memorising: both ends of the coefficient, and the set's denoiser as the limit of narrow modes."""

import pytest
import torch

from exact.memorising import SetDenoiser, memorisation, nearest_in_std
from experiments.two_pixel import Config, TwoPixel
from gmm import ExactDenoiser, GaussianMixture


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
        found = memorisation(run, denoiser, images, torch.Generator().manual_seed(1), n=200)
        torch.testing.assert_close(found, torch.full((10,), share, dtype=torch.float64), rtol=0, atol=1e-4)


def test_an_error_in_another_direction_does_not_count(run, images):
    """An error that is independent of the set, on average. Not at the last t, where both denoisers agree too well."""
    random = torch.Generator().manual_seed(2)

    def noisy(x_t, t, y=None):
        return run.exact(x_t, t) + 0.1 * torch.randn(x_t.shape, generator=random)

    found = memorisation(run, noisy, images, torch.Generator().manual_seed(1), n=5000)
    assert found[:7].abs().max() < 0.05


def test_nearest_image_is_found_in_sigmas(run):
    images = torch.tensor([[0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    samples = torch.tensor([[0.3, 0.4], [1.0, 0.9]], dtype=torch.float64)
    torch.testing.assert_close(nearest_in_std(run, samples, images), torch.tensor([5.0, 1.0]).double())
