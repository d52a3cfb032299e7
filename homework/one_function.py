"""Grade one function that was written elsewhere, as in a notebook: the grader's question, the reference around it."""

import inspect
from types import CellType, FunctionType, ModuleType

from homework import exercises
from homework.diagnosis import answers
from homework.grade import verdict
from homework.modules import NAMES, importable, load, namespace
from homework.reference import reference


def verdict_on(number, function, method=None):
    """One line on a function that stands for that of exercise `number`, or for a method of its class; "" if right."""
    exercise = exercises.exercise(number)
    sources, _ = reference()
    modules = load(sources)
    module = modules[exercise.module]
    owner, name = (getattr(module, exercise.name), method) if method else (module, exercise.name)
    setattr(owner, name, among_the_reference(function, module, modules))
    with importable(modules):
        return verdict(exercise, answers(exercise.function, namespace(modules)))


def among_the_reference(function, module, modules):
    """The function with the names of a module of the reference in the place of anybody's own gmm, utils and ddpm.

    Helpers that were written beside it find the same names.
    """
    beside = inspect.unwrap(function).__globals__
    names = vars(module) | {name: value for name, value in beside.items() if not is_of_the_modules(value)}
    imported = {k: v.__name__ for k, v in beside.items() if isinstance(v, ModuleType) and v.__name__ in NAMES}
    names |= {name: modules[of] for name, of in imported.items()}
    functions = {name: value for name, value in names.items() if isinstance(value, FunctionType)}
    helpers = {name: f for name, f in functions.items() if getattr(inspect.unwrap(f), "__globals__", None) is beside}
    names |= {name: rebuilt(helper, beside, names) for name, helper in helpers.items()}
    return rebuilt(function, beside, names)


def is_of_the_modules(value):
    """Whether it is a function or a class of gmm, utils or ddpm."""
    return isinstance(value, type | FunctionType) and inspect.unwrap(value).__module__ in NAMES


def rebuilt(function, beside, names):
    """The function, and what it wraps as a decorator such as torch.no_grad(), with names in the place of beside."""
    wrapped, cells = getattr(function, "__wrapped__", None), function.__closure__
    if wrapped is not None and cells:
        within = CellType(rebuilt(wrapped, beside, names))
        cells = tuple(within if cell.cell_contents is wrapped else cell for cell in cells)
    found = names if function.__globals__ is beside else function.__globals__
    copy = FunctionType(function.__code__, found, function.__name__, function.__defaults__, cells)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__dict__.update(function.__dict__)
    return copy
