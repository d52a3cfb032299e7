"""The command lines of naive and bare-bones diffusion: what they write, resume, refuse; and that both learn."""

import json

import numpy as np
import pytest
import torch

from evaluation import judges
from experiments import run_folder
from experiments.checkpoint import load_json
from small_systems import barebones, naive
from small_systems import command_line as small_system
from utils import Training

OUTCOME = {"config.json", "denoiser.safetensors", "losses.npz", "samples.npz", "samples.png", "scorecard.json"}
TINY = ["--data", "digits", "--steps", "6", "--batch-size", "8", "--samples", "20", "--S", "3", "--width", "4"]
PROGRAMS = {
    "naive": (naive.make_parser, naive.Naive, naive.Config()),
    "barebones": (barebones.make_parser, barebones.BareBones, barebones.Config()),
}


def run(program, *arguments):
    """The exit code of a program with these arguments, in this process."""
    make_parser, system, default = PROGRAMS[program]
    try:
        return small_system.main([str(a) for a in arguments], make_parser(), system, default)
    except SystemExit as stop:
        return stop.code


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A checkpoint every second step, and small forests: what these tests look at is not the AUC."""
    monkeypatch.setattr(run_folder, "CHECKPOINT_EVERY", 2)
    monkeypatch.setattr(judges, "TREES", 5)


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("naive", ["--algorithm", "renoise"]),
        ("naive", ["--algorithm", "stepwise", "--T", "3", "--k", "9"]),
        ("naive", ["--algorithm", "cold", "--colours", "4"]),
        ("naive", ["--algorithm", "cold", "--no-coordinates"]),
        ("barebones", ["--task", "denoise", "--repeated", "5"]),
        ("barebones", ["--task", "specific-image"]),
    ],
)
def test_a_run_writes_its_outcome_and_can_be_loaded(program, arguments, tmp_path):
    assert run(program, *TINY, *arguments, "--out", tmp_path) == 0
    assert {path.name for path in tmp_path.iterdir()} == OUTCOME | {"denoiser_training.pt"}
    card = load_json(tmp_path / "scorecard.json")
    loaded = small_system.load(tmp_path, PROGRAMS[program][1])
    pictures = loaded.sample(20, 3, torch.Generator().manual_seed(small_system.EVALUATION_SEED))
    with np.load(tmp_path / "samples.npz") as archive:
        kept = archive["samples"]
    np.testing.assert_array_equal((pictures.clamp(0, 1) * 255).round().byte().numpy(), kept)
    assert card["samples"] == 20


def test_resumed_run_gives_the_same_weights_as_one_that_was_never_stopped(tmp_path, monkeypatch):
    def killed(*arguments):
        save(*arguments)
        raise KeyboardInterrupt

    save = run_folder.save_training
    assert run("naive", *TINY, "--out", tmp_path / "whole") == 0
    monkeypatch.setattr(run_folder, "save_training", killed)
    assert run("naive", *TINY, "--out", tmp_path / "killed") == 130
    monkeypatch.setattr(run_folder, "save_training", save)
    assert run("naive", "--resume", "--samples", 20, "--S", 3, "--out", tmp_path / "killed") == 0
    weights = [(tmp_path / run_ / "denoiser.safetensors").read_bytes() for run_ in ("whole", "killed")]
    assert weights[0] == weights[1]
    assert run("naive", "--resume", "--samples", 20, "--steps", 8, "--out", tmp_path / "killed") == 0
    assert load_json(tmp_path / "killed" / "config.json")["steps"] == 8


@pytest.mark.parametrize(
    ("program", "arguments", "word"),
    [
        ("naive", ["--algorithm", "magic"], "--algorithm"),
        ("naive", ["--colours", "5"], "--colours"),
        ("naive", ["--T", "0"], "--T"),
        ("barebones", ["--task", "guess"], "--task"),
        ("barebones", ["--repeated", "0"], "--repeated"),
        ("barebones", ["--data", "photos"], "--data"),
        ("barebones", ["--S", "0"], "--S"),
        ("naive", ["--resume"], "needs --out"),
        ("naive", ["--resume", "--out", "nowhere"], "there is no run"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(program, arguments, word, capsys):
    assert run(program, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"python -m small_systems.{program}: error: ")
    assert err.count("\n") == 1
    assert word in err


def test_a_folder_with_something_in_it_is_left_alone(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    assert run("naive", *TINY, "--out", tmp_path) == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_resume_with_other_settings_or_fewer_steps_is_refused(tmp_path, capsys):
    assert run("barebones", *TINY, "--out", tmp_path) == 0
    before = (tmp_path / "config.json").read_bytes()
    for other, word in ((["--lr", "0.5"], "lr"), (["--steps", "5"], "6 steps"), (["--task", "specific-image"], "task")):
        assert run("barebones", "--resume", *other, "--out", tmp_path) == 2
        assert f"{word};" in capsys.readouterr().err
    assert (tmp_path / "config.json").read_bytes() == before


def test_config_of_another_system_is_refused(tmp_path, capsys):
    (tmp_path / "config.json").write_text(json.dumps({"task": "denoise"}))
    assert run("naive", "--resume", "--out", tmp_path) == 2
    assert "not the config" in capsys.readouterr().err


def test_fast_is_a_short_run_and_has_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(small_system, "FAST_STEPS", 2)
    assert run("barebones", "--fast", "--data", "digits", "--samples", 20, "--S", 2) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name == "barebones-data-digits-steps-2"
    assert run("barebones", "--fast", "--steps", 3, "--data", "digits", "--samples", 20, "--out", "three") == 0
    assert load_json("three/config.json")["steps"] == 3


@pytest.mark.parametrize(
    ("program", "arguments", "share"),
    [
        ("naive", {"algorithm": "renoise"}, 0.75),
        ("barebones", {"task": "denoise"}, 0.75),
    ],
)
def test_a_few_hundred_steps_on_digits_beat_the_mean_image(program, arguments, share):
    """The loss of a network that ignores its input is the variance of the pixels."""
    _, system, default = PROGRAMS[program]
    made = system(type(default)(**arguments, data="digits", steps=300, batch_size=64, width=16))
    losses = list(Training(made.network, 300, 3e-3, torch.Generator().manual_seed(0)).run(made.loss))
    assert np.mean(losses[-50:]) < share * float(made.train.var(0, correction=0).mean())
