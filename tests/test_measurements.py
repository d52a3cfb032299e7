"""Measurements: measures on cases whose answer is known; the committed numbers."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from evaluation.committed import CHECKPOINTS, weights_behind
from evaluation.flow_density import flow_density, in_float64
from evaluation.metrics import energy_in_floors, excess_loss
from exact.finite_set import mixed_posterior, posterior_mean
from experiments import images, two_pixel
from experiments.data import Images
from measurements import (
    barebones,
    common,
    digits,
    errors,
    flow_matching,
    guidance,
    information,
    likelihood,
    memorising,
    naive,
    pixel_space,
)
from measurements.__main__ import NAMES, main
from measurements.common import measurements
from measurements.samplers import one_labelled_step
from utils import eps_from_x0, training_target


def test_mean_and_error_of_numbers_and_of_dicts():
    found = common.mean_and_error([{"a": {"b": value}} for value in (1.0, 2.0, 6.0)])
    assert found["a"]["b"]["mean"] == 3
    assert found["a"]["b"]["error"] == pytest.approx(np.sqrt((4 + 1 + 9) / 2 / 3))


def test_slope_is_what_is_left_of_the_noise(generator):
    noise = torch.randint(0, 2, (500, 1, 8, 8), generator=generator).float()
    other = torch.randint(0, 2, (500, 1, 8, 8), generator=generator).float()
    assert naive.slope_on_noise(noise, noise) == pytest.approx(1)
    assert naive.slope_on_noise(0.3 * noise + 0.7 * other, noise) == pytest.approx(0.3, abs=4 * 0.7 / 32_000**0.5)
    assert naive.slope_on_noise(torch.full_like(noise, 0.5), noise) == 0


def test_stepwise_loss_of_the_identity_is_the_share_of_pixels_that_one_step_turns(generator):
    """Half of the pixels that a step picks turn over; and fading by what a step leaves is the better guess."""
    bits = torch.randint(0, 2, (400, 1, 16, 16), generator=generator).float()
    system = SimpleNamespace(
        config=SimpleNamespace(k=32, T=5), test=bits, network=None, f=lambda network: lambda z, level: z
    )
    losses, c = naive.loss_beside_identity(system, n=400), (1 - 1 / 256) ** 32
    assert losses["network"] == losses["identity"]
    assert losses["identity"] == pytest.approx((1 - c) / 2, abs=4 * (0.06 * 0.94 / (400 * 256 * 5)) ** 0.5)
    assert losses["shrink"] == pytest.approx((1 - c**2) / 4, abs=1e-3)  # (1-c²)/4 is the variance of z_t given z_{t+1}


def test_exact_stepwise_mean_ends_in_one_image_and_coins_in_many(generator):
    images = torch.randint(0, 2, (300, 1, 16, 16), generator=generator).float()
    rows = naive.variety_of_the_exact_denoiser(images, n=24)
    assert rows["Algorithm 1, no pixel clean at T"] == {"distinct": 1, "copies": 1.0}
    for name in ("Algorithm 1 with coins, no pixel clean at T", "Algorithm 2, S = 8"):
        assert rows[name]["copies"] == 1
        assert rows[name]["distinct"] >= 20  # of 24 draws from 300: 23.1 ± 0.9
    assert rows["Algorithm 2, S = 1"] == {"distinct": 1, "copies": 0.0}


def test_sprites_that_are_possible_are_all_at_level_1_and_one_at_the_end(generator):
    images = torch.rand(50, 3, 4, 4, generator=generator)
    rows = barebones.images_that_are_possible(images, n=8, S=20)
    levels = list(rows)
    assert rows[levels[0]] == {"uniform": pytest.approx(50), "gaussian": pytest.approx(50, rel=1e-3)}
    assert rows[levels[-1]] == {"uniform": pytest.approx(1), "gaussian": pytest.approx(1, rel=1e-3)}
    for kind in ("uniform", "gaussian"):
        sizes = [row[kind] for row in rows.values()]
        assert sizes[0] > sizes[2] > sizes[-1]


def test_share_of_the_first_sprite_counts_its_copies_and_its_mirror_image(generator):
    x = torch.rand(4, 3, 4, 4, generator=generator)
    train = torch.cat([x, x[:1], x[:1].flip(3)])
    drawn = torch.stack([x[0], x[0].flip(2), x[1], x[2]])
    system = SimpleNamespace(train=train, sample=lambda n, S, generator: drawn, network=lambda z, level: z)
    found = barebones.memory_of_the_first_sprite(system)
    assert (found["share"], found["of_training_set"], found["nearest"]) == (0.5, 0.5, 0)
    noise = x[0] ** 2 - x[0] + 1 / 3  # E(n - x)² of a uniform n
    assert found["loss"] == pytest.approx(0.6**2 * float(noise.mean()), rel=0.05)
    system.sample = lambda n, S, generator: x[1:3]
    assert barebones.memory_of_the_first_sprite(system)["share"] == 0


def test_errors_of_maximum_likelihood_fall_like_one_over_the_root_of_n():
    found = measurements("pixel_space")["G1"]
    error = (2 * pixel_space.REPEATS) ** -0.5  # relative, of a root mean square of REPEATS numbers
    for row in found["rows"][2:]:  # the second formula holds for many samples
        assert row["rmse_of_mean"] * row["n"] ** 0.5 == pytest.approx(1, abs=4 * error)
        assert row["rmse_of_std"] * (2 * row["n"]) ** 0.5 == pytest.approx(1, abs=4 * error + 1 / row["n"])


@pytest.mark.parametrize("name", NAMES)
def test_committed_numbers_are_of_the_committed_weights(name):
    assert measurements(name)["weights"] == weights_behind(name)


def test_naive_numbers_are_what_the_committed_weights_give():
    """One row measured anew: the same but for rounding."""
    found, known = naive.variety_by_colours("4")["algorithm 2"], measurements("naive")["N-h"]["4"]["algorithm 2"]
    assert found["distinct"] == known["distinct"]
    assert found["pairwise"] == pytest.approx(known["pairwise"], rel=1e-3)


def test_barebones_numbers_are_what_the_committed_weights_give():
    """The same; and in pure noise the exact denoiser sees the mean image."""
    system, known = barebones.short(), measurements("barebones")["B9"]["once"]
    found = barebones.memory_of_the_first_sprite(system)
    assert found["loss"] == pytest.approx(known["loss"], rel=1e-3)
    assert found["nearest"] == pytest.approx(known["nearest"], rel=1e-2)
    z = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(posterior_mean(system.train, mixed_posterior(system.train, z, 1.0)), system.train.mean(0))


def test_error_of_the_network_is_its_excess_loss(generator):
    """By quadrature, beside images drawn at random; and the map's numbers are those of the committed weights."""
    run, known = errors.experiment("cosine", 50), measurements("errors")["map"]
    x0, _ = run.draw(20_000, generator)
    sampled = excess_loss(run.learned(), run.exact, run.schedule, x0, None, generator)
    for t, value in known.items():
        assert errors.error_of_network(run, int(t)) == pytest.approx(value, rel=1e-3)
        assert float(sampled[int(t) - 1]) == pytest.approx(value, rel=0.15)


