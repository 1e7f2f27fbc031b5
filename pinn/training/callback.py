"""Callbacks: what watches a run, and may stop it, but never changes its numbers.

Any function of a `Progress` is called after every step; a `Callback` is called at the beginning, after every step and
every evaluation of the validation loss, and at the end, and is given the solution. Either may
return `Stop("why")`, which ends the run after the step, and `Stop("why", run=False)` the stage alone. Each callback is
shown copies, and the parameters are put back after each call, so that none steers the run or another callback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pinn.model import Model
from pinn.objective import Objective
from pinn.solution.history import History, Row
from pinn.solution.solution import Solution
from pinn.training.stopping import Stop


@dataclass(frozen=True, eq=False)
class Progress:
    """What a callback sees.

    Attributes:
        row: a copy of the row just written; empty before the first step.
        objective: the points trained on, with the model at its current parameters.
        best: makes a copy of the model at the best parameters seen; `solution` is the way to it.
        rows: copies all rows up to this one; `history` is the way to them.
    """

    row: Row
    objective: Objective
    best: Callable[[], Model]
    rows: Callable[[], list[Row]]

    @cached_property
    def history(self) -> History:
        """All rows up to this one: a copy, made when it is first read."""
        return History(self.rows())

    def solution(self) -> Solution:
        """The answer so far: the best parameters seen on validation points, in a model of its own."""
        model = self.best()
        return Solution(model.problem, model, History(self.rows()))


class Callback:
    """What watches a run: write the methods that are needed, each returning `Stop("why")` to end the run, or None.

    Example:
        >>> class Enough(Callback):
        ...     def evaluation(self, progress):
        ...         return Stop("good enough") if progress.row["validation"] < 1e-10 else None
    """

    def begin(self, progress: Progress) -> Stop | None:
        """Before the first step."""

    def step(self, progress: Progress) -> Stop | None:
        """After a step."""

    def evaluation(self, progress: Progress) -> Stop | None:
        """After an evaluation of the validation loss, which `progress.row` holds.

        It comes before `step` of the same step where the evaluation was due by the work done, and after it where it is
        made because the stage ends or the network is to be widened. `error` is not in every such row.
        """

    def end(self, progress: Progress) -> Stop | None:
        """After the last step of training; what it returns is of no effect. Linear solves may follow."""

    def solved(self, solution: Solution) -> None:
        """The solution with its certificate and report, just before `solve` returns it."""

    def failed(self, error: BaseException) -> None:
        """An error, or a second Ctrl-C, ends `solve`, which then raises it."""


class Latest(Callback):
    """Remembers the way to the best answer so far, which outlives a run that an error ends.

    Example:
        >>> latest = Latest()
        >>> solution = solve(problem, callbacks=[latest, mine])  # doctest: +SKIP
        Traceback (most recent call last):
        ValueError: raised by `mine`, by the equation or by the reference
        >>> solution = latest.solution()  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._progress: Progress | None = None

    def begin(self, progress: Progress) -> None:
        """Remember."""
        self._progress = progress

    def step(self, progress: Progress) -> None:
        """Remember."""
        self._progress = progress

    def evaluation(self, progress: Progress) -> None:
        """Remember."""
        self._progress = progress

    def end(self, progress: Progress) -> None:
        """Remember."""
        self._progress = progress

    def solution(self) -> Solution | None:
        """The best parameters seen on validation points, in a model of its own; None before training has begun."""
        return None if self._progress is None else self._progress.solution()


class _AfterStep(Callback):
    """A plain function, called after every step."""

    def __init__(self, function: Callable[[Progress], Any]) -> None:
        self._function = function

    def step(self, progress: Progress) -> Stop | None:
        """Call it."""
        return self._function(progress)


class FailureTold:
    """A block whose error is told to callbacks before it goes on its way.

    Args:
        callbacks: are told.
    """

    def __init__(self, callbacks: Iterable[Callback]) -> None:
        self._callbacks = callbacks

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None:
            for callback in self._callbacks:
                callback.failed(error)


CallbackLike = Callback | Callable[[Progress], Any]


def as_callbacks(given: Iterable[CallbackLike]) -> tuple[Callback, ...]:
    """Callbacks and plain functions as callbacks.

    Raises:
        TypeError: naming what is neither.
    """
    if not hasattr(given, "__iter__"):
        raise TypeError(f"callbacks: got {given!r}, expected a list of functions or Callback objects; give [it]")
    found = []
    for one in given:
        if isinstance(one, type) or not (isinstance(one, Callback) or callable(one)):
            raise TypeError(
                f"callbacks: got {one!r}, expected a function of a Progress or a Callback object; give such as "
                "lambda progress: print(progress.row)"
            )
        found.append(one if isinstance(one, Callback) else _AfterStep(one))
    return tuple(found)
