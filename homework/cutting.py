"""Cut the bodies of exercises out of a module's text, by its syntax tree; signatures and docstrings stay."""

import ast
from functools import lru_cache


def definition(tree, name):
    """The function or class of that name at the top level of a module. KeyError if there is none."""
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}[name]


def functions(tree, exercise):
    """The functions of which an exercise cuts the bodies: itself, or methods of a class."""
    node = definition(tree, exercise.name)
    return [definition(node, method) for method in exercise.methods] or [node]


@lru_cache(64)
def cut(source, exercises):
    """The module's text with `raise NotImplementedError("exercise 1.3: eq. 3")` for each body of these exercises."""
    lines, tree = source.splitlines(), ast.parse(source)
    found = [(function, exercise) for exercise in exercises for function in functions(tree, exercise)]
    for function, exercise in sorted(found, key=lambda pair: -pair[0].lineno):
        body = function.body[ast.get_docstring(function) is not None :]
        first = min([body[0].lineno, *(d.lineno for d in getattr(body[0], "decorator_list", []))])
        indent = " " * (function.col_offset + 4)
        line = f'{indent}raise NotImplementedError("exercise {exercise.number}: {exercise.equation}")'
        lines[first - 1 : function.end_lineno] = [line]
    return "\n".join(lines) + "\n"


def segment(source, exercise):
    """The text of what an exercise grades."""
    node = definition(ast.parse(source), exercise.name)
    return "\n".join(source.splitlines()[node.lineno - 1 : node.end_lineno])