def test_guided_samples_are_those_that_were_measured():
    known = measurements("guidance")["rows"]["2"]["network, eq. 13, T = 50"]
    found = guidance.moments(guidance.guided_samples("network, eq. 13, T = 50", 2.0, n=4000))
    for mean, truth, error in zip(found["mean"], known["mean"], found["error"], strict=True):
        assert abs(mean - truth) < 4 * error


def test_one_labelled_step_from_noise_is_exact_by_the_exact_denoiser():
    run = two_pixel.TwoPixel(two_pixel.Config(T=5))
    assert abs(energy_in_floors(one_labelled_step(run, run.exact, 1, torch.float64), run.world)) < 4


def test_moments_of_samples_and_the_error_of_their_mean_are_by_hand():
    found = guidance.moments(torch.tensor([[0.0, 1.0], [2.0, 1.0], [4.0, 7.0], [2.0, 3.0]]).double())
    assert found["mean"] == [2, 3]
    assert found["std"] == pytest.approx([(8 / 3) ** 0.5, 8**0.5])
    assert found["error"] == pytest.approx([(8 / 12) ** 0.5, 2**0.5])


def test_area_of_the_information_is_that_of_the_committed_weights():
    known = measurements("information")["rows"]["signed"]
    run = two_pixel.load(CHECKPOINTS / "signed-T50")
    area = information.network_area(run, 2000, torch.Generator().manual_seed(3))
    spread = known["network"]["error"] * (information.SEEDS * information.SAMPLES / 2000) ** 0.5
    assert area == pytest.approx(known["network"]["mean"], abs=6 * spread)  # the error is of three seeds alone


