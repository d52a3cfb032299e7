"""Grade one function that was written elsewhere, as in a notebook: the grader's question, the reference around it."""

from types import CellType, FunctionType

from homework import exercises
from homework.diagnosis import answers
from homework.grade import verdict
from homework.modules import NAMES, load, namespace
from homework.reference import reference


def verdict_on(number, function, method=None):
    """One line on a function that stands for that of exercise `number`, or for a method of its class; "" if right."""
    exercise = exercises.exercise(number)
    sources, _ = reference()
    modules = load(sources)
    module = modules[exercise.module]
    owner, name = (getattr(module, exercise.name), method) if method else (module, exercise.name)
    setattr(owner, name, at_home(function, names_for(function, module)))
    return verdict(exercise, answers(exercise.function, namespace(modules)))


def names_for(function, module):
    """The names that the function may use: the module's in the place of anybody's own utils and ddpm, and its own.

    Helpers that were written beside it find the same names.
    """
    beside = getattr(function, "__wrapped__", function).__globals__
    names = vars(module) | {k: v for k, v in beside.items() if getattr(v, "__module__", None) not in NAMES}
    helpers = {k: v for k, v in names.items() if isinstance(v, FunctionType) and v.__globals__ is beside}
    names |= {name: at_home(helper, names) for name, helper in helpers.items()}
    return names


def at_home(function, names):
    """The function, or within a decorator such as torch.no_grad() the function that it wraps, among these names."""
    wrapped = getattr(function, "__wrapped__", None)
    cells = function.__closure__
    if wrapped is not None:
        cells = tuple(CellType(at_home(wrapped, names)) if c.cell_contents is wrapped else c for c in cells)
        names = function.__globals__
    copy = FunctionType(function.__code__, names, function.__name__, function.__defaults__, cells)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy
