"""Mutants of the four modules of the front room, by cosmic-ray's operators: which of them do the tests leave alive?

    pip install cosmic-ray==8.7.0
    python -m tests.mutants      # an hour or two; goes on where it was stopped

cosmic-ray makes the mutants; each is loaded in a fork of a process that has torch already, which would else take
seconds to start, and meets the tests of its own module. Left out are bit operators in the place of arithmetic, which
tensors of floats refuse: they would only be easy kills.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported
os.environ.setdefault("OMP_NUM_THREADS", "1")

import difflib
import json
import re
import sys
import warnings
from collections import Counter
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from tqdm import tqdm

from experiments.checkpoint import write_atomically
from homework.zoo import red
from homework.zoo.red import side_by_side

ROOT = Path(__file__).parents[1]
OUT = ROOT / "tests" / "mutants.json"
LEFT_OUT = re.compile("Bit|Shift")
OPTIONS = ("-x", "-m", "not slow", "-k", "not overfits")  # which takes twelve seconds and finds nothing else
OWN = {
    "gmm": ["tests/test_gmm.py"],
    "utils": ["tests/utils"],
    "ddpm": ["tests/test_ddpm.py"],
    "samplers": ["tests/test_samplers.py"],
}


def sources():
    return {name: (ROOT / f"{name}.py").read_text() for name in OWN}


def mutants():
    """(module, operator, occurrence) of every mutant."""
    for module, source in sources().items():
        nodes = list(ast_nodes(get_ast(source)))
        for name in operator_names():
            kind = get_operator(name)
            if not LEFT_OUT.search(name) and not kind.arguments():
                count = sum(1 for node in nodes for _ in kind().mutation_positions(node))
                yield from ((module, name, i) for i in range(count))


def mutated(mutant):
    """The texts of the modules, with the mutant in one of them."""
    module, operator, occurrence = mutant
    texts = sources()
    return texts | {module: mutate_code(texts[module], get_operator(operator)(), occurrence)}


def killer(mutant):
    """(mutant, the first test of its own module that it fails; "" if it lives)."""
    warnings.simplefilter("ignore")
    return mutant, first_red(mutated(mutant), OWN[mutant[0]])


def first_red(texts, nodes):
    """The first of the tests that fails with these texts as modules; "" if none does. They run in a fork."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        try:
            failed = sorted(red.failing(texts, nodes, *OPTIONS))
            os.write(write_end, (failed[0] if failed else "").encode())
        except BaseException as error:  # a module that cannot even be loaded
            os.write(write_end, f"import: {type(error).__name__}".encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as stream:
        said = stream.read().decode()
    _, status = os.waitpid(child, 0)
    return said or ("crash" if status else "")


def change(mutant):
    """The lines that a mutant changes."""
    before, after = sources()[mutant[0]].splitlines(), mutated(mutant)[mutant[0]].splitlines()
    lines = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    return "  ".join(line[0] + " " + line[2:].strip() for line in lines)


def as_text(found):
    """The result, with every survivor."""
    alive = [key for key, killed in found.items() if not killed]
    of = Counter(key.split()[0] for key in found)
    lines = [
        f"{module}: {n - sum(key.split()[0] == module for key in alive)} of {n} mutants killed"
        for module, n in of.items()
    ]
    lines.append(f"all: {len(found) - len(alive)} of {len(found)}, {1 - len(alive) / len(found):.1%}")
    for key in alive:
        module, operator, occurrence = key.split()
        lines.append(f"{module} {operator.removeprefix('core/')}: {change((module, operator, int(occurrence)))}")
    return "\n".join(lines)


def main():
    warnings.simplefilter("ignore")
    found = json.loads(OUT.read_text()) if OUT.exists() else {}
    import diffusers  # noqa: F401 (once, before the forks)

    todo = [mutant for mutant in mutants() if not found.get(" ".join(map(str, mutant)))]
    for mutant, killed in tqdm(side_by_side(killer, todo), total=len(todo), unit="mutant"):
        found[" ".join(map(str, mutant))] = killed
        write_atomically(OUT, json.dumps(found, indent=0).encode())
    print(as_text(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
