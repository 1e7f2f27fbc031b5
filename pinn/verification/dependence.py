"""What an equation depends on, found by moving what it depends on and looking at its rows.

1. Points stand by themselves: the rows at some points are the same whether the others are there or not. A mean, a sum
   or a cumulative sum over the batch fails this, and all derivatives taken of it are wrong without a sign.
2. What stands under d is differentiated in full: for every derivative that the equation takes by a coordinate, the
   central difference of its argument along that coordinate (`pinn.verification.differences`) is the derivative
   returned. A factor that was cut from the graph, such as `numpy.interp(x.detach(), ...)`, moves with the coordinate,
   and d does not know.
   It does not jump either, as a lookup of the nearest sample does: on a line through the domain the trapezoidal rule
   tells f(b) − f(a) from f' at a and b, ever better as the interval is cut, but where f jumps in it.
3. Rows respond to the parameters θ as ∂r/∂θ says, by differences along a random direction. An output or an unknown that
   was cut from the graph (`u.detach()`, `nu.item()`) fails this.
4. Rows that are not zero respond at all.

Differences that a kink or rounding explains are allowed; a finding is one that a quarter of the points show, so
that a kink between two places is none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from pinn.derivatives import Autograd
from pinn.derivatives.engine import ModelFunction
from pinn.derivatives.normalisation import ArithmeticNormalisation
from pinn.derivatives.seen import rows_of
from pinn.domains import Points
from pinn.objective import ConstraintBlock, Equations, Objective
from pinn.problem import trial_fields, trial_rows
from pinn.verification.differences import balanced_step, extrapolated, stencil
from pinn.verification.text import text_of_caller

_POINTS = 12  # of each constraint, at which differences are taken
_SHARE = 0.25  # of the points that must show a difference
_LINE, _FEW = 129, 17  # places on a line where jumps are looked for, and between two of them ...
_ZOOMS = 4  # ... so often
_JUMP = 1e-3  # part of what is differentiated that a jump must have

_DETACHED = (
    "functions of NumPy, .detach(), .item(), float() and torch.no_grad() cut the graph; write it with torch's "
    "functions, and give what is tabulated as a Table, e.g. coefficients={'k': Table({'x': xs}, ks)}"
)


def check_points_apart(equations: Equations, objective: Objective, sizes: Mapping[str, float]) -> None:
    """Refuse equations that couple points, or that are random; see the module.

    Args:
        equations: problem, model and engine.
        objective: on the points to look at.
        sizes: constraint -> size of the terms that make up its rows, for what is rounding.

    Raises:
        ValueError: naming the constraint, what was found and the cure.
    """
    for block in objective.blocks:
        _require_points_apart(equations, block, sizes[block.name])


def check_dependence(equations: Equations, objective: Objective, jacobian: Tensor) -> None:
    """Refuse equations whose rows depend on what their derivatives do not know of; see the module.

    Args:
        equations: problem, model and engine; the derivatives of the network itself are right.
        objective: on the points to look at.
        jacobian: ∂r/∂θ of its rows, (N, p).

    Raises:
        ValueError: naming the constraint, the term, what was found and the cure.
    """
    for block in objective.blocks:
        _require_whole_derivatives(equations, block)
        _require_no_jumps(equations, block)
    _require_response(equations, objective, jacobian)


# -- points by themselves --------------------------------------------------------------------------------------------


def _require_points_apart(equations: Equations, block: ConstraintBlock, size: float) -> None:
    points = block.points.take(torch.arange(min(_POINTS, block.points.n)))
    bound = Autograd().bind(equations.reader(block.name), equations.functions[block.name], points.names)

    def rows(some: Points) -> Tensor:
        return bound.residual(some.x, equations.constants(some)).detach()

    whole = rows(points)
    finite = whole[torch.isfinite(whole)].abs()
    scale = max([value for value in (_largest(finite), size) if math.isfinite(value)])
    allowed = 100 * torch.finfo(whole.dtype).eps ** 0.5 * scale
    if _distance(whole, rows(points)) > allowed:
        raise ValueError(
            f"constraint {block.name!r}: two evaluations on the same points differ, so the equation is random; draw "
            "its random numbers once, outside of it"
        )
    half = points.n // 2
    for part in (torch.arange(half), torch.arange(half, points.n)):
        if half and (moved := _distance(whole[part], rows(points.take(part)))) > allowed:
            raise ValueError(
                f"constraint {block.name!r}: its rows at some points change by {moved:.3g} when other points are left "
                "out, so the equation couples points: u.mean(), u.sum(), u.max(), torch.cumsum and the like run over "
                "the batch, whatever points it holds, and derivatives of them are wrong; an integral over the domain "
                "is a constraint of its own, Constraint(..., integral=True), with an unknown or an output for its value"
            )


def _distance(a: Tensor, b: Tensor) -> float:
    """Largest difference where both are finite."""
    both = torch.isfinite(a) & torch.isfinite(b)
    return float((a - b)[both].abs().max()) if bool(both.any()) else 0.0


# -- what stands under d ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Taken:
    """One derivative that an equation took: of what, by which coordinate, the result, and where in its text."""

    argument: Tensor
    coordinate: str
    result: Tensor
    text: str


class _Recorder(TorchFunctionMode):
    """While it is entered, what is differentiated by a coordinate is written down.

    Args:
        columns: coordinate name -> (n,), leaves.
    """

    def __init__(self, columns: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._columns = columns
        self.taken: list[_Taken] = []

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """The function itself."""
        found = function(*args, **(kwargs or {}))
        if function is torch.autograd.grad:
            self._write(found, *args, **(kwargs or {}))
        return found

    def _write(self, found: Any, outputs: Any, inputs: Any, grad_outputs: Any = None, *_: Any, **__: Any) -> None:
        u, xs, seed = (
            x[0] if isinstance(x, (tuple, list)) and len(x) == 1 else x for x in (outputs, inputs, grad_outputs)
        )
        if not isinstance(u, Tensor) or not isinstance(seed, Tensor) or not bool((seed == 1).all()):
            return
        for x, slope in zip([xs] if isinstance(xs, Tensor) else xs, found, strict=True):
            name = next((name for name, column in self._columns.items() if column is x), None)
            if name is not None and u.shape == x.shape:
                # Where the graph has run out, the derivative is a zero.
                slope = torch.zeros_like(x) if slope is None else slope.detach()
                self.taken.append(_Taken(u.detach(), name, slope, text_of_caller(__file__)))


def _require_whole_derivatives(equations: Equations, block: ConstraintBlock) -> None:
    bounds = equations.problem.domain.bounds
    points = block.points.take(torch.arange(min(_POINTS, block.points.n)))
    x = points.x.clone()
    names, step = points.names, balanced_step(x)
    for i, name in enumerate(names):
        # So far inside that no difference leaves the box: what is tabulated may end there.
        middle = 0.5 * sum(bounds[name])
        x[:, i] = middle + (x[:, i] - middle) * (1 - 8 * step)
    taken = _derivatives(equations, block.name, points, x)
    for coordinate in dict.fromkeys(one.coordinate for one in taken):
        low, high = bounds[coordinate]
        h = 0.5 * (high - low) * step
        moved = _derivatives(equations, block.name, points, stencil(x, names.index(coordinate), h))
        for before, after in zip(taken, moved, strict=False):
            if before.coordinate != coordinate or after.coordinate != coordinate:
                continue
            f = after.argument.view(5, points.n)
            found, allowed = _difference(f, h)
            noise = torch.finfo(x.dtype).eps * float(x[:, names.index(coordinate)].abs().max()) / h * _largest(f) * 100
            if (worst := _finding(before.result, found, allowed + noise)) is not None:
                term = before.text or f"a derivative by {coordinate}"
                raise ValueError(
                    f"constraint {block.name!r}: in {term} what is differentiated changes along {coordinate} by "
                    f"{float(found[worst]):.6g}, and its derivative is given as {float(before.result[worst]):.6g}: a "
                    f"part of it was cut from the graph; {_DETACHED}"
                )


def _require_no_jumps(equations: Equations, block: ConstraintBlock) -> None:
    """Refuse what jumps under d: between two places on a line it changes by more than its derivatives there tell."""
    points = block.points
    one = points.take(torch.tensor([points.n // 2]))
    fields = _smooth_fields(equations, points)
    for i, coordinate in enumerate(points.names):
        low, high = float(points.x[:, i].min()), float(points.x[:, i].max())
        if not low < high:
            continue
        ends = torch.linspace(low, high, _LINE, dtype=points.x.dtype, device=points.x.device)
        taken = _on_line(equations, block.name, fields, one, i, ends)
        for number, first in enumerate(taken):
            if first.coordinate != coordinate:
                continue
            size = _largest(first.argument - first.argument.mean())
            places, now, before = ends, first, torch.finfo(ends.dtype).eps ** 0.5 * _largest(first.argument)
            for _ in range(_ZOOMS):
                at, defect = _worst_interval(places, now)
                if not defect > max(before, _JUMP * size):
                    break
                before = 0.5 * defect  # half the interval leaves a quarter of a bend, and the whole of a jump
                places = torch.linspace(float(places[at]), float(places[at + 1]), _FEW, dtype=ends.dtype).to(ends)
                now = _on_line(equations, block.name, fields, one, i, places)[number]
            else:
                raise ValueError(
                    f"constraint {block.name!r}: in {first.text or f'a derivative by {coordinate}'} what is "
                    f"differentiated jumps by {defect:.3g} at {coordinate}={float(places[at]):.6g}, where it has no "
                    "derivative; for samples give a Table of a degree above the order of the derivative, e.g. "
                    "coefficients={'k': Table({'x': xs}, ks)}; for layers make the flux one more output, "
                    "q = k * d(u, x), and differentiate that"
                )


def _smooth_fields(equations: Equations, points: Points) -> ModelFunction:
    """Sines of the size of the outputs in their place: a network of kinks has jumps that are not the equation's."""
    bounds = equations.problem.domain.bounds
    with torch.no_grad():
        values = equations.model.outputs({key: points.x[:, i] for i, key in enumerate(points.names)})
    levels = {name: (float(value.mean()), float(value.abs().max()) or 1.0) for name, value in values.items()}

    def fields(columns: Mapping[str, Any]) -> dict[str, Any]:
        scaled = [
            (column - sum(bounds[key]) / 2) * (2 / (bounds[key][1] - bounds[key][0])) for key, column in columns.items()
        ]
        phase = torch.stack(scaled).sum(0)
        return {name: mean + 0.1 * size * torch.sin(phase + j) for j, (name, (mean, size)) in enumerate(levels.items())}

    return fields


