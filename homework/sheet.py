"""The assignment sheet, from for_students/assignment.md and the list of exercises: Markdown, and a PDF by Typst."""

import re
from pathlib import Path
from string import Template

import mistune
import typst

from gmm import WORLDS
from homework.exercises import BY_HAND, EXERCISES, PROBLEMS, TRAINED, VERSION, ByHand, Exercise, items

TEMPLATES = Path(__file__).parent / "for_students"
STYLE = """
#set document(title: "Homework: denoising diffusion on two-pixel images", date: none)
#set page(paper: "a4", margin: (x: 22mm, y: 18mm), numbering: "1")
#set text(font: "Libertinus Serif", size: 10.5pt, lang: "en")
#set par(justify: true)
#set table(stroke: (x, y) => if y == 0 { (bottom: 0.5pt) }, inset: (x: 5pt, y: 3.5pt), align: left)
#show table: set text(size: 9.5pt)
#show table: set par(justify: false)
#show raw: set text(font: "DejaVu Sans Mono", size: 8.5pt)
#show heading.where(level: 2): set block(above: 1.4em, below: 0.8em)
"""


SCHEDULE_ROWS = {
    "cosine": "| 11, 12 | β_t = 1 - f(t)/f(t-1), at most 0.999, with f(t) = cos²((t/T + s)/(1 + s) · π/2), s = 0.008; "
    "so ᾱ_t = f(t)/f(0), except where β_t is cut to 0.999 |",
    "linear": "| — | β_t from β_1 to β_T in equal steps (Ho, Jain & Abbeel 2020, Denoising diffusion probabilistic "
    "models) |",
}


def world_text():
    """The mixture in words."""
    world = WORLDS[VERSION.world]
    modes = [
        f"{weight:.0%} of class {k}, around ({mean[0]:g}, {mean[1]:g})"
        for k, (weight, mean) in enumerate(zip(world.weights.tolist(), world.means.tolist(), strict=True))
    ]
    stds = " and ".join(f"{std:g}" for std in dict.fromkeys(world.std.tolist()))
    spread = f"in each class the pixels are independent and normal, with standard deviation {stds}"
    return f"This year's world is `{VERSION.world}`. Its images are {', and '.join(modes)}; {spread}."


def problem_text(problem):
    """A problem of the sheet: the table of its exercises, and what is graded by hand."""
    parts = items(problem)
    lines = [f"## Problem {problem}: {PROBLEMS[problem]} ({sum(item.points for item in parts)} points)", ""]
    lines += ["| exercise | points | what | where | equation |", "|---|---|---|---|---|"]
    for item in parts:
        if isinstance(item, Exercise):
            where = f"`{item.function}`"
            lines.append(f"| {item.number} | {item.points} | {item.title} | {where} | {item.equation} |")
        elif item is TRAINED:
            lines.append(f"| {item.number} | {item.points} | {item.title} | your code, trained by the grader | |")
        else:
            lines.append(f"| {item.number} | {item.points} | {item.title} | your PDF, graded by hand | |")
    for item in parts:
        if item is TRAINED:
            (best, _), (good, share) = item.marks
            lines += [
                "",
                f"**{item.number} {item.title}.** The grader trains your code (`python train.py --T {VERSION.T}"
                f"{VERSION.options}`) and measures the energy distance of 5000 samples to the truth, x 10⁴: full "
                f"points for {best:g} or less, {share:.0%} of them for {good:g} or less.",
            ]
        elif isinstance(item, ByHand):
            end = "" if item.title.endswith("?") else "."
            lines += ["", f"**{item.number} {item.title}{end}** {item.task}", "", "| points | for |", "|---|---|"]
            lines += [f"| {points} | {what} |" for points, what in item.rubric]
    return "\n".join(lines)


def filled(name):
    """A file for students with this version's numbers in it."""
    return Template((TEMPLATES / name).read_text()).substitute(
        points=sum(item.points for problem in PROBLEMS for item in items(problem)),
        code_points=sum(e.points for e in EXERCISES),
        trained_points=TRAINED.points,
        hand_points=sum(item.points for item in BY_HAND),
        world_text=world_text(),
        T=VERSION.T,
        options=VERSION.options,
        schedule_row=SCHEDULE_ROWS[VERSION.schedule],
        problems="\n\n".join(problem_text(problem) for problem in PROBLEMS),
    )


SUBSCRIPT = re.compile(r"(?<=\S)_(\{[^}]+\}|\w)")  # as in x_t and x_{t-1}


def escaped(content):
    return "".join(f"\\{c}" if c in "\\#*_`$<>@[]~=-+/" else c for c in content)


class ToTypst(mistune.BaseRenderer):
    """Markdown to Typst, for what the sheet uses."""

    NAME = "typst"

    def render_token(self, token, state):
        content = self.render_tokens(token["children"], state) if "children" in token else token.get("raw", "")
        return getattr(self, token["type"])(content, token.get("attrs", {}))

    def render_tokens(self, tokens, state):
        joined = []  # neighbouring texts in one: mistune parts them at every _
        for token in tokens:
            if joined and joined[-1]["type"] == token["type"] == "text":
                token = {"type": "text", "raw": joined.pop()["raw"] + token["raw"]}
            joined.append(token)
        return "".join(self.render_token(token, state) for token in joined)

    def text(self, content, _):
        parts = SUBSCRIPT.split(content)  # text and subscripts by turns
        parts[1::2] = [f"#sub[{escaped(part.strip('{}'))}];" for part in parts[1::2]]
        parts[::2] = map(escaped, parts[::2])
        return "".join(parts)

    def heading(self, content, attrs):
        return f"{'=' * attrs['level']} {content}\n\n"

    def paragraph(self, content, _):
        return content + "\n\n"

    def block_text(self, content, _):
        return content

    def strong(self, content, _):
        return f"#strong[{content}];"

    def emphasis(self, content, _):
        return f"#emph[{content}];"

    def codespan(self, content, _):
        return f"#raw({quoted(content)});"  # without the ; Typst would take one that follows in the text

    def softbreak(self, *_):
        return "\n"

    def blank_line(self, *_):
        return ""

    def list(self, content, attrs):
        return f"#{'enum' if attrs.get('ordered') else 'list'}(tight: false, {content})\n\n"

    def list_item(self, content, _):
        return f"[{content}], "

    def table(self, content, _):
        return content + ")\n\n"

    def table_head(self, content, _):
        columns = content.count("[CELL")
        widths = ", ".join(["auto"] * (columns - 1) + ["1fr"])
        return f"#table(columns: ({widths}), table.header({content.replace('[CELL', '[')}),\n"

    def table_body(self, content, _):
        return content.replace("[CELL", "[")

    def table_row(self, content, _):
        return content + "\n"

    def table_cell(self, content, attrs):
        return f"[CELL#strong[{content}]], " if attrs.get("head") else f"[CELL{content}], "


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def as_pdf(markdown):
    """The sheet as the bytes of a PDF."""
    return typst.compile((STYLE + as_typst(markdown)).encode())


def as_typst(markdown):
    """Markdown as Typst. An underscore outside of code is an index, as in x_t, and never emphasis."""
    parts = markdown.split("`")
    parts[::2] = (part.replace("_", "\\_") for part in parts[::2])
    return mistune.create_markdown(renderer=ToTypst(), plugins=["table"])("`".join(parts))
