"""What functions and classes take, read from their source files without importing them.

A completion is asked for at every press of a key and a help text before anything runs, and the import of torch alone
takes seconds. Arguments, defaults and the docstring's `Args:` stand in the source, so that is what is read. Nothing
that is named is run, whoever wrote it.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_GIVEN = ("generator", "dtype")  # what the program gives to what builds a network
_SECTIONS = ("args:", "arguments:", "parameters:")


@dataclass(frozen=True)
class Option:
    """One argument.

    Args:
        name: of the argument.
        default: as the source has it; empty where it must be given.
        meaning: what the docstring says of it; empty where it says nothing.
        kind: its annotation as the source has it; empty where it has none.
    """

    name: str
    default: str
    meaning: str
    kind: str = ""


@dataclass(frozen=True)
class Callee:
    """A function or class.

    Args:
        name: dotted name.
        summary: first sentence of its docstring.
        options: its arguments that have names, in order.
        about: first sentence of the docstring of its module.
    """

    name: str
    summary: str
    options: tuple[Option, ...]
    about: str = ""

    @property
    def settable(self) -> tuple[Option, ...]:
        """The options that a configuration sets: those with a default, without what the program itself hands over."""
        network = any(option.name == "generator" for option in self.options)
        given = _GIVEN if network else ()
        return tuple(option for option in self.options if option.default and option.name not in given)


@functools.cache
def callee(dotted: str) -> Callee | None:
    """What the source says of a dotted name; None where there is no source of it.

    Args:
        dotted: such as "pinn.networks.MLP".

    Example:
        >>> found = callee("pinn.networks.MLP")
        >>> found.summary, found.settable[0]
        ('A multilayer perceptron.', Option(name='width', default='50', meaning='neurons a hidden layer.', kind='int'))
    """
    module, _, name = dotted.rpartition(".")
    found = _definition(module, name)
    if found is None:
        return None
    home, node = found
    text = _docstring(home, node)
    meanings = meanings_of(text)
    options = tuple(
        Option(name, _default(home, default), meanings.get(name, ""), kind)
        for name, default, kind in _arguments(home, node)
    )
    tree = _tree(home)
    about = "" if tree is None else ast.get_docstring(tree) or ""
    return Callee(dotted, summary_of(text), options, summary_of(about))


def public_classes(module: str) -> tuple[str, ...]:
    """The names in the `__all__` of a module that begin with a capital letter."""
    tree = _tree(module)
    for node in [] if tree is None else tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(one, ast.Name) and one.id == "__all__" for one in targets):
            assert isinstance(node, ast.Assign)
            names = [entry.value for entry in getattr(node.value, "elts", []) if isinstance(entry, ast.Constant)]
            return tuple(str(name) for name in names if str(name)[:1].isupper())
    return ()


def summary_of(text: str) -> str:
    """The first sentence of a docstring, on one line."""
    first = " ".join(text.strip().split("\n\n")[0].split())
    return re.split(r"(?<=[.!?])\s", first)[0]


def meanings_of(text: str) -> dict[str, str]:
    """What a docstring's section of arguments says of each, on one line a name."""
    lines = text.expandtabs().splitlines()
    found: dict[str, str] = {}
    start = next((i for i, line in enumerate(lines) if line.strip().lower() in _SECTIONS), None)
    if start is None:
        return found
    outer = _indent(lines[start])
    inner, name = None, ""
    for line in lines[start + 1 :]:
        if not line.strip():
            continue
        indent = _indent(line)
        if indent <= outer:
            break
        inner = indent if inner is None else inner
        entry = re.match(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)", line.strip())
        if indent == inner and entry:
            name = entry[1]
            found[name] = entry[2]
        elif name:
            found[name] += " " + line.strip()
    return {name: re.sub(r"\s*\(default: .*\)$", "", meaning.strip()) for name, meaning in found.items()}


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _source(module: str) -> Path | None:
    """The file of a module. Only what is above all packages is looked up, which imports nothing."""
    head, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(head)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin)
    for part in rest:
        if path.name != "__init__.py":
            return None
        package, file = path.parent / part / "__init__.py", path.parent / f"{part}.py"
        path = package if package.is_file() else file
        if not path.is_file():
            return None
    return path if path.suffix == ".py" else None


@functools.cache
def _tree(module: str) -> ast.Module | None:
    path = _source(module)
    try:
        return None if path is None else ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None


