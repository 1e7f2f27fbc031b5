"""Boundaries of solids: pieces with outward unit normals, and the boundary of what unions and differences make.

The boundary of A ∪ B, A ∩ B or A − B lies in ∂A ∪ ∂B. A point p of ∂A or ∂B with unit normal n is on it, and n points
outward, if p − εn belongs to the result and p + εn does not; normals of a subtracted set are turned around first. So
∂(A − B) is the part of ∂A outside B and the part of ∂B inside A with reversed normals. Where ∂A and ∂B coincide,
points of ∂A are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pinn.domains.chart import Chart
from pinn.domains.domain import Bounds, Domain
from pinn.domains.implicit import Node, implicit
from pinn.domains.points import Points

# Step of the probe along the normal, relative to the extent: far above rounding, far below any shape.
_PROBE = 1e-7
_ON = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class Boundary(Domain):
    """The boundary of a solid; made by `Domain.boundary`.

    Args:
        of: the solid.
        pieces: charts of its boundary that overlap in nothing, with outward unit normals.
        smooth: the same cut further, where that serves Gauss's rule.
    """

    of: Domain
    pieces: tuple[Chart, ...]
    smooth: tuple[Chart, ...] = ()

    def __repr__(self) -> str:
        return f"{self.of!r}.boundary()"

    @property
    def coordinates(self) -> tuple[str, ...]:
        """See `Domain.coordinates`."""
        return self.of.coordinates

    @property
    def dimension(self) -> int:
        """See `Domain.dimension`."""
        return self.of.dimension - 1

    @property
    def bounds(self) -> Bounds:
        """See `Domain.bounds`."""
        return self.of.bounds

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`."""
        return self.pieces

    def smooth_pieces(self) -> tuple[Chart, ...]:
        """See `Pieced.smooth_pieces`."""
        return self.smooth or self.pieces

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`."""
        return self.of.level(x).abs()

    def implicit(self) -> Node:
        """See `Implicit.implicit`: that of what it bounds."""
        return implicit(self.of, "Exact")

    def boundary(self) -> Domain:
        """Not defined: a boundary has no inside.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"boundary: {self!r} has no inside, so it has no boundary of its own")


def combined_boundary(result: Domain, operands: Sequence[tuple[Domain, bool]]) -> Boundary:
    """The boundary of a union, intersection or difference; see the module.

    Args:
        result: the combined solid.
        operands: what it is made of, and whether it is subtracted.
    """
    extents = torch.tensor([high - low for low, high in result.bounds.values()], dtype=torch.float64, device="cpu")
    pieces: list[Chart] = []
    earlier: list[Domain] = []
    for operand, subtracted in operands:
        before = tuple(earlier)

        def keep(points: Points, before: tuple[Domain, ...] = before) -> Tensor:
            assert points.normals is not None
            step = _PROBE * extents * points.normals
            kept = (result.level(points.x - step) < 0) & (result.level(points.x + step) > 0)
            for other in before:
                kept &= other.level(points.x).abs() > _ON
            return kept

        for chart in operand.boundary().charts():
            pieces.append((_reversed(chart) if subtracted else chart).masked(keep))
        earlier.append(operand)
    return Boundary(result, tuple(piece for piece in pieces if piece.measure > 0))


def _reversed(chart: Chart) -> Chart:
    """The same piece with its normals turned around."""

    def turn(points: Points) -> Points:
        assert points.normals is not None
        return Points(points.names, points.x, -points.normals, points.values, points.sigma)

    before = chart.keep
    # The condition was written for the normals as they were.
    keep = None if before is None else (lambda points: before(turn(points)))
    return replace(chart, place=lambda unit: turn(chart.place(unit)), keep=keep)
