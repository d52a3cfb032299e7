"""The image score card on samples whose quality is known: real digits, copies, one digit again and again."""

import numpy as np
import pytest
import torch

from evaluation import images as card
from evaluation.digit_classifier import load_classifier, load_features
from evaluation.metrics import frechet_distance
from experiments import images
from experiments.checkpoint import load_json
from experiments.data import DataError, Images, digits
from experiments.images import DEFAULTS, Config, ImageExperiment

FOLDER = card.CLASSIFIERS / "digits-classifier"


@pytest.fixture(scope="module")
def classifier():
    return load_classifier(FOLDER)


@pytest.fixture(scope="module")
def real():
    return load_features(FOLDER)


def small():
    return ImageExperiment(Config(**{**vars(DEFAULTS["digits"]), "T": 5}))


def test_kept_features_are_those_of_the_digits(classifier, real):
    for name, part in zip(("train", "test"), digits(), strict=True):
        features = classifier.features(part.images[:100]).detach().numpy()
        np.testing.assert_allclose(real[name][:100], features, rtol=2e-3, atol=2e-3)  # kept as float16
        np.testing.assert_array_equal(real[f"{name}_labels"], part.labels)


def test_the_training_set_itself_is_at_no_distance(classifier, real):
    train, _ = digits()
    found = card.measures_of_images(classifier, train.images, train.labels, real)
    assert found["fidelity"] > 0.999
    assert found["frechet"] < 0.01
    assert found["coverage"] == found["precision"] == found["recall"] == 1
    assert found["diversity_of_class"] == pytest.approx([1] * 10, rel=1e-3)


def test_wrong_labels_and_a_collapsed_class_are_seen(classifier, real):
    train, _ = digits()
    wrong = card.measures_of_images(classifier, train.images, (train.labels + 1) % 10, real)
    assert wrong["fidelity"] < 0.01
    assert np.isnan(wrong["diversity"])  # none is read as its class
    pixels = train.images.clone()
    sevens = train.labels == 7
    pixels[sevens] = pixels[sevens][0]  # one seven again and again
    collapsed = card.measures_of_images(classifier, pixels, train.labels, real)
    assert collapsed["diversity_of_class"][7] == 0
    assert collapsed["diversity"] == pytest.approx(0.9, abs=1e-3)
    assert collapsed["fidelity"] > 0.99
    assert collapsed["coverage"] < 0.95


def test_reference_is_the_real_test_set(classifier, real):
    _, test = digits()
    reference = card.measures_of_real(classifier, len(test), real)
    direct = card.measures_of_images(classifier, test.images, test.labels, real)
    for key in ("fidelity", "frechet", "precision", "recall", "density", "coverage", "diversity"):
        assert reference[key] == pytest.approx(direct[key], rel=0.02)
    assert reference["fidelity"] == pytest.approx(0.961, abs=1e-3)  # its accuracy, in its own score card


def test_reference_of_fewer_digits_is_a_random_draw(real):
    """The first digits of a test set may be unlike the rest: those of MNIST are farther off than any random ones."""
    folder = card.CLASSIFIERS / "mnist-classifier"
    classifier, mnist = load_classifier(folder), load_features(folder)
    first = frechet_distance(mnist["train"], mnist["test"][:2000])
    random = [card.measures_of_real(classifier, 2000, mnist, seed)["frechet"] for seed in range(3)]
    assert max(random) < 3.5 < 6 < first


def test_other_training_digits_are_nearer_than_test_digits_and_close_a_committed_card():
    folder = card.CLASSIFIERS / "mnist-classifier"
    classifier, mnist = load_classifier(folder), load_features(folder)
    others, test = card.measures_of_others(classifier, 10_000, mnist), card.measures_of_real(classifier, 10_000, mnist)
    assert others["frechet"] < 0.8 * test["frechet"]
    assert others["fidelity"] > 0.99
    committed = load_json(card.CLASSIFIERS / "mnist" / "scorecard.json")
    assert committed["others"]["frechet"] == pytest.approx(others["frechet"], rel=1e-4)
    lines = card.as_text(committed, "title").splitlines()
    assert [line[:21] for line in lines].count("other training images") == 2


def test_copies_are_not_original():
    train, test = digits()
    copies = card.originality(train.images[:300], train, test)
    assert (copies["nearest"], copies["copies"]) == (0, 1)
    assert max(copies["probability_farther"].values()) < 0.01
    held_out = card.originality(test.images, train, test)
    assert held_out["probability_farther"]["test"] == 0.5
    assert held_out["copies"] == pytest.approx(0.01, abs=0.005)
    noise = card.originality(torch.rand(300, 1, 8, 8), train, test)
    assert min(noise["probability_farther"].values()) > 0.99


