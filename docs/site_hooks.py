"""What the builder of the site calls: formulas, the index of tasks, and the pages at the top of the repository.

$…$ and $$…$$ become MathML when the site is built, which browsers draw without any script. CHANGELOG.md and
CONTRIBUTING.md are pages too, with their links into the repository as plain text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

_CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)
_SHOWN = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
_INLINE = re.compile(r"(?<![\\$\w])\$([^$\n]+?)\$(?!\w)")
_ROOT = Path(__file__).resolve().parent.parent
_PAGES = {"changelog.md": "CHANGELOG.md", "extending.md": "CONTRIBUTING.md"}
_SOURCE = re.compile(r"\[`?([^\]`]+)`?\]\((?:\.\./)+(?:pinn|experiments|conf|tests|README|CONTRIBUTING)[^)]*\)")
_UNSHOWN = re.compile(r"\[`?([^\]`]+)`?\]\((?!https?:)[^)]+\.(?:py|toml|txt)\)")  # what `exclude_docs` leaves out
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]+\)")


def on_files(files: Any, config: Any) -> Any:
    """Called with the files of the site; adds the pages from the top of the repository."""
    from mkdocs.structure.files import File  # the builder's own, which the library does not need

    for page, source in _PAGES.items():
        text = _LINK.sub(r"\1", (_ROOT / source).read_text(encoding="utf-8"))
        files.append(File.generated(config, page, content=text))
    files.append(File.generated(config, "howto/index.md", content=_index_of(_ROOT / "docs" / "howto")))
    return files


def _index_of(folder: Path) -> str:
    """A page with the titles of a folder's pages, by title, and the first sentence of each."""
    rows = {}
    for path in folder.glob("*.md"):
        title, _, text = path.read_text(encoding="utf-8").removeprefix("# ").partition("\n")
        prose = [part for part in re.sub(r"```.*?```", "", text, flags=re.DOTALL).split("\n\n") if part.strip()]
        plain = [" ".join(part.split()) for part in prose if part.strip()[0] not in "|#<-!"]
        sentence = re.split(r"[.:](?= |$)", _LINK.sub(r"\1", plain[0]))[0] if plain else ""
        rows[title] = f"| [{title}]({path.name}) | {sentence} |"
    head = ["# How to", "", "One page a task; every block of code on it runs.", "", "| task | |", "|---|---|"]
    return "\n".join([*head, *(rows[title] for title in sorted(rows))]) + "\n"


def on_page_markdown(markdown: str, **_: object) -> str:
    """Called with the text of each page; code is left alone, links into the sources become their names."""
    parts = _CODE.split(_UNSHOWN.sub(r"`\1`", _SOURCE.sub(r"`\1`", markdown)))
    for index in range(0, len(parts), 2):
        text = _SHOWN.sub(lambda found: f"\n\n{convert(found[1].strip(), display='block')}\n\n", parts[index])
        parts[index] = _INLINE.sub(lambda found: convert(found[1]), text)
    return "".join(parts)
