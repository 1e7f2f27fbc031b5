"""What a problem is, read once and without a model: what its equations require, in what it evolves, if it is linear.

For each constraint r(w) = 0 on a set of points, w the outputs and the unknown coefficients together:

- the derivatives of outputs and coefficient fields that r requires, found by one run of the equation on recorded
  fields (`pinn.derivatives.jets.trace`);
- its role: an equation, a condition at the start, a boundary condition, data, an integral, or a prior;
- whether r is affine in w, and in the outputs alone. An affine r has no second difference,

      r(w + v) − 2 r(w) + r(w − v) = 0    for every w and v,

  which is tried on random smooth fields of several sizes, and compared with the size of its three terms. A product of
  an unknown and an output is affine in the outputs alone.

For the problem: the coordinate along which it evolves, whether anything is observed, and the size of each output,
read off the conditions.

`analyze` computes these once and leaves them with the problem. Whether it is affine is tried when first asked for,
since the choices of `pinn.defaults` do not need it. Everything that is decided from a problem alone, by
`pinn.defaults`, the strategies or the verification, is decided from them.

Source: this is Jensen's equation, 2 f((x + y)/2) = f(x) + f(y), whose continuous solutions are the affine functions
(Aczél, Lectures on Functional Equations and Their Applications (1966), section 2.1). An analytic r that is not affine
fails it on random draws with probability one, since the zeros of an analytic function are a null set.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property, partial

import torch
from torch import Tensor

from pinn.ambient import plain_tensors
from pinn.binding import FAILURES, names_of
from pinn.derivatives.jets.algebra import DerivativeBasis
from pinn.derivatives.jets.program import Program
from pinn.derivatives.jets.sight import traced_rows
from pinn.derivatives.jets.trace import Trace
from pinn.derivatives.seen import outputs_of
from pinn.domains import Points
from pinn.problem import Problem, TrialField, Unknown, trial_fields, trial_rows
from pinn.smoothness import SMOOTHNESS
from pinn.spread import spread_points

_POINTS = 64  # of each constraint, at which its place and the sizes of its terms are read
_TRIALS = 16  # of these, at which second differences are taken
_AMPLITUDES = (1.0, 30.0, 1e3)  # of the trial outputs, in units of their size: where a term may cease to be linear
_AFFINE = 1e-9  # second difference over the size of its terms that rounding explains
_ZERO = 1e-12  # size under which a prescribed value is the rounding of a zero such as sin(4π)

Derivative = tuple[str, tuple[int, ...]]
"""A field and the numbers of the coordinates that it is differentiated by: ("u", (0, 0)) is u_xx."""


class Role(Enum):
    """What a constraint is to its problem."""

    EQUATION = "equation"
    START = "condition at the start"
    BOUNDARY = "boundary condition"
    DATA = "data"
    INTEGRAL = "integral"
    PRIOR = "prior on unknowns"


@dataclass(frozen=True)
class ConstraintTraits:
    """What one constraint is.

    Attributes:
        name: of the constraint.
        role: what it is to the problem.
        residuals_per_point: number q of residual components that it returns at every point.
        required_derivatives: of outputs and coefficient fields, by order; each brings those of lower order that it is
            the derivative of.
        untraceable: why the equation cannot run on recorded fields; empty where it can. It is then taken to require
            every first derivative of every field.
        affinity: tries whether it is affine in the outputs and the unknown coefficients together, and in the outputs
            alone; `affine` and `affine_in_outputs` call it once.
    """

    name: str
    role: Role
    residuals_per_point: int
    required_derivatives: tuple[Derivative, ...]
    untraceable: str
    affinity: Callable[[], tuple[bool, bool]] = field(repr=False, compare=False)

    @property
    def affine(self) -> bool:
        """Whether it is affine in the outputs and the unknown coefficients together."""
        return self._affine[0]

    @property
    def affine_in_outputs(self) -> bool:
        """Whether it is affine in the outputs alone."""
        return self._affine[1]

    @cached_property
    def _affine(self) -> tuple[bool, bool]:
        return self.affinity()


@dataclass(frozen=True)
class Traits:
    """What a problem is; made by `analyze`.

    Attributes:
        coordinates: names of the coordinates, in the problem's order, to which the numbers in derivatives refer.
        constraints: constraint name -> what it is.
        time_coordinate: the coordinate along which the problem evolves: conditions are given at its low end and at no
            other fixed value of it, wherever data lie. None for boundary problems.
        observed: whether any constraint compares with data.
        sizes: output -> typical size in its own units, positive; 1 where no condition prescribes one.
    """

    coordinates: tuple[str, ...]
    constraints: Mapping[str, ConstraintTraits]
    time_coordinate: str | None
    observed: bool
    sizes: Mapping[str, float]

    @property
    def required_derivatives(self) -> tuple[Derivative, ...]:
        """Those of all constraints, sorted by order."""
        found = {one for constraint in self.constraints.values() for one in constraint.required_derivatives}
        return _sorted(found)

    @property
    def orders(self) -> dict[str, int]:
        """Coordinate -> the highest order in it among all required derivatives; 0 where none is taken."""
        return {name: self.order([name]) for name in self.coordinates}

    @property
    def order_in_time(self) -> int:
        """The highest order in the time coordinate; 0 where there is none."""
        return 0 if self.time_coordinate is None else self.order([self.time_coordinate])

    @property
    def order_in_space(self) -> int:
        """The highest order in all coordinates but time together: 2 for u_xx as for u_xy and u_xyt."""
        return self.order([name for name in self.coordinates if name != self.time_coordinate])

    @property
    def affine(self) -> bool:
        """Whether every constraint is affine in outputs and unknowns together: a linear least-squares problem."""
        return all(one.affine for one in self.constraints.values())

    @property
    def affine_in_outputs(self) -> bool:
        """Whether every constraint is affine in the outputs, at fixed coefficients."""
        return all(one.affine_in_outputs for one in self.constraints.values())

    def order(self, coordinates: Iterable[str], constraint: str | None = None) -> int:
        """The highest number of derivatives by these coordinates, counted together, in one required derivative.

        Args:
            coordinates: their names.
            constraint: name of the only one that counts; left out, all of them.
        """
        numbers = {self.coordinates.index(name) for name in coordinates}
        of = self if constraint is None else self.constraints[constraint]
        return max((sum(axis in numbers for axis in axes) for _, axes in of.required_derivatives), default=0)

    def of_role(self, role: Role) -> tuple[str, ...]:
        """Names of the constraints of a role."""
        return tuple(name for name, one in self.constraints.items() if one.role is role)

    def rows(self, points: Mapping[str, int]) -> int:
        """Number N of residual rows; an integral has one row a residual component.

        Args:
            points: constraint name -> number of its points.
        """
        return sum(
            one.residuals_per_point * (1 if one.role is Role.INTEGRAL else points[name])
            for name, one in self.constraints.items()
        )


def analyze(problem: Problem) -> Traits:
    """The traits of a problem: computed the first time, kept with the problem from then on.

    Args:
        problem: any; no model is built, nothing is trained, and no global state is touched.

    Example:
        >>> from pinn.problems import burgers
        >>> traits = analyze(burgers())
        >>> traits.time_coordinate, traits.orders, traits.affine, traits.of_role(Role.BOUNDARY)
        ('t', {'x': 2, 't': 1}, False, ('walls',))
    """
    if not isinstance(problem, Problem):
        raise TypeError(f"analyze: got {problem!r}, expected a Problem; give Problem(...) or one of pinn.problems")
    return problem.once(_analyzed)


def _analyzed(problem: Problem) -> Traits:
    with plain_tensors():  # trial fields need graphs, which the caller may have turned off
        return _read(problem)


def _read(problem: Problem) -> Traits:
    samples = {
        name: spread_points(problem, name, _POINTS, generator=torch.Generator().manual_seed(0), method="uniform")
        for name in problem.constraints
    }
    time = _time_coordinate(problem, samples)
    sizes = _sizes(problem, samples)
    constraints = {}
    for name, points in samples.items():
        derivatives, untraceable = _required(problem, name, points)
        residuals = len(trial_rows(problem, name, points, *trial_fields(problem)))
        role = _role(problem, name, points, time)
        affinity = partial(_affinity, problem, name, points, sizes)
        constraints[name] = ConstraintTraits(name, role, residuals, derivatives, untraceable, affinity)
    observed = any(points.values for points in samples.values())
    return Traits(problem.coordinates, constraints, time, observed, sizes)


def _sorted(derivatives: Iterable[Derivative]) -> tuple[Derivative, ...]:
    return tuple(sorted(derivatives, key=lambda derivative: (len(derivative[1]), derivative)))


# -- where the constraints hold ---------------------------------------------------------------------------------------


def _time_coordinate(problem: Problem, samples: Mapping[str, Points]) -> str | None:
    """The one coordinate at whose low end conditions are given, and at no other fixed value of it; data are none."""
    conditions = [points for name, points in samples.items() if not _fills(problem, name) and not points.values]
    integrated = {name for constraint in problem.constraints.values() for name in constraint.over}
    found = []
    for name in problem.coordinates:
        if name in problem.periodic or name in integrated:
            continue
        low, high = problem.domain.bounds[name]
        columns = [points.column(name) for points in conditions]
        starts = [bool((column == low).all()) for column in columns]
        ends = [bool(((column == low) | (column == high)).any()) for column in columns]
        if any(starts) and not any(end and not start for start, end in zip(starts, ends, strict=True)):
            found.append(name)
    return found[0] if len(found) == 1 else None


def _fills(problem: Problem, name: str) -> bool:
    """Whether a constraint holds on a set of the domain's own dimension."""
    return problem.constraints[name].on.dimension >= problem.domain.dimension


