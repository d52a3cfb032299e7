"""The ladder: which t a batch has, a loss whose expectation is known, a network that grows, averages, pairs."""

from types import SimpleNamespace

import pytest
import torch

from ddpm import ImageUNet
from experiments.data import Images
from measurements import common, digits, ladder
from measurements.ladder import HIGH, MIDDLE, deeper, more_of, steps_with_more
from utils import Training, cosine_schedule, eps_from_x0, training_target

T, N = 10, 40_000


@pytest.mark.parametrize(("part", "first", "last"), [(HIGH, 7, 10), (MIDDLE, 5, 8)])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_steps_of_a_part_come_as_often_as_asked(share, part, first, last, generator):
    """Four of T = 10 are in a part: expected counts N ((1 - share)/10 + share/4), within 5 deviations."""
    t = steps_with_more(T, N, share, part, generator)
    p = torch.full((T,), (1 - share) / T, dtype=torch.float64)
    p[first - 1 : last] += share / 4
    found = torch.bincount(t, minlength=T + 1)[1:]
    assert ((found - N * p).abs() <= 5 * (N * p * (1 - p)).sqrt()).all()


def test_loss_is_the_mean_over_those_steps(generator):
    """A network that says t: E (ε - t)² = 1 + E t², with E t² = 0.5 · 38.5 + 0.5 · 73.5 = 56 for half of t in HIGH.

    The standard error of the mean of N such squares is below 0.3.
    """

    def says_t(x_t, t, y):
        return t.float().view(-1, 1, 1, 1).expand_as(x_t)

    x0, y = torch.zeros(N, 1, 1, 1), torch.zeros(N).long()
    loss = more_of(HIGH)(says_t, cosine_schedule(T), x0, y, generator, "eps", "l2")
    assert float(loss) == pytest.approx(57, abs=0.9)


def test_images_are_noised_as_their_step_says(generator):
    """A network that takes the known image out of x_t again has no loss."""
    schedule, x0 = cosine_schedule(T), torch.full((50, 1, 2, 2), 1.5)

    def knows(x_t, t, y):
        a = schedule.alphas_cumprod[t].float().view(-1, 1, 1, 1)
        return (x_t - a.sqrt() * x0) / (1 - a).sqrt()

    loss = more_of(HIGH)(knows, schedule, x0, torch.zeros(50).long(), generator, "eps", "l2")
    assert float(loss) < 1e-9


def test_a_deeper_network_says_what_it_said_before_until_it_learns(generator):
    """Blocks beyond the first of a level are the identity; the widest level gets none; each of them takes part."""
    torch.manual_seed(0)
    network = ImageUNet(200, 10).eval()
    for module in network.modules():  # fill the zero-initialised layers, so that every path carries something
        if isinstance(module, torch.nn.Conv2d) and not module.weight.any():
            torch.nn.init.kaiming_uniform_(module.weight)
    x_t, t = torch.randn(2, 1, 28, 28, generator=generator), torch.tensor([3, 150])
    before = network(x_t, t)
    known = {id(parameter) for parameter in network.parameters()}
    deep = deeper(network)
    torch.testing.assert_close(deep(x_t, t), before)
    for part in (deep.encoder, deep.decoder):
        assert [isinstance(level, ladder.InARow) for level in part] == [False, True, True, True]
    deep(x_t, t).square().mean().backward()
    new = {name: p for name, p in deep.named_parameters() if id(p) not in known}
    assert len(new) == 2 * 3 * 12
    assert all(p.grad.abs().max() > 0 for name, p in new.items() if "conv2" in name)


def test_pairs_have_opposite_noise_and_each_image_its_own_label(generator):
    """The best answer to x_t of a known image leaves no loss, and the network sees each t twice."""
    schedule, x0 = cosine_schedule(20), torch.randn(8, 1, 2, 2, generator=generator)
    y, seen = torch.arange(8), []

    def knows(x_t, t, labels):
        a = schedule.alphas_cumprod[t].float().view(-1, 1, 1, 1)
        seen.append((t, labels, (x_t - a.sqrt() * x0) / (1 - a).sqrt()))
        return seen[-1][2]

    assert float(ladder.loss_of_pairs(knows, schedule, x0, y, generator, "eps", "l2")) < 1e-9
    t, labels, eps = seen[0]
    assert torch.equal(labels, y)
    assert torch.equal(t[:4], t[4:])
    torch.testing.assert_close(eps[:4], -eps[4:], atol=1e-4, rtol=1e-4)