@pytest.fixture
def small_digits():
    """The experiment on 8 × 8 digits, untrained, with T = 20."""
    return images.ImageExperiment(replace(images.DEFAULTS["digits"], T=20))


def in_model_space(run, part):
    return Images(run.to_model(part.images), part.labels)


def test_a_network_that_is_the_exact_denoiser_has_its_loss(small_digits):
    """And the two take the same noise; a label makes the loss smaller, and so does less noise."""
    train, test = small_digits.data
    known, x0, y = in_model_space(small_digits, train), small_digits.to_model(test.images), test.labels
    schedule = small_digits.schedule

    def exact(x_t, t, y=None):
        alpha_bar = float(schedule.alphas_cumprod[t])
        guess = digits.exact_guess(known, x_t, alpha_bar, y)
        return training_target(schedule, "v", guess, t, eps_from_x0(schedule, x_t, t, guess))

    small_digits.network = exact
    losses = {
        t: digits.losses_at(t, small_digits, known, x0, y, torch.Generator().manual_seed(5)) for t in (20, 18, 16)
    }
    for row in losses.values():
        for pair in row.values():
            assert pair["network"] == pytest.approx(pair["training set"], rel=1e-4)
            assert abs(pair["above"]) < 1e-4
        assert row["with label"]["training set"] < 0.95 * row["without label"]["training set"]
    without = [losses[t]["without label"]["training set"] for t in (20, 18, 16)]
    assert without == sorted(without, reverse=True)
    variance = (x0 - known.images.mean(0)).square().mean()
    assert without[0] == pytest.approx(float(variance), rel=2e-3)  # in pure noise, the mean digit is the best guess


def test_exact_guess_with_labels_knows_digits_of_the_class_only(small_digits, generator):
    train = in_model_space(small_digits, small_digits.data[0])
    x_t, y = torch.randn(6, 1, 8, 8, generator=generator), torch.tensor([3, 3, 7, 0, 7, 3])
    guess = digits.exact_guess(train, x_t, 0.3, y)
    for k in (0, 3, 7):
        of_class = Images(train.images[train.labels == k], train.labels[train.labels == k])
        torch.testing.assert_close(guess[y == k], digits.exact_guess(of_class, x_t[y == k], 0.3))


def test_losses_on_mnist_are_those_of_the_committed_weights(real_mnist):
    """Few digits at one step, beside what was measured of many."""
    run = images.load(CHECKPOINTS / "mnist")
    train, test = (in_model_space(run, part) for part in real_mnist)
    few = torch.arange(0, len(test), 50)
    found = digits.losses_at(186, run, train, test.images[few], test.labels[few], torch.Generator().manual_seed(5))
    for name, row in measurements("digits")["losses"]["186"].items():
        scatter = row["error"] * (digits.HELD_OUT / len(few)) ** 0.5
        assert found[name]["above"] == pytest.approx(row["above"], abs=4 * scatter)
        assert found[name]["network"] == pytest.approx(row["network"], rel=0.12)  # of 200 digits: four deviations