def _role(problem: Problem, name: str, points: Points, time: str | None) -> Role:
    if problem.constraints[name].integral:
        return Role.INTEGRAL
    if points.values:
        return Role.DATA
    if name.startswith(SMOOTHNESS):
        return Role.PRIOR
    if not set(problem.outputs) & {key for keys in names_of(problem.constraints[name].equation) for key in keys}:
        return Role.PRIOR
    if _fills(problem, name) and not problem.constraints[name].over:
        return Role.EQUATION
    at_start = time is not None and bool((points.column(time) == problem.domain.bounds[time][0]).all())
    return Role.START if at_start else Role.BOUNDARY


# -- what the equations require --------------------------------------------------------------------------------------


def _required(problem: Problem, name: str, points: Points) -> tuple[tuple[Derivative, ...], str]:
    """The derivatives that a constraint requires of the fields, and why they could not be read off, if so."""
    fields = (*problem.outputs, *(key for key, unknown in problem.unknowns.items() if unknown.inputs))
    everywhere = outputs_of(trial_fields(problem)[0])
    place = points.take(torch.arange(min(2, points.n)))
    numbers = {key: _number(unknown.initial) for key, unknown in problem.unknowns.items() if not unknown.inputs}
    trace = Trace(place.names, place.n, place.x)
    try:
        constants = {**numbers, **place.constants()}
        rows = traced_rows(trace, everywhere, problem.equation(name), fields, constants)
        operators = Program(trace, rows, lambda keys: DerivativeBasis([dict(key) for key in keys])).every_required
    except FAILURES as error:
        every = _sorted((key, (axis,)) for key in fields for axis in range(len(place.names)))
        return every, ", ".join([type(error).__name__, *str(error).splitlines()[:1]])
    found: set[Derivative] = set()
    for key, polynomials in operators.items():
        for axes in {monomial for polynomial in polynomials for monomial, _ in polynomial}:
            found |= {(key, axes[:stop]) for stop in range(1, len(axes) + 1)}
    return _sorted(found), ""


