"""The command line as a person uses it: one-line errors, nothing overwritten, kill and resume, same bytes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import train
from evaluation import two_pixel as scorecard
from experiments import images, run_folder
from experiments.data import DataError
from experiments.experiment import save_config
from experiments.two_pixel import Config, TwoPixel, load

ROOT = Path(__file__).parents[1]
TINY = ["--T", "3", "--steps", "6", "--batch-size", "16", "--device", "cpu"]
OUTCOME = ["config.json", "denoiser.safetensors", "losses.npz", "samples.npz", "samples.png", "scorecard.json"]


@pytest.fixture
def quick(monkeypatch):
    """A score card of few samples, and a checkpoint every second step."""
    monkeypatch.setitem(train.SAMPLES, "two_pixel", 200)
    monkeypatch.setattr(scorecard, "LOSS_POINTS", 300)
    monkeypatch.setattr(run_folder, "CHECKPOINT_EVERY", 2)


def run(*arguments):
    """The exit code of train.py with these arguments, in this process."""
    try:
        return train.main([str(a) for a in arguments])
    except SystemExit as stop:
        return stop.code


def assert_refused(capsys, code, *words):
    """Exit code 2 and one line on stderr that has the words in it; nothing on stdout."""
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if line and ": denoiser:" not in line]  # the progress bar
    assert code == 2
    assert out == ""
    assert len(lines) == 1, err
    assert lines[0].startswith("train.py: error: ")
    for word in words:
        assert word in lines[0]


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def assert_same_outcome(before, after):
    """The same bytes in every file of the outcome, but for the score card, which holds the seconds."""
    assert before.keys() == after.keys()
    assert [name for name in OUTCOME if before[name] != after[name]] in ([], ["scorecard.json"])


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
def test_bad_arguments_are_refused(arguments, capsys, tmp_path):
    out = tmp_path / "run"
    assert_refused(capsys, run(*arguments, "--out", out), arguments[0])
    assert not out.exists()


def test_device_that_is_not_there_is_refused(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert_refused(capsys, run("--device", "cuda", "--out", tmp_path / "run"), "cuda", "not available")


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
def test_impossible_ways_of_sampling_are_refused(arguments, words, capsys, tmp_path):
    code = run(*TINY, *arguments, "--out", tmp_path / "run")
    assert_refused(capsys, code, *([words] if words != "3 has" else ["the schedule has 3", "1 to 3"]))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("sampler", Config.CHOICES["sampler"])
def test_every_sampler_makes_the_score_card_and_comes_back_with_the_run(sampler, tmp_path, quick):
    out = tmp_path / "run"
    assert run(*TINY, "--sampler", sampler, "--sampling-steps", "2", "--out", out) == 0
    config = load(out).config
    assert (config.sampler, config.sampling_steps, config.T) == (sampler, 2, 3)
    assert json.loads((out / "scorecard.json").read_text())["calls"] == (3 if sampler == "heun" else 2)


@pytest.fixture
def teacher(tmp_path, quick):
    assert run("--T", "8", "--steps", "6", "--batch-size", "16", "--device", "cpu", "--out", tmp_path / "teacher") == 0
    return tmp_path / "teacher"


SMALL_STUDENT = ["--steps", "4", "--batch-size", "16", "--device", "cpu"]


def test_student_begins_as_its_teacher_and_each_stage_is_a_run_of_its_own(teacher, tmp_path):
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


def test_student_teaches_as_it_is_whatever_its_own_teacher_was_asked(teacher, tmp_path):
    """Its guidance and its teacher's steps belong to its own training, and are not asked of it again."""
    first, second = tmp_path / "first", tmp_path / "second"
    guided = ["--guidance", "2", "--teacher-steps", "6"]
    assert run("--distill", teacher, "--T", "3", *guided, *SMALL_STUDENT, "--out", first) == 0
    assert (load(first).config.guidance, load(first).config.teacher_steps) == (2, 6)
    assert run("--distill", first, "--T", "1", *SMALL_STUDENT, "--out", second) == 0
    config = load(second).config
    assert (config.guidance, config.teacher_steps, config.teacher) == (0, None, str(first))


def test_killed_distillation_goes_on_where_it_was(teacher, tmp_path, monkeypatch):
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
def test_impossible_students_are_refused(arguments, words, teacher, capsys, tmp_path):
    capsys.readouterr()
    assert_refused(capsys, run("--distill", teacher, *arguments, "--out", tmp_path / "student"), words)
    assert not (tmp_path / "student").exists()


