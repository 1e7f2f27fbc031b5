"""What the constraints leave on fresh points: how large, where, and against the size of their own terms.

For each constraint: root-mean-square and largest residual r, where the largest is, the fraction of the loss that its
w mean(r^2) is, and the shortest interval of each coordinate that holds half of the sum of r^2. A residual has the
equation's units, so it is also given relative to the terms that the rows are made of (`pinn.solution.terms`).

Integrals in an equation are sums over Gauss nodes, and an answer to the equation with the sum has rows of zero whatever
the sum is. So rows are those with twice the nodes, and by how much they differ from those that were solved tells the
error of the sum.

Data are to be met up to their noise. Where its standard deviation is given, the misfit is judged in units of it. Where
it is not, the misfit is noise if neighbours differ as much as strangers do (`pinn.noise`), and what they differ by is
the standard deviation.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pinn.analysis import Role, analyze
from pinn.binding import names_of
from pinn.derivatives import Autograd
from pinn.derivatives.seen import rows_of
from pinn.derivatives.sight import finer_nodes
from pinn.domains import Points
from pinn.noise import alike, in_units_of, neighbours, row_noise
from pinn.objective import Equations
from pinn.problem import Problem
from pinn.smoothness import SMOOTHNESS
from pinn.solution.terms import field_sizes, own_terms, root_mean_square
from pinn.verification.stability import shortest_half

Array = NDArray[np.float64]
Interval = tuple[float, float]

_FEWEST = 8  # observations of which noise can be told from misfit
_ALIKE = 0.5  # largest correlation of neighbours of noise: three of its standard deviations at 36 observations


@dataclass(frozen=True)
class ConstraintReport:
    """One constraint on fresh points.

    Attributes:
        name: of the constraint.
        rms: root-mean-square of its rows, in the equation's units.
        largest: largest absolute row, in the equation's units.
        where: the point of the largest row, by coordinate.
        fraction_of_loss: its part of the loss, weighted as the run last did, 0 to 1.
        relative: rms over the size of the rows' own terms, of the worst component, dimensionless; None where these are
            not known.
        concentrated: coordinate -> (low, high) holding half the sum of squares, if under a fifth of the extent.
        terms: that size, of the same component, in the equation's units; None where it is not known.
        noise: root-mean-square misfit of data in units of their noise, dimensionless: of the σ that is given, else of
            the scatter that the misfit itself shows; None for what is no data, or no noise.
        nodes: the most Gauss nodes along a coordinate that its integrals have; 0 where it has none.
        quadrature: rms that its rows change by with more nodes, over the size of the rows' own terms, of the component
            where that is most, dimensionless; 0 without integrals, or where these sizes are not known.
    """

    name: str
    rms: float
    largest: float
    where: Mapping[str, float]
    fraction_of_loss: float
    relative: float | None
    concentrated: Mapping[str, Interval] = field(default_factory=dict)
    noise: float | None = None
    terms: float | None = None
    nodes: int = 0
    quadrature: float = 0.0

    @property
    def unresolved(self) -> bool:
        """Whether what it leaves is mostly the error of its integrals, which more nodes make smaller."""
        return self.quadrature > 0.5 * (self.relative or 0.0) > 0


@dataclass(frozen=True)
class Measured:
    """All constraints on fresh points.

    Attributes:
        constraints: one entry each, in the problem's order.
        loss: half the weighted mean square of the rows, dimensionless.
        pointwise: constraint -> its points and |r| there, (n,), in the equation's units; of those that hold at points.
    """

    constraints: tuple[ConstraintReport, ...]
    loss: float
    pointwise: Mapping[str, tuple[Points, Array]]


def measured_constraints(equations: Equations, points: Mapping[str, Points]) -> Measured:
    """Every constraint on its points, and half the weighted mean square of the rows there.

    Args:
        equations: the constraints, the model and the engine that evaluates them.
        points: by constraint name, in any precision; none of them trained on.
    """
    problem = equations.problem
    residuals, coarse, nodes = _with_finer_nodes(equations, points)
    stated = {name: problem.constraints[name].reduction.stated(rows) for name, rows in residuals.items()}
    losses = {}
    for name, rows in stated.items():
        sized = rows / torch.tensor(equations.row_sizes[name], dtype=rows.dtype)
        losses[name] = 0.5 * equations.weight(name) * float(sized.pow(2).sum(1).mean())
    total = sum(losses.values())
    finite = all(bool(torch.isfinite(rows).all()) for rows in residuals.values())
    with finer_nodes():
        inside = field_sizes(equations) if finite else None
        terms = (
            {}
            if inside is None
            else {
                name: own_terms(equations, name, place, residuals[name], inside)
                for name, place in points.items()
                if not name.startswith(SMOOTHNESS)  # which is a preference, and violated as it is
            }
        )
    reports, pointwise = [], {}
    for name, place in points.items():
        rows = stated[name]
        square = rows.pow(2).sum(1)
        worst = int(square.argmax())
        sizes = terms.get(name)
        if problem.constraints[name].reduction.pointwise:
            pointwise[name] = place, square.sqrt().numpy()
        reports.append(
            ConstraintReport(
                name=name,
                rms=root_mean_square(rows),
                largest=float(rows.abs().max()),
                where={key: float(place.column(key)[worst]) for key in place.names} if name in pointwise else {},
                fraction_of_loss=losses[name] / total if total > 0 else 0.0,
                relative=None if sizes is None else _worst_component(rows, sizes)[0],
                terms=None if sizes is None else _worst_component(rows, sizes)[1],
                concentrated=_concentrated(problem, name, place, square),
                noise=_in_units_of_noise(problem, name, place, rows) if finite else None,
                nodes=nodes[name],
                quadrature=_changed(problem, name, residuals, coarse, sizes),
            )
        )
    return Measured(tuple(reports), total, pointwise)


def _with_finer_nodes(
    equations: Equations, points: Mapping[str, Points]
) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, int]]:
    """Rows with more nodes in integrals; those as they were solved, of constraints with integrals; and their nodes."""
    like = next(equations.model.parameters())
    fine, coarse, nodes = {}, {}, {}
    for name, given in points.items():
        place = given.to(like.dtype, like.device)
        with finer_nodes() as finer:
            fine[name] = equations.stated(name, place).double().cpu()
        nodes[name] = finer.replaced
        if finer.replaced:
            coarse[name] = equations.stated(name, place).double().cpu()
    return fine, coarse, nodes


def _changed(
    problem: Problem,
    name: str,
    fine: Mapping[str, Tensor],
    coarse: Mapping[str, Tensor],
    sizes: Sequence[float] | None,
) -> float:
    """How much more nodes change the rows of a constraint, over the size of their terms."""
    if name not in coarse or sizes is None:
        return 0.0
    stated = problem.constraints[name].reduction.stated
    return _worst_component(stated(fine[name]) - stated(coarse[name]), sizes)[0]


def homogeneous(problem: Problem, points: Mapping[str, Points]) -> bool:
    """Whether the zero function satisfies every constraint, so that nothing says how large the answer is.

    Args:
        problem: any.
        points: constraint name -> where it is tried.
    """
    return all(_zero_rms(problem, name, place) == 0.0 for name, place in points.items())


def _worst_component(rows: Tensor, sizes: Sequence[float]) -> tuple[float, float]:
    """The largest rms of a component over the size of its terms, zero where both vanish, and that size."""
    found = [(root_mean_square(rows[:, q]), size) for q, size in enumerate(sizes)]
    return max(((rms / size if size > 0 else math.inf) if rms else 0.0, size) for rms, size in found)


def of_the_reference(
    problem: Problem, points: Mapping[str, Points], reports: Sequence[ConstraintReport]
) -> dict[str, float]:
    """What the reference leaves of the terms of each condition on values alone, dimensionless.

    Args:
        problem: one with a reference, of every output.
        points: constraint name -> where.
        reports: of the answer, which say the sizes of the terms.

    Returns:
        constraint -> rms of its rows on the reference, over the size of the terms; of those that need no derivative
        and no unknown.
    """
    found = {}
    for one in reports:
        traits, place = analyze(problem).constraints[one.name], points[one.name].to(torch.float64, torch.device("cpu"))
        wanted = {*itertools.chain(*names_of(problem.constraints[one.name].equation))}
        plain = not traits.required_derivatives and not traits.untraceable and not wanted & set(problem.unknowns)
        if not plain or not one.terms or traits.role in (Role.DATA, Role.EQUATION):
            continue
        exact = {key: torch.from_numpy(value.copy()) for key, value in problem.exact(place).items()}
        if not wanted & set(problem.outputs) <= set(exact):
            continue
        columns = {key: place.column(key) for key in place.names}
        rows = rows_of(partial(_exact_at, problem), problem.equation(one.name), columns, place.constants(), exact)
        stated = problem.constraints[one.name].reduction.stated(torch.stack([row.expand(place.n) for row in rows], 1))
        found[one.name] = root_mean_square(stated) / one.terms
    return found


def _exact_at(problem: Problem, columns: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The reference at other points than the rows'."""
    names = tuple(columns)
    points = Points(names, torch.stack([column.detach() for column in columns.values()], 1))
    return {key: torch.from_numpy(value.copy()) for key, value in problem.exact(points).items()}


