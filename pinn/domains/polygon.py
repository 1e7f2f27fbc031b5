"""Polygons without self-intersection, convex or not; an L is one.

Inside is where a ray crosses the outline an odd number of times; the area is ½ |Σ (xᵢ yᵢ₊₁ − xᵢ₊₁ yᵢ)| (Gauss); the
outline is sampled by its arc length. Sampling the inside keeps the points of the surrounding box that lie in it.
Source: Shimrat, Algorithm 112, Commun. ACM 5 (1962) 434 (ray crossing); Meisters, Amer. Math. Monthly 82 (1975) 648
(every polygon has two ears, which cuts it into triangles).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from pinn.domains.ball import Ball
from pinn.domains.boundary import Boundary
from pinn.domains.box import Box
from pinn.domains.chart import Chart
from pinn.domains.convex import polygon_implicit
from pinn.domains.domain import Bounds, Domain
from pinn.domains.image import Image
from pinn.domains.implicit import Node
from pinn.domains.motion import Motion, Shift, Turn
from pinn.domains.points import Points


class Polygon(Domain):
    """The inside of a closed line of corners.

    Args:
        corners: (x, y) of each corner in turn, either way round; the last is joined to the first. Shape (corners, 2),
            both coordinates in the same units.
        coordinates: names of the two coordinates.

    Raises:
        ValueError: when there are fewer than three corners, two follow each other at the same place, a number is not
            finite, or the line crosses or touches itself.

    Example:
        >>> corner = Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)])
        >>> corner.measure, corner.boundary().measure
        (3.0, 8.0)
    """

    def __init__(self, corners: Sequence[Sequence[float]], coordinates: Sequence[str] = ("x", "y")) -> None:
        self._names = tuple(coordinates)
        if len(self._names) != 2 or len(set(self._names)) != 2:
            raise ValueError(f"Polygon: coordinates={coordinates!r}; expected two different names")
        given = torch.as_tensor(corners, dtype=torch.float64, device="cpu").detach().clone()
        if given.ndim != 2 or given.shape[1] != 2 or len(given) < 3:
            raise ValueError(f"Polygon: corners have shape {tuple(given.shape)}, expected (3 or more, 2)")
        if not bool(torch.isfinite(given).all()):
            raise ValueError("Polygon: a corner is not finite; give numbers")
        for index in range(len(given)):
            if torch.equal(given[index], given[index - 1]):
                raise ValueError(f"Polygon: corner {tuple(given[index].tolist())} comes twice in a row; give it once")
        _require_simple(given)
        twice = float(_cross(given, given.roll(-1, 0)).sum())
        self.corners = given if twice > 0 else given.flip(0)  # counterclockwise: the outside is on the right
        self._area = 0.5 * abs(twice)
        low, high = given.amin(0).tolist(), given.amax(0).tolist()
        self._bounds: Bounds = dict(zip(self._names, zip(low, high, strict=True), strict=True))

    def __repr__(self) -> str:
        return f"Polygon({[tuple(corner) for corner in self.corners.tolist()]}, coordinates={self._names})"

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
        return dict(self._bounds)

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`."""
        (around,) = Box(**self.bounds).charts()
        if math.isclose(around.volume, self._area, rel_tol=1e-14):
            return (around,)
        return (around.masked(lambda points: self.contains(points.x), self._area),)

    def smooth_pieces(self) -> tuple[Chart, ...]:
        """See `Pieced.smooth_pieces`: triangles."""
        return triangle_charts(self)

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`: the signed distance to the outline, over the largest extent."""
        starts = self.corners.to(dtype=x.dtype, device=x.device)
        ends = starts.roll(-1, 0)
        edges = ends - starts
        offset = x[:, None] - starts  # (n, corners, 2)
        along = ((offset * edges).sum(2) / edges.pow(2).sum(1)).clamp(0, 1)
        distance = (offset - along[..., None] * edges).norm(dim=2).amin(1)
        # The edge passes the height of the point, and does so to its right.
        spans = (starts[:, 1] > x[:, 1:]) != (ends[:, 1] > x[:, 1:])
        side = _cross(edges.expand_as(offset), offset)
        right = torch.where(edges[:, 1] > 0, side > 0, side < 0)
        inside = (spans & right).sum(1) % 2 == 1
        extent = max(high - low for low, high in self.bounds.values())
        return torch.where(inside, -distance, distance) / extent

    def encloses(self, other: Domain) -> bool:
        """Whether another polygon, or a ball, is known to lie within this one."""
        low, high = self.corners.amin(0), self.corners.amax(0)
        extent = float((high - low).max())
        if isinstance(other, Ball):
            center = torch.tensor([list(other.center.values())], dtype=torch.float64, device="cpu")
            return float(self.level(center)) * extent <= -other.radius
        if not isinstance(other, Polygon) or not bool((self.level(other.corners) < 0).all()):
            return False
        # All corners inside, and no edge of one crosses one of the other.
        starts, edges = self.corners, self.corners.roll(-1, 0) - self.corners
        theirs, along = other.corners, other.corners.roll(-1, 0) - other.corners
        sides = _cross(edges[:, None], theirs - starts[:, None])
        others = _cross(along, starts[:, None] - theirs)
        crossed = (sides * sides.roll(-1, 1) <= 0) & (others * others.roll(-1, 0) <= 0)
        return not bool(crossed.any())

    def implicit(self) -> Node:
        """See `Implicit.implicit`: distances to its edges' lines, joined as the corners are; see `convex`."""
        return polygon_implicit(self.corners, self._names)

    def sides(self) -> tuple[Domain, ...]:
        """The edges, from each corner in `corners` to the next, each a set of its own with its normal."""
        x, y = self._names
        found = []
        for start, end in zip(self.corners.tolist(), self.corners.roll(-1, 0).tolist(), strict=True):
            dx, dy = end[0] - start[0], end[1] - start[1]
            flat = Box(**{x: (0.0, math.hypot(dx, dy)), y: (0.0, math.hypot(dx, dy))}).face(**{y: 0.0})
            found.append(Image(flat, Motion((Turn(math.atan2(dy, dx), (x, y)), Shift({x: start[0], y: start[1]})))))
        return tuple(found)

    def support(self, directions: Tensor) -> Tensor:
        """How far its corners reach: the largest c · a for directions a (m, 2), shape (m,)."""
        return (directions @ self.corners.to(directions).T).amax(1)

    def boundary(self) -> Boundary:
        """The outline, with normals at right angles to the edges."""
        edges = self.corners.roll(-1, 0) - self.corners
        lengths = edges.norm(dim=1)
        reached = lengths.cumsum(0)
        total = float(reached[-1])
        normals = torch.stack([edges[:, 1], -edges[:, 0]], dim=1) / lengths[:, None]

        def place(unit: Tensor) -> Points:
            arc = total * unit[:, 0]
            index = torch.searchsorted(reached, arc, right=True).clamp_max(len(lengths) - 1)
            fraction = ((arc - (reached - lengths)[index]) / lengths[index]).clamp(0, 1)
            return Points(self._names, self.corners[index] + fraction[:, None] * edges[index], normals[index])

        return Boundary(self, (Chart(1, total, place),), edge_charts(self))


def edge_charts(polygon: Polygon) -> tuple[Chart, ...]:
    """The outline edge by edge, with normals."""
    corners, found = polygon.corners, []
    for start, end in zip(corners, corners.roll(-1, 0), strict=True):
        along = end - start
        length = float(along.norm())
        normal = torch.stack([along[1], -along[0]]) / length

        def place(unit: Tensor, start: Tensor = start, along: Tensor = along, normal: Tensor = normal) -> Points:
            return Points(polygon.coordinates, start + unit * along, normal.repeat(len(unit), 1))

        found.append(Chart(1, length, place))
    return tuple(found)


def triangle_charts(polygon: Polygon) -> tuple[Chart, ...]:
    """The inside cut into triangles, of which nothing is cut away."""
    found = []
    for a, b, c in triangles(polygon.corners):

        def place(unit: Tensor, a: Tensor = a, b: Tensor = b, c: Tensor = c) -> Points:
            root = unit[:, :1].sqrt()  # the distance from a, of which there is in proportion more further away
            return Points(polygon.coordinates, a + root * ((b - a) + unit[:, 1:] * (c - b)))

        found.append(Chart(2, 0.5 * _twice(a, b, c), place, powers=(2, 1)))
    return tuple(found)


def triangles(corners: Tensor) -> list[Tensor]:
    """A polygon cut into triangles by its ears, each (3, 2) and counterclockwise.

    Args:
        corners: (corners, 2), counterclockwise, of a polygon that does not cross or touch itself.

    Example:
        >>> len(triangles(torch.tensor([[0.0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [0, 2]], dtype=torch.float64)))
        4
    """
    left, found = list(range(len(corners))), []
    while len(left) > 3:
        sizes = [_ear(corners, left, place) for place in range(len(left))]
        place = max(range(len(left)), key=lambda i: sizes[i])  # the roundest of the ears
        found.append(corners[[left[place - 1], left[place], left[(place + 1) % len(left)]]])
        del left[place]
    found.append(corners[left])
    return [triangle for triangle in found if _twice(*triangle) > 0]


def _twice(a: Tensor, b: Tensor, c: Tensor) -> float:
    """Twice the area of a triangle, negative where it is clockwise."""
    return float(_cross(b - a, c - a))


def _ear(corners: Tensor, left: list[int], place: int) -> float:
    """How round the triangle at a corner is, twice its area over its longest side squared; −1 where it is no ear."""
    three = [left[place - 1], left[place], left[(place + 1) % len(left)]]
    a, b, c = corners[three]
    twice, sides = _twice(a, b, c), torch.stack([b - a, c - b, a - c])
    if twice < 0:
        return -1.0
    others = corners[[i for i in left if i not in three]]
    inside = (_cross(sides, others[:, None] - torch.stack([a, b, c])) >= 0).all(1)
    return -1.0 if twice > 0 and bool(inside.any()) else twice / float(sides.square().sum(1).max())


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _require_simple(corners: Tensor) -> None:
    """Refuse a line that crosses or touches itself: edges may meet only where they follow each other."""
    count = len(corners)
    starts, ends = corners, corners.roll(-1, 0)
    edges = ends - starts

    def side(point: Tensor) -> Tensor:  # [i, j]: on which side of edge i point j lies
        return _cross(edges[:, None], point[None] - starts[:, None]).sign()

    def between(point: Tensor) -> Tensor:  # [i, j]: point j within the box around edge i
        low, high = torch.minimum(starts, ends)[:, None], torch.maximum(starts, ends)[:, None]
        return ((low <= point[None]) & (point[None] <= high)).all(2)

    to_start, to_end = side(starts), side(ends)
    crossing = (to_start * to_end < 0) & (to_start * to_end < 0).T
    touching = (to_start == 0) & between(starts)  # corner j lies on edge i
    index = torch.arange(count, device="cpu")
    own = (index[:, None] == index) | ((index[:, None] + 1) % count == index)  # an edge holds its own two corners
    wrong = crossing | (touching & ~own)
    if bool(wrong.any()):
        first, second = (int(k) for k in wrong.nonzero()[0])
        raise ValueError(
            f"Polygon: the edges from corners {tuple(corners[first].tolist())} and {tuple(corners[second].tolist())} "
            "cross or touch; give the corners in turn around one area"
        )