def _on_line(
    equations: Equations, name: str, fields: ModelFunction, one: Points, axis: int, places: Tensor
) -> list[_Taken]:
    x = one.x.repeat(len(places), 1)
    x[:, axis] = places
    return _derivatives(equations, name, one, x, fields)


def _worst_interval(places: Tensor, taken: _Taken) -> tuple[int, float]:
    """Where on a line the change of what is differentiated is told worst by its derivatives, and by how much."""
    f, g = taken.argument, taken.result
    defect = (f[1:] - f[:-1] - 0.5 * (places[1:] - places[:-1]) * (g[1:] + g[:-1])).abs()
    defect = torch.where(torch.isfinite(defect), defect, torch.zeros_like(defect))
    at = int(defect.argmax())
    return at, float(defect[at])


def _derivatives(
    equations: Equations, name: str, points: Points, x: Tensor, model: ModelFunction | None = None
) -> list[_Taken]:
    """The derivatives that a constraint takes at x, whose rows are the points, once or several times.

    Args:
        equations: problem and model.
        name: of the constraint.
        points: for normals and values.
        x: (k n, d).
        model: coordinates -> outputs; left out, that of the problem.
    """
    times = x.shape[0] // points.n
    constants = {
        key: value.repeat(times) if value.ndim == 1 else value for key, value in equations.constants(points).items()
    }
    columns = {key: x[:, i].detach().clone().requires_grad_() for i, key in enumerate(points.names)}
    recorder = _Recorder(columns)
    with torch.enable_grad(), recorder, ArithmeticNormalisation():
        outputs = (model or equations.reader(name))(columns)
        recorder.taken.clear()
        rows_of(model or equations.model.outputs, equations.functions[name], columns, constants, outputs)
    return recorder.taken


