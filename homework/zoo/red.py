"""Which of the repository's tests go red with a bug in the code: each bug in a fork, with its tests in that process."""

import contextlib
import io
import multiprocessing
import os
import signal
import sys
from pathlib import Path

import pytest

from homework.exercises import EXERCISES, SCHEDULE
from homework.modules import NAMES, importable, load_module, read_sources

ROOT = Path(__file__).parents[2]
OPTIONS = "-q -p no:cacheprovider -p no:xdist -p no:nbval -W ignore::pytest.PytestAssertRewriteWarning".split()
SECONDS = 20  # for one test: a bug may be a loop that does not end


def exercise_of(function):
    """The exercise that grades a function, of this year's or of another's."""
    return {e.function: e for e in (*SCHEDULE.values(), *EXERCISES)}[function]


class Outcomes:
    """A pytest plugin that remembers what failed, and stops what does not end."""

    def __init__(self):
        self.failed = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        def stop(*_):
            raise TimeoutError(f"not done after {SECONDS} seconds")

        signal.signal(signal.SIGALRM, stop)
        signal.alarm(SECONDS)
        try:
            return (yield)
        finally:
            signal.alarm(0)

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.add(report.nodeid)

    def pytest_collectreport(self, report):
        if report.failed:
            self.failed.add(report.nodeid)


def failing(bug, nodes):
    """The node ids among the tests that fail with the bug. To be called in a process that has no module of ours yet."""
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    sources = bug.put_into(read_sources(ROOT), exercise_of(bug.function))
    modules = {}
    for name in NAMES:
        with importable(modules):
            modules[name] = load_module(name, sources[name])
            modules[name].__file__ = str(ROOT / f"{name}.py")
    sys.modules.update(modules)
    outcomes = Outcomes()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        pytest.main([*OPTIONS, *nodes], plugins=[outcomes])
    return outcomes.failed


def without_red_tests(bug):
    """(bug, those of its tests that do not go red)."""
    failed = failing(bug, bug.nodes)
    return bug, [node for node in bug.nodes if not any(f.split("[")[0] == node for f in failed)]


def side_by_side(function, jobs):
    """function(job) for each job, each in a fork of its own, as many at once as there are processors; in any order."""
    import diffusers  # noqa: F401 (once, before the forks)
    import scipy.stats
    import sklearn.metrics  # noqa: F401

    with multiprocessing.get_context("fork").Pool(os.cpu_count(), maxtasksperchild=1) as pool:
        yield from pool.imap_unordered(function, jobs, chunksize=1)
