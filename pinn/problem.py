"""What is to be solved: equations, conditions, data and unknown coefficients, stated as the paper states them.

A problem is a domain, the names of its outputs and a set of constraints. A constraint is residual rows
r(x) = 0 on a set of points and nothing else: the differential equation, a boundary or an initial condition,
observations, an integral. Equations are plain functions whose arguments are matched by name to outputs,
coordinates, coefficients, observed values and (on a boundary) the components of the outward normal, `nx` for
the coordinate `x`. Everything is validated here, once, when the problem is built.

Source of the formulation: Lagaris, Likas, Fotiadis, IEEE Trans. Neural Networks 9 (1998) 987, eqs. (1)-(2);
Raissi, Perdikaris, Karniadakis, J. Comput. Phys. 378 (2019) 686, eqs. (2)-(4).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from pinn.ambient import plain_tensors
from pinn.binding import as_fields, bind, names_of, on_arrays
from pinn.constraint import Constraint
from pinn.derivatives.seen import outputs_of, rows_of
from pinn.derivatives.sight import within_bounds
from pinn.domains import Domain, Points
from pinn.exact import Exact, exact_ansatz
from pinn.output import Output
from pinn.regions import Interface, Region, written_out
from pinn.smoothness import kept_smooth
from pinn.tables import Table
from pinn.unknowns import Unknown, entries
from pinn.validation import choices, finite, positive

T = TypeVar("T")

TrialField = Callable[[Mapping[str, Tensor]], Tensor]
"""A field that an equation is tried on: columns (n,) by coordinate -> values (n,)."""

CONDITION_WEIGHT = 2.0  # w of what has fewer dimensions than the domain; see `pinn.defaults`
NOISE_WEIGHT = 0.02  # w of data with noise; see `pinn.training.noise`


@dataclass(frozen=True, eq=False)
class Problem:
    """A differential problem, forward or inverse.

    Args:
        domain: where the outputs live.
        outputs: their names, or `Output(name, ...)` where more is known of one; names alone are kept here.
        constraints: name -> `Constraint`.
        coefficients: name -> number, `Table` where it is tabulated, or `Unknown` where it is to be found.
        reference: optional true solution: called with one NumPy array a coordinate, by name (tensors, where it is
            written with torch's functions), it returns the array of the only output or a dict of arrays by output. Its
            attribute `error`, a number, is the relative L2 error it is known to have.
        ansatz: output -> function (arguments by name: raw outputs, coordinates, numeric coefficients) that makes what
            can be exact exact, e.g. `{"u": lambda u, x: x * (1 - x) * u}`.
        exactly: values that outputs take exactly on parts of the boundary, `[Exact(on=domain.boundary(), u=0)]`; their
            ansatz is made from the domain, and no constraint is needed there.
        periodic: coordinates in which every output is periodic, with the domain's extent as the period.
            Outputs are then periodic with all their derivatives: a kink in the data there bounds the error from below,
            unless a feature has one.
        features: name -> function (arguments by name: coordinates) of shape (n,) that the network gets as one more
            input, of size about one; for what no smooth network can be, such as r^(2/3) cos(2φ/3) at a corner.
        exact_coefficients: true values of unknown coefficients where known, for the report of errors.
        name: a short name for files and titles.
        scales: output -> (shift, size) in its own units, where they are not to be measured (`pinn.scales`).
        labels: coordinate or output -> what pictures and tables say of it, such as "temperature / K".
        regions: name -> `Region`, parts of the domain with coefficients and networks of their own, see `pinn.regions`;
            constraints may then be `Interface`s too, and the domain may be left out.

    Attributes:
        forms: output -> what is known of its values.
        joined: where there are regions, output as stated -> region -> the output there, such as `u_copper`.

    Raises:
        ValueError, TypeError: one error, naming the constraint, for unknown argument names, a constraint that uses no
            output, rows of a wrong shape, names that clash.

    Example:
        >>> from pinn import Box, Constraint, Problem, d
        >>> line = Box(x=(0, 1))
        >>> problem = Problem(line, ["u"], {"equation": Constraint(lambda u, x: d(u, x) - u, on=line),
        ...                                 "start": Constraint(lambda u: u - 1, on=line.face(x=0))})
    """

    domain: Domain = None  # type: ignore[assignment]  # refused below, where it is not that of regions
    outputs: Sequence[str] = ()
    constraints: Mapping[str, Constraint] = field(default_factory=dict)
    coefficients: Mapping[str, float | Unknown | Table] = field(default_factory=dict)
    reference: Callable[..., Any] | None = None
    ansatz: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    periodic: Sequence[str] = ()
    features: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    exact_coefficients: Mapping[str, float] = field(default_factory=dict)
    name: str = "problem"
    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    exactly: Sequence[Exact] = ()
    regions: Mapping[str, Region] = field(default_factory=dict)
    forms: Mapping[str, Output] = field(init=False, repr=False, default_factory=dict)
    joined: Mapping[str, Mapping[str, str]] = field(init=False, repr=False, default_factory=dict)
    _kept: dict[Callable[[Problem], Any], Any] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.outputs, str):
            object.__setattr__(self, "outputs", (self.outputs,))
        if self.regions:
            _write_out(self)
        _validate_types(self)
        forms = {str(name): name for name in self.outputs if isinstance(name, Output)}
        names = tuple(str(name) if isinstance(name, Output) else name for name in self.outputs)
        object.__setattr__(self, "outputs", names)
        object.__setattr__(self, "forms", forms)
        object.__setattr__(
            self, "periodic", (self.periodic,) if isinstance(self.periodic, str) else tuple(self.periodic)
        )
        made = exact_ansatz(tuple(self.exactly), self.domain, names, self.ansatz)
        object.__setattr__(self, "ansatz", {**self.ansatz, **made})
        _validate_names(self)
        with plain_tensors():  # the caller may have gradients switched off
            for name, constraint in self.constraints.items():
                _validate_constraint(self, name, constraint)
        object.__setattr__(self, "constraints", {**self.constraints, **_smoothing(self)})

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the coordinates, in order."""
        return tuple(self.domain.coordinates)

    @property
    def stated_outputs(self) -> tuple[str, ...]:
        """The outputs as they were stated: those that are one over all regions under their one name."""
        return tuple(self.joined) if self.joined else tuple(self.outputs)

    @property
    def unknowns(self) -> dict[str, Unknown]:
        """The coefficients that are to be found."""
        return {name: value for name, value in self.coefficients.items() if isinstance(value, Unknown)}

    @property
    def known(self) -> dict[str, float]:
        """The numbers among the coefficients that are given."""
        others = (Unknown, Table)
        return {name: float(value) for name, value in self.coefficients.items() if not isinstance(value, others)}

    @property
    def tables(self) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        """Tables among the coefficients and functions that are inputs, each of coordinates and outputs by name."""
        found = {name: value.field for name, value in self.coefficients.items() if isinstance(value, Table)}
        return found | {name: space.field for name, space in self.domain.functions.items()}

    @property
    def noisy(self) -> tuple[str, ...]:
        """The constraints whose data are stated to have noise: by sigma, or by a robust loss on observed values."""
        return self.once(_noisy)

    @property
    def reference_error(self) -> float:
        """The error the reference is known to have, relative L2, dimensionless; 0 where it tells none."""
        error = getattr(self.reference, "error", 0.0)
        # A `Solution` can be a reference too; there, `error` measures the solution against its own reference.
        return 0.0 if callable(error) else float(error)

    def once(self, read: Callable[[Problem], T]) -> T:
        """What a function reads off this problem: computed the first time, kept with the problem from then on.

        Args:
            read: a function of the problem alone, such as `pinn.analysis.analyze` is made of.
        """
        if read not in self._kept:
            self._kept[read] = read(self)
        found: T = self._kept[read]
        return found

    def weight(self, name: str) -> float:
        """The weight w of the named constraint in the loss, dimensionless."""
        constraint = self.constraints[name]
        if constraint.weight is not None:
            return float(constraint.weight)
        if name in self.noisy:
            return NOISE_WEIGHT
        return 1.0 if constraint.on.dimension >= self.domain.dimension else CONDITION_WEIGHT

    def equation(self, name: str) -> Callable[[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]], list[Any]]:
        """The named constraint as a function (coordinates, outputs, constants) -> list of rows."""
        constraint = self.constraints[name]
        function = bind(constraint.equation, self.known, self.tables, owner=f"constraint {name!r}")
        function = within_bounds(function, self.box_bounds, constraint.over)
        return function if self._of_fields(name) else as_fields(function)

    @property
    def box_bounds(self) -> dict[str, tuple[float, float]]:
        """Bounds of the coordinates where the domain fills them, as a box does; empty otherwise."""
        return self.once(_box_bounds)

    def _of_fields(self, name: str) -> bool:
        """Whether the named constraint takes anything that has a value a point; a prior on numbers does not."""
        required, optional = names_of(self.constraints[name].equation)
        numbers = {unknown for unknown, value in self.unknowns.items() if not value.inputs} | set(self.known)
        return not {*required, *optional} <= numbers

    def exact(self, points: Points) -> dict[str, np.ndarray]:
        """The reference at points, one float64 array (n,) an output.

        Raises:
            ValueError: when the problem has no reference, or the reference returns something of another shape.
        """
        if self.reference is None:
            raise ValueError(f"problem {self.name!r} has no reference; give reference= to measure errors")
        columns = {name: points.column(name).detach().cpu().double().numpy() for name in self.coordinates}
        value, stated = on_arrays(self.reference, columns), self.stated_outputs
        if not isinstance(value, Mapping):
            if len(stated) != 1:
                raise ValueError(f"reference: expected a dict with {list(stated)}, got {type(value).__name__}")
            value = {stated[0]: value}
        shape = (points.n,)
        exact = {}
        for name, array in value.items():
            if name not in stated:
                raise ValueError(f"reference: unknown output {name!r}; choose among {list(stated)}")
            array = np.asarray(array, dtype=np.float64)
            if array.shape not in ((), shape):
                raise ValueError(f"reference: {name} has shape {array.shape}, expected {shape}: one entry a point")
            exact[name] = np.broadcast_to(array, shape)
        return exact


