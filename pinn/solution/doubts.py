"""Reasons not to trust an answer, in plain words, the gravest first.

They are read off the residuals on the report's fresh points, the history of the losses and the values of the outputs: a
constraint that is not met, one met far worse than the others, a network that fits its points and not the equation, a
run that ended too soon.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from pinn.analysis import Role, analyze
from pinn.domains import Points
from pinn.problem import Problem
from pinn.solution.outcome import Outcome
from pinn.solution.residuals import ConstraintReport
from pinn.solution.solution import Solution


def reasons_for_distrust(
    solution: Solution,
    constraints: tuple[ConstraintReport, ...],
    loss: float,
    points: Mapping[str, Points],
    outcome: Outcome | None,
) -> list[str]:
    """Reasons not to trust a solution, the gravest first; none where nothing speaks against it.

    Args:
        solution: what was found, with its history.
        constraints: their residuals on fresh points.
        loss: half the weighted mean square of the rows there.
        points: those points, by constraint name.
        outcome: how training ended; None where it is not known.
    """
    if not math.isfinite(loss):
        return [
            f"the residual is not finite ({outcome or 'training diverged'}): take a smaller step or check the equation"
        ]
    return [
        *_unmet(solution, constraints, points),
        *_unbalanced(solution.problem, constraints),
        *_overfitted(solution),
        *_unconverged(solution, outcome),
    ]


def _unmet(solution: Solution, constraints: tuple[ConstraintReport, ...], points: Mapping[str, Points]) -> list[str]:
    """Constraints that the answer does not satisfy, and the trivial solution that often hides behind them."""
    unmet = [one for one in constraints if one.relative is not None and one.relative > 0.05]
    said = [
        f"{one.name!r} is not satisfied: its residual is {one.relative:.0%} of what the zero function leaves"
        for one in unmet
    ]
    if not unmet:
        return []
    problem = solution.problem
    inside = next((points[name] for name in analyze(problem).of_role(Role.EQUATION) if name in points), None)
    if inside is None:
        return said
    value = solution(**{name: inside.column(name).numpy() for name in inside.names})
    outputs = value if isinstance(value, dict) else {problem.outputs[0]: value}
    for name, values in outputs.items():
        size = float(solution.model.get_buffer("sizes")[problem.outputs.index(name)])
        if float(np.ptp(values)) < 0.02 * size:
            said.insert(0, f"{name} is (nearly) constant: a trivial solution of the equation, not of the problem")
    return said


def _unbalanced(problem: Problem, constraints: tuple[ConstraintReport, ...]) -> list[str]:
    """A condition violated far more than the rest, in units of what the zero function leaves."""
    measured = [one for one in constraints if one.relative is not None]
    if len(measured) < 2:
        return []
    worst = max(measured, key=lambda one: one.relative or 0.0)
    best = min(measured, key=lambda one: one.relative or 0.0)
    assert worst.relative is not None and best.relative is not None
    if worst.relative > 1e-3 and worst.relative > 1e3 * best.relative:
        return [
            f"unbalanced constraints: {worst.name!r} is met to {worst.relative:.0e}, "
            f"{best.name!r} to {best.relative:.0e}; "
            f"raise the weight of {worst.name!r} (now {problem.weight(worst.name):g})"
        ]
    return []


def _overfitted(solution: Solution) -> list[str]:
    """The validation loss far above the loss on the points trained on, over the last evaluations."""
    validation, trained = solution.history.column("validation"), solution.history.column("loss")
    both = np.flatnonzero(np.isfinite(validation) & np.isfinite(trained) & (trained > 0))[-5:]
    if len(both) == 5:
        ratio = float(np.median(validation[both] / trained[both]))
        if ratio > 30:
            return [f"stale or too few points: the validation loss is {ratio:.0f} times that on the points trained on"]
    return []


def _unconverged(solution: Solution, outcome: Outcome | None) -> list[str]:
    """The validation loss still falling at the end, or hardly fallen at all."""
    steps, validation = solution.history.column("step"), solution.history.column("validation")
    evaluated = np.flatnonzero(np.isfinite(validation))
    if len(evaluated) < 2:
        return []
    least = np.minimum.accumulate(validation[evaluated])
    if least[-1] > 0.05 * least[0] and least[-1] > 0:
        return [f"hardly trained: the validation loss fell only from {least[0]:.1e} to {least[-1]:.1e}"]
    late = steps[evaluated] >= 0.8 * steps[evaluated][-1]
    if outcome is not None and outcome.ending.cut and late.any() and least[late][0] > 2 * least[-1]:
        return ["unconverged: the validation loss still halved in the last fifth of the run; more time would help"]
    return []