def test_a_perfect_model_is_as_far_from_the_training_digits_as_they_are_from_each_other():
    """Half of the training digits as the data set, the other half as what a perfect model draws."""
    train, test = digits()
    half = Images(train.images[::2], train.labels[::2])
    found = card.originality(train.images[1::2], half, test)
    assert abs(found["probability_farther"]["training"] - 0.5) < 4 * found["deviation"]


def test_classifier_learns_from_the_images_it_is_given(monkeypatch):
    """Images without content teach nothing; real ones, as many, do."""
    monkeypatch.setattr(card, "CLASSIFIER_STEPS", 100)
    train, test = digits()
    on_noise, on_real = card.trained_on(Images(torch.rand(500, 1, 8, 8), train.labels[:500]), train, test)
    assert on_noise < 0.3
    assert on_real > 0.8


def test_guided_denoiser_is_clipped_after_guidance(generator):
    experiment = small()
    for parameter in experiment.network.parameters():
        parameter.data.normal_(std=0.3)  # a wild network: x̂_0 far outside, labels that matter
    x_t, t, y = experiment.noise(4, generator), torch.full((4,), 4), torch.arange(4)
    learned = experiment.learned()
    plain, free = learned(x_t, t, y), learned(x_t, t, None)
    expected = experiment.clipped(lambda *_: 3 * plain - 2 * free)(x_t, t, y)
    torch.testing.assert_close(card.guided(experiment, 2.0)(x_t, t, y), expected)
    torch.testing.assert_close(card.guided(experiment, 0.0)(x_t, t, y), experiment.denoiser()(x_t, t, y))


def test_digits_are_drawn_for_the_labels_and_repeat(monkeypatch):
    """A network that paints its label: each image gets the brightness of the class that was asked for."""
    monkeypatch.setattr(card, "BATCH", 7)
    experiment = small()

    def network(x_t, t, y=None):
        brightness = experiment.to_model(y.float() / 10).view(-1, 1, 1, 1).expand_as(x_t)
        a = experiment.schedule.alphas_cumprod[t].float().view(-1, 1, 1, 1)
        return a.sqrt() * (x_t - a.sqrt() * brightness) / (1 - a).sqrt() - (1 - a).sqrt() * brightness  # v

    experiment.network = network
    y = torch.arange(20) % 10
    drawn = card.draw_images(experiment, y, 0.0, seed=0)
    torch.testing.assert_close(drawn, (y / 10).view(-1, 1, 1, 1).expand(20, 1, 8, 8), atol=1e-5, rtol=1e-5)
    experiment = small()
    first, again, other = (card.draw_images(experiment, y, 0.0, seed=s) for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_without_the_data_the_rest_is_measured(monkeypatch):
    monkeypatch.setattr(card, "GUIDANCE", (1.0,))
    experiment = small()

    def missing():
        raise DataError("not here")

    monkeypatch.setitem(images.SETS, "digits", missing)
    found, samples = card.score(experiment, 100)
    assert found["sweep"].keys() == {"0", "1"}
    assert [found[row]["samples"] for row in ("generated", "real", "sweep_real")] == [100, 100, 20]
    assert "originality" not in found
    assert "without the data" in card.as_text(found, "title")
    assert len(samples[1.0]) == 20


def test_ten_of_each_class_in_order():
    labels = torch.arange(300) % 10
    pixels = labels.view(-1, 1, 1, 1).expand(300, 1, 2, 2) / 10
    chosen = card.ten_of_each(Images(pixels, labels))
    assert chosen.shape == (100, 2, 2)
    torch.testing.assert_close(chosen[:, 0, 0], torch.arange(10).repeat_interleave(10) / 10)


@pytest.mark.slow
def test_committed_mnist_network_draws_what_it_is_asked_for():
    """If 99 % of its digits are right, fewer than 38 of 40 are once in 130 seeds, and this seed is fixed."""
    experiment = images.load(card.CLASSIFIERS / "mnist")
    y = torch.arange(40) % 10
    drawn = card.draw_images(experiment, y, 1.0, seed=1)
    logits = load_classifier(card.CLASSIFIERS / "mnist-classifier")(drawn)
    assert (logits.argmax(1) == y).sum() >= 38
