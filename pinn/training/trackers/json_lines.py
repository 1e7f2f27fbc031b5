"""A file of lines, each a JSON object: it can be followed while the run lasts, and needs no other library.

The first line is `{"run": NAME, "settings": {...}}`, then comes one of each recorded step, `{"step": 1, "loss": ...}`,
and at the end `{"result": {...}}` or `{"failed": "..."}`. Infinite numbers and those that are none are null.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pinn.training.trackers.tracker import Plain, Tracker, free_place


class JSONLines(Tracker):
    """Writes `FOLDER/NAME.jsonl` as the run goes on.

    Args:
        folder: is made where it is not there.
        name: of the run; a file of that name is gone on with. Left out, the problem's, with a number where it is taken.
        settings: see `Tracker`.
        every: see `Tracker`.

    Attributes:
        path: of the file, once the run has begun.

    Example:
        >>> import tempfile
        >>> from pinn import solve
        >>> from pinn.problems import oscillator
        >>> tracker = JSONLines(tempfile.mkdtemp())
        >>> solution = solve(oscillator(), callbacks=[tracker], progress=False, verify=False, certify=False)
        >>> [next(iter(json.loads(line))) for line in tracker.path.read_text().splitlines()]
        ['run', 'step', 'result']
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        name: str | None = None,
        settings: Mapping[str, Any] | None = None,
        every: int = 1,
    ) -> None:
        super().__init__(name, settings, every)
        self.folder = Path(folder)
        self.path: Path | None = None

    def start(self, name: str | None, settings: Mapping[str, Plain]) -> None:
        """The first line."""
        if name is None:
            self.path = free_place(self.folder, str(settings["problem"]), ".jsonl")
        else:
            self.path = self.folder / f"{name}.jsonl"
            self.path.parent.mkdir(parents=True, exist_ok=True)
        self._write({"run": self.path.relative_to(self.folder).with_suffix("").as_posix(), "settings": dict(settings)})

    def record(self, step: int, numbers: Mapping[str, float]) -> None:
        """A line."""
        self._write({"step": step, **numbers})

    def finish(self, result: Mapping[str, Plain]) -> None:
        """The last line."""
        self._write({"result": dict(result)})

    def fail(self, reason: str) -> None:
        """The last line."""
        self._write({"failed": reason})

    def _write(self, content: Mapping[str, Any]) -> None:
        assert self.path is not None
        with self.path.open("a", encoding="utf-8") as file:  # opened anew each time: no run leaves it open
            file.write(json.dumps(_finite(content), allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(entry) for key, entry in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
