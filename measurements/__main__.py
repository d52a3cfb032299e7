"""Measure what the three small systems' texts claim: `python -m measurements`, or `python -m measurements NAME …`.

Trains the runs that are missing into runs/small (an hour and a half in all), and writes measurements/NAME.json.
"""

import importlib
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported

from checkpoint import save_json
from command_line import Parser
from figures.common import weights_behind

NAMES = ("naive", "barebones", "pixel_space")


def main(arguments):
    p = Parser(prog="python -m measurements", description=__doc__.split(":")[0])
    p.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(NAMES)} (default: all)")
    names = p.parse_args(arguments).names
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        p.error(f"no measurements {unknown[0]!r}; there are {', '.join(NAMES)}")
    for name in names or NAMES:
        results = importlib.import_module(f"measurements.{name}").measure()
        save_json(Path(__file__).parent / f"{name}.json", results | {"weights": weights_behind(name)})


if __name__ == "__main__":
    main(sys.argv[1:])
