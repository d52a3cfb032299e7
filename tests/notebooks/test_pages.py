"""The notebooks as they should be committed: lessons with exercises still to do, solutions that are right."""

import json
from pathlib import Path

import pytest
from checks.common import RIGHT, UNANSWERED

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LESSONS = sorted(path for path in NOTEBOOKS.glob("*.ipynb"))
SOLUTIONS = sorted((NOTEBOOKS / "solutions").glob("*.ipynb"))


def cells(path, kind):
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def printed(cell):
    return "".join("".join(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream").strip()


def test_every_lesson_has_solutions():
    assert LESSONS
    assert [path.name for path in LESSONS] == [path.name for path in SOLUTIONS]


@pytest.mark.parametrize("path", [*LESSONS, *SOLUTIONS], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_notebook_is_committed_as_it_ran(path):
    """From top to bottom, once, without an error; no machine's path in its outputs."""
    code = cells(path, "code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert "/home/" not in path.read_text()
    assert path.stat().st_size < 1_500_000


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_has_goal_runtime_pictures_claims_and_exercises(path):
    text, code = "\n".join(map(source, cells(path, "markdown"))), cells(path, "code")
    for word in ("**Goal.**", "**Before you start.**", "**Runtime.**", "## Exercises"):
        assert word in text
    assert f"solutions/{path.name}" in text
    assert "# NBVAL" not in "".join(map(source, code))  # a tag, not a comment
    assert "Runs on its own" in text or path == LESSONS[0]
    assert len(cells(path, "markdown")) + len(code) <= 28
    assert sum("assert" in source(cell) for cell in code) >= 4
    assert sum("print(checks." in source(cell) for cell in code) >= 3
    assert any("image/png" in output.get("data", {}) for cell in code for output in cell["outputs"])


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_unanswered_exercises_say_so(path):
    asked = [cell for cell in cells(path, "code") if "print(checks." in source(cell)]
    for cell in asked:
        assert printed(cell).endswith(UNANSWERED)


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_solutions_are_right(path):
    answers = [cell for cell in cells(path, "code") if "print(checks." in source(cell)]
    assert len(answers) >= 3
    for cell in answers:
        assert "nbval-check-output" in cell["metadata"]["tags"]  # so that running it again must give the same
        assert printed(cell).endswith(RIGHT)