def test_a_loss_is_above_another_by_a_share_of_it(small_digits):
    """A network that guesses the exact x_0 plus 0.1 has a loss that is larger by 0.01, within its standard error."""
    train, test = small_digits.data
    known, x0 = in_model_space(small_digits, train), small_digits.to_model(test.images)
    schedule = small_digits.schedule

    def shifted(x_t, t, y=None):
        guess = digits.exact_guess(known, x_t, float(schedule.alphas_cumprod[t])) + 0.1
        return training_target(schedule, "v", guess, t, eps_from_x0(schedule, x_t, t, guess))

    small_digits.network = shifted
    row = digits.losses_at(18, small_digits, known, x0, test.labels, torch.Generator().manual_seed(5))["without label"]
    assert row["above"] == pytest.approx((row["network"] - row["training set"]) / row["training set"])
    assert row["above"] * row["training set"] == pytest.approx(0.01, abs=4 * row["error"] * row["training set"])
    assert 0 < row["error"] < row["above"]


def test_a_label_tells_all_of_its_entropy_if_each_class_is_one_image(monkeypatch):
    """Two images, as likely as each other, and their exact denoisers: the label is log 2, and the area says so."""
    monkeypatch.setattr(digits, "AREAS", 4)
    run = images.ImageExperiment(replace(images.DEFAULTS["digits"], T=200))
    labels = torch.arange(400) % 2
    two = Images((0.3 + 0.3 * labels).view(-1, 1, 1, 1).expand(-1, 1, 8, 8), labels)
    run.data = (two, two)  # in place of what is read from disk
    known = in_model_space(run, Images(two.images[:2], labels[:2]))

    def exact(x_t, t, y=None):
        guess = digits.exact_guess(known, x_t, float(run.schedule.alphas_cumprod[t]), y)
        return training_target(run.schedule, "v", guess, t, eps_from_x0(run.schedule, x_t, t, guess))

    run.network = exact
    found = digits.told_by_a_label(run)
    assert found["entropy"] == pytest.approx(np.log(2))
    assert found["network"]["mean"] == pytest.approx(np.log(2), abs=4 * found["network"]["error"] + 0.005)
    assert found["network"]["error"] < 0.1
    parts = [part["mean"] for part in found["parts"].values()]
    assert list(found["parts"]) == ["1 to 136", "136 to 180", "180 to 200"]
    assert sum(parts) == pytest.approx(found["network"]["mean"])


def test_guidance_within_an_interval_is_none_elsewhere(generator):
    """A denoiser that says 1 with a label and 0 without: 1 + w from the first t up to the one before the last."""

    def denoiser(x_t, t, y):
        return torch.zeros_like(x_t) if y is None else torch.ones_like(x_t)

    within = digits.guidance_within(denoiser, 0.2, 5, 8)
    x, y = torch.randn(3, 1, 2, 2, generator=generator), torch.zeros(3).long()
    said = [float(within(x, torch.tensor([t]), y).mean()) for t in range(3, 10)]
    assert said == pytest.approx([1, 1, 1.2, 1.2, 1.2, 1, 1])


def test_digits_that_begin_with_little_noise_end_where_they_began(small_digits, monkeypatch):
    """With the exact denoiser of the training digits: from t = 2 of 20 each comes back, from T another of its class."""
    monkeypatch.setattr(digits, "CALLS", 10)
    known, schedule = in_model_space(small_digits, small_digits.data[0]), small_digits.schedule

    def exact(x_t, t, y):
        guess = digits.exact_guess(known, x_t, float(schedule.alphas_cumprod[t]), y)
        return eps_from_x0(schedule, x_t, t, guess)

    x0, y, pixels = known.images[:50], known.labels[:50], small_digits.data[0].images
    for t, share in ((2, 1.0), (20, 0.0)):
        drawn = digits.completed(small_digits, exact, x0, y, t, seed=0)
        distance, nearest = torch.cdist(drawn.flatten(1), pixels.flatten(1)).min(1)
        assert float(distance.max()) < 1e-3  # the last step ends at the denoiser's guess, a training digit
        assert torch.equal(known.labels[nearest], y)
        assert float((nearest == torch.arange(50)).double().mean()) == pytest.approx(share, abs=0.1)


