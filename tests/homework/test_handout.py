"""The handout: it works like the repository, gives nothing away, and says what is missing, in one line."""

import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from homework import check, handout
from homework.exercises import EXERCISES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("build") / "handout"
    handout.build(out)
    return out


def lines_of_check(code, folder, capsys):
    """What the folder's check says about code, a line for each exercise."""
    check.main(code, folder / "homework" / "known.npz")
    return [line for line in capsys.readouterr().out.splitlines() if re.match(r"\S \d", line)]


def test_nothing_gives_the_solution_away(folder):
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    secret = re.compile(
        r"homework/(zoo|grade|sandbox|trained|handout|cutting|sheet|tables)|^tests/|^report/|solutions|^figures/problem|"
        r"checkpoints/(homework|signed|overlapping|distilled|mnist/|glyphs/)|checks/(sampling|guidance|network)"
    )
    assert not [file for file in files if secret.search(file)]
    for module in ("utils", "ddpm"):
        source = (handout.ROOT / f"{module}.py").read_text()
        stubs = (folder / f"{module}.py").read_text()
        assert stubs.count("raise NotImplementedError(") > 5
        for other in (path for path in folder.rglob("*.py")):
            assert source not in other.read_text()
        compile(stubs, module, "exec")


def test_pages_of_the_handout_have_no_dead_links_and_no_gaps(folder):
    for page in ("README.md", "assignment.md"):
        text = (folder / page).read_text()
        assert not [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not (folder / link).exists()]
        assert "$" not in text
    assert (folder / "assignment.pdf").read_bytes().startswith(b"%PDF")
    assert "pytest" not in (folder / "requirements.txt").read_text()


def test_zip_is_the_folder(folder):
    with zipfile.ZipFile(folder.with_suffix(".zip")) as archive:
        names = {name.removeprefix("handout/") for name in archive.namelist()}
    assert names == {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("data", ["two_pixel", "digits"])
def test_training_ends_with_one_line_that_names_the_first_exercise(data, folder):
    command = [sys.executable, "train.py", "--T", "50", "--data", data, "--device", "cpu"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr == "train.py: error: exercise 1.1: eqs. 11-12 is not written yet\n"
    assert ended.stdout == ""
    assert not (folder / "runs").exists()


def test_check_of_the_untouched_handout_says_not_done_or_waits(folder, capsys):
    lines = lines_of_check(folder, folder, capsys)
    assert len(lines) == len(EXERCISES)
    assert all("not done yet" in line or "waits for" in line for line in lines)
    assert "not done yet" in lines[0]


def test_check_of_the_solution_says_right_and_of_a_bug_what_it_is(folder, capsys, tmp_path):
    for name in ("gmm", "utils", "ddpm"):
        shutil.copy(handout.ROOT / f"{name}.py", tmp_path)
    assert all("✔" in line and line.endswith("right") for line in lines_of_check(tmp_path, folder, capsys))
    source = (tmp_path / "utils.py").read_text()
    (tmp_path / "utils.py").write_text(source.replace("(1 + w)", "(1 - w)"))
    wrong = [line for line in lines_of_check(tmp_path, folder, capsys) if "✔" not in line]
    assert len(wrong) == 1
    assert "The factors add up to 1 - 2w" in wrong[0]


def test_module_that_cannot_be_read_is_said_once(folder, capsys, tmp_path):
    for name in ("gmm", "utils", "ddpm"):
        shutil.copy(handout.ROOT / f"{name}.py", tmp_path)
    (tmp_path / "utils.py").write_text("def add_noise(:\n")
    check.main(tmp_path, folder / "homework" / "known.npz")
    said = capsys.readouterr().out
    assert said.count("invalid syntax") == 1
    assert said.count("waits for utils.py") == sum(e.module == "utils" for e in EXERCISES)
