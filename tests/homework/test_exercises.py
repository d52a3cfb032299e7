"""The list of exercises, and what is made from it: points, stubs, and the tables that people read."""

import ast
import inspect

import pytest

import ddpm
import utils
from homework.cutting import cut, functions
from homework.exercises import BY_HAND, EXERCISES, PROBLEMS, SCHEDULE, TRAINED, Exercise, items
from homework.grade import ROOT
from homework.modules import read_sources
from homework.questions import QUESTIONS
from homework.tables import homework_table, in_page, zoo_table

MODULES = {"utils": utils, "ddpm": ddpm}


def test_points_are_those_of_the_homework():
    assert [sum(item.points for item in items(problem)) for problem in PROBLEMS] == [40, 20, 20, 20, 30]
    everything = [item.number for problem in PROBLEMS for item in items(problem)]
    assert len(everything) == len(set(everything)) == len(EXERCISES) + len(BY_HAND) + 1
    assert TRAINED.number in everything


def test_exercises_are_in_order_and_only_need_earlier_ones():
    numbers = [exercise.number for exercise in EXERCISES]
    assert numbers == sorted(numbers, key=lambda n: tuple(map(int, n.split("."))))
    for i, exercise in enumerate(EXERCISES):
        assert set(exercise.needs) <= set(numbers[:i])


@pytest.mark.parametrize("exercise", (*EXERCISES, *SCHEDULE.values()), ids=lambda e: e.name)
def test_exercise_names_code_that_there_is_and_has_a_question(exercise):
    graded = getattr(MODULES[exercise.module], exercise.name)
    assert inspect.isclass(graded) == bool(exercise.methods)
    assert all(method in vars(graded) for method in exercise.methods)
    assert exercise.function in QUESTIONS


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_stub_keeps_signature_and_docstring_and_nothing_else(exercise):
    source = read_sources(ROOT)[exercise.module]
    before, after = ast.parse(source), ast.parse(cut(source, (exercise,)))
    line = f"raise NotImplementedError('exercise {exercise.number}: {exercise.equation}')"
    for whole, stub in zip(functions(before, exercise), functions(after, exercise), strict=True):
        assert ast.unparse(stub.args) == ast.unparse(whole.args)
        assert [ast.unparse(d) for d in stub.decorator_list] == [ast.unparse(d) for d in whole.decorator_list]
        assert ast.get_docstring(stub) == ast.get_docstring(whole)
        assert ast.unparse(stub.body[-1]) == line
        assert len(stub.body) == 1 + (ast.get_docstring(whole) is not None)
        whole.body = stub.body
    assert ast.unparse(before) == ast.unparse(after)  # and the rest of the module is untouched


def test_tests_readme_has_the_tables_made_from_the_lists():
    page = (ROOT / "tests" / "README.md").read_text()
    assert in_page(page, "homework", homework_table()) == page
    assert in_page(page, "zoo", zoo_table()) == page


def test_sheet_asks_for_everything_that_has_points():
    from homework import sheet

    text = sheet.filled("assignment.md")
    for problem in PROBLEMS:
        for item in items(problem):
            assert f"| {item.number} | {item.points} | {item.title} |" in text
            assert not isinstance(item, Exercise) or f"`{item.function}`" in text
    assert "$" not in text
    assert sheet.as_pdf(text).startswith(b"%PDF")
