"""Errors of the members of a family: one answer for many parameters, judged at parameters that were not chosen for it.

A problem on `box.parameter(k=(1, 4))` has its parameters as further coordinates, by which nothing is differentiated,
and one on `box.function(f=...)` the coefficients of functions.
The error of a member is the relative L2 error over the other coordinates, |u_k − u*_k| / |u*_k|, all outputs stacked,
at points spread evenly over the domain. Members are drawn by a scrambled Sobol' sequence of a seed of its own,
functions by their own law.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pinn.binding import on_arrays
from pinn.domains import Box, Points
from pinn.problem import Problem
from pinn.validation import count

Array = NDArray[np.float64]
Columns = Mapping[str, Array]

_POINTS = 2000  # of each member
_SHOWN = 8  # of the worst members in the table


@dataclass(frozen=True, eq=False)
class FamilyErrors:
    """A table of errors, a row a member.

    Attributes:
        parameters: name -> value of each member, (members,); coefficients of functions among them.
        errors: relative L2 of each, (members,), dimensionless.
        functions: those that are inputs.
    """

    parameters: Mapping[str, Array]
    errors: Array
    functions: tuple[str, ...] = ()

    @property
    def mean(self) -> float:
        """The mean error, by which operators are compared in the literature."""
        return float(self.errors.mean())

    @property
    def worst(self) -> float:
        """The largest error."""
        return float(self.errors.max())

    @property
    def median(self) -> float:
        """The error that half of the members do not exceed."""
        return float(np.median(self.errors))

    def __str__(self) -> str:
        coefficients = tuple(f"{name}_" for name in self.functions)
        names = [name for name in self.parameters if not (coefficients and name.startswith(coefficients))]
        number = ["member"] if self.functions else []  # whose coefficients are too many to be shown
        told = f"median error {self.median:.1e}, mean {self.mean:.1e}, worst {self.worst:.1e}"
        lines = [f"{len(self.errors)} members: {told}; the worst are"]
        lines.append("  ".join([*(f"{name:>10}" for name in (*number, *names)), f"{'error':>10}"]))
        for index in np.argsort(-self.errors)[:_SHOWN]:
            values = [f"{index:>10}" for _ in number] + [f"{self.parameters[name][index]:>10.4g}" for name in names]
            lines.append("  ".join([*values, f"{self.errors[index]:>10.1e}"]))
        return "\n".join(lines)


def family_errors(
    problem: Problem,
    evaluate: Callable[[Columns], Mapping[str, Array]],
    members: int,
    reference: Callable[..., Any] | None,
    seed: int,
) -> FamilyErrors:
    """See `Solution.family_errors`.

    Args:
        problem: of the family.
        evaluate: its answer, columns by coordinate -> columns by output.
        members, reference, seed: as `Solution.family_errors` takes them.
    """
    count("family_errors", 1, members=members)
    names = problem.domain.parameters
    if not names:
        raise ValueError(
            "family_errors: got a problem without parameters; give its domain some, e.g. box.parameter(k=(1, 4))"
        )
    if reference is None and problem.reference is None:
        raise ValueError(
            "family_errors: got no reference; give reference=, a function of the parameters that returns the solution "
            "there, or the problem one"
        )
    source = torch.Generator().manual_seed(seed)
    parameters = _drawn(problem, names, members, source)
    place = problem.domain.sample(_POINTS, generator=source)
    errors = []
    for index in range(members):
        held = {name: float(values[index]) for name, values in parameters.items()}
        columns = {name: place.column(name).numpy() for name in place.names}
        columns |= {name: np.full(place.n, value) for name, value in held.items()}
        found = evaluate(columns)
        true = (
            _exact(problem, columns)
            if reference is None
            else _member(problem, reference(**_told(problem, held)), columns)
        )
        wrong = sum(float(np.sum((found[name] - value) ** 2)) for name, value in true.items())
        size = sum(float(np.sum(value**2)) for value in true.values())
        errors.append(np.sqrt(wrong / (size or place.n)))
    return FamilyErrors(parameters, np.array(errors), tuple(problem.domain.functions))


def _drawn(problem: Problem, names: Sequence[str], members: int, source: torch.Generator) -> dict[str, Array]:
    """Parameters (members,), by name, in the order of the domain."""
    spaces = problem.domain.functions.values()
    coefficients = {name for space in spaces for name in space.coordinates}
    numbers = {name: problem.domain.bounds[name] for name in names if name not in coefficients}
    laws = [*([Box(**numbers)] if numbers else []), *spaces]
    drawn = [law.sample(members, generator=source) for law in laws]
    found = {name: one.column(name).numpy() for one in drawn for name in one.names}
    return {name: found[name] for name in names}


def _told(problem: Problem, held: Mapping[str, float]) -> dict[str, Any]:
    """A member's parameters with functions, of arrays, in the place of their coefficients."""
    told: dict[str, Any] = dict(held)
    for name, space in problem.domain.functions.items():
        told[name] = space.member([told.pop(key) for key in space.coordinates])
    return told


def _exact(problem: Problem, columns: Columns) -> Mapping[str, Array]:
    x = torch.from_numpy(np.stack([columns[name] for name in problem.coordinates], 1))
    return problem.exact(Points(problem.coordinates, x))


def _member(problem: Problem, solution: Callable[..., Any], columns: Columns) -> Mapping[str, Array]:
    """The outputs of one member's reference, a function of the coordinates that are no parameters."""
    value = on_arrays(solution, {name: one for name, one in columns.items() if name not in problem.domain.parameters})
    given = value if isinstance(value, Mapping) else {problem.stated_outputs[0]: value}
    return {name: np.asarray(one, dtype=np.float64) for name, one in given.items()}