def _write_out(problem: Problem) -> None:
    """The statement for each region, in place of that for all of them."""
    names = ("domain", "outputs", "constraints", "coefficients", "ansatz", "scales")
    stated = written_out(problem.regions, *(getattr(problem, name) for name in names))
    for name in (*names, "joined"):
        object.__setattr__(problem, name, getattr(stated, name))


def _box_bounds(problem: Problem) -> dict[str, tuple[float, float]]:
    bounds = dict(problem.domain.bounds)
    inputs = {name for space in problem.domain.functions.values() for name in space.coordinates}  # of measure one
    volume = math.prod(high - low for name, (low, high) in bounds.items() if name not in inputs)
    return bounds if abs(problem.domain.measure - volume) <= 1e-9 * volume else {}


def _noisy(problem: Problem) -> tuple[str, ...]:
    every = problem.constraints.items()
    return tuple(name for name, one in every if one.robust is not None or one.few.sigma is not None)


def _smoothing(problem: Problem) -> dict[str, Constraint]:
    """The constraints that keep smooth what data alone find."""
    fields = trial_fields(problem)

    def rows(name: str) -> int:
        return len(trial_rows(problem, name, problem.constraints[name].few, *fields))

    return kept_smooth(problem.domain, problem.outputs, problem.forms, problem.unknowns, problem.constraints, rows)


