"""Grade one function that was written elsewhere, as in a notebook: the grader's question, the reference around it."""

from types import FunctionType

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
    setattr(owner, name, at_home(function, module))
    return verdict(exercise, answers(exercise.function, namespace(modules)))


def at_home(function, module):
    """The function, with the module's names in the place of those from anybody's own gmm, utils and ddpm."""
    own = {k: v for k, v in function.__globals__.items() if getattr(v, "__module__", None) not in NAMES}
    return FunctionType(
        function.__code__, vars(module) | own, function.__name__, function.__defaults__, function.__closure__
    )
