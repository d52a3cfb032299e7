"""The experiment that a config names: model space, exact densities, floors, clipping, the oracle's samples."""

import pytest
import torch

from metrics import energy_distance, energy_distance_floor
from scorecard import samples_in_pixels
from two_pixel import SPACES, Config, TwoPixel
from utils import add_noise, diffusion_loss


@pytest.mark.parametrize("world", ["homework", "signed", "overlapping"])
def test_standardised_space_has_mean_zero_and_unit_variance(world):
    mixture = TwoPixel(Config(world=world)).mixture
    torch.testing.assert_close(mixture.mean(), torch.zeros(2).double())
    torch.testing.assert_close(mixture.variance(), torch.ones(()).double())


@pytest.mark.parametrize("space", SPACES)
def test_to_pixels_undoes_the_map_to_model_space(space, generator):
    experiment = TwoPixel(Config(space=space))
    x0, _ = experiment.draw(20_000, generator)
    assert x0.shape == (20_000, 1, 2)
    pixels = experiment.to_pixels(x0)
    assert energy_distance(pixels[:5000], experiment.world) < 4 * energy_distance_floor(experiment.world, 5000)


@pytest.mark.parametrize("t", [0, 3, 10])
def test_pixel_mixture_is_the_density_of_x_t_in_pixels(t, generator):
    experiment = TwoPixel(Config(T=10))
    x0, _ = experiment.draw(5000, generator)
    x_t = add_noise(experiment.schedule, x0, torch.full((5000,), t), torch.randn(x0.shape, generator=generator))
    mixture = experiment.pixel_mixture(t)
    assert energy_distance(experiment.to_pixels(x_t), mixture) < 4 * energy_distance_floor(mixture, 5000)


@pytest.mark.parametrize("prediction", ["eps", "v", "x0"])
def test_training_floor_is_the_training_loss_of_the_oracle(prediction, generator):
    """A network that outputs the exact ε, v or x_0, with 30 % of the labels dropped: no training can do better."""
    experiment = TwoPixel(Config(T=5, prediction=prediction, label_dropout=0.3))
    schedule, n = experiment.schedule, 50_000
    a = schedule.alphas_cumprod

    def exact(x_t, t, y):
        eps, ab = experiment.exact(x_t.double(), t, y), a[t].view(-1, 1, 1)
        x0 = (x_t - (1 - ab).sqrt() * eps) / ab.sqrt()
        return {"eps": eps, "x0": x0, "v": ab.sqrt() * eps - (1 - ab).sqrt() * x0}[prediction]

    losses = []
    for _ in range(20):
        x0, y = experiment.draw(n, generator)
        y = torch.where(torch.rand(n, generator=generator) < 0.3, 2, y)
        losses.append(float(diffusion_loss(exact, schedule, x0.double(), y, generator, prediction)))
    losses = torch.tensor(losses)
    assert abs(float(losses.mean()) - experiment.training_floor()) < 4 * float(losses.std()) / 20**0.5


def test_losses_without_closed_form_have_no_floor():
    assert TwoPixel(Config(loss="l1")).training_floor() is None


def test_clipped_samples_stay_in_the_box_and_the_oracle_is_left_alone():
    """The box reaches 4 σ beyond the modes: true samples outside are 1 in 10,000, so the oracle's do not change."""
    clipped, free = TwoPixel(Config(T=25)), TwoPixel(Config(T=25, clip=False))
    a, b = samples_in_pixels(clipped, clipped.oracle(), 0, 5000), samples_in_pixels(free, free.oracle(), 0, 5000)
    assert ((a - b).abs().amax(-1) > 1e-3).double().mean() < 1e-3
    wild = samples_in_pixels(clipped, clipped.clipped(lambda x, t, y: 100 * torch.ones_like(x)), 0, 1000)
    low, high = clipped.world.means.amin(0) - 0.4, clipped.world.means.amax(0) + 0.4
    assert ((wild > low - 1e-4) & (wild < high + 1e-4)).all()


def test_oracle_through_the_homework_sampler_has_the_known_error():
    """Independent figures, energy distance × 10⁴ without labels: 78 at T = 5, 26 at T = 10 and 1.9 at T = 50."""
    distance = {T: 1e4 * energy_distance(oracle_samples(T), TwoPixel(Config()).world) for T in (5, 10, 50)}
    assert 55 < distance[5] < 90
    assert 15 < distance[10] < 35
    assert distance[50] < 5


def oracle_samples(T):
    experiment = TwoPixel(Config(T=T))
    return samples_in_pixels(experiment, experiment.oracle(), seed=0, n=5000)
