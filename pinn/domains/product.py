"""Products of sets in different coordinates: a disc times an interval of time is a cylinder in space and time.

level = max(a, b),   measure = |A| |B|,   ∂(A × B) = ∂A × B ∪ A × ∂B, with normals (n_A, 0) and (0, n_B)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from pinn.domains.boundary import Boundary
from pinn.domains.chart import Chart
from pinn.domains.chart import product as product_chart
from pinn.domains.domain import Bounds, Domain, Faced, smooth_pieces
from pinn.domains.implicit import Every, Node, implicit


@dataclass(frozen=True, eq=False)
class Product(Domain):
    """All pairs of a point of one set and a point of another; made by `A * B`.

    Args:
        left: a set; it may be a boundary, a face or points.
        right: another one, without a coordinate in common with it.

    Raises:
        ValueError: when they share a coordinate.

    Example:
        >>> from pinn.domains import Box, Disc
        >>> cylinder = Disc(x=0, y=0, radius=1) * Box(t=(0, 2))
        >>> cylinder.coordinates, round(cylinder.measure, 6), round(cylinder.face(t=0).measure, 6)
        (('x', 'y', 't'), 6.283185, 3.141593)
    """

    left: Domain
    right: Domain

    def __post_init__(self) -> None:
        for name in self.left.coordinates:
            if name in self.right.coordinates:
                raise ValueError(f"product: both factors have the coordinate {name!r}; rename one of them")

    @property
    def coordinates(self) -> tuple[str, ...]:
        """See `Domain.coordinates`."""
        return (*self.left.coordinates, *self.right.coordinates)

    @property
    def dimension(self) -> int:
        """See `Domain.dimension`."""
        return self.left.dimension + self.right.dimension

    @property
    def bounds(self) -> Bounds:
        """See `Domain.bounds`."""
        return {**self.left.bounds, **self.right.bounds}

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`."""
        return self._charts

    @cached_property
    def _charts(self) -> tuple[Chart, ...]:
        return _pairs(self.left.charts(), self.right.charts())

    def smooth_pieces(self) -> tuple[Chart, ...]:
        """See `Pieced.smooth_pieces`."""
        return _pairs(smooth_pieces(self.left), smooth_pieces(self.right))

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`."""
        split = len(self.left.coordinates)
        return torch.maximum(self.left.level(x[:, :split]), self.right.level(x[:, split:]))

    def face(self, **at: float) -> Product:
        """The part where coordinates of a box among the factors take a bound, e.g. `(disc * time).face(t=0)`.

        Raises:
            ValueError: when a coordinate is unknown, belongs to a factor without flat faces, or takes no bound.
        """
        if not at:
            raise ValueError("face: got no coordinate; give one and its bound, e.g. face(t=0)")
        for name in at:
            if name not in self.coordinates:
                raise ValueError(f"face: no coordinate {name!r}; choose among {list(self.coordinates)}")
        return Product(_face(self.left, at), _face(self.right, at))

    def implicit(self) -> Node:
        """See `Implicit.implicit`; where one factor is a surface, it is that one's."""
        thin = [factor for factor in (self.left, self.right) if factor.dimension < len(factor.coordinates)]
        if len(thin) > 1:
            raise ValueError(f"Exact: {self!r} is an edge, on which no smooth function vanishes; give surfaces")
        factors = thin or [self.left, self.right]
        return Every(tuple(implicit(factor, "Exact") for factor in factors))

    def boundary(self) -> Boundary:
        """See `Domain.boundary`."""
        left, right = self.left.boundary(), self.right.boundary()
        pieces = (*_pairs(left.charts(), self.right.charts()), *_pairs(self.left.charts(), right.charts()))
        smooth = (*Product(left, self.right).smooth_pieces(), *Product(self.left, right).smooth_pieces())
        return Boundary(self, pieces, smooth)


def _pairs(left: tuple[Chart, ...], right: tuple[Chart, ...]) -> tuple[Chart, ...]:
    return tuple(product_chart(one, two) for one in left for two in right)


def _face(factor: Domain, at: dict[str, float]) -> Domain:
    own = {name: value for name, value in at.items() if name in factor.coordinates}
    if not own:
        return factor
    if isinstance(factor, Faced):
        return factor.face(**own)
    raise ValueError(f"face: {next(iter(own))!r} belongs to {factor!r}, which has no flat faces; take its boundary()")
