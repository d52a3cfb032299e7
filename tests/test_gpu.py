"""benchmarks/gpu.py on the CPU: all of it runs, a device that computes otherwise is noticed, mistakes get one line."""

import math

import pytest
import torch

from benchmarks import gpu, gpu_checks
from experiments import images
from experiments.checkpoint import load_training
from utils import Training


@pytest.fixture(scope="module")
def fast(tmp_path_factory):
    """The lines of gpu.txt after a fast run on the CPU, and its folder."""
    out = tmp_path_factory.mktemp("gpu")
    arguments = ["--device", "cpu", "--fast", "--data", "digits", "--minutes", "0.02", "--out", str(out)]
    assert gpu.main(arguments) == 0
    return (out / "gpu.txt").read_text().splitlines(), out


@pytest.mark.slow
def test_cpu_agrees_with_itself_bit_for_bit_and_bfloat16_does_not(fast):
    lines, _ = fast
    checks = [line.removesuffix("  ok").rsplit(maxsplit=2) for line in lines if line.endswith("  ok")]
    assert len(checks) >= 25
    assert not [line for line in lines if "FAILED" in line]
    for name, difference, _ in checks:
        if "bfloat16" in name:
            assert float(difference) > 1e-6
        elif name != "--compile":
            assert float(difference) == 0, name


@pytest.mark.slow
def test_table_has_a_rate_for_every_way_to_train(fast):
    lines, _ = fast
    rows = [line for line in lines if ", batches of " in line]
    assert len(rows) == 2 * len(gpu.FAST.batches)
    for row in rows:
        images_a_second, flops, share = row.rsplit(maxsplit=3)[1:]
        assert float(images_a_second) > 0
        assert float(flops) > 0
        assert float(share.rstrip("%")) > 0
    assert any("guided MNIST digits" in line for line in lines)


@pytest.mark.slow
def test_trained_run_loads_and_can_be_resumed(fast):
    _, out = fast
    loaded = images.load(out / "digits")
    training = Training(loaded.network, loaded.config.steps, loaded.config.lr, loaded.generator(0))
    load_training(out / "digits" / "denoiser_training.pt", training, {"data": "digits"})
    assert training.step == loaded.config.steps
    assert (out / "digits" / "losses.npz").exists()
    assert f"{loaded.config.steps} steps" in (out / "digits" / "train.log").read_text()


@pytest.mark.parametrize("name", ["output", "gradient", "sampler", "guidance"])
def test_device_that_computes_otherwise_is_noticed(name):
    """One weight in a hundred is off by a tenth on the other side."""
    here = gpu_checks.some_images(8, "digits", "cpu")
    there = gpu_checks.some_images(8, "digits", "cpu")
    with torch.no_grad():
        for parameter in there.network.parameters():
            parameter.mul_(1 + 0.1 * (torch.rand(parameter.shape) < 0.01))
    result = gpu_checks.RESULTS[name]
    check = gpu_checks.checked(name, gpu_checks.FLOAT32[name], lambda: gpu_checks.relative(result(there), result(here)))
    assert not check.ok
    assert str(check).endswith("FAILED")


def test_check_that_cannot_be_made_fails_and_the_next_one_is_made(capsys):
    def broken():
        raise RuntimeError("no such kernel")

    check = gpu_checks.checked("broken", 1.0, broken)
    assert not check.ok
    assert math.isnan(check.difference)
    assert "RuntimeError" in str(check)
    assert gpu_checks.checked("whole", 1.0, lambda: 0.5).ok


def test_relative_difference_is_that_of_the_norms():
    assert gpu_checks.relative(torch.tensor([3.0, 3.0]), torch.tensor([3.0, 4.0])) == 0.2


def test_flops_of_a_training_step_are_three_times_those_of_a_forward_pass():
    """The backward pass costs two of them, but for the first layer, whose input needs no gradient."""
    config = images.DEFAULTS["digits"]
    experiment = gpu_checks.InPrecision(config)
    with gpu.FlopCounterMode(display=False) as counter, gpu.sdpa_kernel(gpu.SDPBackend.MATH), torch.no_grad():
        experiment.network(torch.zeros(8, 1, 8, 8), torch.ones(8).long())
    forward = counter.get_total_flops() / 8
    assert gpu.training_flops(config) == pytest.approx(3 * forward, rel=0.02)


def test_failed_check_gives_exit_code_1(monkeypatch, tmp_path):
    failed = gpu_checks.Check("wrong", 1.0, 0.5)
    monkeypatch.setattr(gpu, "check_everything", lambda *_: [failed])
    monkeypatch.setattr(gpu, "measure_speed", lambda *_: ({(False, gpu.FAST.batches[0], False): 100.0}, []))
    monkeypatch.setattr(gpu, "train", lambda *_: "trained")
    assert gpu.main(["--device", "cpu", "--fast", "--data", "digits", "--out", str(tmp_path)]) == 1
    assert str(failed) in (tmp_path / "gpu.txt").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--device", "cuda"], "not available"),
        (["--device", "cpu"], "only with --fast"),
        (["--device", "cpu", "--fast", "--minutes", "0"], "--minutes"),
        (["--x"], "--x"),
    ],
)
def test_mistakes_get_one_line(arguments, words, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as stop:
        gpu.main(arguments)
    assert stop.value.code == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_missing_mnist_gets_one_line(monkeypatch, tmp_path, capsys):
    def offline(*_, **__):
        raise OSError

    monkeypatch.setenv("DIFFUSION_DATA", str(tmp_path))
    monkeypatch.setattr("sklearn.datasets.fetch_openml", offline)
    with pytest.raises(SystemExit) as stop:
        gpu.main(["--device", "cpu", "--fast", "--out", str(tmp_path / "out")])
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()
