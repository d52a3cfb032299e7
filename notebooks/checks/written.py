"""Code that is written in a notebook, judged by the homework's grader."""

from checks.common import RIGHT, UNANSWERED
from homework.diagnosis import NOT_DONE
from homework.one_function import verdict_on


def written(number, function, method=None):
    """The verdict on a function that stands for that of the homework's exercise, or for a method of its class."""
    if is_empty(function.__code__):
        return UNANSWERED
    says = verdict_on(number, function, method)
    return UNANSWERED if says == NOT_DONE or "type ellipsis" in says else says or RIGHT


def is_empty(code):
    """Whether a body is `...` still: it refers to nothing, and holds no function of its own."""
    return not code.co_names and not any(hasattr(constant, "co_code") for constant in code.co_consts)
