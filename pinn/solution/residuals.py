"""What the constraints leave on fresh points: how large, where, and against what the zero function would leave.

For each constraint: root-mean-square and largest residual r, where the largest is, the fraction of the loss that its
w mean(r^2) is, and the shortest interval of each coordinate that holds half of the sum of r^2. A residual has the
equation's units, so it is also given relative to what the zero function would leave, where that is not zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pinn.analysis import Role, analyze
from pinn.derivatives import Autograd
from pinn.domains import Points
from pinn.objective import Equations
from pinn.problem import Problem

Array = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class ConstraintReport:
    """One constraint on fresh points.

    Attributes:
        name: of the constraint.
        rms: root-mean-square of its rows, in the equation's units.
        largest: largest absolute row, in the equation's units.
        where: the point of the largest row, by coordinate.
        fraction_of_loss: its part of the weighted loss, 0 to 1.
        relative: rms over that of the zero function, dimensionless; None where the zero function leaves nothing.
        concentrated: coordinate -> (low, high) holding half the sum of squares, if under a fifth of the extent.
    """

    name: str
    rms: float
    largest: float
    where: Mapping[str, float]
    fraction_of_loss: float
    relative: float | None
    concentrated: Mapping[str, Interval] = field(default_factory=dict)


def measured_constraints(
    equations: Equations, points: Mapping[str, Points]
) -> tuple[tuple[ConstraintReport, ...], float]:
    """Every constraint on its points, and half the weighted mean square of the rows there.

    Args:
        equations: the constraints, the model and the engine that evaluates them.
        points: by constraint name, in any precision; none of them trained on.

    Returns:
        One report a constraint, in the problem's order, and the weighted loss, dimensionless.
    """
    problem = equations.problem
    like = next(equations.model.parameters())
    measured = []
    for name, place in points.items():
        reduction = problem.constraints[name].reduction
        rows = reduction.stated(equations.stated(name, place.to(like.dtype, like.device)).double().cpu())
        zero = _zero_rms(problem, name, place)
        sized = rows / torch.tensor(equations.model.scales.rows[name], dtype=rows.dtype)
        square = sized.pow(2).sum(1)
        measured.append((name, place, rows, square, zero))
    losses = {name: 0.5 * problem.weight(name) * float(square.mean()) for name, _, _, square, _ in measured}
    total = sum(losses.values())
    reports = []
    for name, place, rows, square, zero in measured:
        rms = math.sqrt(float(rows.pow(2).mean()))
        pointwise = problem.constraints[name].reduction.pointwise
        worst = int(square.argmax())
        reports.append(
            ConstraintReport(
                name=name,
                rms=rms,
                largest=float(rows.abs().max()),
                where={key: float(place.column(key)[worst]) for key in place.names} if pointwise else {},
                fraction_of_loss=losses[name] / total if total > 0 else 0.0,
                relative=rms / zero if zero > 0 else None,
                concentrated=_concentrated(problem, name, place, square),
            )
        )
    return tuple(reports), total


def _zero_rms(problem: Problem, name: str, points: Points) -> float:
    """Root-mean-square that the zero function leaves; NaN where the equation cannot take it."""

    def zero(columns: Mapping[str, Any]) -> dict[str, Any]:
        nothing = 0 * sum(columns.values())
        fields = {key: value for key, value in problem.unknowns.items() if value.inputs}
        return dict.fromkeys(problem.outputs, nothing) | {k: nothing + v.initial for k, v in fields.items()}

    numbers = {key: torch.tensor(v.initial, dtype=torch.float64) for key, v in problem.unknowns.items() if not v.inputs}
    place = points.to(torch.float64, torch.device("cpu"))
    bound = Autograd().bind(zero, problem.equation(name), place.names)
    rows = problem.constraints[name].reduction.stated(
        bound.residual(place.x, {**numbers, **place.constants()}).detach()
    )
    return math.sqrt(float(rows.pow(2).mean()))


def _concentrated(problem: Problem, constraint: str, points: Points, square: Tensor) -> dict[str, Interval]:
    """Coordinates in which half of the sum of squares lies within a fifth of the domain's extent, for an equation."""
    weight = square.numpy()
    total = float(weight.sum())
    inside = analyze(problem).constraints[constraint].role is Role.EQUATION
    if not inside or weight.size != points.n or points.n < 100 or not total > 0 or not math.isfinite(total):
        return {}
    found = {}
    for name in points.names:
        column = points.column(name).double().cpu().numpy()
        low, high = problem.domain.bounds[name]
        if float(np.ptp(column)) < 0.5 * (high - low):
            continue
        start, stop = _half(column, weight)
        if stop - start < 0.2 * (high - low):
            found[name] = (start, stop)
    return found


def _half(column: Array, weight: Array) -> Interval:
    """The shortest interval of `column` that holds half of `weight`."""
    order = np.argsort(column)
    x, before = column[order], np.concatenate([[0.0], np.cumsum(weight[order])])
    stop = np.searchsorted(before[1:], before[:-1] + 0.5 * before[-1])
    start = np.flatnonzero(stop < len(x))
    best = start[np.argmin(x[stop[start]] - x[start])]
    return float(x[best]), float(x[stop[best]])