def test_digits_that_nothing_happens_to_are_read_like_the_real_ones(monkeypatch):
    """A sampler that gives the digits back, or turns ten of 50 into others; ten more are misread as they are."""
    which = torch.arange(50)
    test = Images(which.float().view(50, 1, 1, 1), (which + (which >= 40)) % 10)
    run = SimpleNamespace(data=(None, test), to_model=lambda x: x, denoiser=lambda: None)

    def reads(pictures):
        return torch.nn.functional.one_hot(pictures.flatten().long() % 10, 10)

    def measures(classifier, pictures, y, real):
        right = float((classifier(pictures).argmax(1) == y).double().mean())
        return {"fidelity": right, "frechet": 0.0, "diversity": 1.0}

    monkeypatch.setattr(digits, "FEWER", 50)
    monkeypatch.setattr(digits, "BEGUN", (200, 80))
    monkeypatch.setattr(digits, "load_classifier", lambda folder: reads)
    monkeypatch.setattr(digits, "load_features", lambda folder: None)
    monkeypatch.setattr(digits, "measures_of_images", measures)
    monkeypatch.setattr(digits, "completed", lambda run, denoiser, x0, y, t, seed: x0 + (x0 < 10) * (t == 200))
    found = digits.begun_from_digits(run)
    assert found["80"] == found["0"] and found["0"]["fidelity"] == 0.8
    assert found["0"]["more_misread"] == {"mean": 0, "error": 0}
    assert found["200"]["more_misread"]["mean"] == pytest.approx(0.2)
    assert found["200"]["more_misread"]["error"] == pytest.approx((0.2 * 0.8 / 49) ** 0.5)


def test_above_is_a_ratio_of_means_with_its_error(generator):
    """The error of the ratio of means of two positive numbers that go together, against the scatter of many sets."""
    other = 1 + torch.rand(2000, 500, generator=generator).double()
    one = 0.6 * other + 0.05 * torch.randn(2000, 500, generator=generator)
    found = [digits.above(*pair) for pair in zip(one, other, strict=True)]
    shares = torch.tensor([row["above"] for row in found])
    errors = torch.tensor([row["error"] for row in found])
    assert float(shares.mean()) == pytest.approx(-0.4, abs=5 * float(shares.std()) / 2000**0.5)
    assert float(shares.std()) == pytest.approx(float(errors.mean()), rel=5 / (2 * 2000) ** 0.5)


def test_a_blur_spreads_a_point_by_its_width():
    """A Gaussian of σ pixels has variance σ² in each direction; on pixels, that of the sampled Gaussian."""
    point = torch.zeros(1, 1, 15, 15)
    point[0, 0, 7, 7] = 1
    spread = digits.blurred(point, sigma=1.5)[0, 0].double()
    assert float(spread.sum()) == pytest.approx(1, abs=1e-4)
    offsets = torch.arange(15).double() - 7
    assert float((spread.sum(0) * offsets**2).sum()) == pytest.approx(1.5**2, rel=0.01)


def test_unknown_measurement_is_refused_in_one_line(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["nothing"])
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "nothing" in line


# --- memorising and flow matching -------------------------------------------------------------------------------------


def test_network_on_a_set_sees_nothing_but_its_set(generator):
    """With the right labels, each image about as often; the sets of two seeds have no image in common."""
    run, images = memorising.on_set(memorising.Setting(5), seed=0)
    x0, y = run.draw(2000, generator)
    which = (x0.unsqueeze(1) == images).flatten(2).all(-1)  # (2000, 5)
    assert bool((which.sum(1) == 1).all())
    assert bool(((which.double().mean(0) - 0.2).abs() < 4 * (0.2 * 0.8 / 2000) ** 0.5).all())
    for k in range(5):
        assert len(set(y[which[:, k]].tolist())) == 1
    _, others = memorising.on_set(memorising.Setting(5), seed=1)
    assert not bool((images.unsqueeze(1) == others).flatten(2).all(-1).any())


