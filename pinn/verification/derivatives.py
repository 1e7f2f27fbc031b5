"""Derivatives of a model's outputs found in independent ways, compared one by one.

Nested autograd is the definition. A derivative of order k is compared with the central difference of that of order
k − 1, so confirmed before, and what is allowed follows from the differences (`pinn.verification.differences`). Jets
give the same derivatives by another route, and SymPy those of a closed trial function exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pinn.analysis import Derivative
from pinn.binding import FAILURES
from pinn.derivatives import Engine, Jets, attach, d
from pinn.derivatives.witnesses.check import notation
from pinn.objective import Equations
from pinn.verification.differences import balanced_step, extrapolated, stencil
from pinn.verification.table import VerificationRow

_MOST = 12  # derivatives of the trial function at the most, for equations in very many coordinates

Line = tuple[Derivative, Tensor, Tensor, float]
"""A derivative, its distance from what it should be (n,), the distance allowed (n,), the size of what is compared."""

Outputs = Callable[[dict[str, Any]], Mapping[str, Any]]
"""Columns by coordinate -> fields (n,) by output."""


def compare_derivatives(
    equations: Equations, wanted: Sequence[Derivative], x: Tensor, allowed: float
) -> list[VerificationRow]:
    """The derivatives of the outputs by nested autograd, central differences and jets; and those of a trial function.

    Args:
        equations: problem, model and engine.
        wanted: the derivatives to compare, each after those of lower order that it is the derivative of.
        x: points (n, d).
        allowed: relative difference of jets from nested autograd, dimensionless.
    """
    if not wanted:
        return []
    problem, outputs = equations.problem, equations.model.outputs
    nested = _by_nested(outputs, x, problem.coordinates, wanted)
    extents = {name: 0.5 * (high - low) for name, (low, high) in problem.domain.bounds.items()}
    lines: dict[int, list[Line]] = {}
    sizes = {}
    for name, axes in wanted:
        value, lower = nested[name, axes], nested[name, axes[:-1]]
        extent = extents[problem.coordinates[axes[-1]]]
        size = sizes[name, axes] = max(_largest(value), _largest(lower) / extent)
        found, error = _by_differences(outputs, x, problem.coordinates, (name, axes), extent)
        lines.setdefault(len(axes), []).append(((name, axes), (value - found).abs(), error, size))
    names = problem.coordinates
    rows = [
        _worst(f"derivatives of order {order}: nested against central differences", names, line)
        for order, line in lines.items()
    ]
    by_jets = _by_jets(equations.engine, outputs, x, names, wanted)
    if by_jets is not None:
        rows.append(_agreement("derivatives: jets against nested", names, by_jets, nested, sizes, allowed))
    return rows + _against_sympy(equations, wanted)


def _largest(values: Tensor) -> float:
    return float(values.detach().abs().max())


def _worst(what: str, names: Sequence[str], lines: Iterable[Line]) -> VerificationRow:
    """The comparison that is worst against its own tolerance, at its worst point, speaks for all."""
    worst, excess = VerificationRow(what, 0.0, 0.0), -1.0
    for (output, axes), distance, allowed, size in lines:
        ratio = torch.nan_to_num(distance / allowed.clamp_min(torch.finfo(allowed.dtype).tiny), nan=math.inf)
        at = int(ratio.argmax())
        if float(ratio[at]) > excess:
            excess, scale = float(ratio[at]), size if size > 0 else 1.0
            label = output + notation([names[axis] for axis in axes])[1:]
            worst = VerificationRow(f"{what} (worst {label})", float(distance[at]) / scale, float(allowed[at]) / scale)
    return worst


def _agreement(
    what: str,
    names: Sequence[str],
    found: Mapping[Derivative, Tensor],
    true: Mapping[Derivative, Tensor],
    sizes: Mapping[Derivative, float],
    allowed: float,
) -> VerificationRow:
    """The worst of derivatives found against the true ones, each relative to its size."""
    lines = [
        (key, (value - true[key]).abs(), torch.full_like(value, allowed * sizes[key]), sizes[key])
        for key, value in found.items()
    ]
    return _worst(what, names, lines)


def _by_nested(
    outputs: Outputs, x: Tensor, names: Sequence[str], wanted: Sequence[Derivative]
) -> dict[Derivative, Tensor]:
    """The derivatives by nested autograd, (n,) each, with all of lower order on the way, the values among them."""
    columns = {name: x[:, i].detach().clone().requires_grad_() for i, name in enumerate(names)}
    with torch.enable_grad():
        values = outputs(columns)
        # A field may be meant not to vary with a coordinate: its derivative is then zero.
        known: dict[Derivative, Tensor] = {(name, ()): attach(values[name], *columns.values()) for name in dict(wanted)}
        for name, axes in wanted:
            for stop in range(len(axes)):
                if (name, axes[: stop + 1]) not in known:
                    known[name, axes[: stop + 1]] = d(known[name, axes[:stop]], columns[names[axes[stop]]])
    return {key: value.detach() for key, value in known.items()}


def _by_differences(
    outputs: Outputs, x: Tensor, names: Sequence[str], derivative: Derivative, extent: float
) -> tuple[Tensor, Tensor]:
    """A derivative by central differences of the one that is an order lower, and the error to allow, (n,) each.

    Args:
        extent: half the domain's extent along the last coordinate that is differentiated by; steps are fractions of it.
    """
    name, axes = derivative
    lower, axis, n = axes[:-1], axes[-1], x.shape[0]
    h = extent * balanced_step(x)
    f = _by_nested(outputs, stencil(x, axis, h), names, [(name, lower)])[name, lower].view(5, n)
    slope, bend, noise = extrapolated(f, h)
    # Of the places and of the values, and what the values show beyond that: terms that cancel, at whatever point.
    rounding = 100 * torch.finfo(x.dtype).eps * (1 + _largest(x[:, axis]) / extent) * _largest(f)
    return slope, bend + (rounding + _largest(noise)) / h


def _by_jets(
    engine: Engine, outputs: Outputs, x: Tensor, names: Sequence[str], wanted: Sequence[Derivative]
) -> dict[Derivative, Tensor] | None:
    """The derivatives by jets; None where the engine is another or they cannot carry the model."""

    def each(columns: Mapping[str, Any], fields: Mapping[str, Any], constants: Mapping[str, Any]) -> list[Any]:
        return [d(fields[name], *(columns[names[axis]] for axis in axes)) for name, axes in wanted]

    if not isinstance(engine, Jets):
        return None
    try:
        with torch.no_grad():
            rows = Jets(fallback=False, rules=engine.rules).bind(outputs, each, names).residual(x)
    except FAILURES:
        return None  # the engine says so in the log when it meets the equations
    return dict(zip(wanted, rows.detach().unbind(1), strict=True))


def _against_sympy(equations: Equations, wanted: Sequence[Derivative]) -> list[VerificationRow]:
    """The derivatives of a closed function on [-1, 1]^d by nested autograd and by jets against SymPy's, in float64."""
    import sympy  # loaded when it is used

    from pinn.derivatives import SymbolicFunction

    names = equations.problem.coordinates
    x = sympy.Symbol("x", real=True)
    factors = [
        SymbolicFunction(sympy.sin((1 + sympy.Rational(i, 7)) * x + 1) * sympy.exp(x / (i + 2)), (x,))
        for i in range(len(names))
    ]
    orders = sorted({axes for _, axes in wanted}, key=lambda axes: (len(axes), axes))
    places = torch.linspace(0, len(orders) - 1, min(len(orders), _MOST)).round().long().tolist()
    chosen = [("f", orders[place]) for place in places]
    points = 2 * torch.rand(4, len(names), generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 1

    def outputs(columns: Mapping[str, Any]) -> dict[str, Any]:
        return {"f": math.prod(factor(columns[name]) for factor, name in zip(factors, names, strict=True))}

    def exact(axes: tuple[int, ...]) -> Tensor:
        value = torch.ones(4, dtype=torch.float64)
        for i, factor in enumerate(factors):
            if i in axes:
                factor = SymbolicFunction(sympy.diff(factor.expression, x, axes.count(i)), (x,))
            value = value * factor(points[:, i])
        return value

    true = {(name, axes): exact(axes) for name, axes in chosen}
    sizes = {key: _largest(value) for key, value in true.items()}
    by_nested = _by_nested(outputs, points, names, chosen)
    routes = {"nested": {key: by_nested[key] for key in chosen}}
    by_jets = _by_jets(equations.engine, outputs, points, names, chosen)
    if by_jets is not None:
        routes["jets"] = by_jets
    return [
        _agreement(f"derivatives of a trial function: {route} against SymPy", names, found, true, sizes, 1e-9)
        for route, found in routes.items()
    ]
