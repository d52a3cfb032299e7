"""Both documents: numbers of the committed weights, PDFs that are built as committed, and refusal of what is stale."""

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typst
from PIL import Image

import report.build
import report.results
from evaluation import two_pixel as scorecard
from evaluation.committed import CHECKPOINTS, experiment
from evaluation.metrics import energy_distance
from exact.error_ledger import drawn
from experiments.checkpoint import CheckpointError, fingerprint
from report.claims import CLAIMS

ROOT = Path(__file__).parents[1]
RESULTS = json.loads((ROOT / "report" / "results.json").read_text())


@pytest.fixture
def copy(tmp_path):
    """The report's folder and the figures, to be spoiled."""
    for name in ("report", "figures"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("document", CLAIMS)
def test_committed_pdf_is_the_one_that_is_built(document):
    built = report.build.build(document)
    assert built == (ROOT / "report" / f"{document}.pdf").read_bytes()
    assert len(built) < 3e6


def test_report_is_short_and_its_pages_are_full():
    """At most twelve, each filled to two thirds of the space between its margins."""
    source = str(ROOT / "report" / "report.typ")
    pages = typst.compile(source, root=str(ROOT), ignore_system_fonts=True, format="png", ppi=20)
    assert len(pages) <= 12
    for number, page in enumerate(pages, 1):
        with Image.open(io.BytesIO(page)) as image:
            dark = (np.asarray(image.convert("L")) < 250).any(axis=1)
        top, bottom = (int(len(dark) * mm / 297) for mm in (18, 277))  # below it is the page's number
        assert dark[:bottom].nonzero()[0].max() > top + 2 / 3 * (bottom - top), f"page {number}"


def test_numbers_are_what_the_committed_weights_give():
    """Measured anew for T = 5: the same but for rounding, which can move a sample across a border."""
    card, _ = scorecard.score(experiment(5))
    known = RESULTS["two_pixel"]["cards"]["5"]
    assert card["excess_loss"] == pytest.approx(known["excess_loss"], rel=1e-3)
    assert card["energy_distance"] == pytest.approx(known["energy_distance"], abs=known["energy_distance_floor"] / 10)
    assert card["mode_weights"] == pytest.approx(known["mode_weights"], abs=2 / card["samples"])


def test_numbers_of_mnist_are_those_of_its_score_card():
    card = json.loads((CHECKPOINTS / "mnist" / "scorecard.json").read_text())
    assert RESULTS["mnist"]["card"] == card
    assert card["weights"] == fingerprint(CHECKPOINTS / "mnist")
    assert report.results.mnist() == RESULTS["mnist"]


def refused(document, root, *words):
    with pytest.raises(CheckpointError) as error:
        report.build.build(document, root)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize("part", ["two_pixel", "mnist"])
def test_samplers_of_other_weights_are_refused(part, copy):
    results = copy / "report" / "results.json"
    results.write_text(json.dumps(changed(RESULTS, ["samplers", part, "weights"], "0123456789abcdef")))
    refused("beyond", copy, f"samplers, {part}", "make results")


@pytest.mark.parametrize(
    "part", ["two_pixel", "mnist", "naive", "barebones", "pixel_space", "errors", "guidance", "information"]
)
def test_numbers_of_other_weights_are_refused(part, copy):
    results = copy / "report" / "results.json"
    results.write_text(json.dumps(RESULTS | {part: RESULTS[part] | {"weights": "0123456789abcdef"}}))
    for document in CLAIMS:
        refused(document, copy, part, "make results")


def changed(tree, path, value):
    """A copy of nested dicts with one value changed."""
    first, *rest = path
    return tree | {first: changed(tree[first], rest, value) if rest else value}


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["two_pixel", "cards", "5", "energy_distance_oracle"], 1e-5, "oracle"),
        (["two_pixel", "cards", "25", "excess_loss"], 0.02, "loss floor"),
        (["two_pixel", "cards", "5", "mode_weights"], [0.01, 0.99], "no mode is lost"),
        (["two_pixel", "cards", "5", "mode_means"], [[0.35, 0.65], [0.75, 0.45]], "too close"),
        (["two_pixel", "cards", "5", "mode_weight_intervals"], [[0.33, 0.36], [0.64, 0.67]], "too few samples"),
        (["two_pixel", "cards", "25", "energy_distance"], 1e-4, "the more steps"),
        (["two_pixel", "variances", "10", "beta", "mean"], 1.0, "β_t beats"),
        (["two_pixel", "along_the_way", "network", "20", "mean"], 9.0, "on the way"),
        (["two_pixel", "guidance", "share_in_mode", "classifier"], 0.4, "guidance arrive"),
        (["mnist", "card", "originality", "copies"], 0.6, "does not copy"),
        (["mnist", "card", "sweep", "2", "diversity"], 1.2, "costs diversity"),
        (["mnist", "card", "sweep", "0.5", "fidelity_interval"], [0.97, 0.999], "a little guidance"),
        (["mnist", "card", "sweep", "2", "fidelity_interval"], [0.9999, 1.0], "more guidance"),
        (["mnist", "part_by_part", "correlation", "model", "4"], 0.8, "neighbours"),
        (["mnist", "part_by_part", "half_settled", "model"], [130, 150, 160, 170], "coarse before fine"),
        (["mnist", "part_by_part", "class_decided", "model"], 20, "decided early"),
        (["mnist", "diversity_over_real"], [0.6] * 10, "as diverse as real"),
        (["mnist", "card", "sweep", "2", "diversity_of_class"], [1.2] * 10, "each class less diverse"),
        (["settings", "v, T = 50", "excess_loss"], 0.5, "settings.json"),
    ],
)
def test_conclusions_that_no_longer_follow_are_refused(path, value, words, copy):
    (copy / "report" / "results.json").write_text(json.dumps(changed(RESULTS, path, value)))
    refused("report", copy, words)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["pixel_space", "G2", "UMAP", "neighbours", "mean"], 0.9, "by neighbours on the map"),
        (["pixel_space", "G3", "noise_among_glyphs", "mean"], 0.0, "noise lands"),
        (["pixel_space", "G5", "rows", "100", "to_end"], 0.9, "nearer to the end"),
        (["pixel_space", "G4", "w = 1, top-bottom", "label_accuracy", "mean"], 0.6, "read as asked"),
        (["naive", "N-a"], [{"formula": 0.5}, {"formula": 0.5}, {"formula": 0.5}], "too few"),
        (["naive", "N-b", "removed", "mean"], 0.5, "hardly anything"),
        (["naive", "N-c", "Algorithm 1, k = 32", "slope", "mean"], 0.0, "keeps noise"),
        (["naive", "N-d", "rmse_to_mean", "mean"], 0.2, "the mean image"),
        (["naive", "N-e", "long", "64", "greyness", "mean"], 0.3, "sharper"),
        (["naive", "N-g", "Algorithm 2, S = 8", "copies"], 0.5, "copies"),
        (["naive", "N-h", "4", "algorithm 2", "distinct"], 5, "as many samples as colours"),
        (["barebones", "B1", "loss_over_floor", "mean"], 0.7, "pure noise"),
        (["barebones", "B4", "long", "50", "auc"], 0.99, "long training"),
        (["barebones", "B8"], 0.9, "exact denoiser copies"),
        (["barebones", "B9", "200 times", "share"], 0.1, "repeated"),
        (["errors", "ledger", "cosine, T = 5", "network - oracle", "energy_distance", "mean"], 0.01, "a twentieth"),
        (["errors", "ledger", "cosine, T = 50", "network - oracle", "energy_distance", "mean"], -0.001, "either way"),
        (
            ["errors", "ledger", "cosine, T = 10", "network - oracle", "energy_distance", "mean"],
            0.001,
            "either way",
        ),
        (["errors", "ledger", "cosine, T = 5", "exact prior", "energy_distance", "mean"], 0.001, "prior does not"),
        (["errors", "ledger", "linear, T = 50", "exact prior", "energy_distance", "mean"], 0.0005, "is the prior's"),
        (["errors", "kernels_on_average", "5", "3", "second_moment"], 0.5, "wrong variance"),
        (["guidance", "rows", "2", "tilted", "mean"], [0.89, -0.59], "miss the tilted"),
        (["guidance", "rows", "0", "tilted", "mean"], [0.8, -0.5], "both ways of sampling"),
        (["guidance", "rows", "5", "oracle, flow", "mean"], [0.96, -0.66], "do not agree"),
        (["information", "rows", "signed", "exact"], 1.29, "twice the information"),
        (["information", "rows", "homework", "network", "mean"], 1.3, "a percent and a half"),
        (
            ["samplers", "two_pixel", "rows", "network", "ddpm"],
            [{"steps": steps, "energy_distance": {"mean": mean}} for steps, mean in ((5, 7e-3), (50, 1e-5))],
            "ten calls",
        ),
        (["settings", "eps, T = 10", "excess_loss_largest"], 0.01, "v and ε"),
        (["bugs", "rows", "noise on the last step", "width_off"], 0.0, "find all ten"),
        (["digits", "begun", "200", "more_misread", "mean"], 0.03, "above t = 176"),
        (["digits", "begun", "128", "more_misread", "mean"], 0.008, "below, many do"),
        (["digits", "begun", "176", "more_misread", "mean"], 0.012, "about half"),
        (["digits", "begun", "80", "more_misread", "mean"], 0.003, "hardly any"),
        (["training", "as_it_is", "excess_loss_labelled", "mean"], 0.0006, "in pairs helps with label"),
        (["training", "as_it_is", "excess_loss", "mean"], 0.0013, "only fewer labels help"),
        (["training", "stratified_t", "excess_loss_labelled", "mean"], 0.0001, "the smallest"),
        (["training", "noise_in_pairs", "kl"], {"mean": 0.0005, "error": 0.0001}, "brings the divergence down"),
        (["training", "more_low_noise", "kl", "mean"], 0.0028, "little noise, or much"),
        (["training", "batch_128", "excess_loss", "mean"], 0.0001, "batch sizes"),
        (["likelihood", "bounds", "homework-T50", "entropy"], 0.0, "in this order"),
        (["likelihood", "distilled", "4", "from"], 0.02, "a little farther off"),
        (["likelihood", "bounds", "homework-T50", "oracle", "posterior", "terms"], [9.0] * 51, "that of t = 2"),
        (["memorising", "1000", "memorisation", "mean"], 0.5, "a thousand are not"),
        (["memorising", "1000", "memorisation_by_t", "2", "mean"], 0.5, "little noise"),
        (["memorising", "1000", "kl", "mean"], 1.0, "nearer to the truth"),
        (["memorising", "way", "looks", "12000", "excess", "mean"], 0.001, "leaves the truth"),
        (["memorising", "way", "memorisation", "mean"], 0.1, "nearer to its set"),
        (["memorising", "long 30", "memorisation", "mean"], 0.5, "about a hundred"),
        (["memorising", "long 300", "memorisation", "mean"], 0.9, "three hundred are copied less"),
        (["flow_matching", "networks", "flow u", "dpm_solver", "10", "mean"], 0.007, "ten steps of DPM-Solver++"),
        (["flow_matching", "networks", "cosine u", "dpm_solver", "50", "mean"], 0.1, "u and v agree"),
        (["flow_matching", "networks", "cosine v", "dpm_solver", "50", "mean"], 0.1, "the schedules agree"),
        (["flow_matching", "exact", "flow", "bend"], 0.2, "bend alike"),
        (["flow_matching", "reflow", "after", "bend", "mean"], 0.2, "straightens"),
        (["flow_matching", "reflow", "after", "kl", "1", "mean"], 0.2, "one step is enough"),
        (["brief_digits", "1000", "copies"], 0.5, "a thousand are not"),
        (["brief_digits", "flow", "flow u", "ddim", "5", "frechet"], 200.0, "flow schedule for digits"),
        (["brief_digits", "flow", "flow u", "ddim", "50", "frechet"], 90.0, "for fifty"),
        (["brief_digits", "reflow", "after", "1", "frechet"], 9e3, "one or two steps"),
        (["brief_digits", "reflow", "after", "bend"], 0.1, "straightens the paths of digits"),
        (["samplers", "two_pixel", "with_labels", "oracle", "energy_distance", "mean"], 1e-4, "one labelled step"),
        (["samplers", "mnist", "all_steps", "frechet"], 1.0, "1.2 times"),
        (["samplers", "mnist", "all_steps", "fidelity"], 1.0, "half a point"),
        (["samplers", "mnist", "all_steps", "frechet"], 1.0, "within twice"),
        (
            ["samplers", "mnist", "rows", "ddim, 100", "seeds"],
            [{"frechet": 2.0, "diversity": 1}],
            "more steps hardly help",
        ),
    ],
)
def test_every_claim_can_fail(path, value, words):
    assert all(holds for claims in CLAIMS.values() for _, holds in claims(RESULTS))
    changes = changed(RESULTS, path, value)
    failed = [claim for claims in CLAIMS.values() for claim, holds in claims(changes) if not holds]
    assert any(words in claim for claim in failed)


