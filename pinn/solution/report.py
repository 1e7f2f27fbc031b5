"""The run's account of itself: how wrong the answer is known to be, and reasons not to trust it, in plain words.

Residuals are measured on fresh Sobol points that neither training nor the choice of the best parameters has seen. For
each constraint: root-mean-square and largest residual r, where the largest is, the constraint's share w mean(r^2) of
the loss, and the shortest interval of each coordinate that holds half of the sum of r^2. A residual has the equation's
units, so it is also given relative to what the zero function would leave, where that is not zero. An error below the
floor of its reference is not printed as one.
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

from pinn.derivatives import Autograd
from pinn.domains import Points
from pinn.objective import Equations
from pinn.problem import Problem
from pinn.sampling.uniform import spread
from pinn.solution.outcome import Outcome
from pinn.solution.solution import Solution

Array = NDArray[np.float64]
Interval = tuple[float, float]


def score(error: float, floor: float = 0.0) -> str:
    """An error as text, never below what the reference itself is known to be wrong by.

    Args:
        error: relative L2 against the reference, dimensionless.
        floor: relative L2 of the reference against the truth, dimensionless; 0 for closed forms.

    Example:
        >>> score(3.21e-6), score(1e-9, floor=2e-7)
        ('rel-L2 3.2e-06', 'rel-L2 at the reference’s floor 2.0e-07')
    """
    if error < floor:
        return f"rel-L2 at the reference’s floor {floor:.1e}"
    return f"rel-L2 {error:.1e}"


@dataclass(frozen=True)
class ConstraintReport:
    """One constraint on fresh points.

    Attributes:
        name: of the constraint.
        rms: root-mean-square of its rows, in the equation's units.
        largest: largest absolute row, in the equation's units.
        where: the point of the largest row, by coordinate.
        share: its part of the weighted loss, 0 to 1.
        relative: rms over that of the zero function, dimensionless; None where the zero function leaves nothing.
        concentrated: coordinate -> (low, high) holding half the sum of squares, if under a fifth of the extent.
    """

    name: str
    rms: float
    largest: float
    where: Mapping[str, float]
    share: float
    relative: float | None
    concentrated: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What a run says of itself; `print(report)` for people, `report.as_dict()` for files.

    Attributes:
        problem: its name.
        error: relative L2 of all outputs stacked, None without a reference.
        errors: relative L2 of each output that the reference gives.
        floor: relative L2 that the reference is known to be wrong by.
        coefficients: the unknowns that were found, in their own units.
        coefficient_errors: their relative errors, where the truth is known.
        constraints: one entry each, on fresh points.
        loss: half the weighted mean square of the rows on those points.
        seconds: wall time of training.
        steps: optimizer steps.
        outcome: how training ended, None where it is not known; `reason` and `ending` say the same as text.
        parameters: number of trained numbers.
        dtype: their precision.
        seed: of weights and points.
        checked: number of comparisons made before the run, 0 where it was not verified.
        warnings: reasons not to trust the answer; empty when none was found.
    """

    problem: str
    error: float | None
    errors: Mapping[str, float]
    floor: float
    coefficients: Mapping[str, float]
    coefficient_errors: Mapping[str, float]
    constraints: tuple[ConstraintReport, ...]
    loss: float
    seconds: float
    steps: int
    outcome: Outcome | None
    parameters: int
    dtype: str
    seed: int
    checked: int
    warnings: tuple[str, ...]

    @classmethod
    def of(
        cls,
        solution: Solution,
        equations: Equations,
        *,
        check: Any | None = None,
        outcome: Outcome | None = None,
        seed: int = 0,
        size: int = 4000,
    ) -> Report:
        """Measure a solution on fresh points.

        Args:
            solution: what was found.
            equations: the constraints and engine it was trained with.
            check: the table of comparisons made before the run.
            outcome: how training ended.
            seed: of the run; the fresh points come from another one.
            size: fresh points on the domain itself.
        """
        problem, history = solution.problem, solution.history
        points = spread(problem, size, torch.Generator().manual_seed(seed + 0x5EED))
        constraints, loss = _constraints(equations, points)
        parameters = list(solution.model.parameters())
        known = problem.reference is not None
        return cls(
            problem=problem.name,
            error=solution.error() if known else None,
            errors=solution.errors() if known else {},
            floor=problem.floor,
            coefficients=solution.coefficients,
            coefficient_errors=solution.coefficient_errors(),
            constraints=constraints,
            loss=loss,
            seconds=float(history[-1]["seconds"]) if len(history) else 0.0,
            steps=int(history[-1]["step"]) if len(history) else 0,
            outcome=outcome,
            parameters=sum(parameter.numel() for parameter in parameters),
            dtype=str(parameters[0].dtype).removeprefix("torch."),
            seed=seed,
            checked=0 if check is None else len(check.rows),
            warnings=tuple(_warnings(solution, constraints, loss, points, outcome)),
        )

    @property
    def reason(self) -> str:
        """Why training ended, in plain words; empty where it is not known."""
        return "" if self.outcome is None else str(self.outcome)

    @property
    def ending(self) -> str:
        """What ended training, the value of an `Ending`; empty where it is not known."""
        return "" if self.outcome is None else self.outcome.ending.value

    @property
    def trusted(self) -> bool:
        """Whether no reason for distrust was found."""
        return not self.warnings

    def as_dict(self) -> dict[str, Any]:
        """Plain values only, as JSON wants them."""
        plain = {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("constraints", "outcome")
        }
        plain |= {"reason": self.reason, "ending": self.ending}
        plain |= {name: dict(value) for name, value in plain.items() if isinstance(value, Mapping)}
        plain["warnings"] = list(self.warnings)
        plain["constraints"] = {
            one.name: {
                "rms": one.rms,
                "largest": one.largest,
                "where": dict(one.where),
                "share": one.share,
                "relative": one.relative,
                "concentrated": {name: list(interval) for name, interval in one.concentrated.items()},
            }
            for one in self.constraints
        }
        return plain

    def __str__(self) -> str:
        known = "no reference" if self.error is None else score(self.error, self.floor)
        lines = [
            f"{self.problem}: {known} after {self.seconds:.1f} s "
            f"({self.steps} steps, {self.parameters} parameters, {self.dtype}, seed {self.seed})",
            f"ended: {self.reason}" if self.reason else "",
            f"checked before: {self.checked} comparisons held" if self.checked else "not verified before the run",
        ]
        if len(self.errors) > 1:
            lines.append("by output: " + ", ".join(f"{name} {value:.1e}" for name, value in self.errors.items()))
        for name, value in self.coefficients.items():
            wrong = self.coefficient_errors.get(name)
            lines.append(f"{name} = {value:.8g}" + ("" if wrong is None else f", relative error {wrong:.1e}"))
        lines += self._table()
        lines += [f"! {warning}" for warning in self.warnings] or ["nothing speaks against the answer"]
        return "\n".join(line for line in lines if line)

    def _table(self) -> list[str]:
        width = max(len("on fresh points"), *(len(one.name) for one in self.constraints))
        lines = [f"{'on fresh points':<{width}}  rms resid.  of zero's   largest  share  at"]
        for one in self.constraints:
            relative = "—" if one.relative is None else f"{one.relative:.1e}"
            place = ", ".join(f"{name} = {value:.3g}" for name, value in one.where.items())
            lines.append(
                f"{one.name:<{width}}  {one.rms:10.1e}  {relative:>9}  {one.largest:8.1e}  {one.share:4.0%}   {place}"
            )
        for one in self.constraints:
            for name, (low, high) in one.concentrated.items():
                lines.append(f"half of the squared residual of {one.name!r} lies in {low:.3g} ≤ {name} ≤ {high:.3g}")
        return lines


