"""Balls, and discs among them, with their spheres: centre c, radius R, any dimension d ≥ 2.

    level(x) = |x − c| / R − 1;   volume π^{d/2} R^d / Γ(d/2 + 1), surface d/R times that;   outward normal (x − c) / R

A point of the ball is c + R u^{1/d} ω with ω uniform on the unit sphere: by its angle in two dimensions, by height and
angle in three (Archimedes: the height of a uniform point is uniform), by normalised normal variates in more
(Muller, Commun. ACM 2 (1959) 19).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pinn.domains.boundary import Boundary
from pinn.domains.chart import Chart
from pinn.domains.domain import Bounds, Domain
from pinn.domains.implicit import Leaf, Node
from pinn.domains.points import Points
from pinn.validation import finite, positive


class Ball(Domain):
    """All points within a distance of a centre.

    Args:
        radius: R > 0, in the units of the coordinates.
        center: one number a coordinate, at least two coordinates of the same units.

    Raises:
        ValueError: when the radius is not positive, a number is not finite, or there are fewer than two coordinates.

    Example:
        >>> round(Ball(x=0, y=0, z=0, radius=1).measure, 6)
        4.18879
    """

    def __init__(self, *, radius: float, **center: float) -> None:
        if len(center) < 2:
            raise ValueError(
                f"Ball: got coordinates {list(center)}, expected two or more; give an interval as Box(x=(0, 1))"
            )
        self.radius = float(radius)
        self.center = {name: float(value) for name, value in center.items()}
        positive("Ball", radius=self.radius)
        finite("Ball", **self.center)

    def __repr__(self) -> str:
        center = ", ".join(f"{name}={value:g}" for name, value in self.center.items())
        return f"{'Disc' if len(self.center) == 2 else 'Ball'}({center}, radius={self.radius:g})"

    @property
    def coordinates(self) -> tuple[str, ...]:
        """See `Domain.coordinates`."""
        return tuple(self.center)

    @property
    def dimension(self) -> int:
        """See `Domain.dimension`."""
        return len(self.center)

    @property
    def bounds(self) -> Bounds:
        """See `Domain.bounds`."""
        return {name: (value - self.radius, value + self.radius) for name, value in self.center.items()}

    @property
    def _volume(self) -> float:
        d = self.dimension
        return math.pi ** (d / 2) * self.radius**d / math.gamma(d / 2 + 1)

    def _around(self, like: Tensor) -> Tensor:
        return torch.tensor(list(self.center.values()), dtype=like.dtype, device=like.device)

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`."""
        d = self.dimension

        def place(unit: Tensor) -> Points:
            distance = self.radius * unit[:, :1] ** (1 / d)
            return Points(self.coordinates, self._around(unit) + distance * direction(unit[:, 1:], d))

        return (Chart(1 + angles(d), self._volume, place, powers=(d, *(1,) * angles(d))),)

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`."""
        return (x - self._around(x)).norm(dim=1) / self.radius - 1

    def implicit(self) -> Node:
        """See `Implicit.implicit`: 1 − |x − c|²/R²."""
        parts = list(self.center.items())
        return Leaf(lambda columns: 1 - sum(((columns[name] - c) / self.radius) ** 2 for name, c in parts))

    def support(self, directions: Tensor) -> Tensor:
        """How far it reaches: c · a + R |a| for directions a (m, d), shape (m,)."""
        return directions @ self._around(directions) + self.radius * directions.norm(dim=1)

    def boundary(self) -> Boundary:
        """The sphere, with normals along the radius."""
        d = self.dimension

        def place(unit: Tensor) -> Points:
            normals = direction(unit, d)
            return Points(self.coordinates, self._around(unit) + self.radius * normals, normals)

        return Boundary(self, (Chart(angles(d), d * self._volume / self.radius, place),))


def angles(d: int) -> int:
    """Axes of the unit cube that a direction in d dimensions takes."""
    return d - 1 if d <= 3 else d


def direction(unit: Tensor, d: int) -> Tensor:
    """Uniform directions (n, d) from points of the unit cube."""
    if d > 3:
        normal = torch.special.ndtri(unit.clamp(2.0**-53, 1 - 2.0**-53))
        return normal / normal.norm(dim=1, keepdim=True)
    angle = 2 * math.pi * unit[:, 0]
    around = torch.stack([torch.cos(angle), torch.sin(angle)], dim=1)
    if d == 2:
        return around
    height = 2 * unit[:, 1:] - 1
    return torch.cat([(1 - height**2).sqrt() * around, height], dim=1)
