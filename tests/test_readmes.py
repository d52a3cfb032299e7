"""The READMEs: every number in them is a measured one, and every link leads somewhere."""

import json
import re
from pathlib import Path
from statistics import median

import pytest

from benchmarks import images as speed_on_images
from evaluation import images as image_scorecard
from evaluation import two_pixel as scorecard
from gmm import WORLDS
from measurements import digits, ladder, samplers, settings, training
from measurements.common import measurements

ROOT = Path(__file__).parents[1]
RESULTS = json.loads((ROOT / "report" / "results.json").read_text())


def page(path):
    return (ROOT / path).read_text()


def test_readmes_show_what_was_measured():
    """Their score cards and tables of results are the committed ones, to the last digit."""
    readme, evaluation = page("README.md"), page("evaluation/README.md")
    cards = RESULTS["two_pixel"]["cards"]
    of_a_run_without_classifier = {key: value for key, value in cards["50"].items() if key != "classifier_excess"}
    title = "homework world, T = 50, v-prediction, seed 0"
    assert scorecard.as_text(of_a_run_without_classifier, title, WORLDS["homework"]) in readme
    assert scorecard.details(of_a_run_without_classifier, WORLDS["homework"]) in evaluation
    for T, card in cards.items():
        losses = f"{100 * card['excess_loss']:.3f} % | {100 * card['excess_loss_labelled']:.3f} %"
        distances = f"{1e4 * card['energy_distance']:.2f} | {1e4 * card['energy_distance_oracle']:.2f}"
        assert f"| two pixels, T = {T} | {losses} | {distances} |" in evaluation
    assert image_scorecard.as_text(RESULTS["mnist"]["card"], "mnist, T = 200, v-prediction, seed 0") in evaluation


def test_front_doors_results_are_those_that_were_measured():
    cards, mnist = RESULTS["two_pixel"]["cards"], RESULTS["mnist"]["card"]
    samplers = RESULTS["samplers"]
    losses = (f"{100 * cards['50'][key]:.3f} %" for key in ("excess_loss", "excess_loss_labelled"))
    network, oracle = (
        ", ".join(f"{1e4 * cards[T][key]:.2f}" for T in ("5", "50"))
        for key in ("energy_distance", "energy_distance_oracle")
    )
    solver = next(row for row in samplers["two_pixel"]["rows"]["network"]["dpm_solver"] if row["calls"] == 10)
    one_call = next(row for row in samplers["two_pixel"]["students"] if row["calls"] == 1)
    fast = ", ".join(
        f"{1e4 * row['energy_distance']['mean']:.2f} ± {1e4 * row['energy_distance']['error']:.2f}"
        for row in (solver, one_call)
    )
    of_four = [seed["frechet"] for seed in samplers["mnist"]["rows"]["student, 4"]["seeds"]]
    floor = RESULTS["digits"]["distances"]["labels alike"]["mean"]
    auc = [
        RESULTS["naive"]["N-e"]["long"]["16"]["auc"]["mean"],
        RESULTS["barebones"]["B4"]["long"]["50"]["auc"],
        RESULTS["naive"]["N-e"]["real"]["auc"],
        RESULTS["barebones"]["B4"]["real"]["auc"],
    ]
    said = [
        f"without and with label | {', '.join(losses)} |",
        f"T = 5 and T = 50 | {network} | the exact denoiser with the same steps: {oracle} |",
        f"one call of a distilled model | {fast} |",
        f"nats per pixel above the entropy | {cards['50']['nats_above_entropy']:.4f} "
        f"| the exact denoiser: {cards['50']['nats_above_entropy_oracle']:.6f} |",
        f"**{100 * mnist['generated']['fidelity']:.1f} %**, {100 * mnist['sweep']['0.5']['fidelity']:.2f} % "
        f"| real test digits: {100 * mnist['real']['fidelity']:.1f} %",
        f"**{mnist['generated']['frechet']:.2f}**, **{sum(of_four) / len(of_four):.2f}** "
        f"| other training digits: {floor:.2f}, test digits: {mnist['real']['frechet']:.2f}",
        f"{mnist['generated']['frechet'] / floor:.1f} times that of other training digits",
        "**{:.2f}**, **{:.2f}** | real from real: {:.2f}, {:.2f}".format(*auc),
    ]
    assert not [line for line in said if line not in page("README.md")]


