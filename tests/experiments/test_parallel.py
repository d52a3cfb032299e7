"""Several processes as torchrun starts them, here two on the CPU: shared gradients, one set of files, resume."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import train
from evaluation import images as image_scorecard
from experiments import images, parallel

ROOT = Path(__file__).parents[2]
SMALL = ["--data", "digits", "--T", "10", "--steps", "40", "--batch-size", "64", "--samples", "100", "--device", "cpu"]


TRAIN = "import sys, train; train.run_folder.CHECKPOINT_EVERY = 10; sys.exit(train.main())"


def torchrun(*arguments, code=TRAIN):
    """A script in two processes, with the quick score card of these tests."""
    quick = "import evaluation.images as s; s.CLASSIFIER_STEPS = 2; s.GUIDANCE = (1.0,); "
    script = "from torch.distributed.run import main; main()"
    options = ["--standalone", "--nproc-per-node", "2", "--no-python", sys.executable, "-c", quick + code]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", script, *options, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


def weights(folder):
    return images.load(folder).network.state_dict()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run by two processes."""
    out = tmp_path_factory.mktemp("two") / "run"
    answer = torchrun(*SMALL, "--out", out)
    assert answer.returncode == 0, answer.stderr
    return out, answer


@pytest.mark.slow
def test_two_processes_write_one_run(trained):
    out, answer = trained
    assert answer.stdout.count("measuring") == 1
    card = json.loads((out / "scorecard.json").read_text())
    assert card["generated"]["samples"] == 100
    losses = np.load(out / "losses.npz")["losses"]
    assert len(losses) == 40
    assert losses[0] == pytest.approx(1, abs=0.4)  # v has unit variance, and the network starts near 0


@pytest.mark.slow
def test_two_processes_train_as_one_that_does_the_work_of_both(trained, tmp_path, monkeypatch):
    """One process that takes the batch in two parts, with the random numbers of rank 0 and then of rank 1.

    The same losses and weights, but for rounding, which 40 steps of Adam enlarge.
    """
    monkeypatch.setattr(image_scorecard, "CLASSIFIER_STEPS", 2)
    monkeypatch.setattr(image_scorecard, "GUIDANCE", (1.0,))
    seeds = []

    def of_both(generator):
        first = len(seeds) % 2 == 0
        seeds.append(int(torch.randint(2**62, (), generator=generator)) if first else seeds[-1] + 1)
        return torch.Generator().manual_seed(seeds[-1])

    monkeypatch.setattr(parallel, "own_generator", of_both)
    out, _ = trained
    assert train.main([*SMALL, "--parts", "2", "--out", str(tmp_path / "one")]) == 0
    assert len(seeds) == 80
    one, two = (np.load(folder / "losses.npz")["losses"] for folder in (tmp_path / "one", out))
    np.testing.assert_allclose(one, two, rtol=1e-3)
    for name, tensor in weights(tmp_path / "one").items():
        torch.testing.assert_close(tensor, weights(out)[name], rtol=0, atol=2e-3, msg=name)


@pytest.mark.slow
def test_killed_and_resumed_by_two_processes_gives_the_same_weights(trained, tmp_path):
    """Each process draws its own random numbers, and they too go on where they were."""
    out, _ = trained
    kill = "import os, train\nfrom experiments import run_folder\n"
    kill += "run_folder.CHECKPOINT_EVERY = 10\nsave = run_folder.save_training\n"
    kill += "def killed(*a):\n    save(*a)\n    os._exit(9)\nrun_folder.save_training = killed\ntrain.main()"
    assert torchrun(*SMALL, "--out", tmp_path / "run", code="\n" + kill).returncode != 0
    state = torch.load(tmp_path / "run" / "denoiser_training.pt", weights_only=True)["training"]
    assert len(state["losses"]) == 10
    assert torchrun("--resume", "--samples", 100, "--out", tmp_path / "run").returncode == 0
    for name, tensor in weights(out).items():
        assert torch.equal(tensor, weights(tmp_path / "run")[name]), name


@pytest.mark.slow
def test_error_of_the_first_process_ends_all_with_one_line_each(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    answer = torchrun(*SMALL, "--out", tmp_path)
    assert answer.returncode != 0
    assert answer.stderr.count("train.py: error:") == answer.stderr.count("is not empty: choose another --out") == 2
    assert os.listdir(tmp_path) == ["mine.txt"]


@pytest.mark.slow
def test_batch_that_cannot_be_shared_is_refused(tmp_path):
    answer = torchrun(*SMALL, "--batch-size", 63, "--out", tmp_path / "run")
    assert "--batch-size 63: cannot be shared evenly by 2, " in answer.stderr
    assert not (tmp_path / "run").exists()


GRADIENTS = """
import os, pathlib, torch
from experiments import parallel
from torch import nn
parallel.start("cpu")
torch.manual_seed(0)
network, rank = nn.Linear(3, 1), parallel.rank()
data = torch.randn(8, 3)
called = parallel.replica(network)
called(data[4 * rank : 4 * rank + 4]).square().mean().backward()
shared = network.weight.grad.clone()
network.zero_grad()
network(data).square().mean().backward()
loss = torch.tensor([1.0, float("nan")])[rank]
assert not parallel.averaged(loss).isfinite()
assert float(parallel.averaged(torch.tensor(1.0 + rank))) == 1.5
common = torch.Generator().manual_seed(1)
own = [float(torch.rand((), generator=parallel.own_generator(common))) for _ in range(2)]
words = "difference", float((shared - network.weight.grad).abs().max()), "own", *own, parallel.from_first(lambda: rank)
os.write(1, (" ".join(map(str, words)) + "\\n").encode())  # in one piece: two processes write to one pipe
del called
parallel.finish()
threads = [name.read_text() for name in pathlib.Path("/proc/self/task").glob("*/comm")]  # none where it is not Linux
assert not any("gloo" in thread for thread in threads), threads
"""


@pytest.mark.slow
def test_gradients_are_those_of_the_whole_batch_and_randomness_is_not_shared():
    answer = torchrun(code="\n" + GRADIENTS)
    assert answer.returncode == 0, answer.stderr
    lines = [line.split() for line in answer.stdout.splitlines()]
    assert len(lines) == 2, answer.stderr
    assert all(float(line[1]) < 1e-6 for line in lines)
    assert len({number for line in lines for number in line[3:5]}) == 4, answer.stdout + answer.stderr
    assert {line[5] for line in lines} == {"0"}


def test_one_process_changes_nothing(generator, monkeypatch):
    network = torch.nn.Linear(2, 2)
    assert parallel.replica(network) is network
    assert parallel.own_generator(generator) is generator
    assert parallel.start("cpu") == "cpu"
    with pytest.raises(ValueError, match="mine"):
        parallel.from_first(lambda: (_ for _ in ()).throw(ValueError("mine")))
