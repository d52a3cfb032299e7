"""The image experiment: model space, what training sees, clipping, guidance, from and to disk."""

import pytest
import torch

from experiments import images
from experiments.checkpoint import CheckpointError, save_weights
from experiments.data import DataError, digits
from experiments.experiment import load_config, save_config
from experiments.images import DEFAULTS, Config, ImageExperiment
from experiments.two_pixel import Config as TwoPixelConfig
from utils import Training

DIGITS = DEFAULTS["digits"]


def small(**change):
    return ImageExperiment(Config(**{**vars(DIGITS), "T": 10, "batch_size": 16, **change}))


def test_model_space_of_digits_has_mean_zero_and_unit_variance():
    train, _ = ImageExperiment(DIGITS).training_set
    assert abs(float(train.mean())) < 1e-3
    assert abs(float(train.std()) - 1) < 1e-3


def test_model_space_of_mnist_has_mean_zero_and_unit_variance(real_mnist):
    config, (train, _) = DEFAULTS["mnist"], real_mnist
    assert abs(float(train.images.mean()) - config.pixel_mean) < 1e-4
    assert abs(float(train.images.std()) - config.pixel_std) < 1e-4
    assert train.images.shape[-1] == config.size


def test_to_pixels_undoes_the_map_to_model_space():
    experiment, (train, _) = small(), digits()
    torch.testing.assert_close(experiment.to_pixels(experiment.to_model(train.images)), train.images)
    low, high = experiment.value_range()
    assert experiment.to_pixels(torch.tensor([low, high, low - 1, high + 1])).tolist() == pytest.approx(
        [0, 1, 0, 1], abs=1e-6
    )


def test_drawn_images_are_training_images_with_their_labels(generator):
    experiment, (train, _) = small(), digits()
    x0, y = experiment.draw(300, generator)
    flat = train.images.flatten(1)
    for image, label in zip(experiment.to_pixels(x0).flatten(1), y, strict=True):
        same = (flat - image).abs().amax(1) < 1e-5
        assert label in train.labels[same]
    other, _ = experiment.draw(300, generator)
    assert not torch.equal(x0, other)


def test_loss_is_that_of_the_dropped_labels_and_a_zero_network(generator):
    """A network that says 0 has the loss E v² ≈ 1 in standardised space, and sees ∅ as often as the config says."""
    experiment, seen = small(batch_size=1400, label_dropout=0.25), []

    def zero(x_t, t, y):
        seen.append((t, y))
        return torch.zeros_like(x_t)

    assert float(experiment.loss(zero, generator)) == pytest.approx(1, abs=0.05)
    t, y = seen[0]
    assert abs(float((y == 10).double().mean()) - 0.25) < 4 * (0.25 * 0.75 / 1400) ** 0.5
    assert (int(t.min()), int(t.max())) == (1, 10)


def test_denoiser_holds_x0_between_black_and_white(generator):
    experiment = small()
    experiment.network.head[0].weight.data.normal_(std=3)  # a wild network
    x_t, t, y = experiment.noise(20, generator), torch.full((20,), 8), torch.arange(20) % 10
    a = experiment.schedule.alphas_cumprod[8].float()

    def x0(denoiser):
        return (x_t - (1 - a).sqrt() * denoiser(x_t, t, y)) / a.sqrt()

    low, high = experiment.value_range()
    assert x0(experiment.learned()).max() > high + 1
    clipped = x0(experiment.denoiser())
    assert clipped.min() > low - 1e-3
    assert clipped.max() < high + 1e-3


@pytest.mark.parametrize("change", [{"data": "letters"}, {"prediction": "epsilon"}, {"T": 0}])
def test_impossible_configs_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        Config(**change)


def saved_run(folder, config):
    folder.mkdir()
    experiment = ImageExperiment(config)
    save_config(folder, config)
    save_weights(folder / "denoiser.safetensors", experiment.network, vars(config))
    return experiment


def test_a_run_comes_back_from_disk(tmp_path, generator):
    config = Config(**{**vars(DIGITS), "T": 7, "seed": 3})
    experiment = saved_run(tmp_path / "run", config)
    again = images.load(tmp_path / "run")
    assert again.config == config
    x_t, t = experiment.noise(2, generator), torch.tensor([1, 7])
    torch.testing.assert_close(again.network(x_t, t, t), experiment.network.eval()(x_t, t, t))


def test_a_run_on_other_data_is_refused(tmp_path):
    """A two-pixel run, weights of digits beside the config of MNIST, and a folder with nothing."""
    save_config(tmp_path, TwoPixelConfig())
    with pytest.raises(CheckpointError, match="not the config"):
        images.load(tmp_path)
    saved_run(tmp_path / "digits", DIGITS)
    save_config(tmp_path / "digits", DEFAULTS["mnist"])
    with pytest.raises(CheckpointError, match="data = digits, not mnist"):
        images.load(tmp_path / "digits")
    with pytest.raises(CheckpointError, match="No such file"):
        load_config(tmp_path / "none", Config)


def test_trained_weights_need_no_data(tmp_path, monkeypatch):
    saved_run(tmp_path / "run", DIGITS)

    def missing():
        raise DataError("not here")

    monkeypatch.setitem(images.SETS, "digits", missing)
    experiment = images.load(tmp_path / "run")
    assert experiment.noise(2, torch.Generator()).shape == (2, 1, 8, 8)
    with pytest.raises(DataError):
        experiment.draw(2, torch.Generator())


def test_parts_of_a_batch_train_like_the_whole(generator):
    """Two parts of a batch, one after the other: the mean of their gradients, as one batch of both would give."""
    gradients = []
    for parts in (1, 2):
        experiment = small(seed=1)
        x0, y = experiment.draw(16, torch.Generator().manual_seed(0))
        t, calls = torch.arange(16) % 10 + 1, []
        target = torch.zeros_like(x0)

        def loss_of(network, _, parts=parts, calls=calls, x0=x0, y=y, t=t, target=target):
            share = slice(len(calls) % parts * 16 // parts, (len(calls) % parts + 1) * 16 // parts)
            calls.append(share)
            return (network(x0[share], t[share], y[share]) - target[share]).sub(1).square().mean()

        training = Training(experiment.network, 1, 1e-3, torch.Generator())
        list(training.run(loss_of, parts))
        assert len(calls) == parts
        gradients.append(experiment.network.head[0].weight.grad)
        losses = training.losses
        assert len(losses) == 1
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("prediction", ["eps", "v", "x0", "u"])
def test_autocast_reaches_the_network_and_leaves_the_rest_in_float32(prediction, generator, monkeypatch):
    """What a CUDA GPU gets, tried with the CPU's bfloat16: outputs of 8 bits of precision, ε̂ and loss in float32."""
    experiment, seen = small(prediction=prediction), []
    experiment.network.head[0].weight.data.normal_(std=0.1)
    experiment.network.head[0].register_forward_hook(lambda _, __, output: seen.append(output.dtype))
    x_t, t = experiment.noise(8, generator), torch.arange(8) + 1
    with torch.no_grad():
        exact = experiment.learned()(x_t, t)
    monkeypatch.setattr(experiment, "autocast", lambda: torch.autocast("cpu", torch.bfloat16))
    with torch.no_grad():
        eps = experiment.learned()(x_t, t)
    loss = experiment.loss(experiment.network, generator)
    loss.backward()
    assert seen == [torch.float32, torch.bfloat16, torch.bfloat16]
    assert eps.dtype == loss.dtype == experiment.network.head[0].weight.grad.dtype == torch.float32
    assert 0 < (eps - exact).abs().max() < 0.1