def _difference(f: Tensor, h: float) -> tuple[Tensor, Tensor]:
    """The extrapolated difference of values f (5, n) at x, x ± h, x ± 2h, and the error to allow point by point."""
    slope, bend, noise = extrapolated(f, h)
    return slope, bend + (noise + 100 * torch.finfo(f.dtype).eps * _largest(f)) / h


def _finding(given: Tensor, found: Tensor, allowed: Tensor) -> int | None:
    """The worst of the points where two values differ by more than is allowed, if enough of them do."""
    finite = torch.isfinite(given) & torch.isfinite(found) & torch.isfinite(allowed)
    if not bool(finite.any()):
        return None
    size = max(_largest(given[finite]), _largest(found[finite]))
    excess = (given - found).abs() - 10 * allowed - torch.finfo(given.dtype).eps ** 0.25 * size
    excess = torch.where(finite, excess, -torch.ones_like(excess))
    if int((excess > 0).sum()) < max(1.0, _SHARE * given.numel()):
        return None
    return int(excess.argmax())


def _largest(values: Tensor) -> float:
    return float(values.nan_to_num(0.0, 0.0, 0.0).abs().max()) if values.numel() else 0.0


# -- the response to outputs and unknowns ----------------------------------------------------------------------------


def _require_response(equations: Equations, objective: Objective, jacobian: Tensor) -> None:
    theta = objective.vector()
    generator = torch.Generator().manual_seed(0)
    scales = torch.cat([_mean_size(p).expand(p.numel()) for p in objective.parameters()])
    direction = torch.randn(theta.shape, generator=generator, dtype=torch.float64).to(theta) * scales
    h = torch.finfo(theta.dtype).eps ** 0.25
    try:
        f = torch.stack([_rows_at(objective, theta + s * h * direction) for s in (0.0, 1.0, -1.0, 2.0, -2.0)])
    finally:
        objective.assign(theta)
    slope = jacobian @ direction
    start = 0
    for block in objective.blocks:
        part = slice(start, start + block.rows)
        start += block.rows
        found, allowed = _difference(f[:, part], h)
        if (worst := _finding(slope[part], found, allowed)) is not None:
            raise ValueError(
                f"constraint {block.name!r}: its rows change with the network and the unknowns by "
                f"{float(found[worst]):.6g}, and their derivative is given as {float(slope[part][worst]):.6g}: an "
                f"output or an unknown was cut from the graph, in the equation or in a function of the network; "
                f"{_DETACHED}. Where that is meant, "
                "solve(..., verify=False) trains all the same"
            )
        q = block.residuals.per_point
        still = (jacobian[part].abs().amax(1) == 0).view(-1, q).all(0)
        left = f[0, part].abs().view(-1, q).amax(0) > 0
        if bool((still & left).any()) and bool((still & left & ~_moving(equations, block)).any()):
            raise ValueError(
                f"constraint {block.name!r}: a row is not zero and depends on no output and no unknown, so that "
                "nothing can satisfy it; mend the equation, or take the row away"
            )


def _mean_size(parameter: Tensor) -> Tensor:
    size = parameter.detach().square().mean().sqrt()
    return torch.where(size > 0, size, torch.ones_like(size))


def _rows_at(objective: Objective, theta: Tensor) -> Tensor:
    objective.assign(theta)
    return objective.residual().detach().clone()


def _moving(equations: Equations, block: ConstraintBlock) -> Tensor:
    """Whether each row changes when the outputs, as free fields, and the unknowns do; an ansatz holds them fixed."""
    problem = equations.problem
    points = block.points.take(torch.arange(min(_POINTS, block.points.n))).to(torch.float64, torch.device("cpu"))
    fields, numbers = trial_fields(problem)
    others = {name: _shifted(field) for name, field in fields.items()}
    before = trial_rows(problem, block.name, points, fields, numbers)
    after = trial_rows(problem, block.name, points, others, {name: 1.3 * v + 0.1 for name, v in numbers.items()})
    return torch.tensor([not torch.equal(a, b) for a, b in zip(before, after, strict=True)])


def _shifted(field: Callable[[Mapping[str, Tensor]], Tensor]) -> Callable[[Mapping[str, Tensor]], Tensor]:
    return lambda columns: 1.7 * field(columns) + 0.4
