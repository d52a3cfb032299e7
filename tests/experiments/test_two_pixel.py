"""The experiment that a config names: model space, exact densities, floors, clipping, the oracle's samples."""

import pytest
import torch

from evaluation.metrics import energy_distance, energy_distance_floor
from evaluation.two_pixel import samples_in_pixels
from experiments.two_pixel import SPACES, Config, TwoPixel
from utils import add_noise


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


def exact_network(experiment):
    """What a perfect network of the config's prediction would output, in float64."""
    a = experiment.schedule.alphas_cumprod

    def network(x_t, t, y):
        eps, ab = experiment.exact(x_t.double(), t, y), a[t].view(-1, 1, 1)
        x0 = (x_t - (1 - ab).sqrt() * eps) / ab.sqrt()
        v = ab.sqrt() * eps - (1 - ab).sqrt() * x0
        return {"eps": eps, "x0": x0, "v": v, "u": eps - x0}[experiment.config.prediction]

    return network


@pytest.mark.parametrize("prediction", ["eps", "v", "x0", "u"])
def test_training_floor_is_the_training_loss_of_a_perfect_network(prediction, generator):
    """With 30 % of the labels dropped, and ε, v, x_0 or u as the config says: no training can do better."""
    experiment = TwoPixel(Config(T=5, prediction=prediction, label_dropout=0.3, batch_size=50_000))
    losses = torch.tensor([float(experiment.loss(exact_network(experiment), generator)) for _ in range(20)])
    assert abs(float(losses.mean()) - experiment.training_floor()) < 4 * float(losses.std()) / 20**0.5


def test_training_drops_the_share_of_labels_that_the_config_says(generator):
    for share in (0.0, 0.3, 1.0):
        experiment, seen = TwoPixel(Config(label_dropout=share, batch_size=20_000)), []
        experiment.loss(lambda x_t, t, y, seen=seen: (seen.append(y), torch.zeros_like(x_t))[1], generator)
        assert abs(float((seen[0] == 2).double().mean()) - share) <= 4 * (share * (1 - share) / 20_000) ** 0.5


def test_training_loss_is_the_one_that_the_config_names(generator):
    """On the same batch, of a network that says 0: mean |v|, mean v²; Huber in between."""
    values = {}
    for name in ("l1", "l2", "huber"):
        generator.manual_seed(0)
        experiment = TwoPixel(Config(loss=name, batch_size=10_000))
        values[name] = float(experiment.loss(lambda x_t, t, y: torch.zeros_like(x_t), generator))
    assert values["l2"] == pytest.approx(1, abs=0.05)  # v has unit variance in standardised space
    assert values["l1"] == pytest.approx((2 / torch.pi) ** 0.5, abs=0.05)  # E|v| of about a normal
    assert values["huber"] < values["l2"] / 2


def test_clip_variance_and_schedule_of_the_config_reach_the_sampler(generator):
    x_t, t = 3 * torch.randn(10, 1, 2, generator=generator), torch.full((10,), 9)
    free, clipped = TwoPixel(Config(T=10, clip=False)), TwoPixel(Config(T=10))
    assert torch.equal(free.denoiser()(x_t, t), free.learned()(x_t, t))
    assert not torch.equal(clipped.denoiser()(x_t, t), clipped.learned()(x_t, t))
    runs = [TwoPixel(Config(T=10, **change)) for change in ({}, {"variance": "beta"}, {"schedule": "linear"})]
    samples = [samples_in_pixels(run, run.oracle(), 0, 500) for run in runs]
    assert samples[1].var() > samples[0].var()  # β_t is the larger variance
    assert not torch.equal(samples[2], samples[0])
    assert float(runs[2].schedule.betas[10]) == pytest.approx(0.02)


def test_starting_noise_is_standard_normal(generator):
    noise = TwoPixel(Config()).noise(50_000, generator)
    assert noise.shape == (50_000, 1, 2)
    assert abs(float(noise.mean())) < 4 / 100_000**0.5
    assert abs(float(noise.var()) - 1) < 4 * (2 / 100_000) ** 0.5


@pytest.mark.parametrize("change", [{"world": "mars"}, {"prediction": "epsilon"}, {"T": 0}, {"T": 2.5}])
def test_impossible_configs_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        Config(**change)


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


@pytest.mark.parametrize(("T", "mean", "sd"), [(5, 68.4, 4.1), (10, 22.4, 2.5), (50, 1.2, 0.6)])
def test_oracle_through_the_homework_sampler_has_the_known_error(T, mean, sd):
    """Energy distance × 10⁴ of 5000 samples without label, mean and spread measured over ten seeds."""
    assert abs(1e4 * energy_distance(oracle_samples(T), TwoPixel(Config()).world) - mean) < 4 * sd


def oracle_samples(T):
    experiment = TwoPixel(Config(T=T))
    return samples_in_pixels(experiment, experiment.oracle(), seed=0, n=5000)