def test_numbers_of_a_small_system_are_those_that_were_measured(copy):
    results = copy / "report" / "results.json"
    results.write_text(json.dumps(changed(RESULTS, ["barebones", "B8"], 0.9)))
    refused("beyond", copy, "measurements/barebones.json", "make results")


def test_missing_number_is_refused(copy):
    card = {key: value for key, value in RESULTS["mnist"]["card"].items() if key != "originality"}
    results = copy / "report" / "results.json"
    results.write_text(json.dumps(RESULTS | {"mnist": RESULTS["mnist"] | {"card": card}}))
    refused("report", copy, "originality")


def test_missing_results_and_figures_are_refused(copy):
    (copy / "figures" / "problem5_grid.png").unlink()
    refused("report", copy, "problem5_grid.png is missing", "make figures")
    (copy / "figures" / "naive_cold.png").unlink()
    refused("beyond", copy, "naive_cold.png is missing", "make figures")
    (copy / "report" / "results.json").unlink()
    refused("report", copy, "results.json")


@pytest.mark.parametrize(
    ("document", "name"), [("report", "problem3_timesteps"), ("report", "problem5_grid"), ("beyond", "naive_cold")]
)
def test_figure_of_other_weights_is_refused(document, name, copy):
    path = copy / "figures" / f"{name}.png"
    with Image.open(path) as image:
        image.save(path)  # without the text that names its weights
    refused(document, copy, f"{name}.png was drawn from other weights")


