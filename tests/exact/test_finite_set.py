"""The exact denoisers of a finite set against brute force: every noise that could have been added is counted."""

import itertools

import numpy as np
import pytest
import torch

from exact.finite_set import (
    counted_bits_posterior,
    effective_size,
    gaussian_posterior,
    independent_bits_posterior,
    mean_one_step_before,
    mixed_posterior,
    posterior_mean,
)

PIXELS = 6


@pytest.fixture
def bits(generator):
    """Five binary images of six pixels."""
    return torch.randint(0, 2, (5, 1, 2, 3), generator=generator).float()


def normalised(weights):
    weights = np.asarray(weights, dtype=float)
    return weights / weights.sum(-1, keepdims=True)


def all_bit_images():
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=PIXELS))).view(-1, 1, 2, 3)


@pytest.mark.parametrize("t", [2, 4, 6])
def test_posterior_of_counted_bits_counts_every_choice_of_pixels_and_coins(bits, t):
    made = {}  # how often each noisy image comes from each clean one
    for i, x in enumerate(bits.flatten(1).numpy()):
        for chosen in itertools.combinations(range(PIXELS), t):
            for coins in itertools.product([0, 1], repeat=t):
                z = x.copy()
                z[list(chosen)] = coins
                made.setdefault(tuple(z), np.zeros(len(bits)))[i] += 1
    z = torch.tensor(list(made)).view(-1, 1, 2, 3)
    expected = normalised(list(made.values()))
    np.testing.assert_allclose(counted_bits_posterior(bits, z, t), expected, atol=1e-12)


def test_an_image_that_cannot_come_from_the_set_is_refused(bits):
    with pytest.raises(ValueError, match="more than 0 pixels"):
        counted_bits_posterior(bits, 1 - bits, 0)


@pytest.mark.parametrize("clean", [0.1, 0.6, 0.95])
def test_posterior_of_independent_bits_is_the_product_over_pixels(bits, clean):
    z = all_bit_images()
    same = z.flatten(1)[:, None] == bits.flatten(1)[None]
    expected = normalised(np.where(same, (1 + clean) / 2, (1 - clean) / 2).prod(-1))
    np.testing.assert_allclose(independent_bits_posterior(bits, z, clean), expected, atol=1e-12)


def test_gaussian_posterior_is_bayes_rule_with_torch_densities(generator):
    images, alpha_bar = torch.rand(7, 1, 2, 3, generator=generator, dtype=torch.float64), 0.3
    z = torch.randn(4, 1, 2, 3, generator=generator, dtype=torch.float64)
    noise = torch.distributions.Normal(0.0, (1 - alpha_bar) ** 0.5)
    log_p = noise.log_prob(z[:, None] - alpha_bar**0.5 * images[None]).sum((2, 3, 4))
    torch.testing.assert_close(gaussian_posterior(images, z, alpha_bar), log_p.softmax(1))


def test_mixed_posterior_is_flat_on_the_images_that_could_have_been_mixed(generator):
    images, level = torch.rand(200, 1, 1, 2, generator=generator), 0.4
    z = level * torch.rand(20, 1, 1, 2, generator=generator) + (1 - level) * images[:20]
    noise = (z[:, None] - (1 - level) * images[None]) / level
    possible = ((noise >= 0) & (noise <= 1)).all(-1).flatten(2).all(-1)
    assert 10 < possible.sum(1).float().mean() < 150  # the case is neither trivial nor empty
    np.testing.assert_allclose(mixed_posterior(images, z, level), normalised(possible), atol=1e-12)


def test_mixed_posterior_falls_back_to_the_image_that_fits_least_badly():
    images = torch.tensor([0.0, 0.5, 1.0]).view(3, 1, 1, 1)
    z = torch.tensor([1.4]).view(1, 1, 1, 1)  # even image 1 with noise 1 gives only 1
    assert mixed_posterior(images, z, 0.1).tolist() == [[0, 0, 1]]


def test_posterior_mean_has_the_least_squared_error(bits, generator):
    """No other function of z has a lower expected error: here every other constant in each pixel of each z."""
    z, t = all_bit_images(), 6  # with all pixels noise every z is as likely from every image
    posterior = counted_bits_posterior(bits, z, t)
    torch.testing.assert_close(posterior_mean(bits, posterior), bits.mean(0, keepdim=True).expand_as(z))
    posterior = independent_bits_posterior(bits, z, 0.5)
    mean = posterior_mean(bits.double(), posterior)

    def error(guess):
        return (posterior[..., None, None, None] * (guess[:, None] - bits[None]) ** 2).sum()

    assert all(
        error(mean) < error(mean + d) for d in (0.01, -0.01, 0.01 * torch.randn(mean.shape, generator=generator))
    )


def test_effective_size_counts_equally_likely_images():
    posterior = torch.tensor([[0.25] * 4, [0.5, 0.5, 0, 0], [1.0, 0, 0, 0]], dtype=torch.float64)
    torch.testing.assert_close(effective_size(posterior), torch.tensor([4.0, 2.0, 1.0], dtype=torch.float64))
    uneven = torch.tensor([[0.5, 0.25, 0.25]], dtype=torch.float64)
    torch.testing.assert_close(effective_size(uneven), torch.tensor([8**0.5], dtype=torch.float64))  # 1.5 bits


def test_mean_one_step_before_is_bayes_rule_over_all_chains(bits):
    """Every clean image, every z_t and every z_{t+1} of four pixels, with their probabilities."""
    images, clean_before, clean_step = bits[:, :, :, :2], 0.4, 0.7
    z = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4))).view(-1, 1, 2, 2)

    def transition(start, end, clean):  # (starts, ends): each pixel stays with (1 + clean)/2
        same = start.flatten(1)[:, None] == end.flatten(1)[None]
        return np.where(same, (1 + clean) / 2, (1 - clean) / 2).prod(-1)

    joint = transition(images, z, clean_before).sum(0)[:, None] * transition(z, z, clean_step)  # of z_t and z_{t+1}
    expected = np.einsum("ij,ik->jk", joint / joint.sum(0), z.flatten(1).numpy())
    found = mean_one_step_before(images, z, clean_before, clean_step).flatten(1)
    np.testing.assert_allclose(found, expected, atol=1e-6)
