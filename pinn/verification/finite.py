"""Rows that are no numbers: which constraint, how many of them, and where, since "the loss is nan" says none of it.

A row may be no number for the present answer alone, as the root of an answer that is negative there, which a run steps
back from (`pinn.training.recovery`). Or it is none whatever the answer, as a logarithm of a coordinate below zero: then
no answer is right there, and there is nothing to train. The two are told apart by other answers at the same points: the
present parameters halved, and with their signs changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pinn.domains import Points
from pinn.objective import Equations
from pinn.sampling.uniform import sample_uniform

_DENSE = 4096  # points on the domain itself: of a part that holds 0.05 % of it, two on average
_SMALL = 0.3  # spread of the random parameters, as of first weights
_PIECE = 512  # points at a time, so that memory is no question


@dataclass(frozen=True)
class NotFinite:
    """What was found.

    Attributes:
        constraint: its name.
        value: the first such row, nan or an infinity.
        count: points with such rows.
        of: points looked at.
        point: the first of them, by coordinate, in the coordinates' units.
        always: whether that is so whatever the answer.
    """

    constraint: str
    value: float
    count: int
    of: int
    point: Mapping[str, float]
    always: bool

    def __str__(self) -> str:
        where = ", ".join(f"{name}={value:.6g}" for name, value in self.point.items())
        whatever = ", whatever the answer" if self.always else ""
        return f"{self.constraint!r} is {self.value:g} at {self.count} of {self.of} points, such as {where}{whatever}"


def not_finite(equations: Equations, points: Mapping[str, Points]) -> NotFinite | None:
    """The first constraint with rows at these points that are no numbers; None where all are numbers.

    Args:
        equations: problem, model at its present parameters, engine.
        points: constraint name -> points.
    """
    for name, place in points.items():
        for first in range(0, place.n, _PIECE):
            some = place.take(torch.arange(first, min(first + _PIECE, place.n), device=place.x.device))
            if not bool(torch.isfinite(equations.residual(name, some)).all()):
                return of_rows(equations, name, place, _rows(equations, name, place))
    return None


def of_rows(equations: Equations, name: str, points: Points, rows: Tensor) -> NotFinite | None:
    """The same of rows (n, q) of one constraint, which are known already."""
    bad = ~torch.isfinite(rows).all(dim=1)
    if not bool(bad.any()):
        return None
    where = torch.nonzero(bad).flatten()
    first = int(where[0])
    row = rows[first]
    value = float(row[~torch.isfinite(row)][0])
    some = points.take(where[:_PIECE].to(points.x.device))
    point = {of: float(number) for of, number in zip(points.names, points.x[first].tolist(), strict=True)}
    return NotFinite(name, value, int(bad.sum()), points.n, point, _always(equations, name, some))


def require_finite(equations: Equations, seed: int = 0) -> None:
    """Refuse a problem with rows that are no numbers whatever the answer, on points that lie densely.

    Raises:
        ValueError: naming constraint, count and one point.
    """
    points = sample_uniform(equations.problem, _DENSE, torch.Generator().manual_seed(seed))
    found = not_finite(equations, points)
    if found is not None and found.always:
        raise ValueError(
            f"{found}: no answer can be right there; say what holds there, or leave that part out of the domain"
        )


def _rows(equations: Equations, name: str, points: Points) -> Tensor:
    pieces = torch.arange(points.n, device=points.x.device).split(_PIECE)
    return torch.cat([equations.residual(name, points.take(some)) for some in pieces])


def _always(equations: Equations, name: str, points: Points) -> bool:
    """Whether rows are no numbers at these points for other answers too; the parameters are put back."""
    parameters = list(equations.model.parameters())
    before = [parameter.detach().clone() for parameter in parameters]
    generator = torch.Generator().manual_seed(0)
    small = [_SMALL * torch.randn(value.shape, generator=generator).to(value) for value in before]
    others = [[0.5 * value for value in before], [-value for value in before], [0.0 * value for value in small], small]
    try:
        for other in others:
            _assign(parameters, other)
            if bool(torch.isfinite(equations.residual(name, points)).all(dim=1).any()):
                return False
        return True
    finally:
        _assign(parameters, before)


def _assign(parameters: Sequence[torch.nn.Parameter], values: Sequence[Tensor]) -> None:
    with torch.no_grad():
        for parameter, value in zip(parameters, values, strict=True):
            parameter.copy_(value)