def _in_units_of_noise(problem: Problem, name: str, points: Points, rows: Tensor) -> float | None:
    """The misfit of data over the standard deviation of their noise; see the module."""
    if analyze(problem).constraints[name].role is not Role.DATA or rows.shape[0] != points.n:
        return None
    noise = row_noise(problem, name, points)
    if noise is not None:
        known = noise > 0
        return root_mean_square(in_units_of(noise, rows)[known]) if bool(known.any()) else None
    if points.n < _FEWEST:
        return None
    alone = 1 - alike(rows, neighbours(points))
    return alone**-0.5 if alone > 1 - _ALIKE and bool(rows.any()) else None


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
    return root_mean_square(rows)


def _concentrated(problem: Problem, constraint: str, points: Points, square: Tensor) -> dict[str, Interval]:
    """Coordinates in which half of the sum of squares lies within a fifth of the domain's extent, for an equation."""
    weight = square.numpy()
    total = float(weight.sum())
    inside = analyze(problem).constraints[constraint].role is Role.EQUATION
    if not inside or weight.size != points.n or points.n < 100 or not total > 0 or not math.isfinite(total):
        return {}
    found = {}
    drawn = {key for space in problem.domain.functions.values() for key in space.coordinates}  # not evenly
    for name in (key for key in points.names if key not in drawn):
        column = points.column(name).double().cpu().numpy()
        low, high = problem.domain.bounds[name]
        if float(np.ptp(column)) < 0.5 * (high - low):
            continue
        start, stop = shortest_half(column, weight)
        if stop - start < 0.2 * (high - low):
            found[name] = (start, stop)
    return found
