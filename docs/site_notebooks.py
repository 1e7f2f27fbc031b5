"""Notebooks of the site: Python files with cells, run when the site is built, and shown with what they print and draw.

A file of `docs/notebooks` is in the percent format that editors and jupytext know: `# %%` begins a cell of code, `# %%
[markdown]` one of text in comments. Running one gives a page, its pictures, and the same as `.ipynb` to take along. The
cells of a file share their names and a working folder of their own; an error in one ends the build.

What came out is kept in `build/notebooks` by a hash of the file, of the library and of this module, so that what has
not changed is not run again.

A page whose code writes a picture shows it where it says `<!-- picture: heat.png The temperature over x and t -->`: its
code is run as well. The pictures of all notebooks stand below the applications of the gallery, `gallery.md`.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import fcntl
import hashlib
import html
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = _ROOT / "docs" / "notebooks"
KEPT = _ROOT / "build" / "notebooks"
_CELL = re.compile(r"^# %%(.*)$", re.MULTILINE)
_DIGITS = 20  # of a hash
_PICTURE = re.compile(r"<!-- picture: ([\w.]+) (.*?) -->")
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Cell:
    """A cell and what it gave.

    Attributes:
        kind: "markdown" or "code".
        source: as it is to be read: text without comment signs, or code.
        printed: what it wrote to the standard output.
        shown: the value of its last expression: HTML where it has some, else its repr in a block; empty where none.
        pictures: PNG files that it drew, in base64.
    """

    kind: str
    source: str
    printed: str = ""
    shown: str = ""
    pictures: list[str] = field(default_factory=list)


def cells_of(text: str) -> list[Cell]:
    """The cells of a file in the percent format.

    Raises:
        ValueError: where something precedes the first cell.
    """
    before, *parts = _CELL.split(text)
    if before.strip():
        raise ValueError(f"a notebook begins with # %%, got {before.strip().splitlines()[0]!r}; put it in a cell")
    found = []
    for head, body in zip(parts[::2], parts[1::2], strict=True):
        if head.strip() == "[markdown]":
            lines = [re.sub(r"^# ?", "", line) for line in body.strip().splitlines()]
            found.append(Cell("markdown", "\n".join(lines)))
        else:
            found.append(Cell("code", body.strip()))
    return found


def executed(path: Path) -> list[Cell]:
    """The cells of a file with what they give: run now, or as they were kept.

    Raises:
        Exception: what a cell raises, with the file and its line.
    """
    kept = KEPT / f"{path.stem}-{_hash_of(path)}.json"
    with _alone(path.stem):
        if kept.is_file():
            return [Cell(**cell) for cell in json.loads(kept.read_text(encoding="utf-8"))]
        cells = cells_of(path.read_text(encoding="utf-8"))
        _run(cells, path)
        _keep(path.stem, kept, [asdict(cell) for cell in cells])
        return cells


def pictures_of(path: Path) -> dict[str, bytes]:
    """The pictures that a page of Markdown shows, by name: its code is run for them, or they were kept.

    Raises:
        FileNotFoundError: where the code writes no such file.
    """
    text = path.read_text(encoding="utf-8")
    wanted = [found[1] for found in _PICTURE.finditer(text)]
    if not wanted:
        return {}
    name = "-".join(path.relative_to(_ROOT / "docs").with_suffix("").parts)
    kept = KEPT / f"{name}-{_hash_of(path)}.json"
    with _alone(name):
        if not kept.is_file():
            last = [found.start() for found in _PICTURE.finditer(text)][-1]  # what follows draws nothing
            cells = [Cell("code", found[1].strip()) for found in _PYTHON.finditer(text, 0, last)]
            made = {one: base64.b64encode(content).decode() for one, content in _run(cells, path, wanted).items()}
            _keep(name, kept, made)
    return {name: base64.b64decode(content) for name, content in json.loads(kept.read_text(encoding="utf-8")).items()}


def gallery_of(notebooks: dict[str, list[Cell]]) -> str:
    """The end of the gallery: the first picture of every notebook that has one, its title and its first sentences."""
    parts = [
        "## Notebooks",
        "What the notebooks draw, each with the code that draws it.",
        '<div class="grid cards" markdown>',
    ]
    for name, cells in notebooks.items():
        if any(cell.pictures for cell in cells):
            title, _, text = cells[0].source.removeprefix("# ").partition("\n")
            words = " ".join(text.strip().split("\n\n")[0].split())
            page, picture = f"notebooks/{name}.md", f"notebooks/{name}_1.png"
            parts += [f"-   **[{title}]({page})**", f"    [![{title}]({picture})]({page})", f"    {words}"]
    return "\n\n".join([*parts, "</div>"]) + "\n"


def page_of(name: str, cells: list[Cell]) -> tuple[str, dict[str, bytes]]:
    """The page in Markdown, and its pictures by file name.

    Args:
        name: of the notebook.
        cells: that have been run.
    """
    parts, pictures = [], {}
    for cell in cells:
        if cell.kind == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        if cell.printed:
            parts.append(f"```text\n{cell.printed.rstrip()}\n```")
        if cell.shown:
            parts.append(cell.shown)
        for picture in cell.pictures:
            file = f"{name}_{len(pictures) + 1}.png"
            pictures[file] = base64.b64decode(picture)
            parts.append(f"![What this cell draws]({file})")
    parts.append(f"[This page as a notebook]({name}.ipynb)")
    return "\n\n".join(parts) + "\n", pictures


def ipynb_of(cells: list[Cell]) -> str:
    """The cells as a Jupyter notebook (format 4.5) without outputs."""
    made: list[dict[str, Any]] = []
    for index, cell in enumerate(cells):
        one = {"id": f"cell-{index}", "cell_type": cell.kind, "metadata": {}, "source": cell.source}
        made.append(one if cell.kind == "markdown" else one | {"execution_count": None, "outputs": []})
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def on_files(files: Any, config: Any) -> Any:
    """Called by the builder with the files of the site; adds the pages of the notebooks, their pictures and files."""
    from mkdocs.structure.files import File  # the builder's own, which the library does not need

    made: dict[str, str | bytes] = {}
    notebooks = {path.stem: executed(path) for path in sorted(NOTEBOOKS.glob("*.py"))}
    for stem, cells in notebooks.items():
        page, pictures = page_of(stem, cells)
        named = {f"{stem}.md": page, f"{stem}.ipynb": ipynb_of(cells), **pictures}
        made |= {f"notebooks/{name}": content for name, content in named.items()}
    gallery = files.get_file_from_path("gallery.md")
    made["gallery.md"] = f"{gallery.content_string}\n{gallery_of(notebooks)}"
    files.remove(gallery)  # the page as it is in the repository
    for path in sorted((_ROOT / "docs").rglob("*.md")):
        place = path.parent.relative_to(_ROOT / "docs").as_posix()
        made |= {f"{place}/{name}": content for name, content in pictures_of(path).items()}
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Called by the builder with the text of each page; shows pictures that its code has written."""
    return _PICTURE.sub(r"![\2](\1)", markdown)


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    """A block that one process at a time is in for each name: another waits, and finds what was kept."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with open(KEPT / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _keep(name: str, kept: Path, made: Any) -> None:
    """Keep what was made in place of what was made before."""
    for old in KEPT.glob(f"{name}-{'[0-9a-f]' * _DIGITS}.json"):
        old.unlink()
    kept.write_text(json.dumps(made), encoding="utf-8")


def _run(cells: list[Cell], path: Path, wanted: Sequence[str] = ()) -> dict[str, bytes]:
    """Run the code of the cells in order; returns the files wanted of those that it has written."""
    import matplotlib

    matplotlib.use("Agg")
    names: dict[str, Any] = {"__name__": "__main__"}
    line = 1
    before = Path.cwd()
    text = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        sys.path.insert(0, folder)  # as in a notebook: modules are found where one works
        try:
            for cell in cells:
                if cell.kind == "code":
                    line = text.count("\n", 0, text.index(cell.source))
                    _run_cell(cell, names, path.name, line)
            return {name: Path(name).read_bytes() for name in wanted}
        finally:
            sys.path.remove(folder)
            os.chdir(before)


def _run_cell(cell: Cell, names: dict[str, Any], file: str, line: int) -> None:
    """Run one cell; the value of a last expression is what it shows."""
    import matplotlib.pyplot as plt

    tree = ast.increment_lineno(ast.parse(cell.source, file), line)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        exec(compile(tree, file, "exec"), names)
        value = None if last is None else eval(compile(ast.Expression(last.value), file, "eval"), names)
    cell.printed = written.getvalue()
    figures = [plt.figure(number) for number in plt.get_fignums()]
    if isinstance(value, plt.Figure) and value not in figures:
        figures.append(value)
    cell.pictures = [_png(figure) for figure in figures]
    plt.close("all")
    if value is not None and not isinstance(value, plt.Figure):
        as_html = getattr(value, "_repr_html_", None)
        cell.shown = f"<div>{as_html()}</div>" if as_html else f"<pre>{html.escape(repr(value))}</pre>"


def _png(figure: Any) -> str:
    made = io.BytesIO()
    figure.savefig(made, format="png", dpi=90)
    return base64.b64encode(made.getvalue()).decode()


def _hash_of(path: Path) -> str:
    """A hash of all that decides what a notebook gives, but for the versions of other libraries."""
    found = hashlib.sha256(path.read_bytes() + Path(__file__).read_bytes())
    for source in sorted((_ROOT / "pinn").rglob("*.py")):
        found.update(source.read_bytes())
    return found.hexdigest()[:_DIGITS]
