"""The benchmarks: their variants are what they say, so that what they show is not a bug."""

import pytest
import torch

from benchmarks.plain_network import PlainUNet
from ddpm import TwoPixelUNet
from experiments.data import DataError
from measurements import samplers, training
from utils import add_noise, cosine_schedule, diffusion_loss, drop_labels


def test_plain_network_is_the_same_but_for_its_time(generator):
    """With a step and a label for each image, and with one of them for all."""
    torch.manual_seed(0)
    one, other = TwoPixelUNet(50, 2), PlainUNet(50, 2)
    other.load_state_dict(one.state_dict())
    x, t = torch.randn(60, 1, 2, generator=generator), torch.randint(1, 51, (60,), generator=generator)
    y = torch.randint(0, 3, (60,), generator=generator)
    torch.testing.assert_close(one(x, t, y), other(x, t, y), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(one(x, t), other(x, t), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(one(x, t[:1], y), other(x, t[:1].expand(60), y), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(one(x, t[:1]), other(x, t[:1].expand(60)), rtol=1e-5, atol=1e-5)


def test_stratified_steps_are_each_t_as_often_as_the_batch_allows(generator):
    x0 = torch.zeros(500, 1, 2)
    t, eps, x_t = training.stratified(cosine_schedule(50), x0, generator)
    assert torch.bincount(t, minlength=51)[1:].tolist() == [10] * 50
    assert float(eps.std()) == pytest.approx(1, abs=0.1)
    schedule = cosine_schedule(50)
    torch.testing.assert_close(x_t, schedule.sqrt_one_minus_alphas_cumprod[t].float().view(-1, 1, 1) * eps)


def test_noise_in_pairs_has_two_signs_at_the_same_t(generator):
    t, eps, _ = training.in_pairs(cosine_schedule(50), torch.zeros(8, 1, 2), generator)
    assert torch.equal(t[:4], t[4:])
    assert torch.equal(eps[:4], -eps[4:])


def test_low_noise_comes_as_often_as_asked_and_in_pairs(generator):
    """t ≤ 10 of 50 is drawn with probability ½ + ½ · 10/50 = 0.6; within 5 deviations, also in pairs."""
    schedule, x0 = cosine_schedule(50), torch.full((20_000, 1, 2), 2.0)
    for noised, independent in (
        (training.more_low_noise, 20_000),
        (training.VARIANTS["more_low_noise_in_pairs"].noised, 10_000),
    ):
        t, eps, x_t = noised(schedule, x0, generator)
        assert float((t <= 10).double().mean()) == pytest.approx(0.6, abs=5 * (0.24 / independent) ** 0.5)
        assert (t.min(), t.max()) == (1, 50)
        torch.testing.assert_close(x_t, add_noise(schedule, x0, t, eps))
    assert torch.equal(eps[:10_000], -eps[10_000:])


def test_defaults_are_the_training_of_train_py():
    """The variant as_it_is has the loss of `Experiment.loss`, number for number."""
    experiment, benchmark, loss_of = training.training_of(training.VARIANTS["as_it_is"], 0, 10)
    assert (benchmark.optimizer.param_groups[0]["initial_lr"]) == experiment.config.lr
    torch.testing.assert_close(benchmark.network.state_dict(), experiment.network.state_dict())
    found = loss_of(benchmark.network, torch.Generator().manual_seed(5))
    random = torch.Generator().manual_seed(5)
    x0, y = experiment.draw(experiment.config.batch_size, random)
    y = drop_labels(y, experiment.config.label_dropout, 2, random)
    torch.testing.assert_close(found, diffusion_loss(benchmark.network, experiment.schedule, x0, y, random, "v"))


def test_weight_of_eps_makes_the_loss_that_of_the_noise(generator):
    """An error of v̂ is 1/√ᾱ_t of that of ε̂: weighted by ᾱ_t, the squared error of the noise prediction."""
    variant = training.VARIANTS["weight_of_eps"]
    experiment, benchmark, loss_of = training.training_of(variant, 0, 10)
    found = loss_of(benchmark.network, torch.Generator().manual_seed(5))
    random = torch.Generator().manual_seed(5)
    x0, y = experiment.draw(variant.batch_size, random)
    y = drop_labels(y, experiment.config.label_dropout, 2, random)
    experiment.network = benchmark.network

    def eps_network(x, t, y):
        return experiment.learned()(x, t, y)

    torch.testing.assert_close(found, diffusion_loss(eps_network, experiment.schedule, x0, y, random, "eps"))


def test_digits_of_a_guided_way_cost_two_calls_a_step(monkeypatch):
    drawn = []
    monkeypatch.setattr(samplers, "draw_images", lambda run, y, w, seed: drawn.append((run.config.visits, w, seed)))
    monkeypatch.setattr(samplers, "measures_of_images", lambda *_: {})
    plain = samplers.mnist_row(None, None, None, "mnist", "ddpm", 20, 0.0, 2)
    guided = samplers.mnist_row(None, None, None, "mnist", "heun", 10, 0.3, 1)
    assert (plain["calls"], guided["calls"]) == (20, 38)
    assert drawn == [(20, 0.0, 10_000), (20, 0.0, 10_001), (10, 0.3, 10_000)]


def test_part_without_its_data_ends_with_one_line(monkeypatch, capsys, tmp_path):
    def missing():
        raise DataError("there is no MNIST")

    monkeypatch.setattr(samplers, "PARTS", {"mnist": missing})
    monkeypatch.setattr(samplers, "RESULT", tmp_path / "samplers.json")
    with pytest.raises(SystemExit) as stop:
        samplers.main(["mnist"])
    assert stop.value.code == 2
    assert capsys.readouterr().err.endswith("there is no MNIST\n")
    assert not list(tmp_path.iterdir())