def test_teacher_that_cannot_teach_is_refused_before_there_is_a_folder(teacher, capsys, tmp_path):
    (teacher / "denoiser.safetensors").unlink()
    capsys.readouterr()
    code = run("--distill", teacher, "--T", "2", *SMALL_STUDENT, "--out", tmp_path / "student")
    assert_refused(capsys, code, "not a finished run", "denoiser.safetensors")
    assert not (tmp_path / "student").exists()


def test_student_does_not_go_on_with_another_teacher(teacher, capsys, tmp_path):
    out = tmp_path / "student"
    assert run("--distill", teacher, "--T", "2", *SMALL_STUDENT, "--out", out) == 0
    assert run(*TINY, "--out", tmp_path / "other") == 0
    (teacher / "denoiser.safetensors").write_bytes((tmp_path / "other" / "denoiser.safetensors").read_bytes())
    capsys.readouterr()
    assert_refused(capsys, run("--resume", "--out", out), "teacher")
    assert_refused(capsys, run("--resume", "--distill", teacher, "--out", out), "one of them")


def test_student_of_several_stages_is_not_trained_longer(teacher, capsys, tmp_path):
    """Its teacher on the way would become another one under it; a student of the first teacher may go on."""
    out = tmp_path / "student"
    assert run("--distill", teacher, "--T", "2", *SMALL_STUDENT, "--out", out) == 0
    before = contents(out / "4-steps")
    capsys.readouterr()
    assert_refused(capsys, run("--resume", "--steps", "9", "--out", out), "steps = 4, not 9")
    assert contents(out / "4-steps") == before
    alone = tmp_path / "alone"
    assert run("--distill", teacher, "--T", "4", *SMALL_STUDENT, "--out", alone) == 0
    assert run("--resume", "--steps", "9", "--samples", "100", "--out", alone) == 0
    assert len(np.load(alone / "losses.npz")["losses"]) == load(alone).config.steps == 9


