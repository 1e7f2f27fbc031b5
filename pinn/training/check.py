"""What is verified in a second before a run: that the numbers training will use are the ones the problem means.

1. Rows are independent: moving one point changes no other row (the summed output's gradient is then row-wise).
2. Each constraint's residual by the chosen engine equals that of nested autograd.
3. Each output's first derivatives by nested autograd equal central differences.
4. J^T r equals the gradient of the loss by the engine, and that of plain backpropagation.
5. Where the reference is a closed form: it satisfies every constraint.

A failure refuses to train, naming the line. Tolerances are relative to the size of what is compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives import Autograd, check_rows_independent, d
from pinn.objective import Block, Equations, Objective
from pinn.problem import Problem
from pinn.reference import Analytic
from pinn.sampling.uniform import spread


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
        ValueError: when the network couples rows.
    """
    problem, model = equations.problem, equations.model
    like = next(model.parameters()).detach()
    generator = torch.Generator().manual_seed(seed)
    points = spread(problem, size, generator, "uniform")
    exact = like.dtype == torch.float64
    allowed = 1e-9 if exact else 2e-3
    objective = Objective(equations, points)
    inside = problem.domain.sample(4, generator=generator, method="uniform").to(like.dtype, like.device)
    check_rows_independent(model, inside.x)
    rows = [*_differences(equations, inside.x, exact)]
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


def _differences(equations: Equations, x: Tensor, exact: bool) -> list[CheckRow]:
    """First derivatives of every output by nested autograd against central differences, h = cbrt(eps)."""
    problem, model = equations.problem, equations.model
    step = (2.2e-16 if exact else 1.2e-7) ** (1 / 3)
    worst = 0.0
    for index, coordinate in enumerate(problem.coordinates):
        low, high = problem.domain.bounds[coordinate]
        h = step * 0.5 * (high - low)
        shift = torch.zeros(x.shape[1], dtype=x.dtype, device=x.device)
        shift[index] = h
        columns = {name: x[:, k].clone().requires_grad_() for k, name in enumerate(problem.coordinates)}
        with torch.enable_grad():
            values = model.outputs(columns)
        with torch.no_grad():
            forward, backward = model(x + shift), model(x - shift)
        for k, output in enumerate(problem.outputs):
            derivative = d(values[output], columns[coordinate]).detach()
            central = (forward[:, k] - backward[:, k]) / (2 * h)
            size = float(values[output].detach().abs().max()) / (0.5 * (high - low))
            worst = max(worst, float((derivative - central).abs().max()) / max(size, float(derivative.abs().max())))
    return [CheckRow("outputs: autograd against central differences", worst, 1e-6 if exact else 2e-2)]


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
