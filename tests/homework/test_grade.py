"""The grader's command line: one line for what a person gets wrong, and a table that spreadsheets read."""

import csv

import pytest

from homework import grade
from homework.exercises import BY_HAND, EXERCISES
from homework.grade import Mark, as_csv, main, right
from homework.sandbox import Sandbox


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_no_answer_of_the_right_code_is_an_error(exercise):
    assert not [name for name, reading in right(exercise).items() if reading.error]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "one FOLDER, or --all"),
        (["nowhere"], "not a folder"),
        (["--all", "EMPTY"], "has no folders in it"),
        (["EMPTY", "--csv", "x"], "belongs to --all"),
        (["--all", "EMPTY", "--json", "x"], "belongs to one FOLDER"),
    ],
)
def test_mistakes_of_the_command_line_get_one_line(arguments, word, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path) if a == "EMPTY" else a for a in arguments])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert word in said
    assert said.count("\n") == 1


def test_table_has_a_row_for_each_submission_and_columns_for_what_a_person_grades(tmp_path):
    marks = [Mark("1.1", "one", 3.0, 3, ""), Mark("1.10", "ten", 0.0, 4, "wrong; what is t?")]
    path = tmp_path / "grades.csv"
    path.write_bytes(as_csv({"Jörg": marks, "Ada": marks}).encode("utf-8-sig"))
    with path.open(encoding="utf-8-sig", newline="") as file:
        head, most, *rows = csv.reader(file)
    assert head == ["submission", "ex 1.1", "ex 1.10", "all", *(f"ex {item.number}" for item in BY_HAND), "remarks"]
    assert most[:4] == ["(points)", "3", "4", "7"]
    assert [row[0] for row in rows] == ["Jörg", "Ada"]
    assert rows[0][1:4] == ["3", "0", "3"]
    assert rows[0][-1] == "1.10 wrong; what is t?"


@pytest.mark.slow
def test_all_grades_folders_even_if_a_process_is_killed(tmp_path, submission, monkeypatch, capsys):
    """The process of the first submission is gone when it is asked: its exercises say so, and the second is graded."""
    submission()
    for name in ("first", "second"):
        (tmp_path / "all" / name).mkdir(parents=True)
        (tmp_path / "all" / name / "ddpm.py").write_text((tmp_path / "ddpm.py").read_text())
    enter = Sandbox.__enter__

    def killed(box):
        enter(box)
        if box.folder.name == "first":
            box.process.kill()
        return box

    monkeypatch.setattr(Sandbox, "__enter__", killed)
    monkeypatch.setattr(grade, "EXERCISES", tuple(e for e in EXERCISES if e.module == "ddpm"))
    assert main(["--all", str(tmp_path / "all")]) == 0
    table = (tmp_path / "all" / "grades.csv").read_text(encoding="utf-8-sig").splitlines()
    assert "ended before it answered" in table[2]
    assert table[3].startswith("second,0")
    assert "not done yet" in table[3]
