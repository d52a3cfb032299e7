"""Which of the repository's tests go red with a bug in the code: each bug in a fork, with its tests in that process."""

import contextlib
import io
import multiprocessing
import os
import re
import signal
import sys
from functools import cache
from pathlib import Path

import pytest

from homework.exercises import exercise_of
from homework.modules import importable, load_module, read_sources

ROOT = Path(__file__).parents[2]
OPTIONS = ("-q", "-p", "no:cacheprovider", "-p", "no:unraisableexception", "--assert=plain", "--tb=no")
SECONDS = 20  # for one test: a bug may be a loop that does not end


@cache
def files_of_tests():
    """The file of each test by its name, as pytest names it."""
    files = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE):
            files.setdefault(name, path.relative_to(ROOT).as_posix())
    return files


def node(test):
    """A test's node id. KeyError if there is no such test."""
    return f"{files_of_tests()[test]}::{test}"


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


def failing(sources, nodes, *options):
    """The node ids among the tests that fail with these texts as modules.

    To be called in a process that has no module of ours yet.
    """
    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # plugins take longer to load than most tests run
    sys.path.insert(0, str(ROOT))
    modules = {}
    for name, source in sources.items():
        with importable(modules):
            modules[name] = load_module(name, source)
            modules[name].__file__ = str(ROOT / f"{name}.py")
    sys.modules.update(modules)
    outcomes = Outcomes()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        pytest.main([*OPTIONS, *options, *nodes], plugins=[outcomes])
    return outcomes.failed


def still_green(bug):
    """(bug, those of its tests that do not go red)."""
    sources = bug.put_into(read_sources(ROOT), exercise_of(bug.function))
    failed = {name.split("[")[0] for name in failing(sources, [node(test) for test in bug.tests])}
    return bug, [test for test in bug.tests if node(test) not in failed]


def side_by_side(function, jobs):
    """function(job) for each job, each in a fork of its own, as many at once as there are processors; in any order."""
    with multiprocessing.get_context("fork").Pool(os.cpu_count(), maxtasksperchild=1) as pool:
        yield from pool.imap_unordered(function, jobs, chunksize=1)