def test_student_without_out_has_a_folder_of_its_own_in_runs(teacher, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("--distill", "teacher", "--T", "2", *SMALL_STUDENT) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name == "homework-T8-student-2-steps-4-batch_size-16"
    assert (folder / "denoiser.safetensors").is_file()


def test_resume_needs_a_folder_with_a_run(capsys, tmp_path):
    assert_refused(capsys, run("--resume"), "--out")
    assert_refused(capsys, run(*TINY, "--resume", "--out", tmp_path / "none"), "no run in", "none")


def test_out_that_cannot_be_a_folder_is_refused(capsys, tmp_path):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        assert_refused(capsys, run(*TINY, "--out", out), "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_out_that_cannot_be_written_is_refused(capsys, tmp_path, monkeypatch):
    def no_permission(self, **_):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", no_permission)
    assert_refused(capsys, run(*TINY, "--out", tmp_path / "run"), "Permission denied")


def test_folder_with_something_in_it_is_left_alone(capsys, tmp_path):
    (tmp_path / "samples.npz").write_text("mine")
    assert_refused(capsys, run(*TINY, "--out", tmp_path), "not empty")
    assert contents(tmp_path) == {"samples.npz": b"mine"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--T", "4"], ["T = 3", "not 4"]),
        (["--world", "signed"], ["world = homework", "not signed"]),
        (["--lr", "0.5"], ["lr = 0.002", "not 0.5"]),
        (["--steps", "5"], ["steps = 6", "not 5"]),
    ],
)
def test_resume_of_another_run_is_refused(change, words, capsys, tmp_path, quick):
    assert run(*TINY, "--out", tmp_path / "run") == 0
    before = contents(tmp_path / "run")
    capsys.readouterr()
    assert_refused(capsys, run(*TINY, *change, "--resume", "--out", tmp_path / "run"), *words)
    assert contents(tmp_path / "run") == before


@pytest.mark.parametrize(("of", "asked"), [("mnist", "two_pixel"), ("mnist", "digits"), ("two_pixel", "mnist")])
def test_resume_with_other_data_is_refused(of, asked, capsys, tmp_path):
    save_config(tmp_path, train.DEFAULTS[of])
    code = run("--data", asked, "--resume", "--out", tmp_path)
    assert_refused(capsys, code, f"data = {of}, not {asked}")


def test_options_of_other_data_are_refused(capsys, tmp_path):
    assert_refused(capsys, run("--data", "digits", "--world", "signed", "--out", tmp_path / "run"), "--world")


def test_missing_data_is_said_before_there_is_a_folder(capsys, tmp_path, monkeypatch):
    def missing():
        raise DataError("MNIST is not here: put it there")

    monkeypatch.setitem(images.SETS, "mnist", missing)
    assert_refused(capsys, run("--data", "mnist", "--out", tmp_path / "run"), "put it there")
    assert not (tmp_path / "run").exists()


def test_resume_takes_the_settings_of_the_run(tmp_path, quick):
    assert run(*TINY, "--classifier", "--out", tmp_path / "run") == 0
    before = contents(tmp_path / "run")
    assert run("--resume", "--out", tmp_path / "run") == 0
    assert_same_outcome(before, contents(tmp_path / "run"))


def test_resume_to_more_steps_goes_on_from_where_the_run_ended(tmp_path, quick):
    assert run(*TINY, "--out", tmp_path / "run") == 0
    short = torch.load(tmp_path / "run" / "denoiser_training.pt", weights_only=True)["training"]["losses"]
    assert run("--steps", "9", "--resume", "--out", tmp_path / "run") == 0
    long = torch.load(tmp_path / "run" / "denoiser_training.pt", weights_only=True)
    assert len(short) == 6
    assert len(long["training"]["losses"]) == long["config"]["steps"] == 9
    assert long["training"]["losses"][:6] == short
    assert load(tmp_path / "run").config.steps == 9


@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_finished_run_that_cannot_go_on_to_more_steps_stays_as_it_is(damage, capsys, tmp_path, quick):
    assert run(*TINY, "--out", tmp_path / "run") == 0
    state = tmp_path / "run" / "denoiser_training.pt"
    state.unlink() if damage == "missing" else state.write_bytes(state.read_bytes()[:100])
    before = contents(tmp_path / "run")
    capsys.readouterr()
    assert_refused(capsys, run("--steps", "9", "--resume", "--out", tmp_path / "run"), "denoiser_training.pt")
    assert contents(tmp_path / "run") == before
    assert load(tmp_path / "run").config.steps == 6


def test_own_images_have_a_command_line(monkeypatch):
    """A new entry in images.DEFAULTS is all that it takes."""
    own = images.Config(data="digits", size=32, num_classes=3)
    monkeypatch.setitem(train.DEFAULTS, "mine", own)
    monkeypatch.setitem(images.Config.CHOICES, "data", ("mine",))
    args = train.parse_arguments(["--data", "mine"])
    assert (args.size, args.num_classes, args.samples) == (32, 3, 1000)


@pytest.mark.parametrize(
    ("name", "words"), [("config.json", "truncated"), ("denoiser_training.pt", "truncated"), (None, "nothing to go on")]
)
def test_resume_from_a_damaged_run_is_refused(name, words, capsys, tmp_path, quick):
    """Truncated files, and a finished run without its training state: training it again would lose its weights."""
    assert run(*TINY, "--out", tmp_path / "run") == 0
    if name is None:
        (tmp_path / "run" / "denoiser_training.pt").unlink()
    else:
        path = tmp_path / "run" / name
        path.write_bytes(path.read_bytes()[:100])
    before = contents(tmp_path / "run")
    capsys.readouterr()
    assert_refused(capsys, run("--resume", "--out", tmp_path / "run"), words)
    assert contents(tmp_path / "run") == before


def test_training_state_of_another_run_is_refused(capsys, tmp_path, quick):
    assert run(*TINY, "--out", tmp_path / "run") == 0
    assert run(*TINY, "--world", "signed", "--out", tmp_path / "other") == 0
    (tmp_path / "run" / "denoiser_training.pt").write_bytes((tmp_path / "other" / "denoiser_training.pt").read_bytes())
    capsys.readouterr()
    assert_refused(capsys, run("--resume", "--out", tmp_path / "run"), "world = signed, not homework")


def test_folder_of_a_run_that_never_began_is_free(tmp_path, quick):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / ".config.json.x7").write_text("{")  # a kill in the middle of writing it
    assert run(*TINY, "--out", tmp_path) == 0


