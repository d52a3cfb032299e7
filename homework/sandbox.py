"""Ask a submission in processes of its own, in a temporary folder, with limits: what comes back are plain arrays."""

import io
import itertools
import json
import os
import secrets
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path

import numpy as np
import psutil

from homework.cutting import cut
from homework.exercises import EXERCISES
from homework.modules import BadCode, read_source, read_sources
from homework.reference import reference
from homework.sandboxed import ANSWERED, FRAME, SECONDS_FRAME, TOO_LONG

ROOT = Path(__file__).parents[1]
KIT = ("__init__.py", "exercises.py", "modules.py", "questions", "diagnosis.py", "sandboxed.py")
BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from homework import sandboxed; sandboxed.main()"
SECONDS = 60  # for one exercise
SECONDS_THEN = 10  # for each of the others, when one has taken too long
LARGEST, MOST = 1 << 20, 500  # bytes of a file, and number of files, that are copied from a submission
LEFT_OUT = (".git", ".venv", "__pycache__", "build", "checkpoints", "runs")
START = 60  # seconds for importing torch, at most


class Sandbox:
    """A place for one submission: `with Sandbox(folder) as box: box.ask(exercise)`.

    One process imports torch, and forks for every question: what a submission does there is gone with the next. It
    never has an expected value, nor the body of the exercise that it is asked about.
    """

    def __init__(self, folder, seconds=SECONDS, provided=("samplers.py",)):
        self.folder, self.seconds, self.provided = Path(folder), seconds, provided
        self.token = secrets.token_hex(16)  # in the environment of whatever the submission starts

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="submission-")
        library, own = (Path(self.temporary.name) / name for name in ("kit", "own"))
        (library / "homework").mkdir(parents=True)
        own.mkdir()
        for name in KIT:
            copy(ROOT / "homework" / name, library / "homework" / name)
        for path in small_files(self.folder):
            (own / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.folder / path, own / path)
        for name in self.provided:
            copy(ROOT / name, own / name)
        environment = {"PATH": os.defpath, "HOME": str(own), "TMPDIR": str(own), "HOMEWORK": self.token}
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-c", BOOT, str(library)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=own,
            env=environment | {"OMP_WAIT_POLICY": "PASSIVE"},
            start_new_session=True,
        )
        return self

    def __exit__(self, *_):
        end(self.process, self.token)
        self.process.stdin.close()
        self.process.stdout.close()
        self.temporary.cleanup()

    def ask(self, exercise):
        """What the submission answers to an exercise's question, as `diagnosis.answers` does; under "!" why nothing."""
        source = read_source(self.folder, exercise.module)
        if isinstance(source, BadCode):
            return {"!": str(source)}
        sources, _ = reference()
        hole = sources | {exercise.module: cut(sources[exercise.module], (exercise,))}
        others = [asdict(e) for e in EXERCISES if e != exercise]
        return self.request(
            {"exercises": [asdict(exercise), *others], "reference": hole, "submission": read_sources(self.folder)}
        )

    def train(self, settings):
        """{"samples": (n, 2) points of the pixel plane} of the submission's own model, trained by its own code."""
        return self.request({"train": settings})

    def request(self, request):
        content = json.dumps(request).encode()
        watchdog = threading.Timer(START + 1.5 * self.seconds, self.process.kill)  # should the process itself hang
        watchdog.start()
        try:
            self.process.stdin.write(SECONDS_FRAME.pack(self.seconds) + FRAME.pack(ANSWERED, len(content)) + content)
            self.process.stdin.flush()
            status, length = FRAME.unpack(self.process.stdout.read(FRAME.size))
            said = self.process.stdout.read(length)
        except (OSError, ValueError, struct.error):
            return {"!": "the program ended before it answered"}
        finally:
            watchdog.cancel()
        if status == TOO_LONG:
            said = (
                f"no answer within {self.seconds} seconds: is there a loop that does not end, or much that is printed?"
            )
            self.seconds = min(self.seconds, SECONDS_THEN)
            return {"!": said}
        if not said:
            return {"!": "the program ended before it answered: it called exit, crashed, or used too much memory"}
        return decode(said)


def small_files(folder):
    """The files of a submission that its code may need: at most so many, none of them large, as paths in the folder."""
    paths = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    needed = (p for p in paths if not set(p.parts) & set(LEFT_OUT) and (folder / p).stat().st_size <= LARGEST)
    return list(itertools.islice(needed, MOST))


def copy(path, to):
    """A file, or a folder without what it does not need to run."""
    if path.is_dir():
        shutil.copytree(path, to, ignore=shutil.ignore_patterns("__pycache__", "assets"), dirs_exist_ok=True)
    else:
        shutil.copy(path, to)


def ask_all(folder, exercises):
    """(exercise, answers) for each exercise, as they come."""
    with Sandbox(folder) as box:
        for exercise in exercises:
            yield exercise, box.ask(exercise)


def end(process, token):
    """Kill the process and everything that it started, known by the token in its environment."""
    process.kill()
    for _ in range(20):  # what is killed may have started another in between
        left = [other for other in psutil.process_iter() if has_token(other, token)]
        if not left:
            break
        for action in ("suspend", "kill"):
            for other in left:
                try:
                    getattr(other, action)()
                except psutil.Error:
                    continue
    process.wait()


def has_token(process, token):
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get("HOMEWORK") == token
    except psutil.Error:
        return False


def decode(said):
    """The answers from what the process said."""
    try:
        with np.load(io.BytesIO(said), allow_pickle=False) as arrays:
            found = json.loads(arrays["\n"].tobytes().decode())
            parts = {}
            for key in arrays.files:
                name, _, index = key.rpartition("\n")
                if name:
                    parts.setdefault(name, {})[int(index)] = arrays[key]
        return found | {name: tuple(part[i] for i in sorted(part)) for name, part in parts.items()}
    except (ValueError, KeyError, OSError, EOFError):
        return {"!": "what the program sent back cannot be read"}
