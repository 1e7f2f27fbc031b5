"""What the builder of the API pages calls on each docstring: its example is a section of examples."""

from __future__ import annotations

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^Example:$", re.MULTILINE)


class Examples(griffe.Extension):
    """`Example:`, as the docstrings here have it, becomes the section `Examples:` that the builder knows."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called with each object that has been read."""
        if obj.docstring is not None:
            obj.docstring.value = _EXAMPLE.sub("Examples:", obj.docstring.value)