def test_averages_kept_for_afterwards_are_the_direct_ones():
    """θ̄ ← d θ̄ + (1 - d) θ with d = min(decay, (1 + n)/(10 + n)), written out beside `Training`'s own average."""
    ladder_rung = ladder.Rung({"data": "digits", "size": 8, "T": 20, "batch_size": 4})
    steps, weights = 40, []
    experiment = ladder.experiment_of(ladder_rung)
    alone = Training(experiment.network, steps, experiment.config.lr, experiment.generator(0))
    for _ in alone.run(experiment.loss):
        weights.append(experiment.network.stem[1].weight.detach().clone())
    _, averages = ladder.trained(ladder_rung, steps, "test")
    for decay, network in averages.items():
        mean = weights[0]
        for n, weight in enumerate(weights[1:], start=1):
            share = min(decay, (1 + n) / (10 + n))
            mean = share * mean + (1 - share) * weight
        torch.testing.assert_close(network.stem[1].weight, mean)


def test_time_of_a_step_is_the_rungs_over_the_defaults(monkeypatch):
    """By a clock that each loss moves on: by 3 s for the rung, by 2 s for the default, the very first time by 9 s."""
    clock, first = [0], iter([9])

    def experiment_of(seconds):
        def loss(network, generator):
            clock[0] += next(first, seconds)
            return network.weight.sum()

        network, config = torch.nn.Linear(1, 1), SimpleNamespace(lr=0.1)
        return SimpleNamespace(network=network, config=config, loss=loss, generator=lambda seed: torch.Generator())

    monkeypatch.setattr(common.time, "process_time", lambda: clock[0])
    monkeypatch.setattr(ladder, "experiment_of", experiment_of)
    steps, default = ladder.endless_steps(3), ladder.endless_steps(2)
    assert common.time_of_step(steps, default, pairs=3, warm_up=1) == 1.5


def test_loss_on_held_out_digits_is_that_of_v(monkeypatch, generator):
    """A network that says v = 0: E v² = E ((1 - ᾱ) x_0² + ᾱ), t uniform; ± 5 errors of 1000 t (and x_0 alone has 4)."""
    experiment = ladder.experiment_of(ladder.Rung({"data": "digits", "size": 8, "T": 20}))
    x0, asked = 2 * torch.randn(1000, 1, 8, 8, generator=generator), []
    monkeypatch.setattr(ladder, "held_out", lambda run: (x0, torch.zeros(1000).long()))

    def says_nothing(x_t, t, y):
        asked.append(y)
        return torch.zeros_like(x_t)

    experiment.network = says_nothing
    found = ladder.held_out_loss(experiment)
    kept = experiment.schedule.alphas_cumprod[1:]
    by_t = (1 - kept) * float(x0.square().mean()) + kept
    expected, error = float(by_t.mean()), float(by_t.std()) / len(x0) ** 0.5
    assert found == {told: pytest.approx(expected, abs=5 * error) for told in ladder.TOLD}
    assert asked[0].unique().tolist() == [0] and asked[-1].unique().tolist() == [experiment.num_classes]


def test_the_best_average_is_chosen_and_measured(monkeypatch):
    """Of three averages, the one of the least loss with label, wherever it stands."""
    losses = {0.95: 0.3, 0.98: 0.1, 0.99: 0.2}
    networks = {decay: f"average {decay}" for decay in losses}
    monkeypatch.setattr(ladder, "trained", lambda rung, steps, name: (experiment, networks))
    experiment = ladder.experiment_of(ladder.Rung({"data": "digits", "size": 8, "T": 20}))
    by_network = {networks[decay]: {"with label": loss, "without label": 1 - loss} for decay, loss in losses.items()}
    monkeypatch.setattr(ladder, "held_out_loss", lambda run: by_network[run.network])
    monkeypatch.setattr(ladder, "at_high_noise", lambda run: {"seen": run.network})
    monkeypatch.setattr(ladder, "judged", lambda run: {"read": run.network})
    found = ladder.row("as_it_is")
    assert found["average"] == 0.98 and found["seen"] == found["read"] == "average 0.98"
    assert found["steps"] == ladder.STEPS and found["losses"]["0.99"]["without label"] == 0.8


