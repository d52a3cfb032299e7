"""Build the page into web/dist, a folder that any static host can serve; `--serve` shows it at a local address.

    python -m web.build --serve

The networks are exported, and the packages of package-lock.json installed, only if something of them has changed.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported

import argparse
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from evaluation.committed import CHECKPOINTS
from experiments.checkpoint import fingerprint, write_atomically
from web import export
from web.browser import server

WEB = Path(__file__).parent
ROOT = WEB.parent
DIST = WEB / "dist"
STILLS = {  # pictures for browsers in which no network can run
    "two_pixels.png": ROOT / "figures" / "problem2_trajectory.png",
    "digits.png": CHECKPOINTS / "mnist" / "samples.png",
    "characters.png": ROOT / "figures" / "naive_steps.png",
}
# what makes the models and the tables, beside the weights
EXPORTS = ("web/export.py", "web/tables.py", "ddpm.py", "gmm.py", "utils.py", "small_systems/network.py")


def made_from():
    """What the exported networks and tables depend on, as a short text."""
    digest = hashlib.sha256()
    for name in EXPORTS:
        digest.update((ROOT / name).read_bytes())
    return f"{fingerprint(*CHECKPOINTS.rglob('*'))} {digest.hexdigest()[:16]}"


def once(stamp, state, work):
    """Do the work unless the file `stamp` says that it was done for this state."""
    if not stamp.exists() or stamp.read_text() != state:
        work()
        write_atomically(stamp, state.encode())


def npm_environment():
    """An environment in which the Node.js that is installed beside this Python comes first."""
    return os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}


def npm(*arguments, **environment):
    """npm in web/."""
    subprocess.run(["npm", *arguments], cwd=WEB, check=True, env=npm_environment() | environment)


def build(course=False):
    """web/dist from what is committed. With `course`, the page links to the course beside it."""
    (WEB / "public" / "still").mkdir(parents=True, exist_ok=True)
    once(WEB / "public" / "made_from.txt", made_from(), export.main)
    for name, source in STILLS.items():
        shutil.copy(source, WEB / "public" / "still" / name)
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    once(WEB / "node_modules.txt", lock, lambda: npm("ci", "--no-audit", "--no-fund", "--loglevel=error"))
    npm("run", "--silent", "build", "--", "--logLevel", "warn", COURSE="1" if course else "0")


def main_of(work, program, description, argv):
    """The command line of something that builds web/dist, and serves it if asked to."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--serve", action="store_true", help="and show it at a local address")
    parser.add_argument("--port", type=int, default=8000, help="of the local address (%(default)s)")
    args = parser.parse_args(argv)
    try:
        work()
    except subprocess.CalledProcessError as error:
        print(f"{program}: {' '.join(map(str, error.cmd[:3]))} failed, see above", file=sys.stderr)
        return 2
    return show(args.port) if args.serve else 0


def show(port):
    try:
        serving = server(DIST, port)
    except OSError as error:
        print(f"port {port}: {error.strerror}; take another with --port", file=sys.stderr)
        return 2
    print(f"The page is at http://localhost:{serving.server_port}/ (Ctrl-C ends it)")
    try:
        serving.serve_forever()
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main_of(build, "python -m web.build", "Build the page into web/dist.", sys.argv[1:]))