# -- trial fields -----------------------------------------------------------------------------------------------------


def _number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def _sizes(problem: Problem, samples: Mapping[str, Points]) -> dict[str, float]:
    """Typical size of each output, read off the conditions that prescribe its values.

    A condition row that is u − g at given points shows max |g| when u is zero and its slope in u is one. Where no
    condition prescribes a size the answer is 1. Conditions that differentiate are passed over.
    """
    sizes = dict.fromkeys(problem.outputs, 0.0)
    numbers = {key: unknown.initial for key, unknown in problem.unknowns.items()}
    for name, points in samples.items():
        if _fills(problem, name):
            continue
        zeros = {key: torch.zeros(points.n, dtype=torch.float64, requires_grad=True) for key in problem.outputs}
        try:
            rows = trial_rows(problem, name, points, {key: _given(zero) for key, zero in zeros.items()}, numbers)
        except FAILURES:
            continue  # it differentiates, which zeros that depend on no coordinate do not allow
        for row in rows:
            if not (isinstance(row, Tensor) and row.requires_grad):
                continue
            slopes = torch.autograd.grad(row.sum(), list(zeros.values()), retain_graph=True, allow_unused=True)
            touched = [(key, slope) for key, slope in zip(zeros, slopes, strict=True) if slope is not None]
            if len(touched) == 1 and torch.equal(touched[0][1].abs(), torch.ones_like(touched[0][1])):
                key = touched[0][0]
                size = float(row.detach().abs().max())
                sizes[key] = max(sizes[key], size if math.isfinite(size) else 0.0)
    return {key: size if size > _ZERO else 1.0 for key, size in sizes.items()}


def _given(values: Tensor) -> TrialField:
    return lambda columns: values


