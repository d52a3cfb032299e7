"""The grader as a zip for Gradescope: python -m homework.autograder makes it from the working tree."""

import sys
from pathlib import Path

from experiments.checkpoint import write_atomically
from homework.archive import zipped

ROOT = Path(__file__).parents[1]
OUT = ROOT / "build" / "autograder.zip"
SCRIPTS = ("setup.sh", "run_autograder")
TOP = (*SCRIPTS, "requirements.txt")  # where Gradescope looks for them
NEEDED = ("gmm.py", "utils.py", "ddpm.py", "samplers.py", "plots.py", "experiments", "evaluation", "homework")


def files():
    """(path in the zip, path here) of everything that the grader needs."""
    for name in TOP:
        yield name, ROOT / "homework" / "gradescope" / name
    for name in NEEDED:
        path = ROOT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix in (".py", ".zip") and "__pycache__" not in file.parts:
                yield f"repository/{file.relative_to(ROOT).as_posix()}", file


def build(out=OUT):
    """Write the zip, with scripts that can be run."""
    out.parent.mkdir(exist_ok=True)
    write_atomically(out, zipped({name: path.read_bytes() for name, path in files()}, SCRIPTS))


def main():
    try:
        build()
    except OSError as error:
        print(f"homework.autograder: error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    print(OUT.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
