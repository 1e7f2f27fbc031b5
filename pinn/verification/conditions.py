"""Which condition is missing: those that could be are tried on the directions that the constraints leave open.

Values and derivatives of each output at each part of the boundary, C, are appended to the directions V that are open
and their singular values Σ,

    gain of C = Σ log₁₀ σ([Σ; C V]) − Σ log₁₀ Σ,

and the condition that closes most of them is taken, until all are closed. Counting bounds what is tried: a coordinate
in which an output has as many conditions as its order wants no more on the faces that have some, and a time coordinate
with its start given none at its end. Of those that close as much, what counting wants goes first, then a start before
an end, velocities before the pressure, values before derivatives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pinn.analysis import Role
from pinn.domains import Points
from pinn.verification.determination import Determination

_LOW, _WEAK = 60, 0.3  # directions that a condition is tried on: at the most, and below which stability
_FLOOR = 1e-9  # stability that rounding explains
_LEAST, _NEAR = 0.5, 0.8  # gain that is worth a word, and the part of the greatest that makes a condition as good
_MOST = 8  # conditions that are named
_PARTS = 12  # of a boundary that are tried one by one; more are tried together

Counts = Mapping[tuple[str, str, bool], float]
"""(output, coordinate, at its lower bound) -> number of conditions there."""


@dataclass(frozen=True, eq=False)
class Condition:
    """A condition that could be added: a derivative of an output at a part of the boundary.

    Attributes:
        output: whose.
        coordinate: that it is differentiated by, and that is fixed there; empty on a curved part.
        order: of the derivative, 0 for the value.
        place: in words, such as "x = 0".
        low: whether the coordinate takes its lower bound.
        wanted: whether the output has fewer conditions along the coordinate than its order.
        rows: equilibrated, on the directions left open, (n, L).
    """

    output: str
    coordinate: str
    order: int
    place: str
    low: bool
    wanted: bool
    rows: Tensor

    @property
    def notation(self) -> str:
        """Such as "u" or "u_xx"."""
        return self.output + (f"_{self.coordinate * self.order}" if self.order else "")


@dataclass(frozen=True, eq=False)
class _Part:
    """A part of the boundary: points, in words, the coordinate that is fixed there (or none), and if at its low end."""

    points: Points
    place: str
    coordinate: str
    low: bool


def missing_conditions(open_problem: Determination, threshold: float) -> tuple[list[tuple[Condition, str]], float]:
    """The conditions that close what is open.

    Args:
        open_problem: what the constraints determine.
        threshold: stability that they are to bring.

    Returns:
        each with itself and others that do as well in words, and the stability with all of them.
    """
    problem, values = open_problem.problem, open_problem.values
    low = min(max(int((values < _WEAK).sum()), 2), _LOW, len(values))
    rows = torch.diag(values[:low].clamp_min(_FLOOR))
    tried = _candidates(open_problem, open_problem.right[:low])
    chosen: list[tuple[Condition, str]] = []
    stability = float(values[0])

    def preference(one: Condition) -> tuple[bool, bool, bool, int, bool]:
        late = one.coordinate == open_problem.traits.time_coordinate and not one.low
        most = max((_order(open_problem, name, one.coordinate) for name in problem.outputs), default=0)
        lesser = _order(open_problem, one.output, one.coordinate) < most
        return not one.wanted, late, lesser, one.order, not one.low

    while stability < threshold and tried and len(chosen) < _MOST:
        before = _logarithms(rows)
        scored = [(_logarithms(torch.cat([rows, one.rows])) - before, one) for one in tried]
        most = max(gain for gain, _ in scored)
        if most < _LEAST:
            break
        near = [one for gain, one in sorted(scored, key=lambda pair: -pair[0]) if gain >= _NEAR * most]
        best = min(near, key=preference)
        line = len(problem.coordinates) == 1  # one condition more, and its place is a matter of choice
        others = [one for one in near if one.output == best.output and (line or one.place == best.place)]
        chosen.append((best, _in_words(sorted(others, key=preference))))
        rows = torch.linalg.qr(torch.cat([rows, best.rows]), mode="r")[1]
        tried = [one for one in tried if one is not best]
        stability = float(torch.linalg.svdvals(rows)[-1])
    return chosen, stability


def _candidates(open_problem: Determination, directions: Tensor) -> list[Condition]:
    problem, counts = open_problem.problem, _counts(open_problem)
    found = []
    for part in _parts(open_problem):
        wanted: list[tuple[str, str, int, bool]] = []  # output, coordinate, order, whether counting wants it
        for output in problem.outputs:
            if output not in open_problem.owners:
                continue
            if not part.coordinate:
                if any(_order(open_problem, output, name) for name in problem.coordinates):
                    wanted.append((output, "", 0, True))
                continue
            order = _order(open_problem, output, part.coordinate)
            full = sum(counts.get((output, part.coordinate, low), 0.0) for low in (True, False)) > order - 0.01
            bare = counts.get((output, part.coordinate, part.low), 0.0) == 0
            evolved = part.coordinate == open_problem.traits.time_coordinate and not part.low
            if not full or (bare and not evolved):
                wanted += [(output, part.coordinate, k, not full) for k in range(order)]
        if not wanted:
            continue
        every = open_problem.values_at(part.points, [one[:3] for one in wanted])
        for rows, (output, along, k, needed) in zip(every, wanted, strict=True):
            seen = open_problem.along(rows, directions)
            found.append(Condition(output, along, k, part.place, part.low, needed, seen))
    return found


def _counts(open_problem: Determination) -> Counts:
    """Conditions on every face; one row on several outputs counts a part for each."""
    problem, traits = open_problem.problem, open_problem.traits
    roles = {*traits.of_role(Role.START), *traits.of_role(Role.BOUNDARY)}
    found: dict[tuple[str, str, bool], float] = {}
    for group, response in zip(open_problem.groups, open_problem.responses, strict=True):
        if group.name not in roles or problem.constraints[group.name].on.dimension < problem.domain.dimension - 1:
            continue
        sizes = zip(open_problem.owners, response.tolist(), strict=True)
        seen = [name for name, size in sizes if name in problem.outputs and size > 1e-9 * float(response.max())]
        for coordinate, (low, high) in problem.domain.bounds.items():
            column = open_problem.points[group.name].column(coordinate)
            for bound, at_low in ((low, True), (high, False)):
                if float(((column - bound).abs() <= 1e-9 * (high - low)).double().mean()) > 0.05:
                    for name in seen:
                        key = name, coordinate, at_low
                        found[key] = found.get(key, 0.0) + 1 / len(seen)
    return found


def _order(open_problem: Determination, output: str, coordinate: str) -> int:
    """The highest derivative by a coordinate that the equations take of an output; 0 by none."""
    traits = open_problem.traits
    if not coordinate:
        return 0
    axis = traits.coordinates.index(coordinate)
    equations = [traits.constraints[name] for name in traits.of_role(Role.EQUATION)]
    taken = (axes.count(axis) for one in equations for key, axes in one.required_derivatives if key == output)
    return max(taken, default=0)


def _parts(open_problem: Determination) -> list[_Part]:
    """Parts of the boundary at which conditions can be given; none of a domain without an inside."""
    domain, periodic = open_problem.problem.domain, open_problem.problem.periodic
    if domain.dimension < len(domain.coordinates):
        return []
    generator = torch.Generator().manual_seed(0)
    boundary = domain.boundary()
    charts = boundary.charts()
    number = {1: 1, 2: 40}.get(len(domain.coordinates), 80)
    if len(charts) > _PARTS:
        return [_Part(boundary.sample(2 * number, generator=generator), "the boundary", "", True)]
    found = []
    for chart in charts:
        points = chart.draw(number, generator=generator, method="sobol")
        fixed = [name for name in points.names if len(points.column(name).unique()) == 1]
        if not fixed:
            place = "the boundary" if len(charts) == 1 else _within(points)
            found.append(_Part(points, place, "", True))
        elif fixed[0] not in periodic:
            name, value = fixed[0], float(points.column(fixed[0])[0])
            low, high = domain.bounds[name]
            found.append(_Part(points, f"{name} = {value:g}", name, abs(value - low) < abs(value - high)))
    return found


def _in_words(conditions: Sequence[Condition]) -> str:
    """Such as "u, u_x or u_xx at x = 1", the best first."""
    places: dict[str, list[str]] = {}
    for one in conditions:
        places.setdefault(one.place, []).append(one.notation)
    return ", or ".join(f"{_joined(names)} at {place}" for place, names in places.items())


def _joined(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _within(points: Points) -> str:
    """A curved part of a boundary, in words."""
    ends = [(name, float(points.column(name).min()), float(points.column(name).max())) for name in points.names]
    return "the boundary between " + " and ".join(f"{name} = {low:.2g} … {high:.2g}" for name, low, high in ends)


def _logarithms(rows: Tensor) -> float:
    return float(torch.linalg.svdvals(rows).clamp(_FLOOR, _WEAK).log10().sum())