def test_a_slower_rung_takes_fewer_steps(monkeypatch):
    """A rung whose step takes twice the default's takes half as many, and is trained with them."""
    asked = []

    def trained(rung, steps, name):
        asked.append((rung, steps, name))
        return SimpleNamespace(), {0.95: None}

    def time_of_step(steps, default, pairs, warm_up):
        return 2.0 if (steps, default) == (ladder.RUNGS["deeper"], ladder.RUNGS["as_it_is"]) else 0.5

    for name, stub in {"trained": trained, "time_of_step": time_of_step, "endless_steps": lambda rung: rung}.items():
        monkeypatch.setattr(ladder, name, stub)
    monkeypatch.setattr(ladder, "held_out_loss", lambda run: {"with label": 1.0, "without label": 1.0})
    monkeypatch.setattr(ladder, "at_high_noise", lambda run: {})
    monkeypatch.setattr(ladder, "judged", lambda run: {})
    found = ladder.row("deeper")
    assert asked == [(ladder.RUNGS["deeper"], ladder.STEPS // 2, "deeper")]
    assert found["time_of_step"] == 2 and found["steps"] == ladder.STEPS // 2


def test_at_high_noise_the_exact_denoiser_is_not_above_itself(monkeypatch):
    """With and without label; and a network that knows no label is above it only where it is told one."""
    experiment = ladder.experiment_of(ladder.Rung({"data": "digits", "size": 8}))
    train, _ = experiment.data
    known = Images(experiment.to_model(train.images), train.labels)
    monkeypatch.setattr(ladder, "held_out", lambda run: (known.images[:50], known.labels[:50]))
    schedule = experiment.schedule

    def exact(x_t, t, y=None):
        told = None if y is None or (y == experiment.num_classes).all() else y
        guess = digits.exact_guess(known, x_t, float(schedule.alphas_cumprod[t]), told)
        return training_target(schedule, "v", guess, t, eps_from_x0(schedule, x_t, t, guess))

    experiment.network = exact
    found = ladder.at_high_noise(experiment)["above"]
    assert {told: row["above"] for told, row in found.items()} == dict.fromkeys(ladder.TOLD, pytest.approx(0, abs=1e-5))
    experiment.network = lambda x_t, t, y=None: exact(x_t, t)
    found = ladder.at_high_noise(experiment)["above"]
    assert found["with label"]["above"] > 0.1 and found["without label"]["above"] == pytest.approx(0, abs=1e-5)


def test_the_judge_is_asked_about_the_reference_labels(monkeypatch):
    """JUDGED digits with the labels of its training digits, drawn by ddpm in 50 steps without guidance."""
    experiment, drawn = ladder.experiment_of(ladder.Rung({"data": "digits", "size": 8})), []
    labels = torch.arange(3000).numpy() % 10

    def draw_images(run, y, w, seed):
        drawn.append((run.config.sampler, run.config.sampling_steps, y, w))
        return "digits"

    def measures(classifier, pictures, y, real):
        assert pictures == "digits" and torch.equal(y, drawn[0][2])
        return dict.fromkeys(("fidelity", "fidelity_interval", "frechet", "diversity", "more"), 0.5)

    monkeypatch.setattr(ladder, "load_classifier", lambda folder: None)
    monkeypatch.setattr(ladder, "load_features", lambda folder: {"train_labels": labels})
    monkeypatch.setattr(ladder, "draw_images", draw_images)
    monkeypatch.setattr(ladder, "measures_of_images", measures)
    assert set(ladder.judged(experiment)) == {"fidelity", "fidelity_interval", "frechet", "diversity"}
    ((sampler, steps, y, w),) = drawn
    assert (sampler, steps, w) == ("ddpm", 50, 0)
    assert torch.equal(y, torch.from_numpy(labels[:2000]))
