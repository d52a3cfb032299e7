"""The figures: drawn from the committed checkpoints, the same bytes each time, the exact density where it says so."""

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

import plots
from figures.__main__ import FIGURES, main
from gmm import WORLDS, GaussianMixture

HERE = Path(__file__).parents[1] / "figures"


def test_every_figure_has_its_script_beside_its_picture():
    scripts = {path.stem for path in HERE.glob("*.py")} - {"__init__", "__main__", "common"}
    assert scripts == set(FIGURES)
    assert scripts == {path.stem for path in HERE.glob("*.png")} | {path.stem for path in HERE.glob("*.gif")}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FIGURES if name != "noise_to_images"])
def test_every_figure_is_whole_and_as_committed(name, tmp_path, request):
    """Nothing is cut off at the edge, no title lies on another, and drawing it again gives the committed picture."""
    if name == "problem5_diversity":
        request.getfixturevalue("real_mnist")  # it shows some
    figure = importlib.import_module(f"figures.{name}").draw()
    assert figure.get_size_inches()[0] <= 13
    plots.save(figure, tmp_path / "figure.png")
    renderer = FigureCanvasAgg(figure).get_renderer()
    shown = [ax for ax in figure.get_axes() if ax.axison]
    for ax in shown:
        box, page = ax.get_tightbbox(renderer), figure.bbox
        assert page.x0 - 1 <= box.x0  # within a pixel
        assert box.x1 <= page.x1 + 1
        assert page.y0 - 1 <= box.y0
        assert box.y1 <= page.y1 + 1
        assert ax.get_xlabel() != "left pixel" or ax.get_aspect() == 1
    if figure._suptitle is not None:
        bottom = figure._suptitle.get_window_extent(renderer).y0
        assert all(ax.title.get_window_extent(renderer).y1 <= bottom for ax in shown)
    drawn, committed = plots.plt.imread(tmp_path / "figure.png"), plots.plt.imread(HERE / f"{name}.png")
    assert drawn.shape == committed.shape
    changed = (np.abs(drawn - committed) > 0.1).any(-1).mean()
    assert changed < 0.001  # another machine's rounding may touch a pixel, not the picture


@pytest.mark.slow
def test_animation_is_as_committed_and_small():
    frames = importlib.import_module("figures.noise_to_images").draw()
    assert (HERE / "noise_to_images.gif").stat().st_size < 2e6
    with Image.open(HERE / "noise_to_images.gif") as committed:
        assert committed.n_frames == len(frames) == 51
        for i in (0, 25, 50):
            committed.seek(i)
            drawn, kept = (np.asarray(image.convert("RGB"), dtype=float) for image in (frames[i], committed))
            assert (np.abs(drawn - kept) > 40).any(-1).mean() < 0.002


def test_same_figure_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        plots.save(importlib.import_module("figures.problem4_guidance").draw(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def drawn_values(monkeypatch, draw, *arguments):
    """The density values that a drawing primitive fills its axes with."""
    seen = []
    monkeypatch.setattr(plots, "filled_density", lambda ax, values, *_: seen.append(values))
    _, ax = plots.plt.subplots()
    draw(ax, *arguments)
    plots.plt.close()
    return seen[0]


def test_exact_density_is_the_mixture_and_the_estimate_is_of_the_samples(monkeypatch, generator):
    """A kernel estimate drawn as if it were the truth would be wider than the truth, and noisy."""
    world, extent = WORLDS["homework"], (0.0, 1.2, -0.1, 1.1)
    _, _, points = plots.grid(extent)
    exact = drawn_values(monkeypatch, plots.exact_density, world, extent)
    np.testing.assert_allclose(exact, world.log_prob(torch.as_tensor(points)).exp(), rtol=1e-12)
    samples, _ = world.sample(5000, generator)
    estimate = drawn_values(monkeypatch, plots.estimated_density, samples, extent)
    assert 0.7 < estimate.max() / exact.max() < 0.97  # Scott's bandwidth flattens the peak


def test_modes_are_seen_however_far_apart_they_are(monkeypatch):
    """On a coarse grid a narrow mode would fall between the points."""
    far = GaussianMixture([[-20.0, -20.0], [20.0, 20.0]], 0.1, [0.35, 0.65])
    drawn = drawn_values(monkeypatch, plots.exact_density, far, plots.extent_of(far))
    peaks = far.log_prob(far.means).exp()
    n = round(len(drawn) ** 0.5)
    upper = np.add.outer(np.arange(n), np.arange(n)).ravel() > n
    np.testing.assert_allclose([drawn[~upper].max(), drawn[upper].max()], peaks, rtol=0.1)


def test_grid_runs_along_the_left_pixel_first():
    x, y, points = plots.grid((0.0, 1.0, 5.0, 6.0), n=3)
    assert points[:3].tolist() == [[x[0], y[0]], [x[1], y[0]], [x[2], y[0]]]


def test_window_is_square_and_holds_the_mixture():
    x0, x1, y0, y1 = plots.extent_of(GaussianMixture([[0.0, 0.0], [2.0, 1.0]], 0.1, [0.5, 0.5]))
    assert x1 - x0 == pytest.approx(y1 - y0)
    assert x0 == pytest.approx(-0.45)
    assert x1 == pytest.approx(2.45)


def test_unknown_figure_is_refused_in_one_line(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["fig9"])
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "fig9" in line