def _affinity(problem: Problem, name: str, points: Points, sizes: Mapping[str, float]) -> tuple[bool, bool]:
    """Whether a constraint is affine in outputs and unknowns together, and in the outputs alone."""
    place = points.take(torch.arange(min(_TRIALS, points.n)))
    generator = torch.Generator().manual_seed(0)
    with plain_tensors():
        lines = [_TrialLine(problem, sizes, amplitude, generator) for amplitude in _AMPLITUDES]
        if all(_straight(problem, name, place, line.at) for line in lines):
            return True, True
        fixed = [line.at_fixed_unknowns for line in lines]
        return False, bool(problem.unknowns) and all(_straight(problem, name, place, line) for line in fixed)


TrialFields = tuple[dict[str, TrialField], dict[str, float]]
"""Fields and numbers that a constraint is tried on."""


class _TrialLine:
    """w + s v, |s| ≤ 1: outputs and unknowns along a straight line of random smooth functions.

    w is small beside v, so that outputs change sign along the line and kinks such as that of |u| show.

    Args:
        problem: whose outputs and unknowns they are.
        sizes: output -> its size.
        amplitude: of the outputs, in units of that size. Unknowns stay within their bounds, about their first guess.
        generator: of the random numbers.
    """

    def __init__(
        self, problem: Problem, sizes: Mapping[str, float], amplitude: float, generator: torch.Generator
    ) -> None:
        self._unknowns = problem.unknowns
        self._fields: dict[str, tuple[float, float, TrialField, TrialField]] = {}
        self._numbers: dict[str, tuple[float, float]] = {}
        bounds = problem.domain.bounds
        for key in problem.outputs:
            w, v = (_smooth(problem.coordinates, bounds, generator) for _ in range(2))
            self._fields[key] = 0.0, amplitude * sizes[key], w, v
        for key, unknown in problem.unknowns.items():
            if unknown.inputs:
                w, v = (_smooth(unknown.inputs, bounds, generator) for _ in range(2))
                self._fields[key] = unknown.initial, 0.5 * _room(unknown), w, v
            else:
                at, slope = (0.5 + 0.5 * torch.rand(2, generator=generator, dtype=torch.float64)).tolist()
                scale = 0.5 * _room(unknown)
                self._numbers[key] = unknown.initial + 0.3 * scale * at, scale * slope

    def at(self, s: float) -> TrialFields:
        """Outputs and unknowns at s."""
        return self._at(s, s)

    def at_fixed_unknowns(self, s: float) -> TrialFields:
        """The outputs at s, the unknowns at the middle of the line."""
        return self._at(s, 0.0)

    def _at(self, s: float, s_of_unknowns: float) -> TrialFields:
        fields = {}
        for key, (origin, scale, w, v) in self._fields.items():
            fields[key] = _on_line(origin, scale, w, v, s_of_unknowns if key in self._unknowns else s)
        return fields, {key: middle + s_of_unknowns * slope for key, (middle, slope) in self._numbers.items()}


def _room(unknown: Unknown) -> float:
    """How far an unknown can go from its first guess to either side without leaving its bounds or its sign."""
    if unknown.bounds is not None:
        low, high = unknown.bounds
        return min(unknown.initial - low, high - unknown.initial)
    return abs(unknown.initial) or 1.0


def _smooth(names: Sequence[str], bounds: Mapping[str, tuple[float, float]], generator: torch.Generator) -> TrialField:
    """A random field within [−1, 1]: the mean of three sines in all the coordinates named, scaled to [−1, 1]."""
    waves = 2 * torch.rand(3, len(names), generator=generator, dtype=torch.float64) + 0.5
    phases = 2 * math.pi * torch.rand(3, generator=generator, dtype=torch.float64)

    def field(columns: Mapping[str, Tensor]) -> Tensor:
        scaled = []
        for name in names:
            low, high = bounds[name]
            scaled.append((columns[name] - 0.5 * (low + high)) * (2 / (high - low)))
        x = torch.stack(scaled, -1)
        return torch.sin(x @ waves.T + phases).mean(-1)

    return field


def _on_line(origin: float, scale: float, w: TrialField, v: TrialField, s: float) -> TrialField:
    return lambda columns: origin + scale * (0.3 * w(columns) + s * v(columns))


def _straight(problem: Problem, name: str, points: Points, line: Callable[[float], TrialFields]) -> bool:
    """Whether the rows of a constraint have no second difference along a line, wherever they are finite."""
    try:
        rows = [trial_rows(problem, name, points, *line(s)) for s in (-1.0, 0.0, 1.0)]
    except FAILURES:
        return False  # an equation that takes some fields alone is not affine in them
    first, middle, last = (torch.stack([row.detach().double() for row in each]) for each in rows)
    size = first.abs() + 2 * middle.abs() + last.abs()
    finite = torch.isfinite(size)
    small = (last - 2 * middle + first).abs() <= _AFFINE * size
    return bool(finite.any()) and bool(small[finite].all())
