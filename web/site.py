"""The course as a website around the page: notebooks with their committed outputs, READMEs, assignment, report, code.

    python -m web.site --serve

The page is its first screen, web/dist/index.html; the course, built by Sphinx, lies in web/dist/course. Nothing is
executed.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from homework import sheet
from web.build import DIST, ROOT, WEB, build, main_of

BUILT = ROOT / "build" / "course"
SOURCE = BUILT / "source"
MODULES = ("gmm", "ddpm", "utils", "samplers", "plots", "train")
WINGS = ("experiments", "evaluation", "exact", "small_systems", "measurements", "benchmarks", "figures", "checkpoints")
BACK = '<a href="../index.html">← the page to play with</a>\n'
PAGES = (".md", ".ipynb", ".png", ".gif", ".pdf")  # what keeps its place, so that links to it stay what they are
LINK = re.compile(r"(?<=\]\()([^)\s]+)(?=\))")
NAME = re.compile(rf"`((?:{'|'.join(MODULES)})\.\w+)`(?!\])")


def in_order(pattern):
    """The names of files below the root without their suffix."""
    return sorted(path.relative_to(ROOT).with_suffix("").as_posix() for path in ROOT.glob(pattern))


PARTS = {
    "The course": ["notebooks/README", *in_order("notebooks/*.ipynb")],
    "The homework": ["homework/assignment", "homework/README", "report/README", *in_order("report/errata*.md")],
    "The house": [f"{wing}/README" for wing in (*WINGS, "web", "tests")],
    "The code": [f"code/{name}" for name in MODULES],
}


# --- the sources of the site ------------------------------------------------------------------------------------------


def committed(*patterns):
    listed = subprocess.check_output(["git", "ls-files", *patterns], cwd=ROOT, text=True)
    return [Path(name) for name in listed.splitlines()]


def parts_of(name):
    """The functions and classes of a module at the root, by name: their nodes."""
    tree = ast.parse((ROOT / f"{name}.py").read_text())
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def module_page(name):
    """A page with a module's functions and classes, each under a heading that can be linked to."""
    text = (ROOT / f"{name}.py").read_text()
    lines, pages = text.splitlines(), [f"# {name}.py\n\n{ast.get_docstring(ast.parse(text))}\n"]
    for part, node in parts_of(name).items():
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1
        code = "\n".join(lines[first : node.end_lineno])
        pages.append(f"({name}.{part})=\n## {part}\n\n{fenced(code)}")
    return "\n".join(pages)


def fenced(text, language="python"):
    return f"````{language}\n{text}\n````\n"


def listing(path):
    """A page with what is in a file or a folder of the repository."""
    files = [p for p in committed(str(path)) if p.suffix not in PAGES]
    languages = {".py": "python", ".json": "json"}
    code = [f"## {p.name}\n\n{fenced((ROOT / p).read_text(), languages.get(p.suffix, 'text'))}" for p in files]
    return "\n".join([f"# {path}\n", *code])


class Links:
    """Makes the links of a text lead to pages of the site: code that is linked becomes a page, too, in `listed`."""

    def __init__(self):
        self.known = {f"{name}.{part}" for name in MODULES for part in parts_of(name)}
        self.listed = {}

    def __call__(self, text, file):
        text = LINK.sub(lambda found: self.target(found.group(1), file), text)
        return NAME.sub(lambda found: self.to_code(found.group(1)), text)

    def to_code(self, name):
        return f"[`{name}`](#{name})" if name in self.known else f"`{name}`"

    def target(self, link, file):
        path = link.partition("#")[0]
        if not path or "://" in link or path.endswith(PAGES):
            return link
        full = (ROOT / file).parent.joinpath(path).resolve().relative_to(ROOT)
        page = f"code/{full.as_posix().replace('/', '-')}.md"
        if full == Path("notebooks/solutions"):
            page = "notebooks/solutions/index.md"
        else:
            self.listed[page] = full
        return "../" * (len(file.parts) - 1) + page


def assemble():
    """The sources in build/course/source: what people read, in the folders of the repository, and pages of code."""
    shutil.rmtree(BUILT, ignore_errors=True)  # else pages that are gone would be published again
    links = Links()
    for file in committed(*(f"*{suffix}" for suffix in PAGES)):
        if not file.is_relative_to("homework/for_students"):
            write(file, translated(file, links))
    title, text = translated(Path("README.md"), links).decode().split("\n", 1)
    write("README.md", f"{title}\n\n{BACK}\n{text}{contents()}".encode())
    write("homework/assignment.md", sheet.filled("assignment.md").encode())
    solutions = [Path(name).name for name in in_order("notebooks/solutions/*.ipynb")]
    write("notebooks/solutions/index.md", f"# Solutions\n\n{toctree(solutions)}".encode())
    for name in MODULES:
        write(f"code/{name}.md", module_page(name).encode())
    for page, path in links.listed.items():
        write(page, listing(path).encode())
    write("conf.py", (WEB / "course" / "conf.py").read_bytes())
    write("icon.svg", (WEB / "icon.svg").read_bytes())
    mathjax, fonts = WEB / "node_modules" / "mathjax" / "es5", "output/chtml/fonts/woff-v2"
    shutil.copytree(mathjax / fonts, SOURCE / "_static" / "mathjax" / fonts)
    shutil.copy(mathjax / "tex-chtml.js", SOURCE / "_static" / "mathjax")


def write(path, content):
    (SOURCE / path).parent.mkdir(parents=True, exist_ok=True)
    (SOURCE / path).write_bytes(content)


def translated(file, links):
    """A file's content with the links of the site."""
    content = (ROOT / file).read_bytes()
    if file.suffix == ".md":
        return links(content.decode(), file).encode()
    if file.suffix == ".ipynb":
        notebook = json.loads(content)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = links("".join(cell["source"]), file)
        return json.dumps(notebook).encode()
    return content


def toctree(pages, caption=""):
    options = f":caption: {caption}\n" if caption else ""
    return "```{toctree}\n:maxdepth: 1\n" + options + "\n" + "\n".join(pages) + "\n```\n"


def contents():
    """The list of all pages, which the theme shows at the side."""
    hidden = (toctree(pages, caption).replace(":maxdepth", ":hidden:\n:maxdepth") for caption, pages in PARTS.items())
    return "\n" + "\n".join(hidden)


def build_site():
    build(course=True)
    assemble()
    options = ["-q", "-W", "--keep-going", "-b", "html"]  # a broken link is an error, and all of them are shown
    places = ["-d", BUILT / "doctrees", SOURCE, BUILT / "html"]  # where Sphinx also leaves what nobody needs to publish
    subprocess.run([sys.executable, "-m", "sphinx", *options, *places], check=True)
    shutil.copytree(BUILT / "html", DIST / "course")


if __name__ == "__main__":
    sys.exit(main_of(build_site, "python -m web.site", "Build page and course into web/dist.", sys.argv[1:]))
