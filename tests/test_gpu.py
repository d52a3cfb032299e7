"""benchmarks/gpu.py on the CPU: all of it runs, a wrong device is noticed, and mistakes get one line."""

import pytest
import torch

from benchmarks import gpu, gpu_checks
from experiments import images, two_pixel
from utils import Training


@pytest.fixture(scope="module")
def fast(tmp_path_factory):
    """The lines of a fast run on the CPU, and its folder."""
    out = tmp_path_factory.mktemp("gpu")
    assert gpu.main(["--device", "cpu", "--fast", "--minutes", "0.02", "--out", str(out)]) == 0
    return (out / "gpu.txt").read_text().splitlines(), out


@pytest.mark.slow
def test_cpu_agrees_with_itself_exactly_and_bfloat16_does_not(fast):
    lines, _ = fast
    checks = [line.split() for line in lines if line.endswith(" ok")]
    assert len(checks) >= 19
    assert not [line for line in lines if "FAILED" in line]
    for *name, difference, _, _ in checks:
        if "bfloat16" in name:
            assert 1e-6 < float(difference) < gpu_checks.BFLOAT16
        elif name != ["--compile"]:
            assert float(difference) == 0


@pytest.mark.slow
def test_table_has_a_positive_rate_for_every_way(fast):
    lines, _ = fast
    rows = [line for line in lines if ", batch " in line]
    assert len(rows) == len(gpu.PRECISIONS) * len(gpu.FAST.batches)
    for row in rows:
        images_a_second, milliseconds, share = row.rsplit(maxsplit=3)[1:]
        assert float(images_a_second) > 0
        assert float(milliseconds) > 0
        assert float(share.rstrip("%")) > 0
    assert any("guided digits, 200 steps" in line for line in lines)


@pytest.mark.slow
def test_trained_run_loads_and_can_be_resumed(fast):
    _, out = fast
    loaded = images.load(out / "mnist")
    training = Training(loaded.network, loaded.config.steps, loaded.config.lr, loaded.generator(0))
    gpu_checks.load_training(out / "mnist" / "denoiser_training.pt", training, {"data": "digits"})
    assert training.step == loaded.config.steps
    assert (out / "mnist" / "losses.npz").exists()


def test_device_that_computes_otherwise_is_noticed(monkeypatch):
    """One weight in a hundred is off by a tenth on the other side."""
    make = gpu_checks.experiments

    def with_an_error(kind, config, device):
        here, there = make(kind, config, device)
        with torch.no_grad():
            for parameter in there.network.parameters():
                parameter.mul_(1 + 0.1 * (torch.rand(parameter.shape) < 0.01))
        return here, there

    monkeypatch.setattr(gpu_checks, "experiments", with_an_error)
    found = {check.name: check for check in gpu_checks.agreement("cpu")}
    for name in ("two pixels: gradient, float32", "8 × 8 digits: forward, float32", "8 × 8 digits: gradient, float32"):
        assert not found[name].ok
        assert str(found[name]).endswith("FAILED")


def test_both_sides_get_the_same_noise():
    here, there = gpu_checks.experiments(two_pixel.TwoPixel, gpu_checks.PIXELS, "cpu")
    for what in (gpu_checks.samples, gpu_checks.guided, gpu_checks.guided_by_classifier, gpu_checks.loss):
        assert gpu_checks.apart(what(here), what(there)) == 0
        assert what(here).abs().max() > 0


def test_apart_is_relative_to_the_first():
    assert gpu_checks.apart(torch.tensor([2.0, -4.0]), torch.tensor([2.0, -3.0])) == 0.25


def test_failed_check_gives_exit_code_1(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(gpu_checks, "all_checks", lambda device: [gpu_checks.Check("wrong", 1.0, 0.5)])
    monkeypatch.setattr(gpu, "speed", lambda *_, **__: [])
    for part in ("guided_digits", "train_for"):
        monkeypatch.setattr(gpu, part, lambda *_: "")
    assert gpu.main(["--device", "cpu", "--fast", "--out", str(tmp_path)]) == 1
    assert "FAILED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--device", "cuda"], "not available"), (["--device", "cpu", "--minutes", "0"], "--minutes"), (["--x"], "--x")],
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
        gpu.main(["--device", "cpu", "--out", str(tmp_path / "out")])
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()
