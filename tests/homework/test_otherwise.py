"""Right solutions in other styles: none of them loses a point."""

from pathlib import Path

import pytest

from homework.cutting import cut
from homework.exercises import EXERCISES
from homework.grade import ROOT, grade
from homework.modules import read_sources

STYLES = sorted(path for path in (Path(__file__).parent / "otherwise").iterdir() if path.is_dir())


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES, ids=lambda path: path.name)
def test_right_code_in_another_style_has_all_points(style, tmp_path):
    for name, source in read_sources(ROOT).items():
        stubs = cut(source, tuple(e for e in EXERCISES if e.module == name))
        own = style / f"{name}.py"
        (tmp_path / f"{name}.py").write_text(stubs + "\n\n" + (own.read_text() if own.exists() else ""))
    assert [(m.number, m.says) for m in grade(tmp_path) if m.says] == []


def test_there_are_three_solutions_of_each_exercise():
    assert len(STYLES) >= 3
    for exercise in EXERCISES:
        for style in STYLES:
            text = (style / f"{exercise.module}.py").read_text()
            assert f"def {exercise.name}(" in text or f"class {exercise.name}" in text
