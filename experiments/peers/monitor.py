"""The clock and the measure of a peer's run: the same grid, the same reference and the same limit as for this library.

The clock is that of the wall, or of the processor where other programs use the machine as well.

The error is evaluated about every quarter second, as often as the trainer here does by the work done. Evaluations do
not count in the peer's time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pinn.problem import Problem
from pinn.solution import evaluation_points

Array = NDArray[np.float64]
Predict = Callable[[Array], Array]


class ErrorMonitor:
    """Records error and coefficients against time, and says when the time is up.

    Args:
        problem: with a reference.
        seconds: limit of the peer's own time.
        every: seconds between evaluations.
        clock: in seconds; left out, that of the wall.
    """

    def __init__(
        self, problem: Problem, seconds: float, every: float = 0.25, clock: Callable[[], float] | None = None
    ) -> None:
        points = evaluation_points(problem)
        self.problem = problem
        self.x: Array = np.stack([points.column(name).numpy() for name in problem.coordinates], axis=1)
        # All outputs that the reference gives, one after the other.
        self.exact: Array = np.concatenate(list(problem.exact(points).values()))
        self.seconds, self.every, self.clock = seconds, every, clock or time.perf_counter
        self.history: dict[str, list[float | None]] = {"seconds": [], "error": [], "coefficients": []}
        self.steps = 0
        self.first = math.nan
        self.evaluating = 0.0
        self.published: dict[str, float] | None = None
        self.found: dict[str, float] = {}
        self._evaluated = -math.inf
        self._began = self.clock()

    def begin(self) -> None:
        """Start the clock."""
        self._began = self.clock()

    @property
    def elapsed(self) -> float:
        """The peer's own seconds so far."""
        return self.clock() - self._began - self.evaluating

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self.elapsed >= self.seconds

    def step(self, predict: Predict, coefficients: Mapping[str, float], count: int = 1) -> bool:
        """To be called after every step (or every few of them); returns whether the time is up."""
        now = self.elapsed
        self.first = now if self.steps == 0 else self.first
        self.steps += count
        if now - self._evaluated >= self.every:
            self.evaluate(predict, coefficients)
        return self.over

    def evaluate(self, predict: Predict, coefficients: Mapping[str, float]) -> float:
        """Measure now; returns the relative L2 error. Values are (n, 1) or (n,), several outputs (m, n)."""
        before = self.clock()
        return self.note(self.elapsed, predict, coefficients, before)

    def note(self, now: float, predict: Predict, coefficients: Mapping[str, float], before: float) -> float:
        """Measure, as of `now` of the peer's own seconds; the clock stands still since it showed `before`."""
        self._evaluated = now
        difference = np.asarray(predict(self.x), dtype=np.float64).reshape(-1) - self.exact
        error = float(np.linalg.norm(difference) / np.linalg.norm(self.exact))
        self.found = dict(coefficients)
        self.history["seconds"].append(round(now, 6))
        self.history["error"].append(_short(error))
        self.history["coefficients"].append(_short(max(self.coefficient_errors().values(), default=math.nan)))
        self.evaluating += self.clock() - before
        return error

    def end_of_schedule(self, predict: Predict, coefficients: Mapping[str, float]) -> None:
        """The published schedule ends here; what follows is its last phase, continued to the limit."""
        error = self.evaluate(predict, coefficients)
        self.published = {"seconds": self.elapsed, "error": error}

    def coefficient_errors(self) -> dict[str, float]:
        """Relative errors of the unknowns at the last evaluation."""
        true = self.problem.exact_coefficients
        return {name: abs(self.found[name] - true[name]) / (abs(true[name]) or 1.0) for name in self.found}

    def result(self, error: float, **more: Any) -> dict[str, Any]:
        """The record's part that the monitor knows."""
        return {
            "error": error,
            "coefficient_errors": self.coefficient_errors(),
            "reference_error": self.problem.reference_error,
            "steps": self.steps,
            "published": self.published,
            "history": self.history,
            **more,
        }


def _short(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None
