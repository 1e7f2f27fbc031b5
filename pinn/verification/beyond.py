"""Values that an equation asks for outside of the domain, where nothing determines them.

    at(u, t=t - tau)    for t < tau

A function that is zero in the domain and not outside is added to the outputs wherever `at` and `integral` evaluate
them. Rows that change depend on values of the network there, which no condition and no equation reaches; rows that
do not are right, such as those of `torch.where(t < tau, history, at(u, t=t - tau))`.

Points of the constraint are looked at, and those at the ends of its set along each coordinate, from which a short delay
leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pinn.derivatives.engine import ModelFunction
from pinn.derivatives.normalisation import ArithmeticNormalisation
from pinn.derivatives.seen import rows_of
from pinn.domains import Points
from pinn.objective import ConstraintBlock, Equations, Objective
from pinn.verification.text import text_of_caller

_END = 1e-6  # of the extent of a set, so far from its ends are the points that stand for them
_OUTSIDE = 1e-5  # of the domain's size, beyond which a place is outside; what is nearer is on its boundary
_MOVED = 1e-8  # change of a row, over the size of what was added, that is not rounding


def check_inside(equations: Equations, objective: Objective) -> None:
    """Refuse equations whose rows depend on outputs outside of the domain; see the module.

    Args:
        equations: problem, model and engine.
        objective: on the points to look at.

    Raises:
        ValueError: naming the constraint, the term, how far it leaves and the cure.
    """
    for block in objective.blocks:
        _require_inside(equations, block)


@dataclass(frozen=True)
class _Excursion:
    """A call of the model at places of which some are outside: number of the call, term, and what is farthest."""

    call: int
    text: str
    places: Mapping[str, float]
    beyond: Mapping[str, float]
    """Coordinate -> how far above its bounds, negative below; empty where the place is within all of them."""


class _Outputs:
    """The outputs at points, and as `at` and `integral` see them: those of one call changed outside of the domain.

    Args:
        equations: problem and model.
        model: coordinates -> outputs.
        changed: number of the call whose outputs are changed; None for none.
    """

    def __init__(self, equations: Equations, model: ModelFunction, changed: int | None = None) -> None:
        self._problem, self._model, self._changed = equations.problem, model, changed
        self._calls = 0
        self.found: list[_Excursion] = []

    def __call__(self, columns: dict[str, Tensor]) -> Mapping[str, Tensor]:
        """Outputs at the rows' own points, by name."""
        return self._model(columns)

    def elsewhere(self, columns: dict[str, Tensor]) -> Mapping[str, Tensor]:
        """Outputs at other points, by name."""
        outputs = dict(self._model(columns))
        number, self._calls = self._calls, self._calls + 1
        outside = self._outside(columns)
        if not bool(outside.any()):
            return outputs
        if self._changed is None:
            self.found.append(self._excursion(number, columns, outside))
        elif number == self._changed:
            wave = self._wave(columns)
            for name, value in outputs.items():
                within = self._of_field(name, columns)
                mask = outside if within is None else within
                outputs[name] = value + mask.to(value.dtype) * (1 + value.detach().abs()) * wave
        return outputs

    def _wave(self, columns: Mapping[str, Tensor]) -> Tensor:
        """Neither it nor its derivatives are zero in any row of places."""
        bounds = self._problem.domain.bounds
        scaled = [(columns[name] - low) / (high - low) for name, (low, high) in bounds.items()]
        return 2 + torch.sin(torch.stack(scaled).sum(0) + 0.7)

    def _outside(self, columns: Mapping[str, Tensor]) -> Tensor:
        """Which places are, (n,)."""
        problem, x = self._problem, []
        for name in problem.coordinates:
            column = columns[name].detach().double()
            low, high = problem.domain.bounds[name]
            x.append(low + torch.remainder(column - low, high - low) if name in problem.periodic else column)
        place = torch.stack(torch.broadcast_tensors(*x), -1)
        return (problem.domain.level(place.cpu()) > _OUTSIDE).to(place.device)  # sets lie on the processor

    def _of_field(self, name: str, columns: Mapping[str, Tensor]) -> Tensor | None:
        """Where an unknown field of some of the coordinates is outside of its box; None for outputs."""
        unknown = self._problem.unknowns.get(name)
        if unknown is None:
            return None
        beyond = [self._past(key, columns[key]).abs() > 0 for key in unknown.inputs]
        return torch.stack(torch.broadcast_tensors(*beyond)).any(0)

    def _past(self, name: str, column: Tensor) -> Tensor:
        """How far places are above the bounds of a coordinate, negative below, zero within; (n,)."""
        if name in self._problem.periodic:
            return torch.zeros_like(column)
        low, high = self._problem.domain.bounds[name]
        column, slack = column.detach(), _OUTSIDE * (high - low)
        above, below = torch.relu(column - high), torch.relu(low - column)
        return torch.where(above > slack, above, 0.0) - torch.where(below > slack, below, 0.0)

    def _excursion(self, number: int, columns: Mapping[str, Tensor], outside: Tensor) -> _Excursion:
        bounds = self._problem.domain.bounds
        past = {name: self._past(name, columns[name]) for name in bounds}
        reach = torch.stack([past[name].abs() / (high - low) for name, (low, high) in bounds.items()]).amax(0)
        worst = int(torch.where(outside, 1 + reach, torch.zeros_like(reach)).argmax())
        beyond = {name: float(by[worst]) for name, by in past.items() if float(by[worst]) != 0}
        places = {name: float(columns[name].detach()[worst]) for name in bounds}
        return _Excursion(number, text_of_caller(__file__), places, beyond)


