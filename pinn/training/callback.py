"""Callbacks: what watches a run, and may stop it, but never changes its numbers.

Any function of a `Progress` is called after every step; a `Callback` is called at the beginning, after every step and
every evaluation of the validation loss, and at the end. Either may return `Stop("why")`, which ends the run after the
step. The parameters are put back to where they were after every call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
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
        history: all rows so far.
        best: makes a copy of the model at the best parameters seen; `solution` is the way to it.
    """

    row: Row
    objective: Objective
    history: History
    best: Callable[[], Model]

    def solution(self) -> Solution:
        """The answer so far: the best parameters seen on validation points, in a model of its own."""
        model = self.best()
        return Solution(model.problem, model, History([dict(row) for row in self.history]))


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
        """After an evaluation of the validation loss, which `progress.row` holds; before `step` of the same step."""

    def end(self, progress: Progress) -> Stop | None:
        """After the last evaluation; what it returns is of no effect."""


class _AfterStep(Callback):
    """A plain function, called after every step."""

    def __init__(self, function: Callable[[Progress], Any]) -> None:
        self._function = function

    def step(self, progress: Progress) -> Stop | None:
        """Call it."""
        return self._function(progress)


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
