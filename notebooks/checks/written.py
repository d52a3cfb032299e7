"""Code that is written in a notebook, judged by the homework's grader."""

import dis
import inspect
from types import FunctionType

from checks.common import RIGHT, UNANSWERED
from homework.check import SECONDS, TooLong, at_most
from homework.diagnosis import NOT_DONE
from homework.one_function import verdict_on
from homework.reference import edited


def written(number, function, method=None):
    """The verdict on a function that stands for that of the homework's exercise, or for a method of its class."""
    if not isinstance(function, FunctionType):
        return "A function is asked for, written with def."
    if is_empty(inspect.unwrap(function).__code__):
        return UNANSWERED
    try:
        with at_most(SECONDS):
            says = verdict_on(number, function, method)
    except TooLong as error:
        says = str(error)
    if says in ("", NOT_DONE):
        return UNANSWERED if says else RIGHT
    changed = ", ".join(f"{name}.py" for name in edited())
    return f"{says} (Mind that {changed} is not as it was released.)" if changed else says


def is_empty(code):
    """Whether a body is `...` still, or nothing at all: all that it does is to return a constant."""
    does = [i for i in dis.get_instructions(code) if i.opname not in ("RESUME", "NOP", "RETURN_VALUE")]
    return len(does) == 1 and does[0].opname in ("LOAD_CONST", "RETURN_CONST") and does[0].argval in (None, ...)