def test_readmes_tables_of_samplers_are_those_that_were_measured():
    measured = page("measurements/README.md")
    assert samplers.markdown_of_two_pixels(RESULTS["samplers"]["two_pixel"]) in measured
    assert samplers.markdown_of_mnist(RESULTS["samplers"]["mnist"]) in measured
    assert training.as_text(RESULTS["training"]) in measured
    assert settings.as_text(RESULTS["settings"]) in measured


def test_readmes_say_where_the_digits_fall_short():
    found, evaluation, measured = RESULTS["digits"], page("evaluation/README.md"), page("measurements/README.md")
    alike, random = (found["distances"][f"labels {kind}"] for kind in ("alike", "at random"))
    assert f"{alike['mean']:.2f} ± {alike['deviation']:.2f} (mean and" in evaluation
    assert f"it is {random['mean']:.2f} ± {random['deviation']:.2f}" in evaluation
    assert digits.as_text(found) in measured
    assert digits.eyes_as_text(found) in measured
    assert digits.begun_as_text(found) in measured
    none, interval, eyes = found["guidance"]["none"], found["guidance"]["interval"], found["eyes"]
    assert all(eyes["dpm_solver"][eye] > 2 * eyes["ddpm"][eye] for eye in ("judge", "another classifier"))
    assert all(eyes["real, blurred"][eye] > 2 * eyes["ddpm"][eye] for eye in ("judge", "another classifier"))
    assert eyes["dpm_solver"]["directions"] < eyes["ddpm"]["directions"]
    without, told = (100 * found["losses"]["186"][name]["above"] for name in ("without label", "with label"))
    label, forest = found["label"], found["forest"]
    below, *others = label["parts"].values()
    noisy = sum(part["mean"] for part in others)

    def more(t):
        share = found["begun"][t]["more_misread"]
        return f"{100 * share['mean']:.1f} ± {100 * share['error']:.1f} %"

    assert noisy > label["entropy"]
    said = [
        f"{without:.1f} % above",
        f"{told:.1f} % with label",
        f"its entropy, {label['entropy']:.2f} nats",
        f"{label['network']['mean']:.2f} ± {label['network']['error']:.2f}",
        f"down to t = 136 have {noisy:.2f} nats already",
        f"Begun with noise alone, {more('200')} more",
        f"begun at t = 176, {more('176')}; at t = 128, {more('128')}.",
        f"another {below['mean']:.2f} ± {below['error']:.2f}",
        f"digits, {100 * forest['zeros']['generated']:.0f} %",
        f"real ones, {100 * forest['zeros']['real']:.0f} %",
        f"(AUC {forest['auc']:.2f}, {forest['digits']} of each)",
        f"(AUC {forest['auc of ink']:.2f})",
        f"fidelity from {100 * none['fidelity']:.1f} to {100 * interval['fidelity']:.1f} %",
        f"Fréchet distance from {none['frechet']:.2f} to {interval['frechet']:.2f}",
        f"diversity falls from {none['diversity']:.3f} to {interval['diversity']:.3f}",
    ]
    assert not [line for line in said if line not in " ".join(measured.split())]


def test_readme_says_what_makes_the_image_network_learn_faster():
    found = measurements("ladder")
    assert ladder.as_text(found) in page("measurements/README.md")
    read = {name: row["fidelity_interval"] for name, row in found.items()}
    default = read.pop("as_it_is")
    assert [name for name, (low, _) in read.items() if low > default[1]] == ["high_noise"]
    high, before = (100 * found[name]["fidelity"] for name in ("high_noise", "as_it_is"))
    said = f"{high:.0f} % are read as asked in place of {before:.0f} %"
    assert said in " ".join(page("measurements/README.md").split())
    behind = {name for name, (_, high) in read.items() if high < default[0]}
    assert behind == {"middle_noise", "deeper", "label_dropout_0.2", "batch_512_rate_3e-3"}
    assert {row["average"] for row in found.values()} == {min(ladder.AVERAGES)}