def test_every_figure_was_drawn_by_figures_and_stands_in_one_document():
    shown = [
        name
        for document in CLAIMS
        for name in report.build.FIGURE.findall((ROOT / f"report/{document}.typ").read_text())
    ]
    assert len(shown) == len(set(shown)) >= 25
    assert all((ROOT / "figures" / f"{name}.py").exists() for name in shown)


def test_score_card_and_measurement_of_other_weights_are_refused(monkeypatch):
    monkeypatch.setattr(report.results, "mnist_scorecard", lambda: RESULTS["mnist"]["card"] | {"weights": "other"})
    with pytest.raises(CheckpointError, match=r"scorecard\.json was made from other weights"):
        report.results.mnist()
    monkeypatch.setattr(report.results, "fingerprint", lambda *_: "other")
    with pytest.raises(CheckpointError, match=r"part_by_part\.npz was made from other weights"):
        report.results.part_by_part()


def test_hours_and_memory_are_read_from_the_log(tmp_path):
    log = tmp_path / "train.log"
    log.write_text(
        "training took 1:12:01\nMaximum resident set size (kbytes): 1142464\n\n"
        "step 500\ntraining took 0:30:30  (interrupted)\nMaximum resident set size (kbytes): 900000\n"
    )
    found = report.results.training_of(log)
    assert found["hours"] == pytest.approx((72 + 1 / 60 + 30 + 30 / 60) / 60)
    assert found["gigabytes"] == pytest.approx(1.169883, abs=1e-6)


def test_fingerprint_is_of_the_content_of_the_weights(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "denoiser.safetensors").write_bytes(b"weights")
        (tmp_path / name / "scorecard.json").write_text(name)
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b")
    (tmp_path / "b" / "denoiser.safetensors").write_bytes(b"others")
    assert fingerprint(tmp_path / "a") != fingerprint(tmp_path / "b")
    assert fingerprint(tmp_path / "a", tmp_path / "b") != fingerprint(tmp_path / "a")


def test_samplers_are_measured_as_committed():
    """One row anew: the same but for rounding."""
    run = experiment(5)
    run.config = replace(run.config, sampler="second_moment", sampling_steps=5)
    known = next(r for r in RESULTS["samplers"]["two_pixel"]["own_steps"]["second_moment"] if r["steps"] == 5)
    found = energy_distance(drawn(run, run.denoiser(), scorecard.EVALUATION_SEED), run.world)
    assert found == pytest.approx(known["values"][0], abs=RESULTS["samplers"]["two_pixel"]["floor"] / 10)
