"""What train.py is asked for: whatever cannot be done is refused in one line, before there is a folder."""

from pathlib import Path

import pytest
import torch

import train
from experiments import images
from experiments.data import DataError


@pytest.mark.parametrize(
    "arguments",
    [
        ("--T", "0"),
        ("--T", "-5"),
        ("--T", "ten"),
        ("--T", "2.5"),
        ("--T", "nan"),
        ("--steps", "0"),
        ("--batch-size", "-1"),
        ("--lr", "nan"),
        ("--lr", "inf"),
        ("--lr", "0"),
        ("--lr", "-1e-3"),
        ("--label-dropout", "1.5"),
        ("--label-dropout", "nan"),
        ("--seed", "-1"),
        ("--step", "5"),
        ("--world", "mars"),
        ("--loss", "l3"),
        ("--prediction", "epsilon"),
        ("--schedule", "sigmoid"),
        ("--device", "tpu"),
        ("--batch-size", "999999999999"),
        ("--T", "1000000"),
        ("--unknown", "1"),
    ],
)
def test_bad_arguments_are_refused(arguments, run, assert_refused, tmp_path):
    out = tmp_path / "run"
    assert_refused(run(*arguments, "--out", out), arguments[0])
    assert not out.exists()


def test_device_that_is_not_there_is_refused(run, assert_refused, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert_refused(run("--device", "cuda", "--out", tmp_path / "run"), "cuda", "not available")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sampling-steps", "4"], "3 has"),
        (["--sampler", "heun", "--variance", "beta"], "variance = beta"),
        (["--sampler", "ddpm", "--sampling-steps", "2", "--variance", "beta"], "variance = beta"),
        (["--guidance", "1"], "--distill"),
        (["--teacher-steps", "2"], "--distill"),
        (["--data", "digits", "--sampler", "second_moment"], "second_moment"),
        (["--distill", "nowhere"], "nowhere: not the folder of a trained run"),
    ],
)
def test_impossible_ways_of_sampling_are_refused(arguments, words, run_tiny, assert_refused, tmp_path):
    code = run_tiny(*arguments, "--out", tmp_path / "run")
    assert_refused(code, *([words] if words != "3 has" else ["the schedule has 3", "1 to 3"]))
    assert not (tmp_path / "run").exists()


def test_options_of_other_data_are_refused(run, assert_refused, tmp_path):
    assert_refused(run("--data", "digits", "--world", "signed", "--out", tmp_path / "run"), "--world")


def test_missing_data_is_said_before_there_is_a_folder(run, assert_refused, tmp_path, monkeypatch):
    def missing():
        raise DataError("MNIST is not here: put it there")

    monkeypatch.setitem(images.SETS, "mnist", missing)
    assert_refused(run("--data", "mnist", "--out", tmp_path / "run"), "put it there")
    assert not (tmp_path / "run").exists()


def test_out_that_cannot_be_a_folder_is_refused(run_tiny, assert_refused, tmp_path):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        assert_refused(run_tiny("--out", out), "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_out_that_cannot_be_written_is_refused(run_tiny, assert_refused, tmp_path, monkeypatch):
    def no_permission(self, **_):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", no_permission)
    assert_refused(run_tiny("--out", tmp_path / "run"), "Permission denied")


def test_folder_with_something_in_it_is_left_alone(run_tiny, assert_refused, contents, tmp_path):
    (tmp_path / "samples.npz").write_text("mine")
    assert_refused(run_tiny("--out", tmp_path), "not empty")
    assert contents(tmp_path) == {"samples.npz": b"mine"}


def test_own_images_have_a_command_line(monkeypatch):
    """A new entry in images.DEFAULTS is all that it takes."""
    own = images.Config(data="digits", size=32, num_classes=3)
    monkeypatch.setitem(train.DEFAULTS, "mine", own)
    monkeypatch.setitem(images.Config.CHOICES, "data", ("mine",))
    args = train.parse_arguments(["--data", "mine"])
    assert (args.size, args.num_classes, args.samples) == (32, 3, 1000)
