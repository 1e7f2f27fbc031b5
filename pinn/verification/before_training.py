"""What is verified in a second before a run: that the numbers training will use are the ones the problem means.

1. Rows are independent: moving one point changes no other row (the summed output's gradient is then row-wise).
2. Every derivative that the equations ask of an output, up to order 4: nested autograd equals central differences,
   those of order one of the outputs' values, those of order k of the derivative of order k - 1 that was so confirmed.
   Two steps h are extrapolated; what is allowed follows from them, h/2 |f''| and rounding over h.
3. The same derivatives by jets equal those by nested autograd.
4. The same derivatives of a closed trial function, a product of sines and exponentials in all coordinates: nested
   autograd and jets equal the exact ones that SymPy gives.
5. Each constraint's residual by the chosen engine equals that of nested autograd.
6. J^T r equals the gradient of the loss by the engine, and that of plain backpropagation.
7. Where the reference is a closed form: it satisfies every constraint.

A failure refuses to train, naming the line. Differences and tolerances are relative to the size of what is compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives import (
    Autograd,
    Jets,
    attach,
    check_rows_independent,
    d,
    default_step,
)
from pinn.derivatives.jets.algebra import Monomial
from pinn.derivatives.jets.program import Program
from pinn.derivatives.jets.trace import Trace
from pinn.derivatives.witnesses.check import notation
from pinn.objective import Block, Equations, Objective
from pinn.problem import Problem
from pinn.reference import Analytic
from pinn.sampling.uniform import spread

_HIGHEST = 4  # order of the derivatives that are compared one by one
_MOST = 12  # derivatives of the trial function at the most, for equations in very many coordinates

Derivative = tuple[str, Monomial]
"""An output and the numbers of the coordinates that it is differentiated by: ("u", (0, 0)) is u_xx."""

Line = tuple[Derivative, Tensor, Tensor, float]
"""A derivative, its distance from what it should be (n,), the distance allowed (n,), the size of what is compared."""

Outputs = Callable[[dict[str, Any]], Mapping[str, Any]]
"""Columns by coordinate -> fields (n,) by output."""

# What makes the engine of jets leave an equation to nested autograd, rules that are missing among them.
_UNCARRIED = (TypeError, ValueError, RuntimeError, IndexError, KeyError)


@dataclass(frozen=True)
class CheckRow:
    """One comparison: what, the relative difference found, and what is allowed (both dimensionless)."""

    what: str
    difference: float
    allowed: float

    @property
    def ok(self) -> bool:
        """Whether the difference is allowed; NaN never is."""
        return self.difference <= self.allowed


@dataclass(frozen=True)
class CheckTable:
    """All comparisons made before a run."""

    rows: tuple[CheckRow, ...]

    @property
    def ok(self) -> bool:
        """Whether every comparison holds."""
        return all(row.ok for row in self.rows)

    def __str__(self) -> str:
        width = max(len(row.what) for row in self.rows)
        lines = [f"{'check':<{width}}  difference  allowed"]
        lines += [
            f"{row.what:<{width}}  {row.difference:10.1e}  {row.allowed:7.0e}  {'ok' if row.ok else 'FAILED'}"
            for row in self.rows
        ]
        return "\n".join(lines)


class CheckError(ValueError):
    """The comparisons before a run failed; `table` says which."""

    def __init__(self, table: CheckTable) -> None:
        self.table = table
        failed = ", ".join(row.what for row in table.rows if not row.ok)
        super().__init__(
            f"refusing to train, these checks failed: {failed}\n{table}\n"
            "Mend the equation, network or reference; solve(..., verify=False) trains all the same."
        )


def check(equations: Equations, *, size: int = 16, seed: int = 0) -> CheckTable:
    """Compare everything a run will use with its definition; see the module.

    Args:
        equations: problem, model and engine.
        size: points on the domain itself.
        seed: of the points.

    Raises:
        ValueError: when the network couples rows, or nothing of it can be trained.
    """
    problem, model = equations.problem, equations.model
    generator = torch.Generator().manual_seed(seed)
    points = spread(problem, size, generator, "uniform")
    objective = Objective(equations, points)
    allowed = 1e-9 if objective.dtype == torch.float64 else 2e-3
    inside = problem.domain.sample(4, generator=generator, method="uniform").to(objective.dtype, objective.device)
    check_rows_independent(model, inside.x)
    rows = _derivatives(equations, asked(objective), inside.x, allowed)
    nested = Equations(model, Autograd())
    nested.bound = equations.bound
    residual, jacobian = objective.linearize()
    sizes = _sizes(objective, jacobian)
    for block in objective.blocks:
        difference = _twins(equations, nested, block, sizes[block.name])
        rows.append(CheckRow(f"{block.name}: engine against autograd", difference, allowed))
    rows += _gradients(objective, residual, jacobian, allowed)
    if isinstance(problem.reference, Analytic) and set(problem.unknowns) <= set(problem.exact_coefficients):
        for name, size_left in reference_residuals(problem, points).items():
            rows.append(CheckRow(f"{name}: residual of the reference", size_left, 1e-8))
    return CheckTable(tuple(rows))


def reference_residuals(problem: Problem, points: Mapping[str, Any]) -> dict[str, float]:
    """Largest residual of a closed-form reference in each constraint, over the largest derivative-free term or one.

    Args:
        problem: one whose reference is `Analytic`.
        points: constraint name -> points; taken in float64.
    """
    assert isinstance(problem.reference, Analytic)
    reference = problem.reference

    def outputs(columns: Mapping[str, Any]) -> dict[str, Any]:
        value = reference.fields(columns)
        return dict(value) if isinstance(value, Mapping) else {problem.outputs[0]: value}

    true = {name: torch.tensor(value, dtype=torch.float64) for name, value in problem.exact_coefficients.items()}
    left = {}
    for name, place in points.items():
        place = place.to(torch.float64, torch.device("cpu"))
        constants = {**true, **place.constants()}
        rows = Autograd().residual(outputs, problem.equation(name), place.x, place.names, constants)
        left[name] = float(rows.detach().abs().max())
    return left


def _relative(left: Tensor, right: Tensor, size: float = 0.0) -> float:
    scale = max(size, float(right.detach().abs().max()))
    difference = float((left - right).detach().abs().max())
    return difference / scale if scale > 0 else difference


def _sizes(objective: Objective, jacobian: Tensor) -> dict[str, float]:
    """The size of the terms that make up each constraint's rows, largest |J| |theta| without weights.

    A residual near zero is a difference of such terms and agrees to their rounding, not to its own.
    """
    terms = jacobian.abs() @ objective.vector().abs()
    sizes, start = {}, 0
    for block, width in zip(objective.blocks, objective.widths, strict=True):
        count = width * (1 if block.integral else block.points.n)
        sizes[block.name] = float(terms[start : start + count].max()) / float(block.scale(terms).max())
        start += count
    return sizes


def _twins(equations: Equations, nested: Equations, block: Block, size: float) -> float:
    return _relative(equations.rows(block.name, block.points), nested.rows(block.name, block.points), size)


def asked(objective: Objective) -> list[Derivative]:
    """The derivatives, up to order 4, that the constraints ask of the model's outputs and coefficient fields.

    They are read off one run of each equation on lazy fields, and each brings those of lower order that it is the
    derivative of. Where an equation cannot be run on fields, it is taken to ask for every first derivative.
    """
    equations = objective.equations
    names = (*equations.problem.outputs, *equations.model.fields)
    found: set[Derivative] = set()
    engine = Jets()
    for block in objective.blocks:
        place = block.points.take(torch.arange(min(2, block.points.n)))
        trace = Trace(place.names, place.n, place.x)
        outputs = {name: trace.output(name) for name in names}
        try:
            rows = block.equation(dict(trace.coordinates), outputs, equations.constants(place))
            operators: Mapping[str, Iterable[Any]] = Program(trace, rows, engine.algebra).asked
        except _UNCARRIED:
            operators = {name: [(((i,), 1.0) for i in range(len(place.names)))] for name in names}
        for name, keys in operators.items():
            for axes in {monomial for key in keys for monomial, _ in key if len(monomial) <= _HIGHEST}:
                found |= {(name, axes[:stop]) for stop in range(1, len(axes) + 1)}
    return sorted(found, key=lambda derivative: (len(derivative[1]), derivative))


def _derivatives(equations: Equations, wanted: Sequence[Derivative], x: Tensor, allowed: float) -> list[CheckRow]:
    """The derivatives of the outputs at points x (n, d) by nested autograd, differences, jets; and the trial's."""
    if not wanted:
        return []
    problem, outputs = equations.problem, equations.model.outputs
    nested = _by_nested(outputs, x, problem.coordinates, wanted)
    widths = {name: 0.5 * (high - low) for name, (low, high) in problem.domain.bounds.items()}
    lines: dict[int, list[Line]] = {}
    sizes = {}
    for name, axes in wanted:
        value, lower = nested[name, axes], nested[name, axes[:-1]]
        width = widths[problem.coordinates[axes[-1]]]
        size = sizes[name, axes] = max(_largest(value), _largest(lower) / width)
        found, error = _by_differences(outputs, x, problem.coordinates, (name, axes), width)
        lines.setdefault(len(axes), []).append(((name, axes), (value - found).abs(), error, size))
    names = problem.coordinates
    rows = [
        _worst(f"derivatives of order {order}: nested against central differences", names, line)
        for order, line in lines.items()
    ]
    by_jets = _by_jets(outputs, x, names, wanted) if isinstance(equations.engine, Jets) else None
    if by_jets is not None:
        rows.append(_agreement("derivatives: jets against nested", names, by_jets, nested, sizes, allowed))
    return rows + _against_sympy(equations, wanted)