def _validate_types(problem: Problem) -> None:
    """What each argument is, before any of it is looked into."""
    if not isinstance(problem.domain, Domain):
        raise TypeError(f"Problem: domain must be a Domain such as Box(x=(0, 1)), got {problem.domain!r}")
    for name in ("outputs", "periodic"):
        given = getattr(problem, name)
        if not hasattr(given, "__iter__"):
            raise TypeError(f"Problem: {name} must be a list of names such as ['u'], got {given!r}")
    for name in ("constraints", "coefficients", "ansatz", "features", "exact_coefficients", "scales", "labels"):
        given = getattr(problem, name)
        if not isinstance(given, Mapping):
            raise TypeError(f"Problem: {name} must be a dictionary by name, got {type(given).__name__} {given!r:.60}")
    if problem.reference is not None and not callable(problem.reference):
        raise TypeError(f"Problem: reference must be a function of the coordinates, got {problem.reference!r}")
    for name, function in problem.ansatz.items():
        if not callable(function):
            raise TypeError(f"ansatz {name!r}: expected a function of outputs and coordinates, got {function!r}")
    for name, function in problem.features.items():
        if not callable(function):
            raise TypeError(f"feature {name!r}: expected a function of coordinates, got {function!r}")
    for name, value in problem.exact_coefficients.items():
        finite(f"exact_coefficients {name!r}", value=value)