def test_readme_says_how_long_mnist_was_trained():
    training, readme = RESULTS["mnist"]["training"], page("experiments/README.md")
    assert f"{training['hours']:.1f} hours" in readme
    assert f"at most {training['gigabytes']:.1f} GB" in readme


def test_readme_says_what_was_measured_on_the_small_systems():
    n, b, g = (RESULTS[name] for name in ("naive", "barebones", "pixel_space"))
    readme, steps, sprites = page("small_systems/README.md"), n["N-e"]["long"], b["B4"]
    short, long = sprites["short"]["50"], sprites["long"]["50"]

    seen = [n["N-h"][colours]["algorithm 2"]["distinct_to_the_eye"] for colours in ("1", "4", "16", "any")]

    def percent(x, digits=0):
        return f"{100 * x:.{digits}f} %"

    said = [
        f"{percent(n['N-a'][0]['formula'])} of the pixels are still clean",
        f"240 steps leave {percent(n['N-a'][1]['formula'], 2)}",
        f"{percent(n['N-c']['Algorithm 1, k = 32']['slope']['mean'])} of it",
        f"removes {percent(n['N-b']['removed']['mean'], 1)} of the loss",
        f"would remove {percent(n['N-b exact']['k = 32'], 1)}, on these",
        f"greyness {steps['32']['greyness']['mean']:.3f} after 32 steps",
        f"{steps['16']['auc']['mean']:.3f} ± {steps['16']['auc']['error']:.3f}, at best",
        f"with 256 it is {steps['256']['auc']['mean']:.3f}",
        f"loss {b['B1']['loss_over_floor']['mean']:.3f} ± {b['B1']['loss_over_floor']['error']:.3f} times",
        f"AUC {short['auc']['mean']:.3f} ± {short['auc']['error']:.3f} after two minutes",
        f"{long['auc']:.3f} after 45 minutes",
        "{}, {}, {} and {}, all of them nearly".format(*seen),
        f"(real from real: {sprites['real']['auc']:.2f}); the main system {sprites['main system']['auc']:.3f}",
        f"{100 * short['copies']['mean']:.0f} and {percent(long['copies'], 1)} copies",
        f"of real test sprites, {percent(sprites['real']['copies'])} are",
        f"({percent(b['B9']['200 times']['share'], 1)} of the samples)",
        f"{g['G2']['UMAP']['neighbours']['mean']:.3f} by UMAP, {g['G2']['PCA']['neighbours']['mean']:.3f} on",
        f"left-right {percent(g['G4']['w = 1, left-right']['label_accuracy']['mean'], 1)}",
        f"top-bottom {percent(g['G4']['w = 1, top-bottom']['label_accuracy']['mean'], 1)}",
    ]
    assert not [line for line in said if line not in readme]
    assert min(row["auc"]["mean"] for row in steps.values()) == steps["16"]["auc"]["mean"]


def test_divergences_are_those_that_were_measured():
    found = measurements("likelihood")
    solver = next(row for row in found["flows"] if (row["sampler"], row["steps"]) == ("dpm_solver", 25))
    network, exact = (f"{1e3 * solver[who]['from']:.2f} × 10⁻³" for who in ("network", "oracle"))
    assert re.search(
        f"{network} nats with the network\\s+and {exact} with the exact denoiser", page("measurements/README.md")
    )
    cost = found["bounds"]["homework-T50"]["oracle"]["posterior"]["gap"]["variance"]
    assert f"variance costs {cost:.1f} nats" in page("exact/README.md")


