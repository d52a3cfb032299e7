"""The process in which a submission runs: it is sent one exercise after another, and sends plain arrays back.

It forks for every request, which only the fork reads. What a fork has is everything but the body of that one exercise,
and no expected value. Before the submission is loaded, it gives up what it does not need: time, memory, files, other
processes, the network. That keeps students honest; an audit hook is no wall against an attacker. For submissions from
the open internet use a container.
"""

import io
import json
import os
import resource
import select
import signal
import struct
import sys
import time

import numpy as np
import psutil
import torch

from homework.diagnosis import answers, plain
from homework.exercises import Exercise
from homework.modules import BadCode, graft, namespace

FRAME = struct.Struct("!BQ")  # how it ended, and how many bytes follow
SECONDS_FRAME = struct.Struct("!I")  # what a request begins with: how long its answer may take
ANSWERED, TOO_LONG = 0, 1
BYTES = 8 << 30  # of address space: torch alone maps several gigabytes
FILE_BYTES = 16 << 20
THREADS = 50  # beside those that the user has already; the system does not count those of root
FORBIDDEN = (
    "ctypes.",
    "os.chmod",
    "os.chown",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.kill",
    "os.link",
    "os.posix_spawn",
    "os.spawn",
    "os.symlink",
    "os.system",
    "pty.spawn",
    "socket.",
    "subprocess.Popen",
)
CHANGING = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate")  # allowed in the present folder


def limit(seconds):
    """No more than so many seconds of the processor, so much memory, threads, and size of a file."""
    mine = [p.info["num_threads"] or 0 for p in psutil.process_iter(["uids", "num_threads"]) if is_mine(p)]
    resource.setrlimit(resource.RLIMIT_NPROC, (sum(mine) + THREADS,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def is_mine(process):
    return process.info["uids"] is not None and process.info["uids"].real == os.getuid()


def forbid():
    """From now on no other process, no network, and no file but those of Python and of the present folder."""
    here = os.path.realpath(os.getcwd()) + os.sep
    python = [os.path.realpath(path) + os.sep for path in (*sys.path, sys.prefix, sys.base_prefix) if path]
    roots, devices = (here, *python), ("/dev/null", "/dev/urandom")

    def hook(event, arguments):
        if event.startswith(FORBIDDEN):
            raise PermissionError(f"{event} is not allowed here")
        if event == "open" and not isinstance(arguments[0], int):
            path, (mode, flags) = os.path.realpath(os.fsdecode(arguments[0])), arguments[1:]
            writes = set(mode or "") & set("wax+") or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if not path.startswith(here if writes else roots) and path not in devices:
                raise PermissionError("files outside the submission's folder cannot be opened here")
        if event in CHANGING and not os.path.realpath(os.fsdecode(arguments[0])).startswith(here):
            raise PermissionError("files outside the submission's folder cannot be changed here")

    sys.addaudithook(hook)


def ask(request):
    """The answers to a question: by name, arrays, or a line that begins with "!"; under "!" why there are none."""
    exercise, *others = (Exercise(**fields) for fields in request["exercises"])
    try:
        code = namespace(graft(request["reference"], request["submission"], exercise, [exercise, *others]))
        return answers(exercise.function, code)
    except BadCode as error:
        return {"!": str(error)}


def train(settings):
    """The samples of a model that the submission's code trains, in the pixel plane; under "!" why there are none."""
    try:
        from experiments.two_pixel import Config, TwoPixel
        from utils import Training

        config = Config(**settings["config"])
        experiment = TwoPixel(config)
        training = Training(experiment.network, config.steps, config.lr, experiment.generator(config.seed))
        for _ in training.run(experiment.loss):
            pass
        experiment.network = training.ema.module.eval()
        generator = experiment.generator(config.seed + 1)
        draw = experiment.sampler(experiment.denoiser(), labelled=False)
        samples = experiment.to_pixels(draw(experiment.noise(settings["samples"], generator), None, generator))
        return {"samples": plain(samples)}
    except (Exception, SystemExit) as error:
        return {"!": f"{type(error).__name__}: {error}".splitlines()[0][:160]}


def encode(found):
    """The answers as bytes: an .npz of arrays, and of the lines as JSON."""
    lines = {name: answer for name, answer in found.items() if isinstance(answer, str)}
    arrays = {f"{name}\n{i}": a for name, answer in found.items() if name not in lines for i, a in enumerate(answer)}
    buffer = io.BytesIO()
    np.savez(buffer, **{"\n": np.frombuffer(json.dumps(lines).encode(), np.uint8)}, **arrays)
    return buffer.getvalue()


def read_request():
    """The request that stands on stdin."""
    with os.fdopen(0, "rb", buffering=0) as stream:
        _, length = FRAME.unpack(read_exactly(stream, FRAME.size))
        return json.loads(read_exactly(stream, length))


def read_exactly(stream, length):
    """So many bytes. EOFError if the grader is gone before."""
    parts = []
    while length:
        part = stream.read(length)
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def serve(answer, seconds):
    """In the fork: read the request, run the submission, write its answers, and end."""
    request = read_request()
    os.open(os.devnull, os.O_RDONLY)  # stdin again, for what asks for input: there is none
    sys.path.append(os.getcwd())  # for the submission's own modules
    limit(seconds)
    forbid()
    payload = encode(ask(request) if "exercises" in request else train(request["train"]))
    with os.fdopen(answer, "wb") as stream:
        stream.write(payload)
    os._exit(0)  # nothing of the submission runs after its answers are sent


def wait(answer, seconds):
    """(how it ended, what was said) by a fork that has so many seconds."""
    said, deadline = b"", time.monotonic() + seconds
    while select.select([answer], [], [], max(0.0, deadline - time.monotonic()))[0]:
        part = os.read(answer, 1 << 20)
        if not part:
            return ANSWERED, said
        said += part
    return TOO_LONG, b""


def main():
    """Fork for each request on stdin, and pass on what the fork says."""
    torch.set_num_threads(1)
    result = os.dup(1)
    silence = os.open(os.devnull, os.O_RDWR)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    while len(head := os.read(0, SECONDS_FRAME.size)) == SECONDS_FRAME.size:
        (seconds,) = SECONDS_FRAME.unpack(head)
        answer, write_end = os.pipe()
        child = os.fork()
        if not child:
            os.close(result)
            os.close(answer)
            serve(write_end, seconds)
        os.close(write_end)
        status, said = wait(answer, seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(answer)
        with os.fdopen(os.dup(result), "wb") as stream:
            stream.write(FRAME.pack(status, len(said)) + said)


if __name__ == "__main__":
    main()
