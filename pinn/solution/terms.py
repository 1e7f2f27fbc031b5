"""How large the terms are that a constraint's rows are made of: the yardstick that its residual is measured with.

A residual has the equation's units, and what the zero function leaves is no measure of it: nothing, where the equation
is homogeneous. A row r of the fields' values and derivatives c_α = ∂^α u is made of the terms

    t_α = ∂r/∂c_α (c_α − s_α),        t_0 = r − Σ_α t_α,

with s_α the mean of u over the domain for u itself, and zero for its derivatives, so that kelvin for celsius changes
nothing. For a linear row these are its terms as they are written, t_0 what is given. The row's size is the largest root
mean square among them: where the row vanishes, two terms at least are of that size.

The derivatives by c_α are exact and need no rule for the equation: near each point x_i the fields are replaced by their
own Taylor polynomials Σ_α c_α (x − x_i)^α / α!, whose coefficients are leaves, and the equation is run on those.

A term is counted at least as large as ∂r/∂c_α times S L^−α, S the size of u over the domain and L half the domain's
extent: what a smooth u of that size has. So a wall where u vanishes is judged against u inside, and an exact solution
in which every term of the equation vanishes (u = x of u'' = 0) against what any other function would leave. In a
condition or in data, c_α has the size that it has inside of the domain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from pinn.analysis import analyze
from pinn.derivatives import Autograd, d
from pinn.domains import Points
from pinn.features.rows import engine_of
from pinn.model import Model
from pinn.objective import Equations
from pinn.problem import Problem

Leaf = tuple[str, tuple[int, ...]]
"""A field and the coordinates it is differentiated by, sorted: ("u", ()) is u, ("u", (0, 0)) is u_xx."""

_CONSTANT = 1e-3  # of its mean, the least size of a field: what is constant to rounding is not judged by its rounding
_SAME = 1e8  # roundings of the model's precision up to which the row on polynomials is the row itself
_INSIDE = 1024  # points at which the sizes of the fields are taken


@dataclass(frozen=True)
class FieldSizes:
    """Means and sizes of the fields over the domain.

    Attributes:
        means: field -> its mean, in its own units.
        sizes: field -> root mean square about that mean, at least 1e-3 of the mean.
        derivatives: leaf -> root mean square over the domain.
    """

    means: Mapping[str, float]
    sizes: Mapping[str, float]
    derivatives: Mapping[Leaf, float]


def root_mean_square(values: Tensor) -> float:
    """Of any numbers, without squares that underflow or overflow; NaN where one is not finite."""
    largest = float(values.abs().max()) if values.numel() else 0.0
    if largest == 0.0 or not math.isfinite(largest):
        return largest if largest == 0.0 else math.nan
    return largest * math.sqrt(float((values / largest).pow(2).mean()))


def leaves_of(problem: Problem, constraint: str | None = None) -> tuple[Leaf, ...]:
    """The fields and derivatives that a constraint may require, or that any may, each with its lower ones.

    Where an equation cannot be traced, all of every field that any constraint requires, and no less than the second
    derivatives.
    """
    traits = analyze(problem)
    fields = (*problem.outputs, *(key for key, unknown in problem.unknowns.items() if unknown.inputs))
    named = list(traits.constraints) if constraint is None else [constraint]
    found: set[Leaf] = {(key, ()) for key in fields}
    axes = range(len(problem.coordinates))
    for name in named:
        traced = not traits.constraints[name].untraceable
        required = traits.constraints[name].required_derivatives if traced else traits.required_derivatives
        found |= {(key, tuple(sorted(by))) for key, by in required}
        if not traced:
            found |= {(key, (i, j)) for key in fields for i in axes for j in axes if i <= j}
            found |= {(key, (i,)) for key in fields for i in axes}
    return tuple(sorted(found, key=lambda leaf: (len(leaf[1]), leaf)))


def field_sizes(equations: Equations) -> FieldSizes:
    """Means and sizes of outputs, unknown fields and their required derivatives, on points of the domain."""
    problem = equations.problem
    place = problem.domain.sample(_INSIDE, generator=torch.Generator().manual_seed(0))
    values = _values(equations, place, leaves_of(problem))
    means = {key: float(value.mean()) for (key, by), value in values.items() if not by}
    sizes = {
        key: max(root_mean_square(values[key, ()] - mean), _CONSTANT * abs(mean), torch.finfo(torch.float64).tiny)
        for key, mean in means.items()
    }
    return FieldSizes(means, sizes, {leaf: root_mean_square(value) for leaf, value in values.items()})


def own_terms(equations: Equations, name: str, points: Points, rows: Tensor, inside: FieldSizes) -> list[float] | None:
    """The size of each residual component's own terms, in the equation's units.

    Args:
        equations: the constraints, the model and its engine.
        name: of the constraint.
        points: n points.
        rows: its residuals there (n, q), float64.
        inside: the sizes of the fields; see `field_sizes`.

    Returns:
        q sizes; None where the equation takes derivatives that could not be found out, and for a prior, a constraint
        of unknown coefficients alone, which is a wish and not to be met.
    """
    problem = equations.problem
    reduction = problem.constraints[name].reduction
    condition = problem.constraints[name].on.dimension < problem.domain.dimension
    values = _values(equations, points, leaves_of(problem, name))
    leaves = {leaf: value.clone().requires_grad_() for leaf, value in values.items()}
    place = points.to(torch.float64, torch.device("cpu"))
    numbers = {key: value.detach().double().cpu() for key, value in equations.model.coefficients().items()}
    with torch.enable_grad():
        bound = Autograd().bind(
            _Taylor(problem, place, leaves, partial(_elsewhere, equations.model)), problem.equation(name), place.names
        )
        again = bound.residual(place.x, {**numbers, **place.constants()})
    same = min(1e-2, _SAME * torch.finfo(next(equations.model.parameters()).dtype).eps)
    differences = [root_mean_square(again[:, q].detach() - rows[:, q]) for q in range(rows.shape[1])]
    sizes = []
    for q, difference in enumerate(differences):
        if not again.requires_grad:
            return None
        slopes = torch.autograd.grad(again[:, q].sum(), list(leaves.values()), retain_graph=True, allow_unused=True)
        if all(slope is None or key not in problem.outputs for (key, _), slope in zip(leaves, slopes, strict=True)):
            return None
        rest, terms = rows[:, q].clone(), [0.0]
        for (key, by), slope in zip(leaves, slopes, strict=True):
            if slope is None:
                continue
            about = values[key, by] - (0.0 if by else inside.means[key])
            term = slope * about
            rest = rest - term
            floor = inside.sizes[key] / math.prod(_half_extent(problem, axis) for axis in by)
            if condition:
                floor = max(floor, inside.derivatives.get((key, by), 0.0) if by else 0.0)
            terms += [_stated_size(reduction, term), _stated_size(reduction, slope * floor)]
        size = max(*terms, _stated_size(reduction, rest))
        if not difference <= same * max(size, root_mean_square(rows[:, q])):
            return None
        sizes.append(size)
    return sizes


def _stated_size(reduction: object, term: Tensor) -> float:
    """Root mean square of a term in what a constraint states, whose signs do not cancel in an integral."""
    return root_mean_square(reduction.stated(term[:, None].abs()))  # type: ignore[attr-defined]


def _half_extent(problem: Problem, axis: int) -> float:
    low, high = problem.domain.bounds[problem.coordinates[axis]]
    return 0.5 * (high - low)


def _values(equations: Equations, points: Points, leaves: Sequence[Leaf]) -> dict[Leaf, Tensor]:
    """The fields and derivatives of the model at points, each (n,), in float64."""
    names = equations.problem.coordinates

    def wanted(columns: Mapping[str, Tensor], outputs: Mapping[str, Tensor], _: Mapping[str, Tensor]) -> list[Tensor]:
        zero = 0 * sum(columns[name] for name in names)  # a field may not depend on every coordinate
        return [
            d(outputs[key] + zero, *(columns[names[axis]] for axis in by)) if by else outputs[key] + zero
            for key, by in leaves
        ]

    model = equations.model
    like = next(model.parameters())
    place = points.to(like.dtype, like.device)
    with torch.no_grad():
        found = engine_of(equations).bind(model.reader([key for key, _ in leaves]), wanted, names).residual(place.x, {})
    return {leaf: found[:, index].detach().double().cpu() for index, leaf in enumerate(leaves)}


def _elsewhere(model: Model, columns: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The model's outputs, computed in its precision and on its device, in those of the coordinates."""
    like, back = next(model.parameters()), next(iter(columns.values()))
    found = model.outputs({name: column.to(like) for name, column in columns.items()})
    return {key: value.to(back) for key, value in found.items()}


@dataclass(frozen=True)
class _Taylor:
    """The fields near each point as Taylor polynomials in the coordinates, with given coefficients.

    What is seen elsewhere is that of the model, and counts as one further term.
    """

    problem: Problem
    points: Points
    coefficients: Mapping[Leaf, Tensor]
    elsewhere: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]

    def __call__(self, columns: Mapping[str, Tensor]) -> dict[str, Tensor]:
        steps = [columns[name] - self.points.column(name) for name in self.points.names]
        zero = 0 * sum(steps)
        found: dict[str, Tensor] = {}
        for (key, by), value in self.coefficients.items():
            term = value
            for axis in by:
                term = term * steps[axis]
            factorial = math.prod(math.factorial(by.count(axis)) for axis in set(by))
            found[key] = found.get(key, zero) + term / factorial
        return found
