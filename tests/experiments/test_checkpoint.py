"""Files of a run: written whole or not at all, refused in one line when damaged or of something else."""

import os
from dataclasses import asdict

import numpy as np
import pytest
import torch
from torch import nn

from experiments.checkpoint import (
    CheckpointError,
    load_json,
    load_training,
    load_weights,
    save_arrays,
    save_json,
    save_training,
    save_weights,
    write_atomically,
)
from experiments.experiment import load_config, save_config
from experiments.two_pixel import Config, TwoPixel, load
from utils import Training


def one_line(error):
    return "\n" not in str(error.value)


def small_training():
    return Training(nn.Linear(2, 2), 10, 1e-3, torch.Generator().manual_seed(0))


def test_interrupted_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_weights_and_arrays_come_back_bit_for_bit(tmp_path):
    first, second = nn.Linear(3, 2), nn.Linear(3, 2)
    save_weights(tmp_path / "w.safetensors", first, {"T": 5})
    load_weights(tmp_path / "w.safetensors", second, {"T": 5})
    assert torch.equal(first.weight, second.weight)
    save_arrays(tmp_path / "a.npz", x=np.arange(3))
    assert np.load(tmp_path / "a.npz")["x"].tolist() == [0, 1, 2]


def test_a_run_comes_back_as_the_same_denoiser(tmp_path, generator):
    config = Config(T=7, world="signed", prediction="eps", clip=False, seed=3, classifier=True)
    experiment = TwoPixel(config)
    save_config(tmp_path, config)
    save_weights(tmp_path / "denoiser.safetensors", experiment.network, asdict(config))
    save_weights(tmp_path / "classifier.safetensors", experiment.classifier, asdict(config))
    torch.manual_seed(99)
    again = load(tmp_path)
    assert again.config == config
    x_t, t = torch.randn(7, 1, 2, generator=generator), torch.arange(1, 8)
    assert torch.equal(again.denoiser()(x_t, t), experiment.denoiser()(x_t, t))
    assert torch.equal(again.classifier(x_t, t), experiment.classifier(x_t, t))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("damage", ["missing", "truncated", "empty", "garbage"])
@pytest.mark.parametrize("kind", ["json", "weights", "training"])
def test_damaged_files_are_refused_in_one_line(kind, damage, tmp_path):
    path, layer, training = tmp_path / "file", nn.Linear(2, 2), small_training()
    save, read = {
        "json": (lambda: save_json(path, {"T": 50}), lambda: load_json(path)),
        "weights": (lambda: save_weights(path, layer, {}), lambda: load_weights(path, layer, {})),
        "training": (lambda: save_training(path, training, {}), lambda: load_training(path, training, {})),
    }[kind]
    save()
    read()
    if damage == "missing":
        path.unlink()
    else:
        whole = path.read_bytes()
        path.write_bytes({"truncated": whole[: len(whole) // 2], "empty": b"", "garbage": b"\x80garbage"}[damage])
    with pytest.raises(CheckpointError, match="file") as error:
        read()
    assert one_line(error)


def test_weights_of_another_network_are_refused(tmp_path):
    save_weights(tmp_path / "w", nn.Linear(2, 3), {})
    with pytest.raises(CheckpointError, match="another network") as error:
        load_weights(tmp_path / "w", nn.Linear(2, 2), {})
    assert one_line(error)


def test_weights_and_training_state_of_another_config_are_refused(tmp_path):
    """The same shapes, but trained for another T: nothing else would notice."""
    save_weights(tmp_path / "w", nn.Linear(2, 2), {"T": 5})
    save_training(tmp_path / "t", small_training(), {"T": 5})
    with pytest.raises(CheckpointError, match="T = 5, not 50"):
        load_weights(tmp_path / "w", nn.Linear(2, 2), {"T": 50})
    with pytest.raises(CheckpointError, match="T = 5, not 50"):
        load_training(tmp_path / "t", small_training(), {"T": 50})


def test_numbers_that_json_cannot_say_become_null(tmp_path):
    save_json(tmp_path / "card.json", {"a": float("nan"), "b": [1.5, float("inf")], "c": {"d": 2}})
    assert load_json(tmp_path / "card.json") == {"a": None, "b": [1.5, None], "c": {"d": 2}}


def test_training_state_of_another_network_is_refused(tmp_path):
    other = Training(nn.Linear(2, 3), 10, 1e-3, torch.Generator().manual_seed(0))
    save_training(tmp_path / "t", other, {})
    with pytest.raises(CheckpointError, match="training state") as error:
        load_training(tmp_path / "t", small_training(), {})
    assert one_line(error)


@pytest.mark.parametrize("content", [{"image_size": 28}, {"world": "mars"}, {"T": "fifty"}, {"T": 0}, []])
def test_config_of_another_kind_of_run_is_refused(content, tmp_path):
    save_json(tmp_path / "config.json", content)
    with pytest.raises(CheckpointError, match="not the config"):
        load_config(tmp_path, Config)
