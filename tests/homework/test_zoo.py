"""The bug zoo: each bug is one change, says something of its own, and is known by tests that there are."""

import pytest

from homework.diagnosis import alike
from homework.exercises import EXERCISES, SCHEDULE, exercise_of
from homework.grade import ROOT, mistaken, right
from homework.modules import read_sources
from homework.zoo import BUGS, of, red


def test_there_are_a_hundred_bugs_and_some_for_each_exercise():
    assert len(BUGS) >= 100
    assert all(len(of(exercise.function)) >= 5 for exercise in EXERCISES)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: f"{bug.function}-{BUGS.index(bug)}")
def test_bug_is_one_change_that_compiles_and_asks_a_question(bug):
    sources, exercise = read_sources(ROOT), exercise_of(bug.function)
    changed = bug.put_into(sources, exercise)
    assert changed != sources
    compile(changed[exercise.module], exercise.module, "exec")
    assert bug.says.endswith("?")
    assert len(bug.says) < 250
    assert bug.new.strip() not in bug.says or len(bug.new.strip()) < 10
    assert bug.tests
    assert all(red.node(test) for test in bug.tests)


def test_sentences_name_one_bug_each():
    assert len({(bug.function, bug.says) for bug in BUGS}) == len(BUGS)


@pytest.mark.slow
@pytest.mark.parametrize("exercise", dict.fromkeys([*EXERCISES, *SCHEDULE.values()]), ids=lambda e: e.name)
def test_answers_distinguish_every_bug_from_the_right_code_and_from_one_another(exercise):
    everything = [right(exercise), *mistaken(exercise).values()]
    for i, one in enumerate(everything):
        assert all(alike(one[name], one[name]) for name in one)
        for other in everything[:i]:
            assert not all(alike(one[name], other[name]) for name in one)