def _validate_names(problem: Problem) -> None:
    coordinates, outputs = problem.coordinates, tuple(problem.outputs)
    if not outputs:
        raise ValueError("Problem: outputs is empty; name at least one, e.g. outputs=['u']")
    if not problem.constraints:
        raise ValueError("Problem: constraints is empty; give at least the equation")
    everything = [*coordinates, *outputs, *problem.coefficients, *problem.domain.functions]
    for name in everything:
        if not (isinstance(name, str) and name.isidentifier()):
            raise ValueError(f"Problem: {name!r} cannot be an argument of a function; use a plain name")
        if everything.count(name) > 1:
            raise ValueError(
                f"Problem: {name!r} stands for two things (coordinates {coordinates}, outputs {outputs}, "
                f"coefficients {tuple(problem.coefficients)}, functions {tuple(problem.domain.functions)}); rename one"
            )
    for name, value in problem.coefficients.items():
        if isinstance(value, Unknown):
            for coordinate in value.inputs:
                if coordinate not in coordinates:
                    raise ValueError(f"Unknown {name!r}: input {coordinate!r}; {choices(coordinate, coordinates)}")
        elif isinstance(value, Table):
            value.require_fit(f"coefficient {name!r}", problem.domain.bounds, outputs)
        elif isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise TypeError(
                f"coefficient {name!r}: expected a finite number or Unknown(...) or Table(...), got {value!r}"
            )
    for name in problem.periodic:
        if name not in coordinates:
            raise ValueError(f"periodic: {name!r} is no coordinate; {choices(name, coordinates)}")
    for name, function in problem.features.items():
        for argument in names_of(function)[0]:
            if argument not in coordinates:
                raise ValueError(f"feature {name!r}: unknown argument {argument!r}; {choices(argument, coordinates)}")
    for name, function in problem.ansatz.items():
        if name not in outputs:
            raise ValueError(f"ansatz: {name!r} is no output; {choices(name, outputs)}")
        available = [*coordinates, *outputs, *problem.known, *problem.tables]
        for argument in names_of(function)[0]:
            if argument not in available:
                raise ValueError(f"ansatz {name!r}: unknown argument {argument!r}; {choices(argument, available)}")
    for name, given in problem.scales.items():
        if name not in outputs:
            raise ValueError(f"scales: {name!r} is no output; {choices(name, outputs)}")
        pair = entries(given)
        if pair is None or len(pair) != 2:
            raise ValueError(f"scales {name!r}: got {given!r}, expected (shift, size) in its units; give two numbers")
        finite(f"scales {name!r}", shift=pair[0])
        positive(f"scales {name!r}", size=pair[1])
    for name in problem.labels:
        if name not in (*everything, *problem.joined):
            raise ValueError(f"labels: {name!r} is no coordinate, output or coefficient; {choices(name, everything)}")
    for name in problem.exact_coefficients:
        if name not in problem.unknowns:
            cure = choices(name, tuple(problem.unknowns)) if problem.unknowns else "coefficients has no Unknown(...)"
            raise ValueError(f"exact_coefficients: {name!r} is no unknown; {cure}")