def _largest(values: Tensor) -> float:
    return float(values.detach().abs().max())


def _worst(what: str, names: Sequence[str], lines: Iterable[Line]) -> CheckRow:
    """The comparison that is worst against its own tolerance, at its worst point, speaks for all."""
    worst, excess = CheckRow(what, 0.0, 0.0), -1.0
    for (output, axes), distance, allowed, size in lines:
        ratio = torch.nan_to_num(distance / allowed.clamp_min(torch.finfo(allowed.dtype).tiny), nan=math.inf)
        at = int(ratio.argmax())
        if float(ratio[at]) > excess:
            excess, scale = float(ratio[at]), size if size > 0 else 1.0
            label = output + notation([names[axis] for axis in axes])[1:]
            worst = CheckRow(f"{what} (worst {label})", float(distance[at]) / scale, float(allowed[at]) / scale)
    return worst


def _agreement(
    what: str,
    names: Sequence[str],
    found: Mapping[Derivative, Tensor],
    true: Mapping[Derivative, Tensor],
    sizes: Mapping[Derivative, float],
    allowed: float,
) -> CheckRow:
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
    outputs: Outputs, x: Tensor, names: Sequence[str], derivative: Derivative, width: float
) -> tuple[Tensor, Tensor]:
    """A derivative by central differences of the one that is an order lower, and the error to allow, (n,) each.

    Args:
        width: half the domain's extent along the last coordinate that is differentiated by; steps are shares of it.
    """
    name, axes = derivative
    lower, axis, n = axes[:-1], axes[-1], x.shape[0]
    # Between the balanced steps of forward and central differences, since both are taken.
    one = x.new_zeros(())
    h = width * math.sqrt(float(default_step(one)) * float(default_step(one, method="forward")))
    along = torch.zeros_like(x)
    along[:, axis] = h
    places = torch.cat([x, x + along, x - along, x + 2 * along, x - 2 * along])
    f = _by_nested(outputs, places, names, [(name, lower)])[name, lower].view(5, n)
    fine, coarse = (f[1] - f[2]) / (2 * h), (f[3] - f[4]) / (4 * h)
    # Half the distance of forward and backward difference: a function with a kink between has either for its slope.
    bend = (f[1] - 2 * f[0] + f[2]).abs() / (2 * h)
    # Of the places and of the values, and what the fourth difference shows of noise beyond that: terms that cancel.
    epsilon = torch.finfo(x.dtype).eps
    rounding = 100 * epsilon * (1 + _largest(x[:, axis]) / width) * _largest(f)
    noise = 10 * _largest(f[3] - 4 * f[1] + 6 * f[0] - 4 * f[2] + f[4])
    return (4 * fine - coarse) / 3, bend + (fine - coarse).abs() + (rounding + noise) / h


