"""Run every bug: python -m homework.zoo, or make zoo. Exit code 1 if one is not named, costs elsewhere, or stays green.

The bugs of different exercises go into the code together, one of each: each must cost points in its own exercise, and
be named there, beside all the others. Exercises that have no bug left must be right. Then each bug by itself must turn
the tests red that are listed with it.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported
os.environ.setdefault("OMP_NUM_THREADS", "1")

import itertools
import sys
import warnings

from tqdm import tqdm

from homework import grade, zoo
from homework.exercises import EXERCISES
from homework.zoo import red
from homework.zoo.red import side_by_side


def rounds():
    """Lists of bugs, one of each exercise, until all bugs of this version's exercises have had their turn."""
    return itertools.zip_longest(*(zoo.of(exercise.function) for exercise in EXERCISES))


def not_named(bugs):
    """What the grader gets wrong on a submission with these bugs, as lines."""
    submission, _ = grade.reference()
    for exercise, bug in zip(EXERCISES, bugs, strict=True):
        submission = bug.put_into(submission, exercise) if bug else submission
    wrong = []
    for exercise, bug in zip(EXERCISES, bugs, strict=True):
        says = grade.verdict(exercise, grade.answers_of(submission, exercise))
        if says != (bug.says if bug else ""):
            wrong.append(f"{exercise.number} {exercise.function}: {bug.new if bug else 'right'!r} is called {says!r}")
    return wrong


def main():
    warnings.simplefilter("ignore")
    grade.set_up()
    for exercise in EXERCISES:  # once, before the forks
        grade.mistaken(exercise)
    submissions = list(rounds())
    seen = sum(bug is not None for bugs in submissions for bug in bugs)
    bar = tqdm(side_by_side(not_named, submissions), desc="graded", total=len(submissions), unit="submission")
    faults = [fault for found in bar for fault in found]
    named = seen - len(faults)
    import diffusers  # noqa: F401 (once, before the forks)

    bar = tqdm(side_by_side(red.still_green, zoo.BUGS), desc="tested", total=len(zoo.BUGS), unit="bug")
    green = [(bug, tests) for bug, tests in bar if tests or not bug.tests]
    faults += [f"{bug.function}: {bug.new!r} leaves green: {', '.join(tests) or 'no tests'}" for bug, tests in green]
    for fault in faults:
        print(fault)
    tests = sum(len(bug.tests) for bug in zoo.BUGS)
    print(f"{len(zoo.BUGS)} bugs; of {seen} in this version's exercises {named} cost points there alone and are named")
    print(f"{len(zoo.BUGS) - len(green)} turn all of their {tests} listed tests red")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
