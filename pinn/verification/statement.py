"""What a problem's statement shows without a solution: what nothing uses, data elsewhere, conditions that clash.

- An output or an unknown that no row depends on, read off the graph of every constraint on trial fields.
- An output p of which the rows see derivatives alone: r(p + c) = r(p) for every constant c, to 1e-10 of what another
  p changes.
- An unknown number E in an equation that is linear and homogeneous in the outputs, as all conditions are, while another
  constraint fixes the size of the answer: an eigenvalue problem, which has a solution for every level.
- Observations outside the domain, in units of its extent.
- Two condition rows that say the same of a point: L_A w + b_A and L_B w + b_B with L_A = k L_B. They repeat each other
  where b_A = k b_B, and contradict each other elsewhere. k is fitted point by point to the rows of several random
  fields w, of which it must leave nothing.
- A condition row that jumps along its set, on a smooth field: what it prescribes jumps there. Pairs of neighbours on a
  grid are halved; where a row is continuous its difference goes to zero with their distance.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pinn.analysis import Role, Traits
from pinn.binding import FAILURES, names_of
from pinn.derivatives.seen import outputs_of, rows_of
from pinn.domains import Domain, Points
from pinn.problem import Problem, TrialField, trial_fields, trial_rows
from pinn.verification.finding import Finding, Kind

_POINTS = 16  # of each constraint, at which dependence is tried
_FAR = 1.0  # extents of the domain beyond it that no rounding, but another unit explains
_BEYOND = 1e-6  # extents beyond the domain that rounding explains
_LEVEL = 1e-10  # what a constant changes, over what another field changes, that rounding explains
_FIELDS = 5  # trial fields on which condition rows are compared
_SAME = 1e-9  # what is left of one condition row after another is taken off that rounding explains
_CLASH = 1e-5  # difference of two prescribed values over the size of the row that is worth a word
_GRID = 80  # points of a condition at which it is compared with others, about
_HALVINGS = 40  # of the distance of neighbours, after which a row that is continuous has no difference left, ...
_JUMP = 1e-3  # ... nor this part of its size
_MOST = 2000  # of all conditions together


def unused(problem: Problem) -> list[Finding]:
    """Outputs and unknowns that no constraint depends on."""
    fields, numbers = trial_fields(problem)
    leaves = {key: torch.ones((), dtype=torch.float64, requires_grad=True) for key in (*fields, *numbers)}
    seen: set[str] = set()
    for name in problem.constraints:
        points = _some(problem, name)
        scaled = {key: _scaled(field, leaves[key]) for key, field in fields.items()}
        constants = {key: leaves[key] * value for key, value in numbers.items()}
        columns = {key: points.x[:, i].clone().requires_grad_() for i, key in enumerate(problem.coordinates)}
        for row in rows_of(outputs_of(scaled), problem.equation(name), columns, {**constants, **points.constants()}):
            if row.requires_grad:
                slopes = torch.autograd.grad(row.sum(), list(leaves.values()), retain_graph=True, allow_unused=True)
                seen |= {key for key, slope in zip(leaves, slopes, strict=True) if slope is not None}
    for key, function in problem.ansatz.items():
        if key in seen:  # the ansatz of an output that is used may be made of others that are not
            seen |= set(problem.outputs) & {name for names in names_of(function) for name in names}
    found = []
    for key in problem.outputs:
        if key not in seen:
            what = f"no constraint depends on the output {key!r}, so that nothing determines it"
            cure = f"use {key!r} in an equation or a condition, or take it off outputs={list(problem.outputs)}"
            found.append(Finding(Kind.UNUSED_OUTPUT, what, cure, (key,)))
    for key in problem.unknowns:
        if key not in seen:
            what = f"no constraint depends on the unknown {key!r}, so that nothing determines it"
            cure = f"take {key!r} as an argument of an equation, or take it off coefficients"
            found.append(Finding(Kind.UNUSED_UNKNOWN, what, cure, (key,)))
    return found


def free_levels(problem: Problem, among: Collection[str]) -> list[str]:
    """Outputs to which any constant may be added, as far as some of the constraints say.

    Args:
        problem: any.
        among: names of these constraints.
    """
    free = {key: True for key in problem.outputs if key not in problem.ansatz}
    moved = dict.fromkeys(free, 0.0)
    fields, numbers = trial_fields(problem)
    for name in among:
        points = _some(problem, name)
        before = _rows(problem, name, points, fields, numbers)
        for key in free:
            shifted = _rows(problem, name, points, {**fields, key: _shifted(fields[key])}, numbers)
            other = _rows(problem, name, points, {**fields, key: _bent(fields[key], problem.coordinates)}, numbers)
            if before is None or shifted is None or other is None:
                free[key] = False
                continue
            change = (other - before).abs().amax(1)
            free[key] &= bool(((shifted - before).abs().amax(1) <= _LEVEL * change).all())
            moved[key] = max(moved[key], float(change.max()))
    return [key for key in free if free[key] and moved[key] > 0]


def levels(problem: Problem, traits: Traits) -> list[Finding]:
    """Unknown numbers that are eigenvalues: a run finds one of several answers, and its neighbours tell of none."""
    fields, numbers = trial_fields(problem)
    nothing = {key: _scaled(field, torch.zeros((), dtype=torch.float64)) for key, field in fields.items()}
    zero = {name: _rows(problem, name, _some(problem, name), nothing, numbers) for name in problem.constraints}
    homogeneous = {name for name, rows in zero.items() if rows is not None and not bool(rows.any())}
    if not set(zero) - homogeneous or any(one.role is Role.DATA for one in traits.constraints.values()):
        return []
    equations = [name for name in traits.of_role(Role.EQUATION) if traits.constraints[name].affine_in_outputs]
    pointwise = {name for name in zero if traits.constraints[name].role is not Role.INTEGRAL}
    if not equations or not pointwise <= homogeneous:
        return []
    found = []
    for key, value in numbers.items():
        other = {**numbers, key: value + (abs(value) or 1.0)}
        for name in equations:
            before, after = (_rows(problem, name, _some(problem, name), fields, given) for given in (numbers, other))
            if before is not None and after is not None and not torch.equal(before, after):
                what = f"{key!r} is an eigenvalue: each level satisfies the problem, and the answer is one of them"
                cure = f"give {key!r} a first guess, or bounds, near the level that is meant"
                found.append(Finding(Kind.LEVELS, what, cure, (key,), certain=False))
                break
    return found


def outside(problem: Problem) -> list[Finding]:
    """Conditions and observations at points that are not in the domain."""
    found = []
    for name, constraint in problem.constraints.items():
        points = constraint.on.sample(256, generator=torch.Generator().manual_seed(0), method="uniform")
        off = {}
        for key in problem.coordinates:
            low, high = problem.domain.bounds[key]
            column = points.column(key)
            excess = float(torch.maximum(low - column, column - high).max()) / (high - low)
            if excess > _BEYOND:
                off[key] = excess
        given = constraint.on.dimension == 0
        if off:
            key = max(off, key=lambda name: off[name])
            low, high = problem.domain.bounds[key]
            column = points.column(key)
            thing = "observations" if points.values else "points"
            what = (
                f"the {thing} of {name!r} lie at {key} from {float(column.min()):g} to {float(column.max()):g}, the "
                f"domain from {low:g} to {high:g}"
            )
            cure = f"give {key} in the units of the domain, or a domain that holds the {thing}"
            found.append(Finding(Kind.OUTSIDE, what, cure, (name,), certain=given and off[key] > _FAR))
        elif given and (part := float((problem.domain.level(points.x) > _BEYOND).double().mean())) > 0:
            what = f"{part:.0%} of the points of {name!r} lie outside the domain, in a hole or beyond its boundary"
            found.append(
                Finding(Kind.OUTSIDE, what, "check them, or leave them out: no equation holds there", (name,), False)
            )
    return found


@dataclass(frozen=True, eq=False)
class _Row:
    """One row of a condition: on trial fields, at the points of a grid on its set.

    Attributes:
        name: of the constraint.
        x: the points (n, d), scaled to the unit box.
        values: row on each trial field (K, n).
        place: the points in the coordinates' own units.
        component: which of the constraint's rows it is.
    """

    name: str
    x: Tensor
    values: Tensor
    place: Points
    component: int


def of_conditions(problem: Problem, traits: Traits) -> list[Finding]:
    """What conditions show by themselves and beside each other: clashes, and jumps along their sets."""
    rows = list(_condition_rows(problem, traits))
    return [*_clashes(problem, rows), *_jumps(problem, traits, rows)]


def _clashes(problem: Problem, rows: Sequence[_Row]) -> list[Finding]:
    """Conditions that say the same twice, or that contradict each other, on a common set or at a corner."""
    found = []
    for one, other in itertools.combinations(rows, 2):
        near = torch.cdist(one.x, other.x, p=math.inf) <= 1e-9
        left, right = near.nonzero(as_tuple=True)
        if len(left) == 0:
            continue
        a, b = one.values[:, left], other.values[:, right]
        slope_a, slope_b = a - a[:1], b - b[:1]
        size = slope_b.pow(2).sum(0)
        k = (slope_a * slope_b).sum(0) / size
        left_over = (slope_a - k * slope_b).pow(2).sum(0).sqrt()
        scale = slope_a.pow(2).sum(0).sqrt()
        same = (size > 0) & (scale > 0) & (left_over <= _SAME * scale)
        if not bool(same.any()):
            continue
        gap = torch.where(same, (a - k * b).abs().amax(0) / (scale / math.sqrt(_FIELDS)), torch.zeros_like(k))
        shared = float(same.double().sum()) / min(one.place.n, other.place.n)
        at = int(gap.argmax())
        names = tuple(dict.fromkeys((one.name, other.name)))
        if float(gap[at]) > _CLASH:
            place = one.place.x[left[at]].tolist()
            where = ", ".join(f"{key} = {value:g}" for key, value in zip(problem.coordinates, place, strict=True))
            found.append(_mismatch(names, where, float(gap[at]), shared))
        elif shared > 0.9:
            what = f"{_both(names)} state the same condition on a common set"
            cure = "take one away; together they weigh it twice"
            found.append(Finding(Kind.REPEATED, what, cure, names, certain=False))
    return list({(one.kind, one.names): one for one in reversed(found)}.values())[::-1]


def _mismatch(names: tuple[str, ...], where: str, gap: float, shared: float) -> Finding:
    by = f"by {gap:.1g} of the size of what they prescribe"
    if shared > 0.5:
        what = f"{_both(names)} prescribe different values of the same thing on a common set, {by} at {where}"
        return Finding(Kind.CONTRADICTORY, what, "take one away, or mend its values", names)
    what = f"{_both(names)} do not meet where their sets do: they differ {by} at {where}"
    cure = "if the jump is meant, expect an error of its size near there; otherwise mend the values"
    return Finding(Kind.CORNER, what, cure, names, certain=False)


def _jumps(problem: Problem, traits: Traits, rows: Sequence[_Row]) -> list[Finding]:
    """Conditions that prescribe what is not continuous along their sets."""
    found, given = [], _trial(problem, traits, 0)
    for row in rows:
        x, on = row.place.x, problem.constraints[row.name].on
        pairs = ((x[1:] != x[:-1]).sum(1) == 1).nonzero(as_tuple=True)[0]  # neighbours along one coordinate
        low, high, size = x[pairs], x[pairs + 1], float(row.values[0].abs().max())

        def at(places: Tensor, row: _Row = row) -> Tensor | None:
            values = _rows(problem, row.name, replace(row.place, x=places, normals=None), *given)
            return None if values is None or values.shape[0] <= row.component else values[row.component]

        a, b = row.values[0, pairs], row.values[0, pairs + 1]
        for _ in range(_HALVINGS):
            worth = (a - b).abs() > _JUMP * size
            middle = 0.5 * (low + high)
            if not bool(worth.any()) or not bool(on.contains(middle).all()):
                break
            if (value := at(middle)) is None:
                break
            left = (value - a).abs() >= (b - value).abs()
            low, high = torch.where(left[:, None], low, middle), torch.where(left[:, None], middle, high)
            a, b = torch.where(left, a, value), torch.where(left, value, b)
        else:
            worst = int((a - b).abs().argmax())
            place = ", ".join(f"{k} = {v:.4g}" for k, v in zip(problem.coordinates, low[worst].tolist(), strict=True))
            what = f"{row.name!r} jumps by {float((a - b).abs()[worst]) / size:.1g} of the size of its rows at {place}"
            cure = "if the jump is meant, expect an error of its size near there; a steep slope instead has none"
            found.append(Finding(Kind.JUMP, what, cure, (row.name,), certain=False))
    return list({one.names: one for one in found}.values())


def _both(names: Sequence[str]) -> str:
    return " and ".join(repr(name) for name in names) if len(names) > 1 else f"rows of {names[0]!r}"


def _condition_rows(problem: Problem, traits: Traits) -> Iterator[_Row]:
    bounds = problem.domain.bounds
    low = torch.tensor([bounds[key][0] for key in problem.coordinates], dtype=torch.float64)
    extent = torch.tensor([bounds[key][1] - bounds[key][0] for key in problem.coordinates], dtype=torch.float64)
    trials = [_trial(problem, traits, i) for i in range(_FIELDS)]
    total = 0
    for name in (*traits.of_role(Role.START), *traits.of_role(Role.BOUNDARY)):
        points = _corners_too(problem.constraints[name].on)
        total += points.n
        if total > _MOST:
            return
        values = [_rows(problem, name, points, *trial) for trial in trials]
        if any(value is None or not bool(torch.isfinite(value).all()) for value in values):
            continue
        stacked = torch.stack([value for value in values if value is not None])  # (K, q, n)
        for component in range(stacked.shape[1]):
            yield _Row(name, (points.x - low) / extent, stacked[:, component], points, component)


def _trial(problem: Problem, traits: Traits, i: int) -> tuple[dict[str, TrialField], dict[str, float]]:
    """The i-th of the trial fields on which condition rows are compared, and the unknown numbers."""
    fields, numbers = trial_fields(problem)
    bounds = problem.domain.bounds
    return {**fields, **{key: _wave(traits.sizes[key], i, j, bounds) for j, key in enumerate(problem.outputs)}}, numbers


def _corners_too(on: Domain) -> Points:
    """A grid on a set, with its ends where it has some; draws where it has too many ends."""
    if 3**on.dimension > _MOST:
        return on.sample(_GRID, generator=torch.Generator().manual_seed(0), method="uniform")
    n = max(2, round(_GRID ** (1 / max(1, on.dimension))))
    return on.grid(n + 1 - n % 2)  # odd: the middle is a point of it too


def _some(problem: Problem, name: str) -> Points:
    points = problem.constraints[name].on.sample(_POINTS, generator=torch.Generator().manual_seed(0), method="uniform")
    return points.take(torch.arange(min(_POINTS, points.n)))


def _rows(
    problem: Problem, name: str, points: Points, fields: Mapping[str, TrialField], numbers: Mapping[str, float]
) -> Tensor | None:
    """Rows (q, n) on trial fields; None where the equation refuses them."""
    try:
        return torch.stack([row.detach().double() for row in trial_rows(problem, name, points, fields, numbers)])
    except FAILURES:
        return None


def _scaled(field: TrialField, factor: Tensor) -> TrialField:
    return lambda columns: factor * field(columns)


def _shifted(field: TrialField) -> TrialField:
    return lambda columns: field(columns) + 0.75


def _bent(field: TrialField, coordinates: Sequence[str]) -> TrialField:
    def bent(columns: Mapping[str, Tensor]) -> Tensor:
        value = field(columns)
        for index, key in enumerate(coordinates):
            value = value + 0.1 * torch.sin((1.3 + 0.4 * index) * columns[key])
        return value

    return bent


def _wave(size: float, trial: int, index: int, bounds: Mapping[str, tuple[float, float]]) -> TrialField:
    """size · (mean + sin(ω · x̂ + φ)), another one for every trial and field."""
    generator = torch.Generator().manual_seed(1 + trial + 64 * index)
    numbers = torch.rand(len(bounds) + 2, generator=generator, dtype=torch.float64)

    def field(columns: Mapping[str, Tensor]) -> Tensor:
        angle = 6.0 * numbers[0]
        for i, (key, (low, high)) in enumerate(bounds.items()):
            angle = angle + (1 + 2 * numbers[i + 2]) * (columns[key] - low) / (high - low)
        return size * (numbers[1] + torch.sin(angle))

    return field