def _by_jets(
    outputs: Outputs, x: Tensor, names: Sequence[str], wanted: Sequence[Derivative]
) -> dict[Derivative, Tensor] | None:
    """The derivatives by jets; None where jets cannot carry the model, which nested autograd then serves."""

    def each(columns: Mapping[str, Any], fields: Mapping[str, Any], constants: Mapping[str, Any]) -> list[Any]:
        return [d(fields[name], *(columns[names[axis]] for axis in axes)) for name, axes in wanted]

    try:
        with torch.no_grad():
            rows = Jets(fallback=False).residual(outputs, each, x, names)
    except _UNCARRIED:
        return None  # the engine says so in the log when it meets the equations
    return dict(zip(wanted, rows.detach().unbind(1), strict=True))


def _against_sympy(equations: Equations, wanted: Sequence[Derivative]) -> list[CheckRow]:
    """The derivatives of a closed function on [-1, 1]^d by nested autograd and by jets against SymPy's, in float64."""
    import sympy  # here, as it takes longer to load than this room

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

    def exact(axes: Monomial) -> Tensor:
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
    by_jets = _by_jets(outputs, points, names, chosen) if isinstance(equations.engine, Jets) else None
    if by_jets is not None:
        routes["jets"] = by_jets
    return [
        _agreement(f"derivatives of a trial function: {route} against SymPy", names, found, true, sizes, 1e-9)
        for route, found in routes.items()
    ]


def _gradients(objective: Objective, residual: Tensor, jacobian: Tensor, allowed: float) -> list[CheckRow]:
    """J^T r, the engine's gradient, and plain backpropagation of the loss, relative to the size of |J^T| |r|."""
    _, gradient = objective.gradient()
    slopes = torch.autograd.grad(objective.differentiable_loss(), objective.parameters(), allow_unused=True)
    plain = torch.cat(
        [
            (torch.zeros_like(parameter) if slope is None else slope).reshape(-1)
            for slope, parameter in zip(slopes, objective.parameters(), strict=True)
        ]
    )
    scale = float((jacobian.abs().T @ residual.abs()).max())
    if not math.isfinite(scale):
        return [CheckRow("gradient of the loss is finite", math.nan, allowed)]
    return [
        CheckRow("gradient: engine against backpropagation", _relative(gradient, plain, scale), allowed),
        CheckRow(
            "gradient: rows of J against backpropagation", _relative(jacobian.T @ residual, plain, scale), allowed
        ),
    ]
