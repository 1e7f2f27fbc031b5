"""How long is what a user writes? Lines of code that a problem takes with each method, counted in the source files.

Counted are the lines of the function that states (and for a classical method solves) the problem, and of everything at
the top of its module, or of the modules beside it, that it uses, directly or not, imports among them. Blank lines,
comments and docstrings do not count. What measures, and what every problem shares, is not reached from there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

Definition = ast.stmt


def lines_used(path: Path, name: str) -> int:
    """Lines of code that the top-level name of a module needs, within its file.

    Args:
        path: of the module.
        name: of a function, class or value at its top.

    Raises:
        KeyError: when there is no such name.
    """
    text = path.read_text(encoding="utf-8")
    known = {defined: node for node in ast.parse(text).body for defined in defines(node)}
    needed, left = {}, [name]
    while left:
        node = known[left.pop()]
        if id(node) not in needed:
            needed[id(node)] = node
            left += [used for used in names_in(node) if used in known]
    return sum(len(code_lines(node, text)) for node in needed.values())


def defines(node: Definition) -> list[str]:
    """The names that a statement at the top of a module makes known; typing's are not counted."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


def names_in(node: Definition) -> Iterator[str]:
    """The names that a statement uses, those of annotations left out."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return
    stack: list[ast.AST] = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, ast.Name):
            yield part.id
        skipped = {id(getattr(part, what, None)) for what in ("annotation", "returns")}
        stack += [child for child in ast.iter_child_nodes(part) if id(child) not in skipped]


def code_lines(node: Definition, text: str) -> set[int]:
    """Numbers of the lines of a statement that are neither blank, nor comment, nor docstring."""
    docstrings: set[int] = set()
    for part in ast.walk(node):
        body = getattr(part, "body", None)
        if isinstance(part, (ast.FunctionDef, ast.ClassDef)) and isinstance(body, list):
            first = body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                docstrings |= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    start = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
    lines = text.splitlines()
    numbers = set(range(start, (node.end_lineno or node.lineno) + 1)) - docstrings
    return {number for number in numbers if lines[number - 1].strip() and not lines[number - 1].strip().startswith("#")}
