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


def test_exact_std_is_that_of_every_mode():
    """One number where the modes are alike, all of them where they are not."""
    for std, shown in ((0.1, "(0.100)"), ([0.05, 0.1], "(0.050 0.100)")):
        experiment = TwoPixel(Config(T=2))
        experiment.world = GaussianMixture(experiment.world.means, torch.tensor(std), experiment.world.weights)
        card, _ = scorecard.score(experiment, n=200)
        assert f"std of each mode {shown}" in scorecard.details(card, experiment.world)


def test_short_card_has_five_lines_each_with_what_a_good_value_is():
    experiment = TwoPixel(Config(T=2))
    card, _ = scorecard.score(experiment, n=200)
    title, blank, *lines = scorecard.as_text(card, "title", experiment.world).splitlines()
    assert (title, blank, len(lines)) == ("title", "", 5)
    assert (
        f"{1e4 * card['energy_distance']:.2f}   true samples: 0 ± {1e4 * card['energy_distance_floor']:.2f}" in lines[2]
    )
    assert "right: 35.0 %" in lines[4]
    del card["excess_loss"], card["excess_loss_labelled"]  # as of a distilled model
    assert "a distilled model has no least loss" in scorecard.as_text(card, "title", experiment.world)