def test_table_beside_other_libraries_is_what_was_measured():
    log, readme = page("benchmarks/mnist.log"), page("benchmarks/README.md")
    result = json.loads(page("benchmarks/mnist.json"))
    head, line, *rows = [line for line in log.splitlines() if line.startswith("|")]
    assert "\n".join([head, line, *rows]) in readme
    names = cells_of(head)
    shown = {cells[0]: dict(zip(names, cells, strict=True)) for cells in map(cells_of, rows)}
    measured = result["rows"] | result["real"]
    assert list(shown) == list(measured)
    assert list(shown) == [
        "this repo",
        "the Hugging Face diffusion course",
        "smalldiffusion",
        "denoising-diffusion-pytorch",
        "other training digits",
        "real test digits",
    ]
    for name, row in measured.items():
        assert (shown[name]["fidelity"], shown[name]["Fréchet"]) == (f"{row['fidelity']:.3f}", f"{row['frechet']:.1f}")
    seen = [round(row["images_per_second"] * row["seconds"], -3) for row in result["rows"].values()]
    assert f"sees {seen[0]:,.0f} images" in readme
    assert f"see {min(seen[1:]):,.0f} to {max(seen[1:]):,.0f}" in readme
    assert max(seen[1:]) < 60_000 < 5 * 60_000 < seen[0] < 6 * 60_000


def cells_of(row):
    """The cells of a row of a table in Markdown."""
    return [cell.strip() for cell in row.split("|")[1:-1]]


def test_speed_on_images_is_what_was_measured():
    result, readme = json.loads(page("benchmarks/images.json")), page("benchmarks/README.md")
    assert "\n".join(speed_on_images.report(result).splitlines()[1:]) in readme
    (train_1, call_1), (train_2, call_2) = (jobs.values() for jobs in result["threads"].values())

    def times(seconds, name, reference=speed_on_images.OURS):
        """How many times as long as the reference it takes, by a round: the median."""
        return median(a / b for a, b in zip(seconds[name], seconds[reference], strict=True))

    convolution, parts = speed_on_images.CONVOLUTION, speed_on_images.SHARED_OUT
    compiled, half = speed_on_images.COMPILED, speed_on_images.BFLOAT16
    alone, shared = ([1 / times(job, convolution) for job in jobs] for jobs in ((train_1, call_1), (train_2, call_2)))
    assert f"training takes {alone[0]:.1f} times and a call of the network {alone[1]:.1f} times" in readme
    assert f"{shared[0]:.1f} and {shared[1]:.1f} times" in readme
    faster, longer = 1 / times(call_2, parts), times(call_2, parts, convolution)
    assert f"is {faster:.1f} times as fast and takes {longer:.1f} times" in readme
    assert all(0.95 < times(job, compiled) < 1.05 for job in (train_1, train_2))
    assert all(0.75 < times(job, compiled) < 0.9 for job in (call_1, call_2))
    assert all(5 < times(job, half) < 10.1 for job in (train_1, call_1, train_2, call_2))


BUILT = ("build", "for_students")  # pages of the handout: tests/homework/test_handout.py follows their links
READMES = [*ROOT.glob("*.md"), *ROOT.glob("*/*.md"), *ROOT.glob("*/*/README.md")]
READMES = [path for path in READMES if not set(path.relative_to(ROOT).parts) & set(BUILT)]
PAGES = [*READMES, *ROOT.glob("notebooks/**/*.ipynb")]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text())
    missing = [link for link in links if "://" not in link and not (path.parent / link.split("#")[0]).exists()]
    assert not missing


def anchors(path):
    """The anchors that GitHub gives the headings of a page: lower case, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "path", [p for p in PAGES if p.suffix == ".md"], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_links_into_a_page_lead_to_one_of_its_headings(path):
    for link, anchor in re.findall(r"\]\(([^)\s#]*)#([^)\s]+)\)", path.read_text()):
        if "://" not in link:
            assert anchor in anchors(path.parent / link if link else path), f"{link}#{anchor}"
