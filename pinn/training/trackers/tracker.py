"""What all trackers have in common: which rows are recorded, with what name and settings, and what is said at the end.

A row of the history is recorded after its step. An evaluation that is made because a stage ends comes after that, and
is recorded at the same step with the numbers that are new. Rows that no step wrote, such as that of a solve on fixed
neurons, follow at the end. Then comes the result: numbers and verdict of the report.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from pinn.solution.history import Row
from pinn.solution.solution import Solution
from pinn.training.callback import Callback, Progress
from pinn.validation import count

Plain = str | float | int | bool


class Tracker(Callback, ABC):
    """Records a run somewhere: write `start`, `record`, `finish` and `fail`, and it is a tracker.

    Args:
        name: of the run; left out, that of its problem, with a number where it is taken.
        settings: what the run is called with, for those who compare runs; anything that `str` shows.
        every: steps between two rows that are recorded; rows with an evaluation always are.

    Example:
        >>> class Printed(Tracker):
        ...     def start(self, name, settings): print(settings["problem"], "begins")
        ...     def record(self, step, numbers): print(step, sorted(numbers)[:2])
        ...     def finish(self, result): print(result["verdict"])
        ...     def fail(self, reason): print(reason)
        >>> from pinn import solve
        >>> from pinn.problems import oscillator
        >>> solution = solve(oscillator(), callbacks=[Printed()], progress=False, verify=False, certify=False)
        oscillator begins
        0 ['accepted', 'loss']
        trusted
    """

    def __init__(self, name: str | None = None, settings: Mapping[str, Any] | None = None, every: int = 1) -> None:
        count(type(self).__name__, 1, every=every)
        self.name = name
        self.settings = dict(settings or {})
        self.every = every
        self._seen = 0  # rows of the history that were recorded or passed over
        self._last: Row = {}  # as it was recorded
        self._open = False

    @final
    def describe(self, name: str, settings: Mapping[str, Any]) -> None:
        """Say what the run is called, and what it is called with, where its own name and settings do not."""
        self.name = name if self.name is None else self.name
        self.settings = {**settings, **self.settings}

    @abstractmethod
    def start(self, name: str | None, settings: Mapping[str, Plain]) -> None:
        """A run begins or goes on.

        Args:
            name: what the run was named, or None.
            settings: by dotted name; `problem` is always among them.
        """

    @abstractmethod
    def record(self, step: int, numbers: Mapping[str, float]) -> None:
        """Numbers of one step, which may be recorded in two parts; some may be infinite or no number."""

    @abstractmethod
    def finish(self, result: Mapping[str, Plain]) -> None:
        """The run has ended with a solution; `result` has its error, verdict, unknowns and the like."""

    @abstractmethod
    def fail(self, reason: str) -> None:
        """The run was ended by an error."""

    # -- as a callback --------------------------------------------------------------------------------------------

    @final
    def begin(self, progress: Progress) -> None:
        """Start, with the problem's name among the settings; rows of a run that goes on are recorded already."""
        self._seen, self._last = len(progress.history), {}
        own = {"problem": progress.objective.model.problem.name}
        self.start(self.name, {**own, **flat(self.settings)})
        self._open = True  # what could not start has no place where a failure could be recorded

    @final
    def step(self, progress: Progress) -> None:
        """Record the row of the step, where it is due."""
        self._seen = len(progress.history)
        row = progress.row
        self._last = row
        if int(row["step"]) % self.every == 0 or "validation" in row:
            self._record(row)

    @final
    def evaluation(self, progress: Progress) -> None:
        """Record what an evaluation adds to a row that was recorded before."""
        row = progress.row
        if row["step"] != self._last.get("step"):
            return  # its step follows
        new = {key: value for key, value in row.items() if key not in self._last}
        self._last = row
        if new:
            self._record({"step": row["step"], **new})

    @final
    def end(self, progress: Progress) -> None:
        """Record rows that no step wrote."""
        for row in progress.history.rows[self._seen :]:
            self._record(row)
        self._seen = len(progress.history)

    @final
    def solved(self, solution: Solution) -> None:
        """Finish with the result."""
        if self._open:
            self._open = False
            for row in solution.history.rows[self._seen :]:
                self._record(row)
            self.finish(result_of(solution))

    @final
    def failed(self, error: BaseException) -> None:
        """Fail, where the run had begun."""
        if self._open:
            self._open = False
            self.fail(f"{type(error).__name__}: {error}")

    def _record(self, row: Row) -> None:
        self.record(int(row["step"]), {key: float(value) for key, value in row.items() if key != "step"})


def result_of(solution: Solution) -> dict[str, Plain]:
    """Numbers and words of a solution's report, by name; unknowns as `coefficients/NAME`."""
    report = solution.report
    if report is None:
        return {}
    certificate = solution.certificate
    found: dict[str, Plain | None] = {
        "verdict": report.judgement.verdict.value,
        "trusted": report.trusted,
        "reason": report.reason,
        "error": report.error,
        "estimated_error": None if certificate is None else certificate.error,
        "loss": report.loss,
        "steps": report.steps,
        "seconds": report.seconds,
        "parameters": report.parameters,
        **{f"coefficients/{name}": value for name, value in report.coefficients.items()},
    }
    return {name: value for name, value in found.items() if value is not None}


def flat(settings: Mapping[str, Any], before: str = "") -> dict[str, Plain]:
    """Nested settings by dotted name, what is neither number nor text as text.

    Example:
        >>> flat({"network": {"width": 30}, "stages": [1, 2], "seed": 0})
        {'network.width': 30, 'stages': '[1, 2]', 'seed': 0}
    """
    found: dict[str, Plain] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{before}{key}.")
        else:
            found[f"{before}{key}"] = value if isinstance(value, (str, float, int, bool)) else str(value)
    return found


def free_place(folder: Path, name: str, suffix: str = "") -> Path:
    """`folder/name`, made as an empty folder or file that was not there: with -2, -3, … where it is taken."""
    folder.mkdir(parents=True, exist_ok=True)
    tried = 1
    while True:
        path = folder / f"{name}{'' if tried == 1 else f'-{tried}'}{suffix}"
        try:
            if suffix:
                path.touch(exist_ok=False)
            else:
                path.mkdir()
        except FileExistsError:
            tried += 1
            continue
        return path


def needed(what: str, module: str, extra: str) -> Any:
    """An optional library.

    Raises:
        ImportError: saying how to get it.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        name = module.split(".")[-1]
        raise ImportError(f'{what}: {name} is not installed; pip install "pinn[{extra}]" brings it') from None
