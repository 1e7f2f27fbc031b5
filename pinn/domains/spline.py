"""Insides of smooth closed curves: cubic splines through points of the plane.

The curve is the periodic cubic spline by the chord lengths between the points, twice continuously differentiable; its
area is ½ ∮ x dy − y dx, exact piece by piece, and it is sampled by its arc length. The nearest point is found from a
fine polygon on the curve by Newton's method; inside is where a ray crosses that polygon an odd number of times, and
next to the curve, where its normal says so. Source: de Boor, A Practical Guide to Splines (1978), chapter IV.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from pinn.domains.boundary import Boundary
from pinn.domains.box import Box
from pinn.domains.chart import Chart
from pinn.domains.domain import Bounds, Domain
from pinn.domains.points import Points
from pinn.domains.polygon import Polygon

_FINE = 16  # edges of the polygon, a piece of the curve
_STEPS = 6  # of Newton's method
_ORDER = 8  # of Gauss's rule along a piece, or a part of one


class Spline(Domain):
    """The inside of the smooth closed curve through given points.

    Args:
        points: (x, y) of each point in turn, either way round; the last is joined to the first. Shape (points, 2), both
            coordinates in the same units.
        coordinates: names of the two coordinates.

    Raises:
        ValueError: when there are fewer than three points, two follow each other at the same place, a number is not
            finite, or the curve crosses itself.

    Example:
        >>> angles = torch.linspace(0, 6.283185307179586, 17, dtype=torch.float64)[:-1]
        >>> circle = Spline(torch.stack([torch.cos(angles), torch.sin(angles)], 1))
        >>> round(circle.measure, 3), round(circle.boundary().measure, 3)
        (3.141, 6.283)
    """

    def __init__(self, points: Sequence[Sequence[float]] | Tensor, coordinates: Sequence[str] = ("x", "y")) -> None:
        from scipy.interpolate import CubicSpline

        given = points.tolist() if isinstance(points, Tensor) else points
        polygon = Polygon(given, coordinates)  # refuses what is no line around an area
        self.points, self._names = polygon.corners, polygon.coordinates
        closed = torch.cat([self.points, self.points[:1]])
        knots = torch.cat([torch.zeros(1, dtype=torch.float64), (closed[1:] - closed[:-1]).norm(dim=1).cumsum(0)])
        made = CubicSpline(knots.numpy(), closed.numpy(), bc_type="periodic")
        self._knots = knots
        self._pieces = torch.from_numpy(np.ascontiguousarray(made.c[::-1].transpose(1, 0, 2)))  # (pieces, power, 2)
        grid = torch.arange(_FINE, dtype=torch.float64) / _FINE
        index = torch.arange(len(self.points)).repeat_interleave(_FINE)
        self._index, self._at = index, grid.repeat(len(self.points)) * self._widths[index]
        self._polygon = Polygon(self._curve(self._index, self._at)[0].tolist(), coordinates)
        if not torch.equal(self._polygon.corners, self._curve(self._index, self._at)[0]):
            raise ValueError("Spline: the curve turns around between its points; give more points")

    def __repr__(self) -> str:
        return f"Spline(through {len(self.points)} points, coordinates={self._names})"

    @property
    def _widths(self) -> Tensor:
        return self._knots[1:] - self._knots[:-1]

    def _curve(self, index: Tensor, s: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Points of pieces at parameters s from their start, and first and second derivatives, (n, 2) each."""
        c, s = self._pieces[index], s[:, None]
        point = c[:, 0] + s * (c[:, 1] + s * (c[:, 2] + s * c[:, 3]))
        return point, c[:, 1] + s * (2 * c[:, 2] + 3 * s * c[:, 3]), 2 * c[:, 2] + 6 * s * c[:, 3]

    @property
    def coordinates(self) -> tuple[str, ...]:
        """See `Domain.coordinates`."""
        return self._names

    @property
    def dimension(self) -> int:
        """See `Domain.dimension`."""
        return 2

    @property
    def bounds(self) -> Bounds:
        """See `Domain.bounds`."""
        high, low = self.support(torch.eye(2, dtype=torch.float64)), -self.support(-torch.eye(2, dtype=torch.float64))
        return dict(zip(self._names, zip(low.tolist(), high.tolist(), strict=True), strict=True))

    def support(self, directions: Tensor) -> Tensor:
        """How far the curve reaches: the largest γ · a for directions a (m, 2), shape (m,)."""
        found = []
        for direction in directions.double():
            c = self._pieces @ direction  # (pieces, power): a cubic, largest at an end or where its slope vanishes
            b, a = c[:, 2], 3 * c[:, 3]
            # Roots of a s² + 2 b s + c₁ without cancellation: a is of rounding's size where a piece is symmetric.
            q = -(b + torch.copysign((b * b - a * c[:, 1]).clamp_min(0).sqrt(), b))
            ends = [torch.zeros_like(b), self._widths, q / a, c[:, 1] / q]
            places = torch.stack([torch.minimum(place.nan_to_num(0.0).clamp_min(0), self._widths) for place in ends])
            found.append((c[:, 0] + places * (c[:, 1] + places * (c[:, 2] + places * c[:, 3]))).max())
        return torch.stack(found).to(directions)

    @cached_property
    def _gauss(self) -> tuple[Tensor, Tensor]:
        node, weight = np.polynomial.legendre.leggauss(_ORDER)
        return torch.from_numpy(0.5 * (node + 1)), torch.from_numpy(0.5 * weight)

    def _arc(self, index: Tensor, s: Tensor) -> Tensor:
        """Lengths of the curve from the start of pieces to parameters s."""
        node, weight = self._gauss
        every = index.repeat_interleave(_ORDER)
        speed = self._curve(every, (s[:, None] * node).reshape(-1))[1].norm(dim=1).reshape(-1, _ORDER)
        return s * (speed @ weight)

    @cached_property
    def _area(self) -> float:
        node, weight = self._gauss
        index = torch.arange(len(self.points)).repeat_interleave(_ORDER)
        widths = self._widths[index]
        point, slope, _ = self._curve(index, node.repeat(len(self.points)) * widths)
        cross = point[:, 0] * slope[:, 1] - point[:, 1] * slope[:, 0]
        return 0.5 * float((cross * widths) @ weight.repeat(len(self.points)))

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`."""
        (around,) = Box(**self.bounds).charts()
        return (around.masked(lambda points: self.contains(points.x), self._area),)

    def boundary(self) -> Boundary:
        """The curve, with normals at right angles to it."""
        index = torch.arange(len(self.points))
        lengths = self._arc(index, self._widths)
        reached = lengths.cumsum(0)
        total = float(reached[-1])

        def at(index: Tensor, s: Tensor) -> Points:
            x, slope, _ = self._curve(index, s)
            normals = torch.stack([slope[:, 1], -slope[:, 0]], 1)
            return Points(self._names, x, normals / normals.norm(dim=1, keepdim=True))

        def place(unit: Tensor) -> Points:
            wanted = total * unit[:, 0]
            piece = torch.searchsorted(reached, wanted, right=True).clamp_max(len(lengths) - 1)
            wanted = wanted - (reached - lengths)[piece]
            s = self._widths[piece] * (wanted / lengths[piece]).clamp(0, 1)
            for _ in range(_STEPS):
                s = s - (self._arc(piece, s) - wanted) / self._curve(piece, s)[1].norm(dim=1)
                s = torch.minimum(s.clamp_min(0), self._widths[piece])
            return at(piece, s)

        def single(piece: int) -> Chart:
            width, length = float(self._widths[piece]), float(lengths[piece])

            def along(unit: Tensor) -> Points:  # by arc length too, so that the chart has no density
                inner = (reached[piece] - length + length * unit) / total
                return place(inner)

            assert width > 0
            return Chart(1, length, along)

        return Boundary(self, (Chart(1, total, place),), tuple(single(piece) for piece in range(len(lengths))))

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`: the signed distance to the curve, over the largest extent."""
        extent = max(high - low for low, high in self.bounds.values())
        found = [self._distance(part) for part in x.detach().double().cpu().split(2**13)]
        return (torch.cat(found) / extent).to(dtype=x.dtype, device=x.device)

    def _distance(self, x: Tensor) -> Tensor:
        corners = self._polygon.corners
        start = torch.cdist(torch.nan_to_num(x), corners).argmin(1)
        # The parameter runs on over the ends of pieces.
        t = self._knots[self._index[start]] + self._at[start]
        period = self._knots[-1]
        for _ in range(_STEPS):
            index, s = self._piece(t)
            point, slope, bend = self._curve(index, s)
            offset = point - x
            first, second = (offset * slope).sum(1), slope.square().sum(1) + (offset * bend).sum(1)
            size = self._widths[index] / _FINE
            step = first / torch.where(second > 0, second, slope.square().sum(1))
            t = torch.remainder(t - torch.maximum(torch.minimum(step, size), -size), period)
        index, s = self._piece(t)
        point, slope, _ = self._curve(index, s)
        offset = x - point
        distance = offset.norm(dim=1)
        outward = (slope[:, 1] * offset[:, 0] - slope[:, 0] * offset[:, 1]) > 0
        sagitta = 2.0 * float((corners - corners.roll(1, 0)).norm(dim=1).max())
        outside = torch.where(distance < sagitta, outward, self._polygon.level(x) > 0)
        return torch.where(outside, distance, -distance)

    def _piece(self, t: Tensor) -> tuple[Tensor, Tensor]:
        index = (torch.searchsorted(self._knots, torch.nan_to_num(t), right=True) - 1).clamp(0, len(self.points) - 1)
        return index, t - self._knots[index]