def _constraints(equations: Equations, points: Mapping[str, Points]) -> tuple[tuple[ConstraintReport, ...], float]:
    """Every constraint on its fresh points, and the weighted loss there."""
    problem = equations.problem
    like = next(equations.model.parameters())
    measured = []
    for name, place in points.items():
        rows = equations.residual(name, place.to(like.dtype, like.device)).double().cpu()
        zero = _zero_rms(problem, name, place)
        if problem.constraints[name].integral:
            rows = rows.mean(0, keepdim=True) * problem.constraints[name].on.measure
        square = rows.pow(2).sum(1)
        measured.append((name, place, rows, square, zero))
    losses = {name: 0.5 * problem.weight(name) * float(square.mean()) for name, _, _, square, _ in measured}
    total = sum(losses.values())
    reports = []
    for name, place, rows, square, zero in measured:
        rms = math.sqrt(float(rows.pow(2).mean()))
        pointwise = square.numel() == place.n and not problem.constraints[name].integral
        worst = int(square.argmax())
        reports.append(
            ConstraintReport(
                name=name,
                rms=rms,
                largest=float(rows.abs().max()),
                where={key: float(place.column(key)[worst]) for key in place.names} if pointwise else {},
                share=losses[name] / total if total > 0 else 0.0,
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
    rows = (
        Autograd()
        .residual(zero, problem.equation(name), place.x, place.names, {**numbers, **place.constants()})
        .detach()
    )
    if problem.constraints[name].integral:
        rows = rows.mean(0, keepdim=True) * problem.constraints[name].on.measure
    return math.sqrt(float(rows.pow(2).mean()))


def _concentrated(problem: Problem, constraint: str, points: Points, square: Tensor) -> dict[str, Interval]:
    """Coordinates in which half of the sum of squares lies within a fifth of the domain's extent, for an equation."""
    weight = square.numpy()
    total = float(weight.sum())
    inside = problem.constraints[constraint].on.dimension == problem.domain.dimension
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


def _warnings(
    solution: Solution,
    constraints: tuple[ConstraintReport, ...],
    loss: float,
    points: Mapping[str, Points],
    outcome: Outcome | None,
) -> list[str]:
    """Reasons for distrust, the gravest first."""
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
    inside = next(
        (p for name, p in points.items() if problem.constraints[name].on.dimension == problem.domain.dimension), None
    )
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
    """The loss on validation points far above that on the points trained on, over the last evaluations."""
    fresh, trained = solution.history.column("validation"), solution.history.column("loss")
    both = np.flatnonzero(np.isfinite(fresh) & np.isfinite(trained) & (trained > 0))[-5:]
    if len(both) == 5:
        ratio = float(np.median(fresh[both] / trained[both]))
        if ratio > 30:
            return [f"stale or too few points: the loss on fresh ones is {ratio:.0f} times that on those trained on"]
    return []


def _unconverged(solution: Solution, outcome: Outcome | None) -> list[str]:
    """The loss on fresh points still falling at the end, or hardly fallen at all."""
    steps, fresh = solution.history.column("step"), solution.history.column("validation")
    looks = np.flatnonzero(np.isfinite(fresh))
    if len(looks) < 2:
        return []
    least = np.minimum.accumulate(fresh[looks])
    if least[-1] > 0.05 * least[0] and least[-1] > 0:
        return [f"hardly trained: the loss on fresh points fell only from {least[0]:.1e} to {least[-1]:.1e}"]
    late = steps[looks] >= 0.8 * steps[looks][-1]
    if outcome is not None and outcome.ending.cut and late.any() and least[late][0] > 2 * least[-1]:
        return ["unconverged: the loss on fresh points still halved in the last fifth of the run; more time would help"]
    return []
