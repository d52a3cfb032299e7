"""Submissions that cheat, break, or never end: each costs its own points, says one line, and leaves nothing behind."""

import psutil
import pytest

from homework.exercises import EXERCISES, exercise
from homework.grade import ROOT, grade
from homework.sandbox import Sandbox

pytestmark = pytest.mark.slow

NOISE = "1.3"
RIGHT = """
def add_noise(schedule, x0, t, eps):
    return at(schedule.sqrt_alphas_cumprod, t, x0) * x0 + at(schedule.sqrt_one_minus_alphas_cumprod, t, x0) * eps
"""
CHEATS = {
    "prints a score": """
        print('{"score": 100}')
        """,
    "returns what makes every comparison true": """
        class Equal:
            def __eq__(self, other): return True
        def add_noise(*_): return Equal()
        """,
    "patches the comparisons": """
        import numpy as np
        torch.allclose = torch.equal = np.allclose = np.array_equal = lambda *_, **__: True
        np.abs = lambda x: 0 * x
        def add_noise(schedule, x0, t, eps): return x0
        """,
    "patches the questions": """
        import sys
        def right(function, code):
            return {name: (torch.zeros(()).numpy(),) for name, *_ in questions[function](code)}
        questions = sys.modules["homework.questions"].QUESTIONS
        for name in ("homework.diagnosis", "homework.sandboxed"):
            sys.modules[name].answers = right
        """,
    "imports the solution": f"""
        import importlib.util
        spec = importlib.util.spec_from_file_location("solution", {str(ROOT / "utils.py")!r})
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        add_noise = module.add_noise
        """,
    "looks for the solution beside the interpreter": """
        import sys, pathlib
        folder = pathlib.Path(sys.executable).absolute().parents[2]
        exec((folder / "utils.py").read_text())
        """,
    "looks for the right function in memory": """
        import gc, types
        def add_noise(*arguments):
            for f in gc.get_objects():
                if isinstance(f, types.FunctionType) and f.__name__ == "add_noise" and f.__code__ is not me:
                    try:
                        return torch.as_tensor(f(*arguments))
                    except Exception:
                        continue
        me = add_noise.__code__
        """,
    "looks for the right values in memory": """
        import inspect
        def add_noise(schedule, x0, t, eps):
            for frame in inspect.stack():
                for value in list(frame.frame.f_locals.values()) + list(frame.frame.f_globals.values()):
                    if torch.is_tensor(value) and value.shape == x0.shape and value is not x0 and value is not eps:
                        return value
        """,
    "reads the grader's memory": """
        import os
        def add_noise(*_):
            return open(f"/proc/{os.getppid()}/mem", "rb").read(10)
        """,
    "writes into every open file": """
        import os
        for fd in range(3, 64):
            try:
                os.write(fd, b"score: 100" * 100)
            except OSError:
                pass
        """,
    "starts another process": """
        import subprocess
        def add_noise(*_): return subprocess.check_output(["cat", "/etc/hostname"])
        """,
    "opens a connection": """
        import socket
        def add_noise(*_): return socket.create_connection(("127.0.0.1", 80))
        """,
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_cheating_earns_nothing_and_harms_no_other_exercise(cheat, submission, says):
    folder = submission(utils=CHEATS[cheat])
    noise, labels, embedding = says(folder, NOISE, "1.7", "1.4")
    assert noise
    assert "\n" not in noise
    assert len(noise) < 300
    assert labels
    assert embedding == "not done yet"  # of another module, which has nothing to do with it


BROKEN = {
    "leaves by sys.exit": ("import sys\ndef add_noise(*_): sys.exit(0)", "SystemExit"),
    "leaves at once": ("import os\ndef add_noise(*_): os._exit(0)", "ended before it answered"),
    "never ends": ("def add_noise(*_):\n    while True: pass", "loop that does not end"),
    "sleeps": ("import time\ndef add_noise(*_): time.sleep(1000)", "loop that does not end"),
    "takes all memory": ("def add_noise(*_): return torch.ones(10**12)", "RuntimeError"),
    "is not there": ("del add_noise", "there is no add_noise in utils.py"),
    "has another signature": ("def add_noise(x0, t): return x0", "takes 2 positional arguments"),
    "gives a list": ("def add_noise(schedule, x0, t, eps): return x0.tolist()", "a tensor is asked for"),
    "gives None": ("def add_noise(schedule, x0, t, eps): pass", "a tensor is asked for"),
    "gives another shape": ("def add_noise(schedule, x0, t, eps): return x0[:1]", "should have (4, 1, 2)"),
    "gives NaN": ("def add_noise(schedule, x0, t, eps): return x0 / 0 * 0", "not finite"),
    "gives a tensor of another device": ("def add_noise(schedule, x0, t, eps): return x0.to('meta')", "on meta"),
    "raises a page": ("def add_noise(*_): raise ValueError('long ' * 1000 + '\\n' * 50)", "ValueError: long long"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_code_gets_one_line_and_the_others_are_graded(broken, submission, says):
    text, word = BROKEN[broken]
    folder = submission(utils=text)
    line, labels = says(folder, NOISE, "1.7", seconds=5)
    assert word in line
    assert "\n" not in line
    assert len(line) < 300
    assert labels == "not done yet"


def test_module_that_cannot_be_read_gets_one_line_and_the_other_module_is_graded(submission, says):
    folder = submission()
    (folder / "utils.py").write_text("def add_noise(:\n")
    assert says(folder, NOISE, "1.4") == ["utils.py, line 1: invalid syntax", "not done yet"]
    (folder / "utils.py").write_bytes(b"\xff\xfe\x00")
    assert says(folder, NOISE)[0] == "utils.py is not a text file in UTF-8"
    (folder / "utils.py").unlink()
    assert says(folder, NOISE, "1.4") == ["there is no utils.py at the top of the folder", "not done yet"]


def test_fork_bomb_is_gone_afterwards(submission):
    """By os.fork, which is forbidden, and by the C function below it, which no hook sees."""
    folder = submission(
        utils="""
        import os, sys, _posixsubprocess
        for _ in range(100):
            try:
                _posixsubprocess.fork_exec(
                    [b"/bin/sleep", b"1000"], [b"/bin/sleep"], True, (), None, None, -1, -1, -1, -1, -1, -1,
                    -1, -1, False, False, 0, None, None, None, -1, None, False
                )
            except Exception:
                pass
            try:
                os.fork()
            except PermissionError:
                pass
        """
    )
    with Sandbox(folder) as box:
        token = box.token
        assert box.ask(exercise(NOISE))
    assert not [p for p in psutil.process_iter() if token in str(environment(p))]


def environment(process):
    try:
        return process.environ() if process.status() != psutil.STATUS_ZOMBIE else {}
    except psutil.Error:
        return {}


def test_secrets_of_the_grader_are_not_inherited(submission, says, monkeypatch):
    monkeypatch.setenv("TOKEN_OF_THE_GRADER", "secret")
    folder = submission(utils="import os\ndef add_noise(*_): raise ValueError(sorted(os.environ.items()))")
    assert "secret" not in says(folder, NOISE)[0]
    assert "HOME" in says(folder, NOISE)[0]


def test_own_helpers_in_own_modules_are_found(submission, says):
    """A function that calls a helper of its module, of the other module, and of a module of the student's own."""
    folder = submission(
        utils=RIGHT + "\ndef twice(x): return 2 * x\n",
        ddpm="""
        from helpers import half
        from utils import twice
        class SelfAttention(nn.Module):
            def __init__(self, channels, heads=4, groups=8):
                super().__init__()
                self.heads, self.norm = heads, nn.GroupNorm(groups, channels)
                self.qkv, self.out = nn.Conv2d(channels, 3 * channels, 1), nn.Conv2d(channels, channels, 1)
            def forward(self, x):
                b, c, h, w = x.shape
                qkv = self.qkv(self.norm(x)).view(b, 3, self.heads, c // self.heads, h * w)
                q, k, v = qkv.transpose(-1, -2).unbind(1)
                attended = nn.functional.scaled_dot_product_attention(q, k, v)
                return x + half(twice(self.out(attended.transpose(-1, -2).reshape(b, c, h, w))))
        """,
    )
    (folder / "helpers.py").write_text("def half(x):\n    return x / 2\n")
    assert says(folder, NOISE, "5.2") == ["", ""]


def test_untouched_handout_has_no_points_and_says_so_in_every_line(submission):
    marks = grade(submission())
    assert len(marks) == len(EXERCISES)
    assert {mark.says for mark in marks} == {"not done yet"}
    assert not any(mark.score for mark in marks)


def test_own_code_has_all_points():
    marks = grade(ROOT)
    assert not [mark for mark in marks if mark.says or mark.score != mark.points]
