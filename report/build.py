"""Build report.pdf from report.typ, results.json and the figures: `python -m report.build`, or `make report`.

Refuses numbers and figures that were made from other weights than those committed.
"""

import re
import sys
from pathlib import Path

import typst
from PIL import Image

from checkpoint import CheckpointError, load_json, write_atomically
from figures.common import weights_behind

HERE = Path(__file__).parent
ROOT = HERE.parent
FIGURE = re.compile(r'image\("\.\./figures/(\w+)\.png"')


def claims(results):
    """What report.typ concludes from the numbers in words: (in short, whether the numbers bear it out)."""
    two, mnist = results["two_pixel"], results["mnist"]
    cards, variances, card, parts = two["cards"], two["variances"], mnist["card"], mnist["part_by_part"]
    floor = cards["50"]["energy_distance_floor"]
    apart = max(abs(c["energy_distance"] / c["energy_distance_oracle"] - 1) for c in (cards["5"], cards["10"]))
    w = card["sweep"]
    half = parts["half_settled"]
    return (
        ("network within 0.3 % of the loss floor", all(c["excess_loss"] < 0.003 for c in cards.values())),
        ("network and oracle within 10 % at T = 5 and 10", apart < 0.1),
        ("the oracle is off by more than the noise", cards["5"]["energy_distance_oracle"] > 4 * floor),
        ("β_t beats β̃_t at every T", all(v["beta"]["mean"] < v["posterior"]["mean"] for v in variances.values())),
        ("no mode is lost", all(0.25 < c["mode_weight"] < 0.4 for c in cards.values())),
        ("the modes are too narrow at T = 5", max(cards["5"]["mode_stds"]) < 0.09),
        (
            "network like oracle on the way",
            all(
                abs(two["along_the_way"]["network"][t]["mean"] - row["mean"]) < 2
                for t, row in two["along_the_way"]["oracle"].items()
            ),
        ),
        ("both kinds of guidance arrive", min(two["guidance"]["share_in_mode"].values()) > 0.99),
        ("guided ends near the oracle's", max(two["guidance"]["median_distance_to_oracle"].values()) < 0.01),
        ("guidance with w = 1 is read more surely", w["1"]["fidelity"] > card["generated"]["fidelity"]),
        ("a little guidance buys fidelity", w["0.5"]["fidelity_interval"][0] > w["0"]["fidelity_interval"][1]),
        (
            "more guidance buys no fidelity",
            all(w["0.5"]["fidelity_interval"][1] > w[more]["fidelity_interval"][0] for more in ("1", "2", "4")),
        ),
        ("up to w = 2 guidance costs diversity", w["0"]["diversity"] > w["1"]["diversity"] > w["2"]["diversity"]),
        ("it does not copy", card["originality"]["copies"] < 0.01),
        ("not all at once", parts["spread"]["model"] > 10 + parts["spread"]["once"]),
        ("only direct neighbours settle together", parts["correlation"]["model"]["4"] < 0.1),
        ("place explains little", parts["place_share"] < 0.1),
        ("coarse before fine", half["model"] == sorted(half["model"], reverse=True)),
        ("the class is decided early", parts["class_decided"]["model"] > 100),
    )


def check_claims(results):
    """CheckpointError if a conclusion of the report no longer follows from its numbers."""
    for claim, holds in claims(results):
        if not holds:
            raise CheckpointError(f"report.typ concludes that {claim}; the numbers in results.json say otherwise")


def check_results(results):
    """CheckpointError unless results.json was made from the committed weights and benchmarks."""
    for part, figure in (("two_pixel", "problem2"), ("mnist", "problem5")):
        if results.get(part, {}).get("weights") != weights_behind(figure):
            raise CheckpointError(f"results.json holds numbers of other weights ({part}): run make results")
    if results.get("settings") != load_json(ROOT / "benchmarks" / "settings.json"):
        raise CheckpointError("results.json holds other numbers than benchmarks/settings.json: run make results")


def check_figures(source, folder):
    """CheckpointError unless every figure that report.typ shows is there and was drawn from the committed weights."""
    for name in FIGURE.findall(source):
        path = folder / f"{name}.png"
        if not path.exists():
            raise CheckpointError(f"the figure {path.name} is missing: run make figures")
        with Image.open(path) as image:
            if image.info.get("weights") != weights_behind(name):
                raise CheckpointError(f"the figure {path.name} was drawn from other weights: run make figures")


def build(root=ROOT):
    """The PDF as bytes; CheckpointError, with one line that says why, if a part of it is missing or out of date."""
    source = root / "report" / "report.typ"
    results = load_json(root / "report" / "results.json")
    check_results(results)
    check_figures(source.read_text(), root / "figures")
    try:
        check_claims(results)
    except KeyError as error:
        raise CheckpointError(f"results.json has no number {error}: run make results") from None
    try:
        return typst.compile(str(source), root=str(root), ignore_system_fonts=True)
    except typst.TypstError as error:
        raise CheckpointError(f"report.typ: {error}".splitlines()[0]) from None


def main():
    try:
        write_atomically(HERE / "report.pdf", build())
    except (CheckpointError, OSError) as error:
        print(f"report.build: error: {error}", file=sys.stderr)
        return 2
    print("report/report.pdf")
    return 0


if __name__ == "__main__":
    sys.exit(main())
