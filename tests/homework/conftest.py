"""What the tests of the homework kit share: submissions."""

import textwrap

import pytest

from homework.cutting import cut
from homework.exercises import EXERCISES, exercise
from homework.grade import ROOT, verdict
from homework.modules import read_sources
from homework.sandbox import Sandbox


@pytest.fixture
def submission(tmp_path):
    """A function: a folder with the handout's modules, to the end of which texts are added: submission(utils="…")."""

    def make(**texts):
        for name, source in read_sources(ROOT).items():
            stubs = cut(source, tuple(e for e in EXERCISES if e.module == name))
            (tmp_path / f"{name}.py").write_text(stubs + "\n\n" + textwrap.dedent(texts.get(name, "")))
        return tmp_path

    return make


@pytest.fixture
def says():
    """A function: what the grader says about a folder, one line for each number of an exercise; "" if it is right."""

    def ask(folder, *numbers, seconds=20):
        with Sandbox(folder, seconds) as box:
            return [verdict(exercise(number), box.ask(exercise(number))) for number in numbers]

    return ask
