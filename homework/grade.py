"""The autograder: python -m homework.grade FOLDER

Each exercise is graded by itself, in a process of its own, with the reference in place of all others: one mistake costs
once. What is wrong is named, if it is known (homework/zoo), else described. Figures and descriptions are for a person.
"""

import csv
import io
import json
import signal
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from tqdm import tqdm

from experiments.checkpoint import write_atomically
from experiments.command_line import Parser
from homework import sandbox, zoo
from homework.cutting import cut
from homework.diagnosis import answers, diagnose, read
from homework.exercises import BY_HAND, EXERCISES, TRAINED
from homework.modules import graft, namespace
from homework.reference import reference

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Mark:
    """What one exercise got; says is "" where it is right, else one line for the student."""

    number: str
    title: str
    score: float
    points: float
    says: str


def set_up():
    """One thread: networks this small are faster so."""
    torch.set_num_threads(1)


@cache
def right(exercise):
    """The readings of the right answers."""
    _, code = reference()
    return read(exercise.function, code, answers(exercise.function, code))


def answers_of(submission, exercise):
    """What a submission that can be trusted, given as texts, answers to an exercise's question: in this process."""
    sources, _ = reference()
    hole = sources | {exercise.module: cut(sources[exercise.module], (exercise,))}
    return answers(exercise.function, namespace(graft(hole, submission, exercise, EXERCISES)))


@cache
def mistaken(exercise):
    """The readings of each known mistake, by the sentence that says what it is."""
    sources, code = reference()
    return {
        bug.says: read(exercise.function, code, answers_of(bug.put_into(sources, exercise), exercise))
        for bug in zoo.of(exercise.function)
    }


def verdict(exercise, found):
    """One line on the answers that a submission gave; "" if they are right."""
    if "!" in found:
        return found["!"]
    _, code = reference()
    readings = read(exercise.function, code, found)
    return diagnose(readings, right(exercise), lambda: mistaken(exercise))


def grade(folder, asked=sandbox.ask_all, progress=lambda mark: None):
    """The marks of a submission's folder, in the order of the exercises; progress(mark) as each is ready."""
    marks = []
    for exercise, found in asked(folder, EXERCISES):
        says = verdict(exercise, found)
        score = 0.0 if says else float(exercise.points)
        marks.append(Mark(exercise.number, exercise.title, score, exercise.points, says))
        progress(marks[-1])
    return marks


def row(mark):
    """A line of the table for the terminal."""
    return f"{mark.number:<5} {mark.title:<26} {mark.score:>4g} / {mark.points:<3g} {mark.says or '✔'}"


def total(marks):
    return f"{'':<5} {'all':<26} {sum(m.score for m in marks):>4g} / {sum(m.points for m in marks):<3g}"


def gradescope(marks):
    """The marks as Gradescope's results.json: https://gradescope-autograders.readthedocs.io, "Specifications"."""
    return {
        "visibility": "visible",
        "stdout_visibility": "hidden",  # what a submission prints is nobody's business
        "tests": [
            {
                "name": mark.title,
                "number": mark.number,
                "score": mark.score,
                "max_score": mark.points,
                "status": "failed" if mark.says else "passed",
                "output": mark.says or "right",
                "visibility": "visible",
            }
            for mark in marks
        ],
    }


def as_csv(graded):
    """A table of submissions: points for each exercise, their sum, empty columns for what a person grades, remarks."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    marks = next(iter(graded.values()), [])
    writer.writerow(
        ["submission", *(f"ex {m.number}" for m in marks), "all", *(f"ex {h.number}" for h in BY_HAND), "remarks"]
    )
    most = [m.points for m in marks]
    writer.writerow(["(points)", *(f"{p:g}" for p in most), f"{sum(most):g}", *(h.points for h in BY_HAND), ""])
    for name, marks in graded.items():
        remarks = " | ".join(f"{mark.number} {mark.says}" for mark in marks if mark.says)
        scores = (f"{m.score:g}" for m in marks)
        writer.writerow([name, *scores, f"{sum(m.score for m in marks):g}", *("" for _ in BY_HAND), remarks])
    return buffer.getvalue()


def make_parser():
    p = Parser(prog="homework.grade", description="Grade a submission of the homework, exercise by exercise.")
    p.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="the submission: utils.py, ddpm.py, …")
    p.add_argument("--all", type=Path, metavar="DIR", help="grade every folder in DIR instead")
    p.add_argument("--json", type=Path, metavar="FILE", help="write Gradescope's results.json")
    p.add_argument("--csv", type=Path, metavar="FILE", help="with --all, where the table goes (DIR/grades.csv)")
    p.add_argument("--train", action="store_true", help="also train the submission's model, and grade its samples")
    return p


def parse_arguments(argv=None):
    p = make_parser()
    args = p.parse_args(argv)
    if (args.folder is None) == (args.all is None):
        p.error("give one FOLDER, or --all DIR")
    folder = args.folder or args.all
    if not folder.is_dir():
        p.error(f"{folder} is not a folder")
    if args.all and args.json:
        p.error("--json belongs to one FOLDER; --all writes a CSV table")
    if args.csv and not args.all:
        p.error("--csv belongs to --all DIR")
    if args.all and not any(args.all.glob("*/")):
        p.error(f"{args.all} has no folders in it, one for each submission; without --all it is a submission itself")
    return args


def with_training(folder, marks, args):
    """The marks, with those of the trained model if they were asked for."""
    if not args.train:
        return marks
    from homework import trained  # only here: the metrics take seconds to load

    score, says = trained.grade(folder)
    marks = [*marks, Mark(TRAINED.number, TRAINED.title, score, TRAINED.points, says)]
    return sorted(marks, key=lambda mark: tuple(map(int, mark.number.split("."))))


def grade_all(args):
    """Grade every folder in args.all, and write the table anew after each."""
    folders = sorted(path for path in args.all.iterdir() if path.is_dir() and not path.name.startswith("."))
    table, graded = args.csv or args.all / "grades.csv", {}
    for folder in tqdm(folders, unit="submission"):
        graded[folder.name] = with_training(folder, grade(folder), args)
        write_atomically(table, as_csv(graded).encode("utf-8-sig"))  # spreadsheets know UTF-8 by its first bytes
    print(f"{len(folders)} submissions, graded in {table}")


def grade_one(args):
    """Grade args.folder, and say each mark as soon as it is there."""
    marks = grade(args.folder, progress=lambda mark: print(row(mark), flush=True))
    if args.train:
        marks = with_training(args.folder, marks, args)
        print(row(next(mark for mark in marks if mark.number == TRAINED.number)))
    print(total(marks))
    if args.json:
        write_atomically(args.json, json.dumps(gradescope(marks), indent=1).encode())


def main(argv=None):
    args = parse_arguments(argv)
    set_up()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what a submission started is ended, too
    sys.stdout.reconfigure(errors="replace")
    try:
        (grade_all if args.all else grade_one)(args)
    except OSError as error:
        print(f"homework.grade: error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nhomework.grade: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
