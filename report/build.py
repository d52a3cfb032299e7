"""Build report.pdf and beyond.pdf from texts, results.json and figures: `python -m report.build`, or `make report`.

Refuses numbers and figures that were made from other weights than those committed.
"""

import re
import sys
from pathlib import Path

import typst
from PIL import Image

from evaluation.committed import weights_behind
from experiments.checkpoint import CheckpointError, load_json, write_atomically
from measurements.__main__ import NAMES as MEASURED
from measurements.common import measurements
from report.claims import CLAIMS

HERE = Path(__file__).parent
ROOT = HERE.parent
FIGURE = re.compile(r'picture\("(\w+)"')


def check_claims(document, results):
    """CheckpointError if a conclusion of the document no longer follows from its numbers."""
    for claim, holds in CLAIMS[document](results):
        if not holds:
            raise CheckpointError(f"{document}.typ concludes that {claim}; the numbers in results.json say otherwise")


def check_results(results):
    """CheckpointError unless results.json was made from the committed weights and measurements."""
    behind = {"two_pixel": "problem2", "mnist": "problem5"} | {name: name for name in MEASURED}
    parts = {part: (results.get(part, {}), figure) for part, figure in behind.items()}
    samplers = results.get("samplers", {})
    parts |= {
        f"samplers, {part}": (samplers.get(part, {}), figure)
        for part, figure in (("two_pixel", "samplers"), ("mnist", "mnist_samplers"))
    }
    for part, (found, figure) in parts.items():
        if found.get("weights") != weights_behind(figure):
            raise CheckpointError(f"results.json holds numbers of other weights ({part}): run make results")
    for part in (*MEASURED, "settings", "training", "samplers"):
        if results.get(part) != measurements(part):
            raise CheckpointError(f"results.json holds other numbers than measurements/{part}.json: run make results")


def check_figures(source, folder):
    """CheckpointError unless every figure that a text shows is there and was drawn from the committed weights."""
    for name in FIGURE.findall(source):
        path = folder / f"{name}.png"
        if not path.exists():
            raise CheckpointError(f"the figure {path.name} is missing: run make figures")
        with Image.open(path) as image:
            if image.info.get("weights") != weights_behind(name):
                raise CheckpointError(f"the figure {path.name} was drawn from other weights: run make figures")


def build(document, root=ROOT):
    """A PDF as bytes; CheckpointError, with one line that says why, if a part of it is missing or out of date.

    document: "report", the homework, or "beyond", the rest.
    """
    source = root / "report" / f"{document}.typ"
    results = load_json(root / "report" / "results.json")
    check_results(results)
    check_figures(source.read_text(), root / "figures")
    try:
        check_claims(document, results)
    except KeyError as error:
        raise CheckpointError(f"results.json has no number {error}: run make results") from None
    try:
        return typst.compile(str(source), root=str(root), ignore_system_fonts=True)
    except typst.TypstError as error:
        raise CheckpointError(f"{document}.typ: {error}".splitlines()[0]) from None


def main():
    for document in CLAIMS:
        try:
            write_atomically(HERE / f"{document}.pdf", build(document))
        except (CheckpointError, OSError) as error:
            print(f"report.build: error: {error}", file=sys.stderr)
            return 2
        print(f"report/{document}.pdf")
    return 0


if __name__ == "__main__":
    sys.exit(main())
