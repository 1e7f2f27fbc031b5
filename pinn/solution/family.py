"""Errors of the members of a family: one answer for many parameters, judged at parameters that were not chosen for it.

A problem on `box.parameter(k=(1, 4))` has its parameters as further coordinates, by which nothing is differentiated.
The error of a member is the relative L2 error over the other coordinates, |u_k − u*_k| / |u*_k|, all outputs stacked,
at points spread evenly over the domain. Members are drawn by a scrambled Sobol' sequence of a seed of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
        parameters: name -> value of each member, (members,).
        errors: relative L2 of each, (members,), dimensionless.
    """

    parameters: Mapping[str, Array]
    errors: Array

    @property
    def worst(self) -> float:
        """The largest error."""
        return float(self.errors.max())

    @property
    def median(self) -> float:
        """The error that half of the members do not exceed."""
        return float(np.median(self.errors))

    def __str__(self) -> str:
        names = list(self.parameters)
        lines = [f"{len(self.errors)} members: median error {self.median:.1e}, worst {self.worst:.1e}; the worst are"]
        lines.append("  ".join([*(f"{name:>10}" for name in names), f"{'error':>10}"]))
        for index in np.argsort(-self.errors)[:_SHOWN]:
            values = [f"{self.parameters[name][index]:>10.4g}" for name in names]
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
    drawn = Box(**{name: problem.domain.bounds[name] for name in names}).sample(members, generator=source)
    parameters = {name: drawn.column(name).numpy() for name in names}
    place = problem.domain.sample(_POINTS, generator=source)
    errors = []
    for index in range(members):
        held = {name: float(values[index]) for name, values in parameters.items()}
        columns = {name: place.column(name).numpy() for name in place.names}
        columns |= {name: np.full(place.n, value) for name, value in held.items()}
        found = evaluate(columns)
        true = _exact(problem, columns) if reference is None else _member(problem, reference(**held), columns)
        wrong = sum(float(np.sum((found[name] - value) ** 2)) for name, value in true.items())
        size = sum(float(np.sum(value**2)) for value in true.values())
        errors.append(np.sqrt(wrong / (size or place.n)))
    return FamilyErrors(parameters, np.array(errors))


def _exact(problem: Problem, columns: Columns) -> Mapping[str, Array]:
    x = torch.from_numpy(np.stack([columns[name] for name in problem.coordinates], 1))
    return problem.exact(Points(problem.coordinates, x))


def _member(problem: Problem, solution: Callable[..., Any], columns: Columns) -> Mapping[str, Array]:
    """The outputs of one member's reference, a function of the coordinates that are no parameters."""
    value = on_arrays(solution, {name: one for name, one in columns.items() if name not in problem.domain.parameters})
    given = value if isinstance(value, Mapping) else {problem.stated_outputs[0]: value}
    return {name: np.asarray(one, dtype=np.float64) for name, one in given.items()}
