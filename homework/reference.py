"""What answers are compared with: the modules as they were released, in reference.zip.

    python -m homework.reference

writes reference.zip anew from gmm.py, utils.py and ddpm.py. It is a copy, since people edit the modules, to do the
homework in a clone or to try something out; the truth of a check must not come from what it checks.
"""

import sys
import zipfile
from functools import cache
from pathlib import Path

from experiments.checkpoint import write_atomically
from homework.archive import zipped
from homework.modules import NAMES, load, namespace, read_sources

ROOT = Path(__file__).parents[1]
RELEASED = ROOT / "homework" / "reference.zip"


@cache
def reference():
    """The texts of the modules by name, and the modules, as code.utils, code.ddpm, code.gmm."""
    with zipfile.ZipFile(RELEASED) as archive:
        sources = {name: archive.read(f"{name}.py").decode() for name in NAMES}
    return sources, namespace(load(sources))


def edited():
    """The names of the modules that are no longer as they were released."""
    sources, _ = reference()
    return [name for name, source in read_sources(ROOT).items() if source != sources[name]]


def main():
    files = {f"{name}.py": source.encode() for name, source in read_sources(ROOT).items()}
    try:
        write_atomically(RELEASED, zipped(files))
    except OSError as error:
        print(f"homework.reference: error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    print(RELEASED.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
