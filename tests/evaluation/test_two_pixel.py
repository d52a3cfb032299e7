"""The score card on denoisers whose errors are known, and on the committed checkpoints."""

from pathlib import Path

import numpy as np
import pytest
import torch

from evaluation import two_pixel as scorecard
from evaluation.metrics import energy_distance
from experiments import two_pixel
from experiments.two_pixel import Config, TwoPixel
from gmm import GaussianMixture

CHECKPOINTS = Path(__file__).parents[2] / "checkpoints"


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(scorecard, "LOSS_POINTS", 1000)


def with_error(experiment, error):
    """The experiment with a network that is exact but for `error` in ε̂, twice that where there is a label."""

    def learned(x_t, t, y=None):
        return experiment.exact(x_t, t, y) + (error if y is None else 2 * error)

    experiment.learned = lambda: learned
    return experiment


def test_excess_losses_are_shares_of_their_own_floors(quick):
    experiment = with_error(TwoPixel(Config(T=5)), 0.1)
    card, _ = scorecard.score(experiment, n=1000)
    floor, floor_labelled = (float(f.mean()) for f in experiment.loss_floors)
    assert (card["loss_floor"], card["loss_floor_labelled"]) == pytest.approx((floor, floor_labelled))
    assert card["excess_loss"] == pytest.approx(0.01 / floor, rel=1e-4)
    assert card["excess_loss_labelled"] == pytest.approx(0.04 / floor_labelled, rel=1e-4)


def test_network_and_oracle_have_columns_of_their_own(quick):
    perfect, _ = scorecard.score(with_error(TwoPixel(Config(T=5)), 0.0), n=1000)
    assert perfect["energy_distance"] == pytest.approx(perfect["energy_distance_oracle"], abs=1e-7)
    np.testing.assert_allclose(perfect["mode_means"], perfect["oracle"]["mode_means"], atol=1e-5)
    experiment = with_error(TwoPixel(Config(T=5)), 0.3)
    wrong, samples = scorecard.score(experiment, n=1000)
    assert wrong["oracle"] == perfect["oracle"]
    assert wrong["energy_distance"] > 2 * wrong["energy_distance_oracle"]
    assert wrong["energy_distance"] == pytest.approx(energy_distance(samples, experiment.world))
    assert abs(wrong["energy_distance_truth"]) < 5 * wrong["energy_distance_floor"]


def test_evaluation_repeats_and_its_noise_is_not_that_of_training(quick):
    first, _ = scorecard.score(with_error(TwoPixel(Config(T=3)), 0.1), n=1000)
    again, _ = scorecard.score(with_error(TwoPixel(Config(T=3)), 0.1), n=1000)
    assert first == again
    experiment = TwoPixel(Config(T=3))
    trained_on = experiment.noise(10, torch.Generator().manual_seed(experiment.config.seed))
    used = experiment.noise(10, torch.Generator().manual_seed(scorecard.EVALUATION_SEED + experiment.config.seed))
    assert not torch.equal(trained_on, used)


@pytest.mark.parametrize("T", [5, 10, 25, 50])
def test_committed_networks_are_within_0_3_percent_of_the_floor(T):
    """The project's own mark, on fresh noise; these networks reach about 0.1 %."""
    experiment = two_pixel.load(CHECKPOINTS / f"homework-T{T}")
    for share in scorecard.relative_excess_loss(experiment, seed=123):
        assert 0 < share < 0.003