_Definition = ast.FunctionDef | ast.ClassDef


def _definition(module: str, name: str, depth: int = 8) -> tuple[str, _Definition] | None:
    """Where a name is defined, through the imports that lead there: the module and the definition."""
    tree = _tree(module)
    if tree is None or depth == 0:
        return None
    for node in _top(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name:
            return module, node
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _definition(_absolute(module, node), alias.name, depth - 1)
    return None


def _top(tree: ast.Module) -> Iterator[ast.stmt]:
    """Statements of a module, those under an `if` at its top too."""
    for node in tree.body:
        yield node
        if isinstance(node, ast.If):
            yield from node.body


def _absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    path = _source(module)
    parts = module.split(".")
    if path is None or path.name != "__init__.py":
        parts = parts[:-1]
    parts = parts[: len(parts) - (node.level - 1)]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _default(module: str, text: str) -> str:
    """A default as it stands there, or what a name of the module stands for."""
    value = _value(module, text) if text.isidentifier() else None
    return text if value is None else ast.unparse(value)


def _value(module: str, name: str, depth: int = 8) -> ast.expr | None:
    """What a module assigns to a name, through the imports that lead there."""
    tree = _tree(module)
    for node in [] if tree is None or depth == 0 else _top(tree):
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == name for one in node.targets):
            return node.value
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _value(_absolute(module, node), alias.name, depth - 1)
    return None


def _bases(module: str, node: ast.ClassDef) -> Iterator[tuple[str, ast.ClassDef]]:
    for base in node.bases:
        if isinstance(base, ast.Name):
            found = _definition(module, base.id)
            if found is not None and isinstance(found[1], ast.ClassDef):
                yield found[0], found[1]


def _arguments(module: str, node: _Definition) -> list[tuple[str, str, str]]:
    """Names, defaults and annotations of what a definition takes: its own, those of its fields, or of its base."""
    if isinstance(node, ast.FunctionDef):
        return _parameters(node)
    made_by = next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None)
    if made_by is not None:
        return _parameters(made_by)[1:]
    inherited = {entry[0]: entry for home, base in _bases(module, node) for entry in _arguments(home, base)}
    own = _fields(node) if any("dataclass" in ast.unparse(one) for one in node.decorator_list) else []
    return list((inherited | {entry[0]: entry for entry in own}).values())


def _parameters(function: ast.FunctionDef) -> list[tuple[str, str, str]]:
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(given.defaults))
    pairs = [*zip(positional, [*missing, *given.defaults], strict=True)]
    pairs += zip(given.kwonlyargs, given.kw_defaults, strict=True)
    return [(one.arg, _text(default), _text(one.annotation)) for one, default in pairs]


def _fields(node: ast.ClassDef) -> list[tuple[str, str, str]]:
    """The fields of a dataclass that its constructor takes."""
    found = []
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            default = _text(one.value)
            if "init=False" in default or "ClassVar" in _text(one.annotation):
                continue
            factory = re.search(r"default_factory=(.+)\)$", default)
            found.append((one.target.id, f"{factory[1]}()" if factory else default, _text(one.annotation)))
    return found


def _text(node: ast.expr | None) -> str:
    return "" if node is None else ast.unparse(node)


def _docstring(module: str, node: _Definition) -> str:
    """The docstring of a definition, of what makes it, or of its base; torch assigns some of them to `__doc__`."""
    own = ast.get_docstring(node) or _assigned(module, node.name)
    if isinstance(node, ast.FunctionDef) or (own and meanings_of(own)):
        return own
    inherited = [_docstring(home, base) for home, base in _bases(module, node)]
    arguments = next((text for text in inherited if meanings_of(text)), "")
    listed = "".join(f"\n    {name}: {meaning}" for name, meaning in meanings_of(arguments).items())
    return f"{own or arguments}\n\nArgs:{listed}" if listed else own


def _assigned(module: str, name: str) -> str:
    tree = _tree(module)
    for node in [] if tree is None else tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == f"{name}.__doc__":
            return _text_of(module, node.value)
    return ""


def _text_of(module: str, node: ast.expr | None) -> str:
    """A text as far as it stands in the sources; what is computed is left out."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.BinOp):
        return _text_of(module, node.left) + _text_of(module, node.right)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text_of(module, part) for part in node.values)
    if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Name):
        return _text_of(module, _value(module, node.value.id))
    return ""
