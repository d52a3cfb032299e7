"""A run that stopped goes on with --resume, and whatever it cannot go on from is refused and left as it was."""

import pytest
import torch

import train
from evaluation import two_pixel as scorecard
from experiments.experiment import save_config
from experiments.two_pixel import TwoPixel, load


def test_resume_needs_a_folder_with_a_run(run, run_tiny, assert_refused, tmp_path):
    assert_refused(run("--resume"), "--out")
    assert_refused(run_tiny("--resume", "--out", tmp_path / "none"), "no run in", "none")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--T", "4"], ["T = 3", "not 4"]),
        (["--world", "signed"], ["world = homework", "not signed"]),
        (["--lr", "0.5"], ["lr = 0.002", "not 0.5"]),
        (["--steps", "5"], ["steps = 6", "not 5"]),
    ],
)
def test_resume_of_another_run_is_refused(change, words, run_tiny, assert_refused, contents, capsys, tmp_path, quick):
    assert run_tiny("--out", tmp_path / "run") == 0
    before = contents(tmp_path / "run")
    capsys.readouterr()
    assert_refused(run_tiny(*change, "--resume", "--out", tmp_path / "run"), *words)
    assert contents(tmp_path / "run") == before


@pytest.mark.parametrize(("of", "asked"), [("mnist", "two_pixel"), ("mnist", "digits"), ("two_pixel", "mnist")])
def test_resume_with_other_data_is_refused(of, asked, run, assert_refused, tmp_path):
    save_config(tmp_path, train.DEFAULTS[of])
    code = run("--data", asked, "--resume", "--out", tmp_path)
    assert_refused(code, f"data = {of}, not {asked}")


def test_resume_to_more_steps_goes_on_from_where_the_run_ended(run, run_tiny, tmp_path, quick):
    assert run_tiny("--out", tmp_path / "run") == 0
    short = torch.load(tmp_path / "run" / "denoiser_training.pt", weights_only=True)["training"]["losses"]
    assert run("--steps", "9", "--resume", "--out", tmp_path / "run") == 0
    long = torch.load(tmp_path / "run" / "denoiser_training.pt", weights_only=True)
    assert len(short) == 6
    assert len(long["training"]["losses"]) == long["config"]["steps"] == 9
    assert long["training"]["losses"][:6] == short
    assert load(tmp_path / "run").config.steps == 9


@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_finished_run_that_cannot_go_on_to_more_steps_stays_as_it_is(
    damage, run, run_tiny, assert_refused, contents, capsys, tmp_path, quick
):
    assert run_tiny("--out", tmp_path / "run") == 0
    state = tmp_path / "run" / "denoiser_training.pt"
    state.unlink() if damage == "missing" else state.write_bytes(state.read_bytes()[:100])
    before = contents(tmp_path / "run")
    capsys.readouterr()
    assert_refused(run("--steps", "9", "--resume", "--out", tmp_path / "run"), "denoiser_training.pt")
    assert contents(tmp_path / "run") == before
    assert load(tmp_path / "run").config.steps == 6


@pytest.mark.parametrize(
    ("name", "words"), [("config.json", "truncated"), ("denoiser_training.pt", "truncated"), (None, "nothing to go on")]
)
def test_resume_from_a_damaged_run_is_refused(
    name, words, run, run_tiny, assert_refused, contents, capsys, tmp_path, quick
):
    """Truncated files, and a finished run without its training state: training it again would lose its weights."""
    assert run_tiny("--out", tmp_path / "run") == 0
    if name is None:
        (tmp_path / "run" / "denoiser_training.pt").unlink()
    else:
        path = tmp_path / "run" / name
        path.write_bytes(path.read_bytes()[:100])
    before = contents(tmp_path / "run")
    capsys.readouterr()
    assert_refused(run("--resume", "--out", tmp_path / "run"), words)
    assert contents(tmp_path / "run") == before


def test_training_state_of_another_run_is_refused(run, run_tiny, assert_refused, capsys, tmp_path, quick):
    assert run_tiny("--out", tmp_path / "run") == 0
    assert run_tiny("--world", "signed", "--out", tmp_path / "other") == 0
    (tmp_path / "run" / "denoiser_training.pt").write_bytes((tmp_path / "other" / "denoiser_training.pt").read_bytes())
    capsys.readouterr()
    assert_refused(run("--resume", "--out", tmp_path / "run"), "world = signed, not homework")


def test_interruption_says_how_to_go_on(run_tiny, capsys, tmp_path, quick, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(scorecard, "score", interrupted)
    assert run_tiny("--out", tmp_path / "run") == 130
    assert f"--resume --out {tmp_path / 'run'}" in capsys.readouterr().err


def test_loss_that_is_not_finite_names_the_step_and_leaves_the_last_checkpoint(
    run, run_tiny, assert_refused, tmp_path, quick, monkeypatch
):
    true_loss, calls = TwoPixel.loss, []

    def exploding_loss(*arguments):
        calls.append(1)
        return true_loss(*arguments) * (float("inf") if len(calls) == 6 else 1.0)

    monkeypatch.setattr(TwoPixel, "loss", exploding_loss)
    assert_refused(run_tiny("--out", tmp_path / "run"), "inf", "step 6", "run")
    state = torch.load(tmp_path / "run" / "denoiser_training.pt", weights_only=True)
    assert len(state["training"]["losses"]) == 4
    monkeypatch.setattr(TwoPixel, "loss", true_loss)
    assert run("--resume", "--out", tmp_path / "run") == 0