def test_card_shows_every_mode_beside_its_exact_value(quick, monkeypatch):
    """Five modes far enough apart that the exact values are the parameters; the heaviest and the lightest are seen."""
    means, weights = [[1, 1], [3, 1], [1, 3], [3, 3], [2, 2]], [0.3, 0.05, 0.25, 0.2, 0.2]
    monkeypatch.setitem(two_pixel.WORLDS, "five", GaussianMixture(means, [0.1, 0.05, 0.1, 0.1, 0.1], weights))
    monkeypatch.setattr(Config, "CHOICES", Config.CHOICES | {"world": ("five",)})
    experiment = with_error(TwoPixel(Config(T=5, world="five")), 0.0)
    monkeypatch.setattr(scorecard, "in_float64", lambda run: run.exact)
    card, _ = scorecard.score(experiment, n=1000)
    text, details = scorecard.as_text(card, "five", experiment.world), scorecard.details(card, experiment.world)
    for k, (mean, weight) in enumerate(zip(means, weights, strict=True)):
        assert f"samples nearest to mode {k}" in text
        assert f"right: {100 * weight:.1f} %" in text
        assert f"weight of mode {k} ({weight:.3f})" in details
        assert f"mean of mode {k} ({mean[0]:.3f} {mean[1]:.3f})" in details
        assert f"std of mode {k} ({0.05 if k == 1 else 0.1:.3f})" in details


def test_nats_are_those_of_the_samplers_own_flow(quick, monkeypatch):
    """One Gaussian: its flow is linear, so what a flow of few steps draws is a Gaussian of a known width."""
    std = 0.3
    monkeypatch.setitem(two_pixel.WORLDS, "one", GaussianMixture([[0.0, 0.0]], std, [1.0]))
    monkeypatch.setattr(Config, "CHOICES", Config.CHOICES | {"world": ("one",)})
    for sampler, steps, drawn_by in (("ddim", 4, "ddim"), ("ddpm", None, "dpm_solver")):
        run = TwoPixel(Config(T=10, world="one", sampler=sampler, sampling_steps=steps))
        flow = run.with_sampler(drawn_by, steps or 10).sampler(run.exact, labelled=False)
        width = float(run.to_pixels(flow(torch.ones(1, 1, 2), None, torch.Generator()))[0, 0])
        ratio = (std / width) ** 2
        expected = (ratio - 1 - np.log(ratio)) / 2  # KL of N(0, std²) from N(0, width²), a pixel
        assert scorecard.nats_above_entropy(run, run.exact) == pytest.approx(expected, rel=1e-3)


def test_guided_samples_are_those_of_the_mode_asked_for(quick):
    """With w = 1 on modes that do not overlap all samples are in the right mode, and it is narrower than without."""
    run = TwoPixel(Config(T=25, world="signed"))
    found = scorecard.guided(run, run.exact, seed=0, n=2000)
    assert found["in_mode"] == 1.0
    assert 0.05 < found["std"] < 0.1
    turned = scorecard.guided(run, lambda x, t, y=None: run.exact(x, t, None if y is None else 1 - y), seed=0, n=2000)
    assert turned["in_mode"] == 0.0


def test_short_card_has_six_lines_each_with_what_a_good_value_is():
    experiment = TwoPixel(Config(T=2))
    card, _ = scorecard.score(experiment, n=200)
    title, blank, *lines = scorecard.as_text(card, "title", experiment.world).splitlines()
    assert (title, blank, len(lines)) == ("title", "", 6)
    assert (
        f"{1e4 * card['energy_distance']:.2f}   true samples: 0 ± {1e4 * card['energy_distance_floor']:.2f}" in lines[2]
    )
    assert f"{card['nats_above_entropy']:.6f}   exact denoiser: {card['nats_above_entropy_oracle']:.6f}" in lines[4]
    assert "right: 34.9 %" in lines[5]
    del card["excess_loss"], card["excess_loss_labelled"]  # as of a distilled model
    assert "a distilled model has no least loss" in scorecard.as_text(card, "title", experiment.world)


def test_model_that_comes_nowhere_has_no_number_of_nats(quick, monkeypatch):
    """The exact denoiser in one step draws the mean of all images, and nothing else."""
    run = TwoPixel(Config(T=5, sampler="ddim", sampling_steps=1))
    assert scorecard.nats_above_entropy(run, run.exact) is None
    monkeypatch.setattr(scorecard, "in_float64", lambda run: run.exact)
    card, _ = scorecard.score(with_error(run, 0.0), n=200)
    assert "–   exact denoiser: –" in scorecard.as_text(card, "title", run.world)
