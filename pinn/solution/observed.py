"""Observations as pictures draw them: what a reading says of an output or unknown field, at its point.

A constraint on given points states rows r(u, y) of observed values y. A row that takes one output or field u by its
value alone says that it is

    u − r / (∂r/∂u),

whatever u is before: y itself for u − y. So it is found for two different trial fields; where the two agree, it is a
reading of u, and where they do not, as for a flux, the row says nothing that could be drawn beside u.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch
from torch import Tensor

from pinn.ambient import plain_tensors
from pinn.binding import names_of
from pinn.domains import Points
from pinn.noise import row_noise
from pinn.plotting import Observed
from pinn.problem import Problem, trial_fields, trial_rows

_AGREE = 1e-6  # relative difference of the readings by two trial fields
_OTHER = (1.7, 0.31)  # factor and shift of the second trial fields

TrialField = Callable[[Mapping[str, Tensor]], Tensor]


def observations(
    problem: Problem, numbers: Mapping[str, float], noise: Mapping[str, tuple[float, ...]] | None = None
) -> tuple[Observed, ...]:
    """All readings of outputs and unknown fields.

    Args:
        problem: whose constraints hold the observed values.
        numbers: unknown numbers as they were found, which a row may take.
        noise: constraint -> standard deviation of each of its rows as it was found, for those that state none.

    Example:
        >>> from pinn.problems import diffusion_inverse
        >>> (seen,) = observations(diffusion_inverse(), {"C": 1.0})
        >>> seen.name, seen.values.shape, seen.deviation is None
        ('u', (10,), True)
    """
    found: list[Observed] = []
    for name, constraint in problem.constraints.items():
        if constraint.few.values and constraint.on.dimension == 0 and not constraint.integral and not constraint.over:
            found += _readings(problem, name, numbers, (noise or {}).get(name, ()))
    return tuple(found)


def _readings(
    problem: Problem, name: str, numbers: Mapping[str, float], found: tuple[float, ...]
) -> Iterator[Observed]:
    """Those of one constraint."""
    with plain_tensors():
        points = problem.constraints[name].on.sample(1, generator=torch.Generator().manual_seed(0))
        points = points.to(torch.float64, "cpu")
        fields, first = trial_fields(problem)
        numbers = {**first, **numbers}
        other = {key: partial(_moved, field) for key, field in fields.items()}
        stated = row_noise(problem, name, points)
        taken = {argument for arguments in names_of(problem.constraints[name].equation) for argument in arguments}
        for target in sorted(taken & set(fields)):
            several = zip(
                *(_implied(problem, name, points, one, numbers, target) for one in (fields, other)), strict=True
            )
            for index, (one, two) in enumerate(several):
                if one is None or two is None or not _agree(one[0], two[0]):
                    continue
                values, slope = one
                sigma = None if index >= len(found) else torch.full_like(values, found[index])
                sigma = sigma if stated is None else stated[:, index]
                columns = {key: points.column(key).numpy() for key in points.names}
                deviation = None if sigma is None else (sigma / slope.abs()).numpy()
                yield Observed(_as_stated(problem, target), columns, values.numpy(), deviation)


def _implied(
    problem: Problem,
    name: str,
    points: Points,
    fields: Mapping[str, TrialField],
    numbers: Mapping[str, float],
    target: str,
) -> list[tuple[Tensor, Tensor] | None]:
    """By row the value (n,) that the target must have, and ∂r/∂u (n,); None where the row does not take its value."""
    shift = torch.zeros(points.n, dtype=torch.float64, requires_grad=True)
    columns = {key: points.column(key) for key in points.names}
    value = fields[target](columns)
    moved = {**fields, target: lambda columns: fields[target](columns) + shift}
    found: list[tuple[Tensor, Tensor] | None] = []
    for row in trial_rows(problem, name, points, moved, numbers):
        (slope,) = torch.autograd.grad(row.sum(), shift, allow_unused=True, retain_graph=True)
        given = slope is not None and bool((slope != 0).all() and torch.isfinite(slope).all())
        found.append((value - row.detach() / slope, slope) if given else None)
    return found


def _agree(one: Tensor, two: Tensor) -> bool:
    """Whether readings (n,) by two trial fields are the same ones."""
    return float((one - two).abs().max()) <= _AGREE * float(one.abs().max())


def _moved(field: TrialField, columns: Mapping[str, Tensor]) -> Tensor:
    factor, shift = _OTHER
    return factor * field(columns) + shift


def _as_stated(problem: Problem, name: str) -> str:
    """The output as it is stated, where it is that of one region."""
    return next((stated for stated, owned in problem.joined.items() if name in owned.values()), name)