def test_interruption_says_how_to_go_on(capsys, tmp_path, quick, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(scorecard, "score", interrupted)
    assert run(*TINY, "--out", tmp_path / "run") == 130
    assert f"--resume --out {tmp_path / 'run'}" in capsys.readouterr().err


def test_loss_that_is_not_finite_names_the_step_and_leaves_the_last_checkpoint(capsys, tmp_path, quick, monkeypatch):
    true_loss, calls = TwoPixel.loss, []

    def exploding_loss(*arguments):
        calls.append(1)
        return true_loss(*arguments) * (float("inf") if len(calls) == 6 else 1.0)

    monkeypatch.setattr(TwoPixel, "loss", exploding_loss)
    assert_refused(capsys, run(*TINY, "--out", tmp_path / "run"), "inf", "step 6", "run")
    state = torch.load(tmp_path / "run" / "denoiser_training.pt", weights_only=True)
    assert len(state["training"]["losses"]) == 4
    monkeypatch.setattr(TwoPixel, "loss", true_loss)
    assert run("--resume", "--out", tmp_path / "run") == 0


def test_run_leaves_what_the_readme_says(tmp_path, quick, capsys):
    assert run(*TINY, "--classifier", "--out", tmp_path / "run") == 0
    for name in [*OUTCOME, "classifier.safetensors"]:
        assert (tmp_path / "run" / name).exists()
    card = json.loads((tmp_path / "run" / "scorecard.json").read_text())
    for key in ("excess_loss", "excess_loss_labelled", "energy_distance", "energy_distance_oracle"):
        assert np.isfinite(card[key])
    assert card["energy_distance_floor"] > 0
    low, high = card["mode_weight_interval"]
    assert low <= card["mode_weight"] <= high
    assert card["made_by"]["seconds"] > 0
    assert (card["made_by"]["T"], card["made_by"]["processes"]) == ("3", 1)
    saved = np.load(tmp_path / "run" / "samples.npz")
    assert saved["samples"].shape == (200, 1, 2)
    assert saved["labels"].mean() == pytest.approx(1 - card["mode_weight"])
    assert len(np.load(tmp_path / "run" / "losses.npz")["losses"]) == 6
    assert "energy distance" in capsys.readouterr().out
    assert load(tmp_path / "run").config.T == 3


def test_without_out_each_run_gets_a_new_folder(tmp_path, monkeypatch, quick):
    monkeypatch.chdir(tmp_path)
    for arguments in ([], [], ["--seed", 5]):
        assert run(*TINY, *arguments) == 0
    name = "homework-T3-steps-6-batch_size-16"
    assert sorted(os.listdir(tmp_path / "runs")) == [name, f"{name}-2", "homework-T3-steps-6-batch_size-16-seed-5"]


def command(out, *more):
    """train.py in a process of its own, with a checkpoint every 20 steps."""
    arguments = ["--T", "3", "--steps", "300", "--batch-size", "16", "--device", "cpu", "--out", str(out), *more]
    script = "import sys, train; train.run_folder.CHECKPOINT_EVERY = 20; sys.exit(train.main({}))"
    return [sys.executable, "-c", script.format(arguments)]


def test_same_seed_gives_the_same_bytes_and_survives_kill_9(tmp_path):
    """Two processes, one of them killed in the middle and resumed: the same weights, samples and picture."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(command(whole), cwd=ROOT, check=True, capture_output=True)
    process = subprocess.Popen(command(killed), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (killed / "denoiser_training.pt").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "denoiser.safetensors").exists()  # it died in the middle
    subprocess.run(command(killed, "--resume"), cwd=ROOT, check=True, capture_output=True)
    assert_same_outcome(contents(whole), contents(killed))


@pytest.mark.parametrize(("prediction", "mark"), [("v", 0.05), ("eps", 0.08)])
def test_short_run_learns_and_saves_the_average_of_its_weights(prediction, mark, tmp_path):
    """300 of the default 3000 steps; an untrained network is several times the floor above it.

    Measured for v over 3 seeds: 1.8 to 3.1 % without label, 1.1 to 1.8 % with label; for ε 4.4 % with and without.
    """
    out = tmp_path / "run"
    assert run("--T", 5, "--steps", 300, "--prediction", prediction, "--device", "cpu", "--out", out) == 0
    card = json.loads((out / "scorecard.json").read_text())
    assert 0.001 < card["excess_loss"] < mark
    assert 0.001 < card["excess_loss_labelled"] < mark
    experiment = load(out)
    losses = np.load(out / "losses.npz")["losses"]
    assert abs(losses[-100:].mean() / experiment.training_floor() - 1) < 0.1
    state = torch.load(out / "denoiser_training.pt", weights_only=True)["training"]
    for name, weight in experiment.network.state_dict().items():
        assert torch.equal(weight, state["ema"][f"module.{name}"])
    assert not torch.equal(state["network"]["decoder2.weight"], state["ema"]["module.decoder2.weight"])


def test_another_seed_gives_other_weights(tmp_path, quick):
    for seed in (0, 1):
        assert run(*TINY, "--seed", seed, "--out", tmp_path / str(seed)) == 0
    first, second = load(tmp_path / "0"), load(tmp_path / "1")
    assert not torch.equal(first.network.decoder2.weight, second.network.decoder2.weight)
