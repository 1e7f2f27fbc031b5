"""What the builder of the site calls: formulas, and the two pages that lie at the top of the repository.

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
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]+\)")


def on_files(files: Any, config: Any) -> Any:
    """Called with the files of the site; adds the pages from the top of the repository."""
    from mkdocs.structure.files import File  # the builder's own, which the library does not need

    for page, source in _PAGES.items():
        text = _LINK.sub(r"\1", (_ROOT / source).read_text(encoding="utf-8"))
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Called with the text of each page; code is left alone, links into the sources become their names."""
    parts = _CODE.split(_SOURCE.sub(r"`\1`", markdown))
    for index in range(0, len(parts), 2):
        text = _SHOWN.sub(lambda found: f"\n\n{convert(found[1].strip(), display='block')}\n\n", parts[index])
        parts[index] = _INLINE.sub(lambda found: convert(found[1]), text)
    return "".join(parts)
