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

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pinn.analysis import Role
from pinn.domains import Domain, Points
from pinn.problem import Problem, TrialField, trial_fields, trial_rows
from pinn.verification.determination import Determination

_LOW, _WEAK = 60, 0.3  # directions that a condition is tried on: at the most, and below which stability
_FLOOR = 1e-9  # stability that rounding explains
_LEAST, _NEAR = 0.5, 0.8  # gain that is worth a word, and the part of the greatest that makes a condition as good
_MOST = 8  # conditions that are named
_CLOSE, _REGULAR = 1e-6, 0.1  # extents from a face, and |b| δ / |a| there, below which it is regular
_HELD = 1e-6  # change of an output, of its size, below which an ansatz holds it
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
        wanted: conditions that the output has fewer along the coordinate than its order.
        rows: equilibrated, on the directions left open, (n, L).
    """

    output: str
    coordinate: str
    order: int
    place: str
    low: bool
    wanted: int
    rows: Tensor

    @property
    def notation(self) -> str:
        """Such as "u" or "u_xx"."""
        return self.output + (f"_{self.coordinate * self.order}" if self.order else "")


@dataclass(frozen=True, eq=False)
class _Part:
    """A part of the boundary: points, in words, the coordinate that is fixed there (or none), if at its low end, and
    the region whose boundary it is, where there are any.
    """

    points: Points
    place: str
    coordinate: str
    low: bool
    region: str = ""


def missing_conditions(
    open_problem: Determination, threshold: float, faces: Sequence[tuple[str, float]] = (), most: int = _MOST
) -> tuple[list[tuple[Condition, str]], float]:
    """The conditions that close what is open.

    Args:
        open_problem: what the constraints determine.
        threshold: stability that they are to bring.
        faces: coordinate and its bound, the only ones that are tried; all where there are none.
        most: conditions that are named at the most.

    Returns:
        each with itself and others that do as well in words, and the stability with all of them.
    """
    problem, values = open_problem.problem, open_problem.values
    low = min(max(int((values < _WEAK).sum()), 2), _LOW, len(values))
    rows = torch.diag(values[:low].clamp_min(_FLOOR))
    tried = _candidates(open_problem, open_problem.right[:low])
    if faces:
        tried = [one for one in tried if one.wanted and one.place in {_at(*face) for face in faces}]
    chosen: list[tuple[Condition, str]] = []
    stability = float(values[0])

    line = len(problem.coordinates) == 1  # one condition more, and its place is a matter of choice

    def starts(one: Condition) -> bool:
        return one.wanted > 0 and one.low and one.coordinate == open_problem.traits.time_coordinate

    def preference(one: Condition) -> tuple[bool, bool, bool, int, bool]:
        late = one.coordinate == open_problem.traits.time_coordinate and not one.low
        highest = max((_order(open_problem, name, one.coordinate) for name in problem.outputs), default=0)
        lesser = _order(open_problem, one.output, one.coordinate) < highest
        return one.wanted == 0, late, lesser, one.order, not one.low

    while stability < threshold and tried and len(chosen) < most:
        before = _logarithms(rows)
        scored = [(_logarithms(torch.cat([rows, one.rows])) - before, one) for one in tried]
        greatest = max(gain for gain, _ in scored)
        if greatest < _LEAST:
            break
        near = [one for gain, one in sorted(scored, key=lambda pair: -pair[0]) if gain >= _NEAR * greatest]
        if line:
            # What is not given at the start of a motion is missing there, though its end tells more where it grows.
            near += [one for gain, one in scored if gain >= _LEAST and one not in near and starts(one)]
        best = min(near, key=preference)
        others = [one for one in near if one.output == best.output and (line or one.place == best.place)]
        chosen.append((best, _in_words(sorted(others, key=preference))))
        rows = torch.linalg.qr(torch.cat([rows, best.rows]), mode="r")[1]
        told = sum(_alike(one, best) for one, _ in chosen)
        done = told >= best.wanted > 0
        tried = [one for one in tried if one is not best and not (done and _alike(one, best))]
        stability = float(torch.linalg.svdvals(rows)[-1])
    return chosen, stability


def _alike(one: Condition, other: Condition) -> bool:
    return (one.output, one.coordinate) == (other.output, other.coordinate)


def bare_faces(open_problem: Determination) -> list[tuple[str, float]] | None:
    """Faces, coordinate and its bound, at which counting wants a condition; None where it wants none.

    One output, or ordinary differential equations, want as many along a coordinate as their order. Of several outputs
    in several coordinates it is not known which share them, and only a part without any condition is counted. A curved
    part without one has no name here. What regions want of each other is not counted.
    """
    if open_problem.problem.joined:
        return None  # a region may have its conditions from its neighbours alone
    problem, counts = open_problem.problem, _counts(open_problem)
    single = len(problem.outputs) == 1 or len(problem.coordinates) == 1
    found: dict[tuple[str, float], None] = {}
    wanted = False
    for part in _parts(open_problem):
        bare = not any(_covered(open_problem, part, output) for output in problem.outputs)
        for output in (name for name in problem.outputs if name in open_problem.owners):
            if not part.coordinate:
                wanted |= bare and any(_order(open_problem, output, name) > 1 for name in problem.coordinates)
                continue
            order = _order(open_problem, output, part.coordinate)
            have = [counts.get((output, part.coordinate, low), 0.0) for low in (part.low, not part.low)]
            # Both faces may do where one is wanted; the barer one is asked for.
            fewer = sum(have) < order - 0.01 and have[0] <= have[1] and (single or (bare and order > 1))
            if fewer and not (order > 1 and _singular(open_problem, part, output, order)):
                wanted = True
                low, high = problem.domain.bounds[part.coordinate]
                found[part.coordinate, low if part.low else high] = None
    return list(found) if wanted else None


def _singular(open_problem: Determination, part: _Part, output: str, order: int) -> bool:
    """Whether a face wants no condition since the equation degenerates there, as r u_rr + u_r does at the axis.

    With a the coefficient of the highest derivative along the coordinate, b that of the next and δ the distance from
    the face, |b| δ / |a| goes to zero at a regular face, and not at a singular one (Fuchs; Coddington, Levinson, Theory
    of Ordinary Differential Equations (1955), chapter 4).
    """
    problem, key = open_problem.problem, part.coordinate
    low, high = problem.domain.bounds[key]
    step = _CLOSE * (high - low)
    x = part.points.x.clone()
    x[:, problem.coordinates.index(key)] += step if part.low else -step
    points = Points(part.points.names, x)
    fields, numbers = trial_fields(problem)

    def moved(by: float, power: int) -> TrialField:
        def field(columns: Mapping[str, Tensor]) -> Tensor:
            here = columns[key].detach()
            return fields[output](columns) + by * (columns[key] - here) ** power / math.factorial(power)

        return field

    for name in open_problem.traits.of_role(Role.EQUATION):
        if open_problem.points[name].values:
            continue
        coefficients = []
        for power in (order, order - 1):
            rows = [
                torch.stack(trial_rows(problem, name, points, {**fields, output: moved(by, power)}, numbers))
                for by in (1.0, -1.0)
            ]
            coefficients.append((0.5 * (rows[0] - rows[1])).detach().abs().amax(0))
        highest, next_one = coefficients
        if bool((highest > 0).any()):
            return not float((step * next_one / highest).median()) < _REGULAR
    return False


def _covered(open_problem: Determination, part: _Part, output: str) -> bool:
    """Whether a condition on an output holds at most points of a part, or its ansatz holds it there."""
    if _held(open_problem, part, output):
        return True
    traits = open_problem.traits
    roles = {*traits.of_role(Role.START), *traits.of_role(Role.BOUNDARY)}
    if output not in open_problem.owners:
        return False
    place = list(open_problem.owners).index(output)
    for group, response in zip(open_problem.groups, open_problem.responses, strict=True):
        if group.name in roles and float(response[place]) > 0:
            inside = open_problem.problem.constraints[group.name].on.contains(part.points.x)
            if float(inside.double().mean()) > 0.5:
                return True
    return False


def _candidates(open_problem: Determination, directions: Tensor) -> list[Condition]:
    problem, counts = open_problem.problem, _counts(open_problem)
    found = []
    for part in _parts(open_problem):
        wanted: list[tuple[str, str, int, int]] = []  # output, coordinate, order, how many counting wants
        for output in problem.outputs:
            if output not in open_problem.owners or _region_of(problem, output) != part.region:
                continue
            if not part.coordinate:
                evolves = any(_order(open_problem, output, name) for name in problem.coordinates)
                if evolves and not _held(open_problem, part, output):
                    wanted.append((output, "", 0, 1))
                continue
            order = _order(open_problem, output, part.coordinate)
            have = sum(counts.get((output, part.coordinate, low), 0.0) for low in (True, False))
            lacking = max(0, math.ceil(order - have - 0.01))
            bare, held = not _covered(open_problem, part, output), _held(open_problem, part, output)
            evolved = part.coordinate == open_problem.traits.time_coordinate and not part.low
            if order > 1 and _singular(open_problem, part, output, order):
                continue
            # Where regions meet each has what the other gives: there, and there alone, all is given or nothing is.
            if (lacking and (bare or not part.region)) or (bare and not evolved):
                wanted += [(output, part.coordinate, k, lacking) for k in range(held, order)]
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
        for name, coordinate in itertools.product(seen, problem.coordinates):
            column = open_problem.points[group.name].column(coordinate)
            low, high = _domain_of(problem, name).bounds[coordinate]
            for bound, at_low in ((low, True), (high, False)):
                if float(((column - bound).abs() <= 1e-9 * (high - low)).double().mean()) > 0.05:
                    key = name, coordinate, at_low
                    found[key] = found.get(key, 0.0) + 1 / len(seen)
    for part in _parts(open_problem) if problem.ansatz else ():
        if part.coordinate:
            for name in (one for one in problem.ansatz if _region_of(problem, one) == part.region):
                key = name, part.coordinate, part.low
                found[key] = found.get(key, 0.0) + _held(open_problem, part, name)
    return found


def _held(open_problem: Determination, part: _Part, output: str) -> int:
    """How many derivatives of an output, its value the first, an ansatz holds at a part whatever the network says."""
    problem = open_problem.problem
    if output not in problem.ansatz or output not in open_problem.owners:
        return 0
    orders = range(max(1, _order(open_problem, output, part.coordinate)))
    low, high = problem.domain.bounds.get(part.coordinate, (0.0, 1.0))
    every = open_problem.values_at(part.points, [(output, part.coordinate, k) for k in orders])
    moved = [open_problem.response(rows) * (high - low) ** k > _HELD for k, rows in enumerate(every)]
    return moved.index(True) if True in moved else len(moved)


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
    if open_problem.problem.joined:
        regions = open_problem.problem.regions.items()
        return [part for name, one in regions for part in _parts_of(one.domain, periodic, name)]
    return _parts_of(domain, periodic)


def _parts_of(domain: Domain, periodic: Collection[str], region: str = "") -> list[_Part]:
    """Parts of the boundary of a domain, which a region may be."""
    generator = torch.Generator().manual_seed(0)
    boundary = domain.boundary()
    charts = boundary.charts()
    number = {1: 1, 2: 40}.get(len(domain.coordinates), 80)
    if len(charts) > _PARTS:
        return [_Part(boundary.sample(2 * number, generator=generator), "the boundary", "", True, region)]
    found = []
    for chart in charts:
        points = chart.draw(number, generator=generator, method="sobol")
        fixed = [name for name in points.names if len(points.column(name).unique()) == 1]
        if not fixed:
            place = "the boundary" if len(charts) == 1 else _within(points)
            found.append(_Part(points, place, "", True, region))
        elif fixed[0] not in periodic:
            name, value = fixed[0], float(points.column(fixed[0])[0])
            low, high = domain.bounds[name]
            found.append(_Part(points, _at(name, value), name, abs(value - low) < abs(value - high), region))
    return found


def _region_of(problem: Problem, output: str) -> str:
    """The region that an output is one of; empty where it is one of the whole domain."""
    owners = {name: region for outputs in problem.joined.values() for region, name in outputs.items()}
    return owners.get(output, "")


def _domain_of(problem: Problem, output: str) -> Domain:
    """Where an output is one."""
    region = _region_of(problem, output)
    return problem.regions[region].domain if region else problem.domain


def _at(coordinate: str, value: float) -> str:
    return f"{coordinate} = {value:g}"


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
    return float(torch.linalg.svdvals(rows).clamp(_FLOOR, 1.0).log10().sum())
