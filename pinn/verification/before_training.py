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
7. Where the reference is a closed form: it satisfies every constraint but data, which are not the truth that it is;
   integrals to within the error of a mean over points.
8. Rows are numbers everywhere, or could be for another answer (`pinn.verification.finite`).
9. Rows depend on what their derivatives know of, and on no other point (`pinn.verification.dependence`).
10. Rows depend on no output outside of the domain, such as that before the start of a delay
    (`pinn.verification.beyond`).

What the problem lacks, or says twice, comes with the table: see `pinn.verification.posedness`.

A failure refuses to train, naming the line. Differences and tolerances are relative to the size of what is compared.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pinn.analysis import analyze
from pinn.derivatives import Autograd, check_rows_independent
from pinn.objective import ConstraintBlock, Equations, Objective
from pinn.problem import Problem
from pinn.reference import Analytic
from pinn.sampling.uniform import sample_uniform
from pinn.smoothness import SMOOTHNESS
from pinn.verification.beyond import check_inside
from pinn.verification.dependence import check_dependence, check_points_apart
from pinn.verification.derivatives import compare_derivatives
from pinn.verification.finite import require_finite
from pinn.verification.posedness import posedness
from pinn.verification.table import VerificationRow, VerificationTable

_INTEGRAL = 4096  # points on which an integral of the reference is taken
_REFERENCE = 1e-8  # residual of a closed-form reference that is allowed
_HIGHEST = 4  # order of the derivatives that are compared one by one


def verify_before_training(equations: Equations, *, size: int = 16, seed: int = 0) -> VerificationTable:
    """Compare everything a run will use with its definition; see the module.

    Args:
        equations: problem, model and engine.
        size: points on the domain itself.
        seed: of the points.

    Raises:
        ValueError: when the network or an equation couples rows, a part of an equation is cut from the graph, rows are
            no numbers somewhere whatever the answer, or depend on outputs outside of the domain, or nothing can be
            trained.
    """
    problem, model = equations.problem, equations.model
    generator = torch.Generator().manual_seed(seed)
    points = sample_uniform(problem, size, generator, "uniform")
    objective = Objective(equations, points)
    allowed = 1e-9 if objective.dtype == torch.float64 else 2e-3
    inside = problem.domain.sample(4, generator=generator, method="uniform").to(objective.dtype, objective.device)
    check_rows_independent(model, inside.x)
    require_finite(equations, seed)
    residual, jacobian = objective.linearize()
    sizes = _sizes(objective, jacobian)
    check_points_apart(equations, objective, sizes)
    check_inside(equations, objective)
    required = [one for one in analyze(problem).required_derivatives if len(one[1]) <= _HIGHEST]
    rows = compare_derivatives(equations, required, inside.x, allowed)
    nested = Equations(model, Autograd())
    for block in objective.blocks:
        difference = _twins(equations, nested, block, sizes[block.name])
        rows.append(VerificationRow(f"{block.name}: engine against autograd", difference, allowed))
    rows += _gradients(objective, residual, jacobian, allowed)
    if isinstance(problem.reference, Analytic) and set(problem.unknowns) <= set(problem.exact_coefficients):
        for name, (size_left, most) in _of_reference(problem, points).items():
            rows.append(VerificationRow(f"{name}: residual of the reference", size_left, most))
    if all(row.ok for row in rows):  # else what is wrong is named there already
        check_dependence(equations, objective, jacobian)
    return VerificationTable(tuple(rows), posedness(problem))


def reference_residuals(problem: Problem, points: Mapping[str, Any]) -> dict[str, float]:
    """Largest residual of a closed-form reference in each constraint, in the constraint's units.

    Observed values are left out: the reference is the truth, and data are not. Of an integral it is what the constraint
    states, on points of its own.

    Args:
        problem: one whose reference is `Analytic`.
        points: constraint name -> points; taken in float64.
    """
    return {name: left for name, (left, _) in _of_reference(problem, points).items()}


def _of_reference(problem: Problem, points: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """The same, and what is allowed of it: four standard errors of the mean over the points where it is an integral."""
    assert isinstance(problem.reference, Analytic)
    reference = problem.reference

    def outputs(columns: Mapping[str, Any]) -> dict[str, Any]:
        value = reference.fields(columns)
        return dict(value) if isinstance(value, Mapping) else {problem.stated_outputs[0]: value}

    true = {name: torch.tensor(value, dtype=torch.float64) for name, value in problem.exact_coefficients.items()}
    left = {}
    for name, place in points.items():
        if place.values or problem.joined:  # a reference over all regions has a kink where they meet
            continue
        if name.startswith(SMOOTHNESS):  # a preference, which no truth need satisfy
            continue
        reduction = problem.constraints[name].reduction
        if not reduction.pointwise:
            place = problem.constraints[name].on.sample(_INTEGRAL, generator=torch.Generator().manual_seed(0))
        place = place.to(torch.float64, torch.device("cpu"))
        constants = {**true, **place.constants()}
        rows = Autograd().bind(outputs, problem.equation(name), place.names).residual(place.x, constants).detach()
        allowed = _REFERENCE
        if not reduction.pointwise:
            spread = reduction.stated(rows.std(0, keepdim=True)) if len(rows) > 1 else torch.zeros(1)
            allowed += 4 * float(spread.max()) / math.sqrt(len(rows))
        left[name] = float(reduction.stated(rows).abs().max()), allowed
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
    for block in objective.blocks:
        count = block.rows
        sizes[block.name] = float(terms[start : start + count].max()) / float(block.residuals.scale.max())
        start += count
    return sizes


def _twins(equations: Equations, nested: Equations, block: ConstraintBlock, size: float) -> float:
    return _relative(equations.rows(block.name, block.points), nested.rows(block.name, block.points), size)


def _gradients(objective: Objective, residual: Tensor, jacobian: Tensor, allowed: float) -> list[VerificationRow]:
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
        return [VerificationRow("gradient of the loss is finite", math.nan, allowed)]
    return [
        VerificationRow("gradient: engine against backpropagation", _relative(gradient, plain, scale), allowed),
        VerificationRow(
            "gradient: rows of J against backpropagation", _relative(jacobian.T @ residual, plain, scale), allowed
        ),
    ]