def _validate_constraint(problem: Problem, name: str, constraint: Constraint) -> None:
    """Names, the coordinates of the set, and the shape of the rows on a smooth trial field."""
    if isinstance(constraint, Interface):
        raise ValueError(f"constraint {name!r}: an Interface is one of two regions; give regions={{...}}")
    if not isinstance(constraint, Constraint):
        raise TypeError(f"constraint {name!r}: got {constraint!r:.60}, expected Constraint(function, on=domain)")
    if tuple(constraint.on.coordinates) != problem.coordinates:
        raise ValueError(
            f"constraint {name!r}: its set has coordinates {tuple(constraint.on.coordinates)}, "
            f"the problem {problem.coordinates}; build it from the problem's domain"
        )
    for coordinate in constraint.over:
        if coordinate not in problem.box_bounds:
            raise ValueError(
                f"constraint {name!r}: got over={coordinate!r}, expected a coordinate of a domain that is a box: "
                f"{sorted(problem.box_bounds)}; or give the limits, integral(u, over=..., from_=..., to=...)"
            )
    points = constraint.on.sample(5, generator=torch.Generator().manual_seed(0), method="uniform")
    given = points.constants()
    available = [*problem.coordinates, *problem.outputs, *problem.coefficients, *problem.domain.functions, *given]
    try:
        required, optional = names_of(constraint.equation)
    except ValueError as error:
        raise ValueError(f"constraint {name!r}: {error}") from None
    _refuse_hidden(problem, name, points, {*required, *optional})
    for argument in required:
        if argument not in available:
            normal = argument[:1] == "n" and argument[1:] in problem.coordinates
            hint = "the outward normal is known on a boundary alone" if normal else choices(argument, available)
            raise ValueError(f"constraint {name!r}: unknown argument {argument!r}; {hint}")
    sought = [*problem.outputs, *problem.unknowns]
    if not set(sought) & {*required, *optional}:
        raise ValueError(
            f"constraint {name!r} uses no output and no unknown, so nothing can satisfy it; "
            f"take at least one of {sought} as an argument"
        )
    for row in trial_rows(problem, name, points, *trial_fields(problem)):
        shape = tuple(getattr(row, "shape", ()))
        if not isinstance(row, Tensor) or shape != (points.n,):
            got = f"shape {shape}" if isinstance(row, Tensor) else type(row).__name__
            got = "NoneType, as where return is forgotten" if row is None else got
            raise ValueError(
                f"constraint {name!r}: each row must be a field of shape (n,) = ({points.n},), got {got}; "
                "return one tensor with one entry a point (a tuple of them for a system)"
            )
        if row.is_complex():
            raise TypeError(
                f"constraint {name!r}: got a row of {row.dtype}, expected real numbers; a complex field is two "
                "outputs, its real and its imaginary part, and a complex equation two rows"
            )


def _refuse_hidden(problem: Problem, name: str, points: Points, arguments: set[str]) -> None:
    """Refuse observed values, and components of the normal that an equation takes, under another thing's name."""
    for key in (*problem.outputs, *problem.coefficients):
        if key in points.values or key in arguments & set(points.constants()):
            hiding = "observed values" if key in points.values else "component of the outward normal"
            raise ValueError(
                f"constraint {name!r}: the {hiding} {key!r} would hide the output or coefficient {key!r}; rename one, "
                f"e.g. to '{key}_seen'"
            )


def trial_fields(problem: Problem) -> tuple[dict[str, TrialField], dict[str, float]]:
    """Smooth fields and numbers that every equation is tried on when the problem is built.

    Returns:
        output or unknown field -> a sine in the sum of its coordinates; unknown number -> its first guess.
    """

    def sine(mean: float, size: float, shift: float, inputs: Sequence[str]) -> TrialField:
        def field(columns: Mapping[str, Tensor]) -> Tensor:
            first, *others = (columns[key] for key in inputs)
            return mean + size * torch.sin(sum(others, start=first) + shift)

        return field

    fields = {output: sine(0.3, 0.5, index, problem.coordinates) for index, output in enumerate(problem.outputs)}
    for unknown, value in problem.unknowns.items():
        if value.inputs:
            fields[unknown] = sine(value.initial, 0.1, 0.0, value.inputs)
    return fields, {unknown: value.initial for unknown, value in problem.unknowns.items() if not value.inputs}


def trial_rows(
    problem: Problem, name: str, points: Points, fields: Mapping[str, TrialField], numbers: Mapping[str, float]
) -> list[Any]:
    """The rows of a constraint on trial fields instead of a model, with a graph to coordinates that are leaves.

    Args:
        problem: the problem.
        name: of the constraint.
        points: where.
        fields: output or unknown field -> function of the coordinates' columns, (n,) each.
        numbers: unknown coefficient -> value, in its own units.

    Returns:
        What the equation returns, row by row; whatever it raises is passed on.
    """
    columns = {key: points.x[:, index].clone().requires_grad_() for index, key in enumerate(problem.coordinates)}
    constants = {key: torch.tensor(value, dtype=points.x.dtype) for key, value in numbers.items()}
    found: list[Any] = rows_of(outputs_of(fields), problem.equation(name), columns, {**constants, **points.constants()})
    return found
