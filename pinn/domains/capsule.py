"""Capsules: all points within a distance R of a line segment, in any number of dimensions d ≥ 2; a stadium in two.

    level(x) = dist(x, [a, b]) / R − 1;   volume |B_d| R^d + |b − a| |B_{d−1}| R^{d−1}

with |B_d| that of the unit ball. A point is one of the ball, cut in halves that stand at the ends, or one of the
cylinder between them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from pinn.domains.ball import Ball
from pinn.domains.boundary import Boundary
from pinn.domains.box import Box
from pinn.domains.chart import Chart
from pinn.domains.chart import product as product_chart
from pinn.domains.domain import Bounds, Domain
from pinn.domains.implicit import Columns, Every, Leaf, Node, Some
from pinn.domains.points import Points
from pinn.validation import finite, positive


class Capsule(Domain):
    """All points within a distance of a line segment.

    Args:
        start: coordinate -> number, of the segment's first end, two coordinates or more of the same units.
        end: the same of its other end.
        radius: R > 0.

    Raises:
        ValueError: when the ends have other coordinates or are one point, there are fewer than two coordinates, or a
            number is not finite or not positive.

    Example:
        >>> pill = Capsule({"x": 0, "y": 0, "z": 0}, {"x": 0, "y": 3, "z": 4}, radius=1)
        >>> round(pill.measure / math.pi, 10)  # 5 + 4/3
        6.3333333333
    """

    def __init__(self, start: Mapping[str, float], end: Mapping[str, float], *, radius: float) -> None:
        if len(start) < 2 or set(start) != set(end):
            raise ValueError(
                f"Capsule: got ends in {list(start)} and {list(end)}, expected the same two coordinates or more"
            )
        positive("Capsule", radius=radius)
        finite("Capsule", **start)
        finite("Capsule", **end)
        self.radius, self._names = float(radius), tuple(start)
        self._ends = torch.tensor(
            [[p[name] for name in start] for p in (start, end)], dtype=torch.float64, device="cpu"
        )
        self.length = float((self._ends[1] - self._ends[0]).norm())
        if self.length == 0:
            raise ValueError(f"Capsule: both ends are {dict(start)}; give a Ball")

    def __repr__(self) -> str:
        ends = ", ".join(f"{tuple(end)}" for end in self._ends.tolist())
        return f"Capsule({ends}, radius={self.radius:g}, coordinates={self._names})"

    @property
    def coordinates(self) -> tuple[str, ...]:
        """See `Domain.coordinates`."""
        return self._names

    @property
    def dimension(self) -> int:
        """See `Domain.dimension`."""
        return len(self._names)

    @property
    def bounds(self) -> Bounds:
        """See `Domain.bounds`."""
        low, high = self._ends.amin(0) - self.radius, self._ends.amax(0) + self.radius
        return dict(zip(self._names, zip(low.tolist(), high.tolist(), strict=True), strict=True))

    def support(self, directions: Tensor) -> Tensor:
        """How far it reaches in directions a (m, d), shape (m,)."""
        return (directions @ self._ends.to(directions).T).amax(1) + self.radius * directions.norm(dim=1)

    @property
    def _ball(self) -> Ball:
        return Ball(radius=self.radius, **dict.fromkeys(self._names, 0.0))

    @property
    def _across(self) -> Domain:
        """The cross-section, in coordinates of its own."""
        if self.dimension == 2:
            return Box(a=(-self.radius, self.radius))
        return Ball(radius=self.radius, **{f"a{i}": 0.0 for i in range(self.dimension - 1)})

    def _frame(self) -> tuple[Tensor, Tensor]:
        """The unit vector along the segment, (d,), and d − 1 across it, (d − 1, d)."""
        along = (self._ends[1] - self._ends[0]) / self.length
        # A reflection that takes the first axis to `along` (Householder) takes the others to vectors across it.
        first = torch.zeros_like(along)
        first[0] = 1.0
        mirror = first - along
        square = float(mirror @ mirror)
        identity = torch.eye(len(along), dtype=torch.float64, device="cpu")
        turned = identity if square < 1e-30 else identity - 2 / square * torch.outer(mirror, mirror)
        return along, turned[:, 1:].T

    def _caps(self, solid: bool) -> tuple[Chart, ...]:
        """Both halves of the ball at the ends, or of its surface."""
        d, along, across = self.dimension, *self._frame()
        ball = self._ball if solid else self._ball.boundary()
        (whole,) = ball.charts()
        first = int(solid)  # the axis of the cube before those of the direction is that of the radius

        def halves(unit: Tensor) -> Tensor:
            if d == 2:
                angle = math.pi * (unit[:, :1] - 0.5)
                return torch.cos(angle) * along + torch.sin(angle) * across[0]
            angle, height = 2 * math.pi * unit[:, :1], unit[:, 1:]
            around = torch.cos(angle) * across[0] + torch.sin(angle) * across[1]
            return height * along + (1 - height**2).sqrt() * around

        def capped(unit: Tensor, end: int) -> Points:
            normals = halves(unit[:, first:]) * (1.0 if end else -1.0)
            radius = self.radius * (unit[:, :1] ** (1 / d) if solid else 1.0)
            return Points(self._names, self._ends[end] + radius * normals, None if solid else normals)

        def both(unit: Tensor) -> Points:
            points = whole.place(unit)
            return Points(self._names, points.x + self._ends[(points.x @ along > 0).long()], points.normals)

        if d > 3:
            return (Chart(whole.size, whole.volume, both),)
        halved = [partial(capped, end=end) for end in (0, 1)]
        return tuple(Chart(whole.size, 0.5 * whole.volume, place, powers=whole.powers) for place in halved)

    def _between(self, chart: Chart) -> Chart:
        """A piece of the cross-section along the segment."""
        along, across = self._frame()
        both = product_chart(chart, Box(s=(0.0, self.length)).charts()[0])

        def place(unit: Tensor) -> Points:
            points = both.place(unit)
            x = self._ends[0] + points.x[:, :-1] @ across + points.x[:, -1:] * along
            return Points(self._names, x, None if points.normals is None else points.normals[:, :-1] @ across)

        return Chart(both.size, both.volume, place, powers=both.powers)

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`."""
        across = tuple(self._between(chart) for chart in self._across.charts())
        return (*across, *self._caps(True))

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`."""
        start, end = self._ends.to(dtype=x.dtype, device=x.device)
        offset, along = x - start, (end - start) / self.length
        reached = (offset @ along).clamp(0, self.length)
        return (offset - reached[:, None] * along).norm(dim=1) / self.radius - 1

    def implicit(self) -> Node:
        """See `Implicit.implicit`: of both balls and the cylinder between them."""
        start, end = (dict(zip(self._names, ends, strict=True)) for ends in self._ends.tolist())
        axis = {name: (end[name] - start[name]) / self.length for name in self._names}

        def along(columns: Columns) -> Any:
            return sum((columns[name] - start[name]) * axis[name] for name in self._names)

        def across(columns: Columns) -> Any:
            square = sum((columns[name] - start[name]) ** 2 for name in self._names)
            return 1 - (square - along(columns) ** 2) / self.radius**2

        def slab(columns: Columns) -> Any:
            return 4 * along(columns) * (self.length - along(columns)) / self.length**2

        balls = [Ball(radius=self.radius, **center).implicit() for center in (start, end)]
        return Some((Every((Leaf(across), Leaf(slab))), *balls))

    def boundary(self) -> Boundary:
        """See `Domain.boundary`."""
        sides = tuple(self._between(chart) for chart in self._across.boundary().charts())
        return Boundary(self, (*sides, *self._caps(False)))
