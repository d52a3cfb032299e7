"""Brief trainings on MNIST: what a network is trained on, and what is measured of one that only copies."""

import pytest
import torch

from exact.memorising import along_the_way
from measurements import brief_digits
from measurements.brief_digits import compared, loss_of_joined, on_set, trained
from measurements.digits import exact_guess
from utils import eps_from_x0


def test_share_of_the_way_is_linear_and_blind_to_the_side():
    world, of_set, aside = torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0]), torch.tensor([-2.0, 1.0])
    for share in (0.0, 0.3, 1.0):
        moved, apart = along_the_way(world + share * (of_set - world) + 7 * aside, world, of_set)
        assert float(moved / apart) == pytest.approx(share, abs=1e-6)
        assert float(apart) == 5


def test_training_sees_its_digits_and_no_others(real_mnist, generator):
    run, known = on_set(3)
    images, labels = run.draw(200, generator)
    assert len(known) == 3
    matches = (images[:, None] == known.images).flatten(2).all(2)  # (200, 3)
    assert matches.any(0).all()
    assert (matches.sum(1) == 1).all()
    assert torch.equal(known.labels[matches.int().argmax(1)], labels)


def test_a_network_that_copies_has_gone_all_the_way(real_mnist, monkeypatch, generator):
    """The set's denoiser in the place of the network: coefficient 1, its own loss on the set, more on others."""
    monkeypatch.setattr(brief_digits, "LOOKS", (40, 120))
    monkeypatch.setattr(brief_digits, "NOISY", 40)
    run, known = on_set(50)

    def of_set(x_t, t, y):
        seen = torch.isin(y, known.labels)  # a class that the set lacks has no denoiser
        guess = exact_guess(known, x_t, float(run.schedule.alphas_cumprod[t]), torch.where(seen, y, known.labels[0]))
        return eps_from_x0(run.schedule, x_t, t, guess)

    monkeypatch.setattr(run, "learned", lambda: of_set)
    found = compared(run, known, generator)
    for at in found.values():
        assert at["memorisation"] == pytest.approx(1, abs=1e-6)
        assert at["seen"] == pytest.approx(at["set"], abs=1e-9)
        assert at["unseen"] > 2 * at["set"] + 1e-3


def test_networks_are_trained_once(real_mnist, monkeypatch, tmp_path):
    monkeypatch.setattr(brief_digits, "NETWORKS", tmp_path)
    monkeypatch.setattr(brief_digits, "STEPS", 1)
    monkeypatch.setattr(brief_digits, "BATCH", 2)
    run, _ = on_set(10)
    first = trained(run, "ten", lambda: run.loss).network.state_dict()
    again, _ = on_set(10)
    torch.testing.assert_close(trained(again, "ten", None).network.state_dict(), first)


def test_pairs_of_digits_have_the_labels_asked_for(real_mnist, generator):
    run, _ = on_set(10)
    y = torch.tensor([3, 1, 4])
    few = run.with_sampler("ddim", 1)
    loss = loss_of_joined(few, y)
    assert torch.equal(loss.keywords["y"], y)
    assert loss.keywords["x_T"].shape == loss.keywords["x_0"].shape == (3, 1, 28, 28)
