"""The handout: a folder and a zip that students get, made from the repository by cutting the exercises out of it.

    python -m homework.handout

writes build/handout/ and build/handout.zip: the modules without the bodies of the exercises, what they need to run, the
assignment sheet, a README, and the check. Left out are solutions, the zoo, the grader, tests, the report and its
figures, and trained weights of the homework's own systems.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported

import re
import shutil
import sys
from pathlib import Path

from homework import grade, known, sheet
from homework.archive import zipped
from homework.cutting import cut
from homework.exercises import EXERCISES
from homework.reference import edited

ROOT = Path(__file__).parents[1]
OUT = ROOT / "build" / "handout"
PROVIDED = (
    "LICENSE",
    "gmm.py",
    "plots.py",
    "samplers.py",
    "train.py",
    "evaluation/*.py",
    "exact/*.py",
    "experiments/*.py",
    "experiments/assets/*",
    "small_systems/*.py",
    # the check, without the zoo and the grader
    "homework/__init__.py",
    "homework/check.py",
    "homework/diagnosis.py",
    "homework/exercises.py",
    "homework/known.py",
    "homework/modules.py",
    "homework/questions/*.py",
    # the notebooks that stand without the solution, with what they show
    "notebooks/S1_naive.ipynb",
    "notebooks/S2_barebones.ipynb",
    "notebooks/01_two_pixel_world.ipynb",
    "notebooks/course.py",
    "notebooks/checks/__init__.py",
    "notebooks/checks/common.py",
    "notebooks/checks/naive.py",
    "notebooks/checks/barebones.py",
    "notebooks/checks/two_pixel_world.py",
    "figures/__init__.py",
    "figures/common.py",
    "figures/naive_*.py",
    "figures/barebones_*.py",
    "measurements/__init__.py",
    "measurements/common.py",
    "measurements/naive.*",
    "measurements/barebones.*",
    "checkpoints/naive-*/**/*",
    "checkpoints/barebones-*/**/*",
    "checkpoints/*-classifier/*",
)
LINK_TO_SOLUTIONS = re.compile(r"Solutions: \[solutions/[^\]]*\]\([^)]*\)\.")
LINK_TO_PAGE = re.compile(r"\[the page\]\([^)]*\)", re.IGNORECASE)
NOT_FOR_STUDENTS = "# checking it"  # where requirements.txt goes on with what only the repository's own tests need


def provided():
    """The files that the handout has unchanged, as paths in the repository."""
    found = {path for pattern in PROVIDED for path in ROOT.glob(pattern)}
    return sorted(path.relative_to(ROOT) for path in found if path.is_file() and "__pycache__" not in path.parts)


def answers_file():
    """known.npz: what right and wrong code answers."""
    return known.to_bytes({e.function: {known.RIGHT: grade.right(e)} | grade.mistaken(e) for e in EXERCISES})


def build(out=OUT):
    """Write the handout into the folder, in the place of what was there, and beside it a zip of it."""
    new = out.with_name(f".{out.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    for path in provided():
        (new / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, new / path)
    for notebook in (new / "notebooks").glob("*.ipynb"):
        text = LINK_TO_SOLUTIONS.sub("", notebook.read_text())
        notebook.write_text(LINK_TO_PAGE.sub("the course's page in a browser", text))
    for module in {e.module for e in EXERCISES}:
        source = (ROOT / f"{module}.py").read_text()
        (new / f"{module}.py").write_text(cut(source, tuple(e for e in EXERCISES if e.module == module)))
    requirements, _, _ = (ROOT / "requirements.txt").read_text().partition(NOT_FOR_STUDENTS)
    (new / "requirements.txt").write_text(requirements.rstrip() + "\n")
    (new / ".gitignore").write_text(".venv/\nruns/\ndata/\n__pycache__/\n.ipynb_checkpoints/\n")
    shutil.copyfile(sheet.TEMPLATES / "Makefile", new / "Makefile")
    (new / "README.md").write_text(sheet.filled("README.md"))
    assignment = sheet.filled("assignment.md")
    (new / "assignment.md").write_text(assignment)
    (new / "assignment.pdf").write_bytes(sheet.as_pdf(assignment))
    (new / "homework" / "known.npz").write_bytes(answers_file())
    shutil.rmtree(out, ignore_errors=True)
    new.rename(out)
    zip_folder(out, out.with_suffix(".zip"))


def zip_folder(folder, path):
    """Write the folder as a zip."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    path.write_bytes(zipped({str(Path(folder.name) / p.relative_to(folder)): p.read_bytes() for p in files}))


def main():
    grade.set_up()
    if names := edited():
        changed = ", ".join(f"{name}.py" for name in names)
        print(
            f"homework.handout: error: {changed}: not as in homework/reference.zip, with which answers are compared; "
            "python -m homework.reference takes the new code for right",
            file=sys.stderr,
        )
        return 2
    try:
        build()
    except OSError as error:
        print(f"homework.handout: error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    print(f"{OUT.relative_to(ROOT)}/ and {OUT.with_suffix('.zip').relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
