"""TensorBoard: curves of every number of the history, one run beside another, and their settings as a table.

`tensorboard --logdir FOLDER` shows them. Written by `torch.utils.tensorboard`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pinn.training.trackers.tracker import Plain, Tracker, free_place, needed


class TensorBoard(Tracker):
    """Writes event files to `FOLDER/NAME`.

    Args:
        folder: is made where it is not there; runs of one folder are shown beside each other.
        name: of the run; one of that name is gone on with. Left out, the problem's, with a number where it is taken.
        settings: see `Tracker`.
        every: see `Tracker`.

    Attributes:
        path: of the run's folder, once it has begun.

    Raises:
        ImportError: where tensorboard is not installed.

    Example:
        >>> solve(problem, callbacks=[TensorBoard("outputs/tensorboard")])  # doctest: +SKIP
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        name: str | None = None,
        settings: Mapping[str, Any] | None = None,
        every: int = 1,
    ) -> None:
        super().__init__(name, settings, every)
        needed("TensorBoard", "tensorboard", "tensorboard")
        self.folder = Path(folder)
        self.path: Path | None = None
        self._settings: dict[str, Plain] = {}
        self._writer: Any = None

    def start(self, name: str | None, settings: Mapping[str, Plain]) -> None:
        """Open the event file."""
        from torch.utils.tensorboard import SummaryWriter  # takes a second to load

        self.path = free_place(self.folder, str(settings["problem"])) if name is None else self.folder / name
        self._settings = dict(settings)
        self._writer = SummaryWriter(str(self.path))

    def record(self, step: int, numbers: Mapping[str, float]) -> None:
        """A point on every curve."""
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)
        if "validation" in numbers:
            self._writer.flush()

    def finish(self, result: Mapping[str, Plain]) -> None:
        """The verdict as text, the settings and the result as a line of the table."""
        self._writer.add_text("verdict", f"**{result.get('verdict', '')}**: {result.get('reason', '')}")
        numbers = {
            f"result/{name}": float(value)
            for name, value in result.items()
            if isinstance(value, (int, float)) and math.isfinite(value)
        }
        self._writer.add_hparams(self._settings, numbers, run_name=".")
        self._writer.close()

    def fail(self, reason: str) -> None:
        """The reason as text."""
        self._writer.add_text("failed", reason)
        self._writer.close()
