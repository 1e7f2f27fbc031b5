"""Names that are not known, told with those that are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near(given: str, names: Iterable[str]) -> str:
    """`did you mean ...?`, or nothing where no name is like what was given."""
    found = difflib.get_close_matches(given, sorted(names), n=2, cutoff=0.6)
    return f"did you mean {' or '.join(found)}?" if found else ""


def choose(given: str, names: Iterable[str]) -> str:
    """`did you mean ...? choose among ...` for messages."""
    names = sorted(names)
    hint = f"{near(given, names)} ".lstrip()
    return f"{hint}choose among {', '.join(names)}" if names else f"{hint}it takes none"
