"""The classifier that judges digits: what it may learn from, that it learns, and that it comes back from disk."""

from pathlib import Path

import numpy as np
import pytest
import torch

from evaluation import digit_classifier
from evaluation.digit_classifier import (
    accuracy,
    load_classifier,
    load_features,
    main,
    save_classifier,
    shifted,
    train_classifier,
    with_labels,
)
from experiments.checkpoint import CheckpointError
from experiments.data import Images, digits


@pytest.fixture(scope="module")
def trained():
    torch.set_num_threads(1)
    train, test = digits()
    return train_classifier(train, steps=150, seed=0), train, test


def test_shifted_images_are_moved_and_lose_only_what_leaves_the_frame(generator):
    images = torch.zeros(500, 1, 5, 5)
    images[:, 0, 2, 2] = torch.arange(1.0, 501)  # each image its own brightness
    moved = shifted(images, 2, generator)
    assert torch.equal(moved.sum((1, 2, 3)), images.sum((1, 2, 3)))  # the middle pixel cannot leave by 2
    places = {tuple(place) for place in moved[:, 0].nonzero()[:, 1:].tolist()}
    assert places == {(i, j) for i in range(5) for j in range(5)}  # every shift by up to 2 happens
    assert torch.equal(shifted(images, 0, generator), images)


def test_it_learns_digits_it_has_not_seen(trained):
    """150 steps: far above the one in ten of guessing. The test digits are the last fifth."""
    classifier, _, test = trained
    assert accuracy(classifier, test) > 0.85


def test_it_judges_each_image_by_itself(trained):
    classifier, _, test = trained
    together = digit_classifier.in_batches(classifier, test.images[:50])
    alone = classifier(test.images[7:8]).detach()
    torch.testing.assert_close(alone[0], together[7], atol=1e-5, rtol=1e-5)


def test_training_is_seeded(trained):
    _, train, test = trained
    few = Images(train.images[:64], train.labels[:64])
    first, again, other = (train_classifier(few, 5, seed)(test.images[:4]) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_it_comes_back_with_its_features(trained, tmp_path):
    classifier, train, test = trained
    scores = save_classifier(tmp_path, classifier, train, test, {"data": "digits", "size": 8})
    again = load_classifier(tmp_path)
    assert torch.equal(again(test.images[:9]), classifier(test.images[:9]))
    assert scores["test_accuracy"] == accuracy(classifier, test)
    kept = np.load(tmp_path / "features.npz")
    assert kept["train"].shape == (len(train), 64)
    np.testing.assert_array_equal(kept["test_labels"], test.labels)
    expected = classifier.features(test.images[:20]).detach().numpy()
    np.testing.assert_allclose(kept["test"][:20], expected, rtol=1e-2, atol=1e-2)  # kept in half precision
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="no classifier"):
        load_classifier(tmp_path)


def test_others_have_the_same_labels_and_are_none_of_the_first(generator):
    data = Images(torch.zeros(200, 1, 1, 1), torch.randint(0, 4, (200,), generator=generator))
    labels = data.labels[:80]
    chosen = with_labels(labels, data, first=80)
    assert torch.equal(data.labels[chosen], labels)
    assert chosen.min() >= 80
    assert len(chosen.unique()) == len(labels)
    assert not torch.equal(chosen, with_labels(labels, data, first=80, seed=1))
    assert with_labels(labels, data, first=150) is None  # 50 are too few


def test_kept_features_of_other_digits_are_those_of_other_digits(real_mnist):
    folder = Path(__file__).parents[2] / "checkpoints" / "mnist-classifier"
    classifier, real, (train, _) = load_classifier(folder), load_features(folder), real_mnist
    chosen = with_labels(train.labels[:10_000], train, first=10_000)
    features = classifier.features(train.images[chosen[:50]]).detach().numpy()
    np.testing.assert_allclose(real["others"][:50], features, rtol=2e-3, atol=2e-3)  # kept as float16
    assert len(real["others"]) == 10_000


def test_missing_data_is_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys):
    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setenv("DIFFUSION_DATA", str(tmp_path))
    monkeypatch.setattr("sklearn.datasets.fetch_openml", offline)
    assert main(["--data", "mnist", "--out", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "DIFFUSION_DATA" in line
    assert not (tmp_path / "out").exists()


def test_committed_mnist_features_are_classified_as_well_as_they_must_be():
    """At least 99.2 % of the real test set, from the features that are kept."""
    folder = Path(__file__).parents[2] / "checkpoints" / "mnist-classifier"
    classifier = load_classifier(folder)
    kept = np.load(folder / "features.npz")
    logits = classifier.head(torch.tensor(kept["test"].astype(np.float32)))
    assert float((logits.argmax(1).numpy() == kept["test_labels"]).mean()) > 0.992


def test_committed_mnist_classifier_is_as_good_on_the_images(real_mnist):
    classifier = load_classifier(Path(__file__).parents[2] / "checkpoints" / "mnist-classifier")
    assert accuracy(classifier, real_mnist[1]) > 0.992


@pytest.mark.parametrize("arguments", [["--steps", "0"], []])
def test_nothing_is_overwritten_and_impossible_steps_are_refused(arguments, tmp_path, capsys):
    out = tmp_path / "out"
    if not arguments:
        out.mkdir()
    with pytest.raises(SystemExit) as stop:
        main(["--data", "digits", "--out", str(out), *arguments])
    assert stop.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not out.exists() or not list(out.iterdir())
