"""The tables of tests/README.md that are made from the exercises and from the zoo: python -m homework.tables."""

import re
import sys
from pathlib import Path

from experiments.checkpoint import write_atomically
from homework.exercises import EXERCISES
from homework.zoo import BUGS
from homework.zoo.red import files_of_tests

PAGE = Path(__file__).parents[1] / "tests" / "README.md"


def homework_table():
    """For each exercise the code, and the files of tests in which its bugs turn something red."""
    lines = ["| exercise | points | code | tests |", "|---|---|---|---|"]
    for e in EXERCISES:
        files = {files_of_tests()[test] for bug in BUGS if bug.function == e.function for test in bug.tests}
        tests = ", ".join(f"`{file.removeprefix('tests/')}`" for file in sorted(files))
        lines.append(f"| {e.number} {e.title} | {e.points} | `{e.function}` | {tests} |")
    return "\n".join(lines)


def zoo_table():
    """For each bug of the zoo the code, what a student is told, where it lives, and the tests that go red."""
    lines = ["| code | what the grader says | tests that go red |", "|---|---|---|"]
    for bug in BUGS:
        wild = f" ● {bug.wild}" if bug.wild else ""
        lines.append(f"| `{bug.function}` | {bug.says}{wild} | {', '.join(f'`{test}`' for test in bug.tests)} |")
    return "\n".join(lines).replace("|x", "\\|x")


def in_page(page, name, table):
    """The page with the table between its marks <!-- name --> and <!-- /name -->. ValueError if they are not there."""
    pattern = re.compile(f"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
    if len(pattern.findall(page)) != 1:
        raise ValueError(f"no place for the table {name}")
    return pattern.sub(lambda found: found[1] + table + found[2], page)


def main():
    page = PAGE.read_text()
    page = in_page(in_page(page, "homework", homework_table()), "zoo", zoo_table())
    write_atomically(PAGE, page.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
