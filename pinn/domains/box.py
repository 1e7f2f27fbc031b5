"""Boxes [a₁, b₁] × … × [a_d, b_d] of any dimension, an interval among them, and their faces, edges and corners.

    level(x) = max over coordinates of max(a − x, x − b) / (b − a);   measure Π (b − a)

On the face x = b the outward normal is the unit vector along x, on x = a its opposite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pinn.domains.boundary import Boundary
from pinn.domains.chart import Chart, constant
from pinn.domains.domain import Bounds, Domain
from pinn.domains.implicit import Every, Leaf, Node, Trimmed, between
from pinn.domains.points import Points


class Box(Domain):
    """A box with named coordinates; space and time alike.

    Args:
        bounds: one `(low, high)` a coordinate, in the coordinate's units.

    Raises:
        ValueError: when there is no coordinate, or bounds are missing, not finite or empty.

    Example:
        >>> box = Box(x=(-1, 1), t=(0, 1))
        >>> box.measure, box.face(t=0).measure
        (2.0, 2.0)
        >>> (box.face(x=-1) | box.face(x=1)).sample(4, generator=torch.Generator().manual_seed(0)).normals.tolist()
        [[-1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]
    """

    def __init__(self, **bounds: Sequence[float]) -> None:
        if not bounds:
            raise ValueError("Box: got no coordinate; give at least one, e.g. Box(x=(0, 1))")
        self._bounds = {name: _interval(name, pair) for name, pair in bounds.items()}

    def __repr__(self) -> str:
        return "Box(" + ", ".join(f"{name}=({low:g}, {high:g})" for name, (low, high) in self._bounds.items()) + ")"

    @property
    def coordinates(self) -> tuple[str, ...]:
        """See `Domain.coordinates`."""
        return tuple(self._bounds)

    @property
    def dimension(self) -> int:
        """See `Domain.dimension`."""
        return len(self._bounds)

    @property
    def bounds(self) -> Bounds:
        """See `Domain.bounds`."""
        return dict(self._bounds)

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`."""
        return (_affine(self._bounds, {}, None),)

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`."""
        return _outside(x, list(self._bounds.values()))

    def implicit(self) -> Node:
        """See `Implicit.implicit`: a polynomial."""
        return Every(tuple(between(name, low, high) for name, (low, high) in self._bounds.items()))

    def face(self, **at: float) -> Face:
        """The part of the boundary where coordinates take a bound: one for a face, more for an edge or a corner.

        Args:
            at: coordinate -> one of its two bounds.

        Raises:
            ValueError: when a coordinate is unknown or the value is not one of its bounds.

        Example:
            >>> Box(x=(-1, 1), t=(0, 1)).face(x=-1, t=0).dimension
            0
        """
        return Face(self, at)

    def faces(self) -> tuple[Face, ...]:
        """All 2d faces: low and high side of each coordinate in turn."""
        return tuple(self.face(**{name: side}) for name, pair in self._bounds.items() for side in pair)

    def boundary(self) -> Boundary:
        """All faces together, with outward normals."""
        return Boundary(self, tuple(chart for face in self.faces() for chart in face.charts()))


class Face(Domain):
    """A face, edge or corner of a box; made by `Box.face`. Its points keep all coordinates of the box.

    Args:
        box: the box.
        at: coordinate -> the bound it takes.

    Raises:
        ValueError: when a coordinate is unknown or the value is not one of its bounds.
    """

    def __init__(self, box: Box, at: Mapping[str, float]) -> None:
        if not at:
            raise ValueError("face: got no coordinate; give one and its bound, e.g. face(x=-1)")
        self.box = box
        self.at = {name: _bound(box, name, value) for name, value in at.items()}

    def __repr__(self) -> str:
        return f"{self.box!r}.face({', '.join(f'{name}={value:g}' for name, value in self.at.items())})"

    @property
    def coordinates(self) -> tuple[str, ...]:
        """See `Domain.coordinates`."""
        return self.box.coordinates

    @property
    def dimension(self) -> int:
        """See `Domain.dimension`."""
        return self.box.dimension - len(self.at)

    @property
    def bounds(self) -> Bounds:
        """See `Domain.bounds`."""
        return {**self.box.bounds, **{name: (value, value) for name, value in self.at.items()}}

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`; normals are given on faces, not on edges, where there is no single one."""
        if len(self.at) > 1:
            return (_affine(self.box.bounds, self.at, None),)
        ((name, value),) = self.at.items()
        normal = torch.zeros(self.box.dimension, dtype=torch.float64, device="cpu")
        normal[self.coordinates.index(name)] = 1.0 if value == self.box.bounds[name][1] else -1.0
        return (_affine(self.box.bounds, self.at, normal),)

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`."""
        value = _outside(x, list(self.box.bounds.values())).clamp_min(0)
        for name, at in self.at.items():
            low, high = self.box.bounds[name]
            value = torch.maximum(value, (x[:, self.coordinates.index(name)] - at).abs() / (high - low))
        return value

    def implicit(self) -> Node:
        """See `Implicit.implicit`: the distance to its plane over the extent; trimmed to the face where it must be."""
        if len(self.at) > 1:
            raise ValueError(f"Exact: {self!r} is an edge, on which no smooth function vanishes; give faces")
        ((name, value),) = self.at.items()
        low, high = self.box.bounds[name]
        sign = 1.0 if value == low else -1.0
        plane = Leaf(lambda columns: sign / (high - low) * (columns[name] - value))
        others = tuple(between(key, *pair) for key, pair in self.box.bounds.items() if key != name)
        return Trimmed(plane, Every(others), needed=False) if others else plane

    def boundary(self) -> Domain:
        """Not defined: a face has no inside.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"boundary: {self!r} has no inside; take an edge of the box, box.face(x=..., y=...)")


def _interval(name: str, pair: Any) -> tuple[float, float]:
    if isinstance(pair, str) or not hasattr(pair, "__len__") or len(pair) != 2:
        raise ValueError(f"Box: {name}={pair!r} is no interval; give (low, high)")
    low, high = (float(value) for value in pair)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"Box: {name}=({low:g}, {high:g}) is not finite; give (low, high)")
    if not low < high:
        raise ValueError(f"Box: {name}=({low:g}, {high:g}) is empty; give (low, high)")
    return low, high


def _bound(box: Box, name: str, value: float) -> float:
    if name not in box.coordinates:
        raise ValueError(f"face: no coordinate {name!r}; choose among {list(box.coordinates)}")
    low, high = box.bounds[name]
    for bound in (low, high):
        if abs(float(value) - bound) <= 1e-12 * (high - low):
            return bound
    raise ValueError(f"face: {name}={value:g} is not a bound of the box, choose {low:g} or {high:g}")


def _outside(x: Tensor, bounds: list[tuple[float, float]]) -> Tensor:
    low, high = torch.tensor(bounds, dtype=x.dtype, device=x.device).unbind(1)
    return (torch.maximum(low - x, x - high) / (high - low)).amax(1)


def _affine(bounds: Bounds, at: Mapping[str, float], normal: Tensor | None) -> Chart:
    """The box, or with coordinates held at a value a face of it, as the image of a unit cube."""
    names = tuple(bounds)
    free = [index for index, name in enumerate(names) if name not in at]
    origin = torch.tensor([at.get(name, low) for name, (low, _) in bounds.items()], dtype=torch.float64, device="cpu")
    extent = torch.tensor([high - low for low, high in bounds.values()], dtype=torch.float64, device="cpu")[free]
    ends = torch.tensor([high for _, high in bounds.values()], dtype=torch.float64, device="cpu")[free]

    def place(unit: Tensor) -> Points:
        x = origin.repeat(len(unit), 1)
        x[:, free] = torch.minimum(origin[free] + extent * unit, ends)  # rounding must not leave the box
        return Points(names, x, None if normal is None else normal.repeat(len(unit), 1))

    if not free:
        return constant(place(torch.empty(1, 0, dtype=torch.float64, device="cpu")))
    return Chart(len(free), math.prod(extent.tolist()), place, closed=True)