def test_network_is_looked_at_on_its_way():
    """After the steps that were asked for, and what was looked at does not go on training."""
    setting = memorising.Setting(5, looks=(2, 5))
    looks = [(steps, run.network) for steps, run, _ in memorising.looked_at(setting, seed=0)]
    assert [steps for steps, _ in looks] == [2, 5]
    early, late = (network.state_dict()["decoder2.weight"] for _, network in looks)
    assert not torch.equal(early, late)
    assert not torch.equal(early, memorising.on_set(setting, seed=0)[0].network.state_dict()["decoder2.weight"])


def test_divergences_of_the_exact_velocity_are_those_that_were_measured():
    """They need neither a network nor a seed."""
    known = measurements("flow_matching")["exact"]
    for schedule in flow_matching.SCHEDULES:
        run = two_pixel.TwoPixel(two_pixel.Config(T=50, schedule=schedule))
        for sampler, n in (("euler", 5), ("dpm_solver", 10), ("heun in τ", 5)):
            density = flow_density(run, run.exact, flow_matching.SAMPLERS[sampler][0], n, n=flow_matching.GRID["exact"])
            assert density.kl_from(run.world) == pytest.approx(known[schedule][sampler][f"{n}"], rel=1e-6)


def area_of_cells(x):
    """Areas of the quadrilaterals between points (m, m, 2), half the cross products of their diagonals: (m-1, m-1)."""
    first, second = x[1:, 1:] - x[:-1, :-1], x[1:, :-1] - x[:-1, 1:]
    return (first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]).abs() / 2


def mass_within(points):
    """∫ p over the cells between points (m, m, 3), from x and p."""
    p = points[..., 2]
    in_cell = (p[1:, 1:] + p[:-1, :-1] + p[1:, :-1] + p[:-1, 1:]) / 4
    return float((in_cell * area_of_cells(points[..., :2])).sum())


def test_density_on_the_way_has_its_mass_in_pixel_space(monkeypatch):
    """At t = T the window holds nearly all of N(0, I); at t = 0 all of p_θ, on points that are no grid any more."""
    monkeypatch.setattr(likelihood, "SHOWN", (5, 2, 0))
    monkeypatch.setattr(likelihood, "EVERY", 1)
    found = likelihood.chain_in_pixels(two_pixel.load(CHECKPOINTS / "homework-T5"))
    assert list(found) == [5, 2, 0]
    masses = [mass_within(points) for points in found.values()]
    assert masses[:2] == pytest.approx([1, 1], abs=3e-3)
    assert masses[2] == pytest.approx(1, abs=2e-2)  # the narrow modes of T = 5 have few points


def test_density_that_was_kept_lies_on_the_truth():
    """It is a little narrower, the most at t = 0, where KL(p ‖ p_θ) is 0.009."""
    run, found = two_pixel.load(CHECKPOINTS / "homework-T50"), np.load(likelihood.DENSITIES)
    assert set(found) == {f"t{t}" for t in likelihood.SHOWN}
    for t in likelihood.SHOWN:
        points = torch.from_numpy(found[f"t{t}"]).double()
        log_q = run.pixel_mixture(t).log_prob(points[..., :2])[:-1, :-1]
        q = log_q.exp() * area_of_cells(points[..., :2])
        assert abs(float((q * (log_q - points[:-1, :-1, 2].log())).sum() / q.sum())) < 0.015


def test_network_at_all_steps_or_at_none_has_the_divergence_of_network_or_oracle():
    run = two_pixel.load(CHECKPOINTS / "homework-T5")
    for first, denoiser in ((1, in_float64(run)), (6, run.exact)):
        whole = flow_density(run, denoiser, "dpm_solver", 5).kl_from(run.world)
        assert likelihood.divergence_by_steps(run, first, 5) == pytest.approx(whole, rel=1e-9)
