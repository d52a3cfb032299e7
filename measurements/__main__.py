"""Measure what takes long: `python -m measurements`, or `python -m measurements NAME …`.

naive, barebones, pixel_space: what the three small systems' texts claim; trains the runs that are not committed into
runs/small, one after another. errors, guidance, information, bugs: what only a known truth can show, in some minutes.
digits: where the network on MNIST falls short, in some minutes; needs the data. likelihood: what the models believe.
Each is written to measurements/NAME.json.
"""

import importlib
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported

from evaluation.committed import weights_behind
from experiments.checkpoint import save_json
from experiments.command_line import Parser, names

NAMES = ("naive", "barebones", "pixel_space", "errors", "guidance", "information", "bugs", "digits", "likelihood")


def main(arguments):
    parser = Parser(prog="python -m measurements", description=__doc__.split(":")[0])
    for name in names(parser, "measurements", NAMES, arguments):
        results = importlib.import_module(f"measurements.{name}").measure()
        save_json(Path(__file__).parent / f"{name}.json", results | {"weights": weights_behind(name)})


if __name__ == "__main__":
    main(sys.argv[1:])
