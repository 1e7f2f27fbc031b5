"""What is written down of a run: rows of the history, the progress bar, and what callbacks say to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pinn.model import Model
from pinn.objective import Objective
from pinn.solution.history import History, Row
from pinn.training.callback import Callback, Progress
from pinn.training.monitor import ValidationMonitor
from pinn.training.progress_bar import ProgressBar
from pinn.training.stopping import Standing, Stop


class Journal:
    """Writes the history, evaluates where that is due, and calls the callbacks.

    Args:
        monitor: evaluates.
        callbacks: are called.
        bar: shows how far the run is.

    Attributes:
        history: the rows so far.
        steps: taken so far.
        stops: what callbacks said since the stage began.
        answer: makes a copy of the model of the best answer, which callbacks are shown; left as it is, that of the
            best parameters seen. What drives the training may know a better one.
    """

    def __init__(self, monitor: ValidationMonitor, callbacks: Sequence[Callback], bar: ProgressBar) -> None:
        self.monitor, self.callbacks, self.bar = monitor, callbacks, bar
        self.history = History()
        self.steps = 0
        self.stops: list[Stop] = []
        self.answer: Callable[[], Model] = monitor.best_model
        self._begun = False
        self._best: Row | None = None

    def begin(self, objective: Objective) -> list[Stop]:
        """Before the first step, once in a run; returns what callbacks said."""
        if not self._begun:
            self._begun = True
            self._call(lambda callback: callback.begin, objective)
        return self.stops

    def step(self, row: Row, objective: Objective) -> None:
        """A step was taken; an evaluation follows where one is due."""
        self.steps += 1
        self.write(row | {"step": self.steps})
        self.bar.step(self.history[-1])
        if self.monitor.due():
            self.evaluate(objective)
        self._call(lambda callback: callback.step, objective)

    def standing(self, stage_steps: int, seconds: float, stage_seconds: float, loss: float) -> Standing:
        """Where the run stands, for criteria to judge; see `Standing`."""
        monitor = self.monitor
        return Standing(
            self.steps, stage_steps, seconds, stage_seconds, loss, monitor.best, monitor.evaluations, monitor.idle
        )

    def write(self, row: Row) -> None:
        """Add a row."""
        self.history.append(row)

    def evaluate(self, objective: Objective, last: bool = False) -> None:
        """Evaluate the present parameters; the last row tells it, with their error where it is the last of a stage."""
        row, least = self.history[-1], self.monitor.best
        row |= self.monitor.evaluate()
        if self.monitor.best < least:
            self._best = row
        if last:
            self.measure()
        self.bar.step(row)
        self._call(lambda callback: callback.evaluation, objective)

    def measure_best(self) -> None:
        """See that the row of the best parameters, which the model has been given back, tells their error."""
        if self._best is not None and "error" not in self._best:
            self._best.update(self.monitor.error())

    def measure(self) -> None:
        """See that the last row, whose parameters have been evaluated, tells their error as well."""
        if "error" not in self.history[-1]:
            self.history[-1].update(self.monitor.error())

    def end(self, objective: Objective) -> None:
        """After the last step."""
        self._call(lambda callback: callback.end, objective)

    def state_dict(self) -> dict[str, Any]:
        """What a continuation needs, as plain values: the history, the steps taken, and which row is the best's."""
        best = next((index for index, row in enumerate(self.history) if row is self._best), None)
        return {"history": self.history.as_plain(), "steps": self.steps, "best": best}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self.history = History.from_plain(state["history"])
        self.steps = state["steps"]
        self._best = None if state["best"] is None else self.history[state["best"]]

    def _call(self, which: Callable[[Callback], Callable[[Progress], Stop | None]], objective: Objective) -> None:
        if not self.callbacks:
            return
        theta, rows = objective.vector(), len(self.history)
        for callback in self.callbacks:
            # Each is shown copies of its own, so that none sees what another has written.
            row = dict(self.history[-1]) if rows else {}
            progress = Progress(row, objective, self.answer, partial(self._copies, rows))
            try:
                stop = which(callback)(progress)
            finally:
                objective.assign(theta)  # who watches does not steer
            if isinstance(stop, Stop):
                self.stops.append(stop if stop.run is not None else replace(stop, run=True))

    def _copies(self, rows: int) -> list[Row]:
        """Copies of the first rows of the history."""
        return [dict(row) for row in self.history.rows[:rows]]
