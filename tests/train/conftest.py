"""What the tests of the command line share: train.py in this process, and what it said and left."""

import pytest

import train
from evaluation import two_pixel as scorecard
from experiments import run_folder


@pytest.fixture
def quick(monkeypatch):
    """A score card of few samples, and a checkpoint every second step."""
    monkeypatch.setitem(train.SAMPLES, "two_pixel", 200)
    monkeypatch.setattr(scorecard, "LOSS_POINTS", 300)
    monkeypatch.setattr(run_folder, "CHECKPOINT_EVERY", 2)


@pytest.fixture
def run():
    """A function: the exit code of train.py with these arguments, in this process."""

    def exit_code(*arguments):
        try:
            return train.main([str(a) for a in arguments])
        except SystemExit as stop:
            return stop.code

    return exit_code


@pytest.fixture
def run_tiny(run):
    """The same for a run of T = 3 and 6 steps of training, unless the arguments say otherwise."""
    tiny = ["--T", "3", "--steps", "6", "--batch-size", "16", "--device", "cpu"]
    return lambda *arguments: run(*tiny, *arguments)


@pytest.fixture
def assert_refused(capsys):
    """A function: exit code 2 and one line on stderr that has the words in it; nothing on stdout."""

    def check(code, *words):
        out, err = capsys.readouterr()
        lines = [line for line in err.splitlines() if line and ": denoiser:" not in line]  # the progress bar
        assert code == 2
        assert out == ""
        assert len(lines) == 1, err
        assert lines[0].startswith("train.py: error: ")
        for word in words:
            assert word in lines[0]

    return check


@pytest.fixture
def contents():
    """A function: the bytes of every file in a folder, by name."""
    return lambda folder: {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
