"""The zip for Gradescope: in the layout that Gradescope documents it grades a submission by itself."""

import json
import subprocess
import sys
import zipfile

import pytest

from homework import autograder
from homework.exercises import EXERCISES

pytestmark = pytest.mark.slow


def test_what_it_installs_are_the_repositorys_versions():
    ours = (autograder.ROOT / "requirements.txt").read_text().split()
    pins = (autograder.ROOT / "homework" / "gradescope" / "requirements.txt").read_text().splitlines()
    assert {pin for pin in pins if "==" in pin} <= set(ours)


def test_zip_grades_a_submission_to_results_json(tmp_path, submission):
    autograder.build(tmp_path / "autograder.zip")
    source = tmp_path / "source"
    with zipfile.ZipFile(tmp_path / "autograder.zip") as archive:
        scripts = {i.filename: i.external_attr >> 16 for i in archive.infolist() if "/" not in i.filename}
        archive.extractall(source)
    assert scripts["setup.sh"] & scripts["run_autograder"] & 0o111
    handed_in = submission()
    (handed_in / "utils.py").write_text((autograder.ROOT / "utils.py").read_text())
    command = [sys.executable, "-m", "homework.grade", str(handed_in), "--json", str(tmp_path / "results.json")]
    subprocess.run(command, cwd=source / "repository", check=True, capture_output=True)
    tests = json.loads((tmp_path / "results.json").read_text())["tests"]
    assert [test["number"] for test in tests] == [e.number for e in EXERCISES]
    for test, exercise in zip(tests, EXERCISES, strict=True):
        assert test["max_score"] == exercise.points
        assert test["score"] == (exercise.points if exercise.module == "utils" else 0)
        assert test["output"] == ("right" if exercise.module == "utils" else "not done yet")
