"""Runs a classical program at one resolution after the other: error against the seconds of each by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .monitor import Array, ErrorMonitor
from .recipes import Resolutions

CHUNK = 1000
"""Points that a solution is evaluated at together: scikit-fem searches each among all cells."""


def run(program: Callable[..., Any], recipe: Resolutions, monitor: ErrorMonitor, **given: Any) -> dict[str, Any]:
    """Measure a program at every resolution, as long as the limit is not passed.

    The seconds of an entry of the history are those that its resolution alone took, from the call to a solution that
    can be evaluated; a finer one that took less than a coarser one takes its place.

    Args:
        program: a resolution -> the solution as a function of the coordinates, or that and the coefficients found.
        recipe: the resolutions.
        monitor: clock and measure, begun.
        given: more arguments of the program.
    """
    found: list[tuple[float, Any, dict[str, float]]] = []
    for step in recipe.steps:
        before = monitor.clock()
        answer = program(*step, **given)
        own = monitor.clock() - before
        solution, coefficients = answer if isinstance(answer, tuple) else (answer, {})
        found.append((own, solution, coefficients))
        if monitor.elapsed >= monitor.seconds:
            break
    kept = [entry for i, entry in enumerate(found) if all(entry[0] < later[0] for later in found[i + 1 :])]
    error = np.inf
    for own, solution, coefficients in kept:

        def predict(x: Array, solution: Any = solution) -> Array:
            parts = [np.atleast_2d(solution(*part.T)) for part in np.array_split(x, -(-len(x) // CHUNK))]
            return np.concatenate(parts, axis=1).reshape(-1)

        error = monitor.note(own, predict, coefficients, monitor.clock())
    monitor.steps, monitor.first = len(found), kept[0][0]
    return monitor.result(
        error,
        reason=f"{len(found)} of {len(recipe.steps)} resolutions",
        points=0,
        parameters=0,
        dtype="float64",
    )