def _require_inside(equations: Equations, block: ConstraintBlock) -> None:
    points = _with_ends(equations, block)
    before, excursions = _rows(equations, block.name, points, None)
    for one in excursions:
        after, _ = _rows(equations, block.name, points, one.call)
        size = torch.nan_to_num(before.abs(), nan=0.0, posinf=0.0, neginf=0.0).clamp_min(1.0)
        if bool(((after - before).abs() / size > _MOVED).any()):
            raise ValueError(_message(equations, block.name, one))


def _message(equations: Equations, name: str, found: _Excursion) -> str:
    term, bounds = found.text or "a value elsewhere", equations.problem.domain.bounds
    said = f"constraint {name!r}: {term} takes the outputs at "
    why = "where nothing determines them"
    if not found.beyond:
        place = ", ".join(f"{key}={value:.4g}" for key, value in found.places.items())
        return f"{said}{place}, outside of the domain, {why}; give a place in the domain, or torch.where for the rest"
    key, by = max(found.beyond.items(), key=lambda item: abs(item[1]) / (bounds[item[0]][1] - bounds[item[0]][0]))
    low, high = bounds[key]
    side, clamp = (f"above {high:.6g}", f"max={high:.6g}") if by > 0 else (f"below {low:.6g}", f"min={low:.6g}")
    return (
        f"{said}{key}={found.places[key]:.4g}, {abs(by):.3g} {side}, the end of the domain, {why}; clamp the place, "
        f"torch.clamp(..., {clamp}), and give what is known beyond it, such as a history, by torch.where"
    )


def _rows(equations: Equations, name: str, points: Points, changed: int | None) -> tuple[Tensor, list[_Excursion]]:
    """The rows of a constraint, and where the outputs are taken outside of the domain."""
    outputs = _Outputs(equations, equations.reader(name), changed)
    columns = {key: points.x[:, i].detach().clone().requires_grad_() for i, key in enumerate(points.names)}
    with torch.enable_grad(), ArithmeticNormalisation():
        rows = rows_of(outputs, equations.functions[name], columns, equations.constants(points))
    fields = [row.detach() if isinstance(row, Tensor) else torch.tensor(float(row)) for row in rows]
    return torch.stack([row.expand(points.n) for row in fields]), outputs.found


def _with_ends(equations: Equations, block: ConstraintBlock) -> Points:
    """The block's points, and the same moved to the ends of the constraint's set along each coordinate."""
    points, on = block.points, equations.problem.constraints[block.name].on
    moved = [points]
    for i, name in enumerate(points.names):
        low, high = on.bounds[name]
        for end in (low + _END * (high - low), high - _END * (high - low)):
            x = points.x.clone()
            x[:, i] = end
            inside = on.contains(x.cpu()).to(x.device)
            if low < high and bool(inside.any()):
                kept = points.take(torch.nonzero(inside)[:, 0].to(points.x.device))
                moved.append(replace(kept, x=x[inside]))
    return Points.cat(moved)
