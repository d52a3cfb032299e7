"""The measurements of how a digit appears, on made-up trajectories whose answers are known."""

import numpy as np
import pytest
import torch

from evaluation import part_by_part as parts
from experiments.checkpoint import save_weights
from experiments.experiment import save_config
from experiments.images import DEFAULTS, Config, ImageExperiment
from utils import sample

T = 40


@pytest.fixture
def final():
    """200 images whose pixels differ, each by its own amount, from a first x̂_0 of 0.5."""
    random = np.random.default_rng(0)
    return 0.5 + random.choice([-1, 1], size=(200, 28, 28)) * random.uniform(0.15, 0.5, size=(200, 28, 28))


def appearing(final, settle):
    """Trajectories in which each pixel jumps from 0.5 to its final value at its step `settle` (n, h, w)."""
    t = np.arange(T + 1)[:, None, None, None]
    return np.where(t <= settle, final, 0.5)


def test_settling_step_is_when_a_pixel_arrives_for_good(final):
    settle = np.random.default_rng(1).integers(0, T, final.shape)
    x0 = appearing(final, settle)
    np.testing.assert_array_equal(parts.settling_step(x0), settle)
    x0[2, 0, 3, 3] = 0.5  # one pixel leaves once more
    assert parts.settling_step(x0)[0, 3, 3] == min(1, settle[0, 3, 3])
    way = (np.arange(T + 1) / T)[:, None, None, None] ** 1.5  # the share of its way that is left
    assert (parts.settling_step(final + way * (0.5 - final)) == int(T * 0.25 ** (2 / 3))).all()


def test_pixels_are_open_that_the_first_expectation_leaves_open():
    x0 = np.full((T + 1, 1, 1, 3), 0.5)
    x0[0] = [0.5, 0.59, 0.2]
    np.testing.assert_array_equal(parts.open_pixels(x0)[0, 0], [False, False, True])


def test_dealt_anew_keeps_the_steps_of_each_place_and_nothing_else():
    random = np.random.default_rng(4)
    mask = random.random((300, 28, 28)) < 0.8
    step = random.normal(size=(300, 4, 4)).repeat(7, 1).repeat(7, 2) + random.normal(size=(1, 28, 28))
    dealt = parts.dealt_anew(step, mask)
    np.testing.assert_array_equal(dealt[~mask], step[~mask])
    for i, j in ((0, 0), (13, 20)):
        np.testing.assert_array_equal(np.sort(dealt[mask[:, i, j], i, j]), np.sort(step[mask[:, i, j], i, j]))
    place = parts.deviations(np.where(mask, step.mean(0), 0), mask)  # what is left: the places
    expected = parts.correlation_at_distance(place, mask)[0] * (place[mask] ** 2).mean()
    found = parts.correlation_at_distance(dealt, mask)[0] * (parts.deviations(dealt, mask)[mask] ** 2).mean()
    assert abs(found - expected) < 0.02
    assert parts.correlation_at_distance(step, mask)[0] > 0.3 + parts.correlation_at_distance(dealt, mask)[0]


def test_interpolation_keeps_start_end_and_distance_and_moves_all_pixels_alike(final):
    settle = np.random.default_rng(1).integers(0, T, final.shape)
    x0 = appearing(final, settle)
    null = parts.interpolation(x0)
    np.testing.assert_allclose(null[[0, -1]], x0[[0, -1]])
    np.testing.assert_allclose(((null - final) ** 2).sum((2, 3)), ((x0 - final) ** 2).sum((2, 3)))
    steps = parts.settling_step(null)
    assert (steps.max((1, 2)) == steps.min((1, 2))).all()


def test_row_by_row_settles_each_row_at_once_from_the_top(final):
    x0 = parts.row_by_row(appearing(final, np.zeros(final.shape)))
    np.testing.assert_allclose(x0[0], final)
    np.testing.assert_allclose(x0[-1], 0.5)
    steps = parts.settling_step(x0)
    assert (steps.max((0, 2)) == steps.min((0, 2))).all()  # one step for each row
    assert (np.diff(steps[0, :, 0]) < 0).all()
    assert parts.correlation_at_distance(steps, np.ones(final.shape, bool))[3] > 0.5


def test_shares_of_variance_tell_image_place_and_chance_apart(final):
    """Settling steps that are the sum of three independent effects with variances 4, 2 and 1."""
    random = np.random.default_rng(2)
    n, h, w = final.shape
    effects = random.normal(size=(n, 1, 1)) * 2, random.normal(size=(1, h, w)) * 2**0.5, random.normal(size=(n, h, w))
    mask = random.random(final.shape) < 0.7
    expected = np.array([np.var(e) for e in effects]) / sum(np.var(e) for e in effects)
    np.testing.assert_allclose(parts.shares_of_variance(sum(effects), mask), expected, atol=0.01)


