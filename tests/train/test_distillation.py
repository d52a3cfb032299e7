"""Students on the command line: what they take from their teacher, killed and resumed, refused."""

import json

import numpy as np
import pytest
import torch

from experiments import run_folder
from experiments.two_pixel import load

SMALL_STUDENT = ["--steps", "4", "--batch-size", "16", "--device", "cpu"]


@pytest.fixture
def teacher(run, tmp_path, quick):
    assert run("--T", "8", "--steps", "6", "--batch-size", "16", "--device", "cpu", "--out", tmp_path / "teacher") == 0
    return tmp_path / "teacher"


def test_student_begins_as_its_teacher_and_each_stage_is_a_run_of_its_own(run, teacher, tmp_path):
    out = tmp_path / "student"
    assert run("--distill", teacher, "--T", "2", *SMALL_STUDENT, "--lr", "1e-12", "--out", out) == 0
    config = load(out).config
    assert (config.T, config.sampler, config.sampling_steps, config.teacher) == (8, "ddim", 2, str(teacher))
    assert load(out / "4-steps").config.sampling_steps == 4
    x_t, t = torch.randn(5, 1, 2), torch.full((5,), 8)
    for folder in (out, out / "4-steps"):  # hardly anything was learned at this rate
        torch.testing.assert_close(load(folder).denoiser()(x_t, t), load(teacher).denoiser()(x_t, t), rtol=0, atol=1e-4)
    card = json.loads((out / "scorecard.json").read_text())
    assert card["calls"] == 2
    assert "excess_loss" not in card  # it is asked at two t only, and its best ε̂ is not E[ε|x_t]


def test_student_teaches_as_it_is_whatever_its_own_teacher_was_asked(run, teacher, tmp_path):
    """Its guidance and its teacher's steps belong to its own training, and are not asked of it again."""
    first, second = tmp_path / "first", tmp_path / "second"
    guided = ["--guidance", "2", "--teacher-steps", "6"]
    assert run("--distill", teacher, "--T", "3", *guided, *SMALL_STUDENT, "--out", first) == 0
    assert (load(first).config.guidance, load(first).config.teacher_steps) == (2, 6)
    assert run("--distill", first, "--T", "1", *SMALL_STUDENT, "--out", second) == 0
    config = load(second).config
    assert (config.guidance, config.teacher_steps, config.teacher) == (0, None, str(first))


def test_killed_distillation_goes_on_where_it_was(run, contents, teacher, tmp_path, monkeypatch):
    """Stopped in the second stage: the first is not trained again, and the end is the same as without the stop."""
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert run("--distill", teacher, "--T", "2", *SMALL_STUDENT, "--out", whole) == 0
    train_stage = run_folder.train

    def stop_before_the_last(out, *arguments, **options):
        if out == stopped:
            raise KeyboardInterrupt
        return train_stage(out, *arguments, **options)

    monkeypatch.setattr(run_folder, "train", stop_before_the_last)
    assert run("--distill", teacher, "--T", "2", *SMALL_STUDENT, "--out", stopped) == 130
    monkeypatch.setattr(run_folder, "train", train_stage)
    before = contents(stopped / "4-steps")
    assert run("--resume", "--out", stopped) == 0
    assert contents(stopped / "4-steps")["denoiser.safetensors"] == before["denoiser.safetensors"]
    assert (stopped / "denoiser.safetensors").read_bytes() == (whole / "denoiser.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--T"),
        (["--T", "5"], "1 to 4"),
        (["--T", "2", "--world", "signed"], "world = homework, not signed"),
        (["--T", "2", "--sampler", "heun"], "sampler is ddim"),
        (["--T", "2", "--sampling-steps", "3"], "--T is the number"),
        (["--T", "2", "--teacher-steps", "9"], "takes 8"),
        (["--T", "2", "--data", "digits"], "data = two_pixel, not digits"),
    ],
)
def test_impossible_students_are_refused(arguments, words, run, assert_refused, teacher, capsys, tmp_path):
    capsys.readouterr()
    assert_refused(run("--distill", teacher, *arguments, "--out", tmp_path / "student"), words)
    assert not (tmp_path / "student").exists()


def test_teacher_that_cannot_teach_is_refused_before_there_is_a_folder(run, assert_refused, teacher, capsys, tmp_path):
    (teacher / "denoiser.safetensors").unlink()
    capsys.readouterr()
    code = run("--distill", teacher, "--T", "2", *SMALL_STUDENT, "--out", tmp_path / "student")
    assert_refused(code, "not a finished run", "denoiser.safetensors")
    assert not (tmp_path / "student").exists()


def test_student_does_not_go_on_with_another_teacher(run, run_tiny, assert_refused, teacher, capsys, tmp_path):
    out = tmp_path / "student"
    assert run("--distill", teacher, "--T", "2", *SMALL_STUDENT, "--out", out) == 0
    assert run_tiny("--out", tmp_path / "other") == 0
    (teacher / "denoiser.safetensors").write_bytes((tmp_path / "other" / "denoiser.safetensors").read_bytes())
    capsys.readouterr()
    assert_refused(run("--resume", "--out", out), "teacher")
    assert_refused(run("--resume", "--distill", teacher, "--out", out), "one of them")


def test_student_of_several_stages_is_not_trained_longer(run, assert_refused, contents, teacher, capsys, tmp_path):
    """Its teacher on the way would become another one under it; a student of the first teacher may go on."""
    out = tmp_path / "student"
    assert run("--distill", teacher, "--T", "2", *SMALL_STUDENT, "--out", out) == 0
    before = contents(out / "4-steps")
    capsys.readouterr()
    assert_refused(run("--resume", "--steps", "9", "--out", out), "steps = 4, not 9")
    assert contents(out / "4-steps") == before
    alone = tmp_path / "alone"
    assert run("--distill", teacher, "--T", "4", *SMALL_STUDENT, "--out", alone) == 0
    assert run("--resume", "--steps", "9", "--samples", "100", "--out", alone) == 0
    assert len(np.load(alone / "losses.npz")["losses"]) == load(alone).config.steps == 9


def test_student_without_out_has_a_folder_of_its_own_in_runs(run, teacher, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("--distill", "teacher", "--T", "2", *SMALL_STUDENT) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name == "homework-T8-student-2-steps-4-batch_size-16"
    assert (folder / "denoiser.safetensors").is_file()
