"""What a person sees of a run while it goes on: a bar on a terminal or in a notebook, else a line of the log a minute.

The bar fills with the seconds, or with the decades from the first estimated error to the tolerance, whichever is
further; without either it counts steps. Beside it stand losses, error, stage and the size of the network. Nothing here
is read by the run.
"""

from __future__ import annotations

import logging
import math
import sys
from types import TracebackType
from typing import Any

from tqdm.auto import tqdm

from pinn.solution.history import Row

_LOG = logging.getLogger("pinn.training.progress")
_EVERY = 60.0  # seconds between two lines of the log
_FORMATS = {"loss": "loss {:.1e}", "validation": "on new points {:.1e}", "error": "error {:.1e}"}


class ProgressBar:
    """A bar, lines of the log, or nothing.

    Args:
        shown: whether anything is wanted; otherwise nothing is shown or logged.
        seconds: of the whole run, where they are limited.
        tolerance: estimated relative error at which the run ends, where one is asked for.

    Attributes:
        tolerance: see above; may be said later, before the first step.

    Example:
        >>> with ProgressBar(False) as bar:
        ...     bar.step({"step": 1, "stage": 0, "seconds": 0.1, "loss": 0.5, "parameters": 20})
    """

    def __init__(self, shown: bool, seconds: float | None = None, tolerance: float | None = None) -> None:
        self.tolerance = tolerance
        self._seconds = seconds if seconds is not None and math.isfinite(seconds) else None
        self._bars, self._logs = shown and interactive(), shown
        self._bar: Any = None
        self._row: dict[str, float] = {}
        self._first: float | None = None
        self._error: float | None = None
        self._told = 0.0

    def step(self, row: Row) -> None:
        """A step was taken, or evaluated; its row."""
        self._row |= {name: row[name] for name in ("step", "stage", "seconds", *_FORMATS, "parameters") if name in row}
        if self._bars:
            self._show()
        elif self._logs and self._row.get("seconds", 0.0) - self._told >= _EVERY:
            self._told = self._row["seconds"]
            _LOG.info("%s", self.text)

    def estimated(self, error: float) -> None:
        """The answer has this estimated error now."""
        self._error = error
        self._first = error if self._first is None else self._first
        if self._bars:
            self._show()

    def describe(self, what: str) -> None:
        """What is being done beside steps."""
        if self._bars:
            self._made().set_description_str(what)

    @property
    def text(self) -> str:
        """How far the run is, in a line."""
        row = self._row
        parts = [f"{row.get('seconds', 0.0):.0f} s" + ("" if self._seconds is None else f" of {self._seconds:.0f}")]
        parts.append(f"step {int(row.get('step', 0))}")
        if row.get("stage"):
            parts.append(f"stage {int(row['stage']) + 1}")
        parts += [form.format(row[name]) for name, form in _FORMATS.items() if name in row]
        if self._error is not None:
            parts.append(f"estimated error {self._error:.0e}")
        if "parameters" in row:
            parts.append(f"{int(row['parameters'])} parameters")
        return ", ".join(parts)

    @property
    def share(self) -> float | None:
        """The part of the run that is over, 0 to 1: of its seconds, or of the way to its tolerance; None without."""
        shares = []
        if self._seconds is not None:
            shares.append(self._row.get("seconds", 0.0) / self._seconds)
        if self.tolerance is not None:
            shares.append(0.0)
            if self._first is not None and self._error is not None and 0 < self.tolerance < self._first:
                shares.append(math.log(self._first / self._error) / math.log(self._first / self.tolerance))
        return min(max(shares), 1.0) if shares else None

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _made(self) -> Any:
        if self._bar is None:
            known = self.share is not None
            form = "{desc}{percentage:3.0f}%|{bar}|{postfix}" if known else "{desc}{n_fmt} steps, {rate_fmt}{postfix}"
            self._bar = tqdm(
                total=float(known) or None, unit=" steps", bar_format=form, dynamic_ncols=True, leave=False
            )
        return self._bar

    def _show(self) -> None:
        bar, share = self._made(), self.share
        bar.set_postfix_str(self.text, refresh=False)
        bar.update(max((self._row.get("step", 0) if share is None else share) - bar.n, 0.0))


def interactive() -> bool:
    """Whether somebody looks on: at a terminal, or in a notebook."""
    kernel = sys.modules.get("IPython")
    shell = None if kernel is None else kernel.get_ipython()
    notebook = shell is not None and "IPKernelApp" in shell.config
    return notebook or (sys.stderr is not None and sys.stderr.isatty())
