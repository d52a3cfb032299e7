"""What is done, what is not, and what is wrong: python -m homework.check, or make check.

The grader's questions about your code as it stands. An exercise that calls another one waits until that is right.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported

import signal
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import torch

from homework.diagnosis import NOT_DONE, answers, diagnose, read
from homework.exercises import EXERCISES, VERSION
from homework.known import RIGHT, from_file
from homework.modules import NAMES, BadCode, importable, load_module, namespace, read_source

ROOT = Path(__file__).parents[1]
SECONDS = 30  # for one exercise


class TooLong(BaseException):
    """No Exception, for those are answers."""


@contextmanager
def at_most(seconds):
    """TooLong after so many seconds, where the system has an alarm."""

    def ring(*_):
        raise TooLong(f"no answer within {seconds} seconds: is there a loop that does not end?")

    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, ring)
        signal.alarm(seconds)
    try:
        yield
    finally:
        if hasattr(signal, "SIGALRM"):
            signal.alarm(0)


def own_modules(folder):
    """The modules in the folder, importing one another; in the place of one that cannot be loaded, the reason."""
    modules = {}
    for name in NAMES:
        source = read_source(folder, name)
        if isinstance(source, BadCode):
            modules[name] = str(source)
            continue
        try:
            with importable({n: m for n, m in modules.items() if not isinstance(m, str)}), at_most(SECONDS):
                modules[name] = load_module(name, source)
        except (BadCode, TooLong) as error:
            modules[name] = str(error)
    return modules


def verdict(exercise, modules, known, wrong):
    """One line on an exercise; "" if it is right. wrong: the numbers of those that are not."""
    module = modules[exercise.module]
    if isinstance(module, str):
        return f"waits for {exercise.module}.py"
    if not hasattr(module, exercise.name):
        return f"there is no {exercise.name} in {exercise.module}.py"
    loaded = {name: m for name, m in modules.items() if not isinstance(m, str)}
    try:
        with importable(loaded), at_most(SECONDS):
            readings = read(exercise.function, namespace(loaded), answers(exercise.function, namespace(loaded)))
    except TooLong as error:
        return str(error)
    except (AttributeError, NotImplementedError):
        return f"waits for {exercise.needs[0]}, which it calls" if exercise.needs else NOT_DONE
    first = next((number for number in exercise.needs if number in wrong), None)
    mine = f"{NOT_DONE}: exercise {exercise.number}:"
    if first and not any(reading.error.startswith(mine) for reading in readings.values()):
        return f"waits for {first}, which it calls"
    known = dict(known[exercise.function])
    return diagnose(readings, known.pop(RIGHT), lambda: known)


def main(folder=ROOT, known=ROOT / "homework" / "known.npz"):
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    sys.stdout.reconfigure(errors="replace")
    modules = own_modules(folder)
    known, wrong, points = from_file(known), {}, 0
    for name in sorted({e.module for e in EXERCISES}):
        if isinstance(modules[name], str):
            print(f"✘ {name}.py cannot be used: {modules[name]}\n")
    for exercise in EXERCISES:
        says = verdict(exercise, modules, known, wrong)
        if says:
            wrong[exercise.number] = says
        points += 0 if says else exercise.points
        sign = "✔" if not says else "·" if says == NOT_DONE or says.startswith("waits") else "✘"
        print(f"{sign} {exercise.number:<5} {exercise.function:<31} {says or 'right'}", flush=True)
    print(f"\n{points} of {sum(e.points for e in EXERCISES)} points for code")
    if wrong:
        first = next(e for e in EXERCISES if e.number in wrong)
        print(f"next: {first.number}, {first.title.lower()} ({first.equation}) in {first.module}.py. {first.hint}")
    else:
        print(f"next: python train.py --T {VERSION.T}{VERSION.options}, then the figures of the assignment")
    return 0


if __name__ == "__main__":
    sys.exit(main())
