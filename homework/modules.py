"""Code from text: modules that live beside the real ones, with one function of a submission put into the reference."""

import sys
import tokenize
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType, SimpleNamespace

NAMES = ("gmm", "utils", "ddpm")  # in the order in which they are loaded


class BadCode(Exception):
    """A module, or what is graded in it, cannot be used; the message is one line for the student."""


def read_sources(folder):
    """The text of each module that is in the folder and can be read, by name."""
    return {name: source for name in NAMES if isinstance(source := read_source(folder, name), str)}


def read_source(folder, name):
    """The text of a module in the folder; BadCode, not raised, if it is not there or not text."""
    path = Path(folder) / f"{name}.py"
    if not path.is_file():
        others = [p for p in Path(folder).rglob("*.py") if p.name.lower() == path.name]
        there = f"; there is {others[0].relative_to(folder)}" if others else ""
        return BadCode(f"there is no {path.name} at the top of the folder{there}")
    try:
        with tokenize.open(path) as file:  # in the encoding that Python would take it for
            return file.read()
    except (UnicodeDecodeError, SyntaxError):
        return BadCode(f"{path.name} is not a text file in UTF-8")


@contextmanager
def importable(modules):
    """Within it, `import utils` finds these modules instead of any other."""
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module


@lru_cache(64)
def compiled(name, source):
    return compile(source, f"{name}.py", "exec")


def load_module(name, source):
    """The module of that text. BadCode for whatever stops it from being loaded."""
    module = ModuleType(name)
    module.__file__ = f"{name}.py"
    with importable({name: module}):  # dataclasses look for their module
        try:
            exec(compiled(name, source), module.__dict__)
        except SyntaxError as error:
            raise BadCode(f"{name}.py, line {error.lineno}: {error.msg}") from None
        except ImportError as error:
            raise BadCode(f"{name}.py: {error}") from None
        except (Exception, SystemExit) as error:
            raise BadCode(f"{name}.py cannot be imported: {type(error).__name__}: {error}"[:200]) from None
    return module


def load(sources):
    """All modules of these texts, importing one another."""
    modules = {}
    for name in NAMES:
        with importable(modules):
            modules[name] = load_module(name, sources[name])
    return modules


def graft(reference, submission, exercise, exercises):
    """The modules of the reference, by texts, with what the exercise grades taken from the submission's.

    What the submission's function calls is the submission's own, but for the other exercises, which are the
    reference's: one mistake costs once. BadCode if there is nothing to take.
    """
    modules = load(reference)
    name = exercise.module
    if name not in submission:
        raise BadCode(f"there is no {name}.py")
    for other, module in modules.items():
        if other != name and other in submission:
            module.__getattr__ = own_helper(other, submission, modules)
    with importable(modules):
        theirs = load_module(name, submission[name])
    for other in exercises:
        if other.module == name and other.name != exercise.name:
            setattr(theirs, other.name, getattr(modules[name], other.name))
    if not hasattr(theirs, exercise.name):
        raise BadCode(f"there is no {exercise.name} in {name}.py")
    setattr(modules[name], exercise.name, getattr(theirs, exercise.name))
    return modules


def own_helper(name, submission, modules):
    """A module's __getattr__: what the reference does not have is looked for in the submission's module."""
    loaded = []

    def __getattr__(attribute):
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        if not loaded:
            with importable({other: module for other, module in modules.items() if other != name}):
                loaded.append(load_module(name, submission[name]))
        return getattr(loaded[0], attribute)

    return __getattr__


def namespace(modules):
    """The modules as code.utils, code.ddpm, code.gmm."""
    return SimpleNamespace(**modules)
