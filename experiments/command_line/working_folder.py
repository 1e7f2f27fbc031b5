"""The user's own modules lie in the folder where the command is given."""

from __future__ import annotations

import sys
from pathlib import Path


def importable() -> None:
    """Let modules of the working folder be found, from a console script too."""
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, "")