def test_correlation_at_distance_of_independent_pixels_is_none_and_of_blocks_their_overlap(final):
    random = np.random.default_rng(3)
    mask = np.ones(final.shape, bool)
    independent = parts.correlation_at_distance(random.normal(size=final.shape), mask)
    assert np.abs(independent).max() < 0.01
    blocks = random.normal(size=(200, 4, 4)).repeat(7, 1).repeat(7, 2)  # parts of 7 × 7 that settle together
    found = parts.correlation_at_distance(blocks, mask)
    centred = blocks - blocks.mean((1, 2), keepdims=True)  # neighbours side by side and one above the other
    down, across = (centred[:, 1:] * centred[:, :-1]).mean(), (centred[:, :, 1:] * centred[:, :, :-1]).mean()
    assert found[0] > 0.7
    diagonal = [(centred[:, 1:, 1:] * centred[:, :-1, :-1]).mean(), (centred[:, 1:, :-1] * centred[:, :-1, 1:]).mean()]
    near = np.average([down, across, *diagonal], weights=[28 * 27, 28 * 27, 27 * 27, 27 * 27])
    assert found[0] == pytest.approx(near / (centred**2).mean(), abs=1e-6)  # all offsets at distance 1 ± ½
    assert abs(found[9]) < 0.1


def test_frequencies_settle_when_they_are_added():
    """A coarse wave that is there from t = 30 on, and a fine one from t = 10 on, towards t = 0."""
    x = np.arange(28) / 28
    coarse, fine = (np.cos(2 * np.pi * k * x)[None, :] * np.ones((28, 1)) for k in (2, 10))
    t = np.arange(T + 1)[:, None, None, None]
    x0 = ((t <= 30) * coarse + (t <= 10) * fine)[:, None].reshape(T + 1, 1, 28, 28)
    bands = parts.unsettled_by_frequency(x0 + 1e-9 * np.random.default_rng(0).normal(size=x0.shape))
    for band, step in ((0, 30), (3, 10)):
        assert bands[band, step] < 1e-6
        assert bands[band, step + 1] == pytest.approx(1)


def test_class_agrees_from_the_step_at_which_the_digit_is_there():
    def classifier(images):
        return torch.stack([images.mean((1, 2, 3)), 1 - images.mean((1, 2, 3))], dim=1)

    x0 = np.ones((T + 1, 4, 8, 8), np.float32)
    x0[20:, :3] = 0  # three of four change their class at t = 20
    found = parts.agreement_with_final_class(classifier, x0)
    assert (found[:20] == 1).all()
    assert (found[20:] == 0.25).all()


def test_trajectory_ends_in_the_sample_and_repeats():
    experiment = ImageExperiment(Config(**{**vars(DEFAULTS["digits"]), "T": 5}))
    y = torch.arange(6)
    x0 = parts.x0_trajectory(experiment, y, 6, seed=4)
    assert x0.shape == (6, 6, 8, 8)
    generator = experiment.generator(4)
    x_0 = sample(experiment.denoiser(), experiment.schedule, experiment.noise(6, generator), y, generator)
    np.testing.assert_allclose(x0[0], experiment.to_pixels(x_0).squeeze(1), atol=1e-6)
    np.testing.assert_allclose(x0[0], x0[1], atol=1e-5)  # the last step adds no noise: x_0 is x̂_0 at t = 1
    assert (x0 == parts.x0_trajectory(experiment, y, 6, seed=4)).all()


def test_command_measures_a_run_on_digits(tmp_path, capsys):
    """A run of another size than MNIST: what 8 × 8 pixels cannot show is left out."""
    config = Config(**{**vars(DEFAULTS["digits"]), "T": 5})
    save_config(tmp_path, config)
    save_weights(tmp_path / "denoiser.safetensors", ImageExperiment(config).network, vars(config))
    assert parts.main(["--run", str(tmp_path), "--trajectories", "30"]) == 0
    assert "row by row" in capsys.readouterr().out
    found = np.load(tmp_path / "part_by_part.npz")
    assert found["once_spread"] == 0  # all at once, by its definition
    assert found["model_class"].shape == (6,)
    assert found["model_class"][0] == 1
    assert parts.main(["--run", str(tmp_path / "none")]) == 2
