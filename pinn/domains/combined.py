"""Unions, intersections and differences of sets in the same coordinates (constructive solid geometry).

    level(A ∪ B) = min(a, b),   level(A ∩ B) = max(a, b),   level(A − B) = max(a, −b)

Each is sampled through the charts of its operands, kept where the others allow it, so points stay uniform; pieces of
a union share points in proportion to their measure, and what two operands share is counted once. Source: Rvachev
(1963); Ricci, Comput. J. 16 (1973) 157 (min and max of implicit functions).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from pinn.domains.boundary import Boundary, combined_boundary
from pinn.domains.box import Box
from pinn.domains.chart import Chart
from pinn.domains.domain import Bounds, Domain
from pinn.domains.implicit import Every, Node, Not, Some, implicit, trimmed
from pinn.domains.points import Points
from pinn.domains.polygon import Polygon


@dataclass(frozen=True, eq=False)
class Union(Domain):
    """What belongs to any of several sets of one dimension; made by `A | B`.

    Args:
        members: two or more sets with the same coordinates and dimension.

    Raises:
        ValueError: when coordinates or dimensions differ.
    """

    members: tuple[Domain, ...]

    def __post_init__(self) -> None:
        first = self.members[0]
        for other in self.members[1:]:
            _same_coordinates("union", first, other)
            if other.dimension != first.dimension:
                raise ValueError(
                    f"union: {first!r} has {first.dimension} dimensions and {other!r} has {other.dimension}, so they "
                    "share no measure to divide points by; give each a constraint of its own"
                )

    @property
    def coordinates(self) -> tuple[str, ...]:
        """See `Domain.coordinates`."""
        return self.members[0].coordinates

    @property
    def dimension(self) -> int:
        """See `Domain.dimension`."""
        return self.members[0].dimension

    @property
    def bounds(self) -> Bounds:
        """See `Domain.bounds`."""
        every = [member.bounds for member in self.members]
        return {
            name: (min(bounds[name][0] for bounds in every), max(bounds[name][1] for bounds in every))
            for name in self.coordinates
        }

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`; a member's part that an earlier one covers is left out."""
        return self._charts

    @cached_property
    def _charts(self) -> tuple[Chart, ...]:
        charts: list[Chart] = []
        for index, member in enumerate(self.members):
            earlier = [other for other in self.members[:index] if not _apart(other, member)]
            charts += member.charts() if not earlier else _without(member, earlier)
        return tuple(charts)

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`."""
        return torch.stack([member.level(x) for member in self.members]).amin(0)

    def implicit(self) -> Node:
        """See `Implicit.implicit`."""
        members = tuple(implicit(member, "Exact") for member in self.members)
        return Some(members) if _codimension(self) == 0 else Every(members)  # zero on each of several surfaces

    def boundary(self) -> Boundary:
        """See `Domain.boundary`."""
        _solid("boundary", self)
        return combined_boundary(self, [(member, False) for member in self.members])


@dataclass(frozen=True, eq=False)
class Intersection(Domain):
    """What belongs to two sets; made by `A & B`. One of them may be a surface, which the other then cuts to a part.

    Args:
        left, right: sets with the same coordinates.

    Raises:
        ValueError: when coordinates differ, or neither is a solid.
    """

    left: Domain
    right: Domain

    def __post_init__(self) -> None:
        _same_coordinates("intersection", self.left, self.right)
        if min(_codimension(self.left), _codimension(self.right)) > 0:
            raise ValueError(
                f"intersection: neither {self.left!r} nor {self.right!r} is a solid; cut a surface by a solid"
            )
        if _inner_bounds(self.left, self.right) is None:
            raise ValueError(f"intersection: {self.left!r} and {self.right!r} have no point in common")

    @property
    def coordinates(self) -> tuple[str, ...]:
        """See `Domain.coordinates`."""
        return self.left.coordinates

    @property
    def dimension(self) -> int:
        """See `Domain.dimension`."""
        return min(self.left.dimension, self.right.dimension)

    @property
    def bounds(self) -> Bounds:
        """See `Domain.bounds`."""
        bounds = _inner_bounds(self.left, self.right)
        assert bounds is not None
        return bounds

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`."""
        return self._charts

    @cached_property
    def _charts(self) -> tuple[Chart, ...]:
        left, right = self.left, self.right
        # The surface, or else the smaller solid, gives the candidates.
        if (right.dimension, right.measure) < (left.dimension, left.measure):
            left, right = right, left
        charts = left.charts()
        exact = _overlap(left, right) if len(charts) == 1 else None
        return tuple(chart.masked(lambda points: right.contains(points.x), exact) for chart in charts)

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`."""
        return torch.maximum(self.left.level(x), self.right.level(x))

    def implicit(self) -> Node:
        """See `Implicit.implicit`."""
        left, right = implicit(self.left, "Exact"), implicit(self.right, "Exact")
        if _codimension(self.left) > 0:
            return trimmed(left, right)
        return trimmed(right, left) if _codimension(self.right) > 0 else Every((left, right))

    def boundary(self) -> Boundary:
        """See `Domain.boundary`."""
        _solid("boundary", self)
        return combined_boundary(self, [(self.left, False), (self.right, False)])


@dataclass(frozen=True, eq=False)
class Difference(Domain):
    """What belongs to a set and to none of others; made by `A - B`. The set may be a surface that solids cut.

    Args:
        base: the set.
        removed: what is taken away, in the same coordinates and of no fewer dimensions.

    Raises:
        ValueError: when coordinates differ, or a removed set has fewer dimensions and so would remove nothing.
    """

    base: Domain
    removed: tuple[Domain, ...]

    def __post_init__(self) -> None:
        for other in self.removed:
            _same_coordinates("difference", self.base, other)
            if other.dimension < self.base.dimension:
                raise ValueError(
                    f"difference: {other!r} has {other.dimension} dimensions, {self.base!r} has {self.base.dimension}, "
                    "so nothing would be removed; subtract a solid"
                )

    @property
    def coordinates(self) -> tuple[str, ...]:
        """See `Domain.coordinates`."""
        return self.base.coordinates

    @property
    def dimension(self) -> int:
        """See `Domain.dimension`."""
        return self.base.dimension

    @property
    def bounds(self) -> Bounds:
        """See `Domain.bounds`; those of the set before anything is removed."""
        return self.base.bounds

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`."""
        return self._charts

    @cached_property
    def _charts(self) -> tuple[Chart, ...]:
        return _without(self.base, list(self.removed))

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`."""
        return torch.stack([self.base.level(x), *(_beyond(other, x) for other in self.removed)]).amax(0)

    def implicit(self) -> Node:
        """See `Implicit.implicit`."""
        base = implicit(self.base, "Exact")
        kept = tuple(Not(implicit(other, "Exact")) for other in self.removed if _codimension(other) == 0)
        if len(kept) < len(self.removed):
            raise ValueError(f"Exact: {self!r} is a surface less a surface; give the parts that are left")
        return Every((base, *kept)) if _codimension(self.base) == 0 else trimmed(base, Every(kept))

    def boundary(self) -> Boundary:
        """See `Domain.boundary`; normals point out of what is left, into the removed sets."""
        _solid("boundary", self)
        return combined_boundary(self, [(self.base, False), *((other, True) for other in self.removed)])


def _without(base: Domain, removed: list[Domain]) -> tuple[Chart, ...]:
    """The charts of a set, kept outside of others."""

    def keep(points: Points) -> Tensor:
        inside = torch.zeros(points.n, dtype=torch.bool, device=points.x.device)
        for other in removed:
            inside |= other.contains(points.x)
        return ~inside

    charts = base.charts()
    exact = None
    if len(charts) == 1 and all(_apart(a, b) for i, a in enumerate(removed) for b in removed[:i]):
        overlaps = [_overlap(base, other) for other in removed]
        known = [overlap for overlap in overlaps if overlap is not None]
        exact = max(0.0, base.measure - math.fsum(known)) if len(known) == len(overlaps) else None
    return tuple(chart.masked(keep, exact) for chart in charts)


def _beyond(removed: Domain, x: Tensor) -> Tensor:
    """The level of what a removed set leaves; a surface has no inside, so it takes its own points away whole."""
    level = removed.level(x)
    return -level if _codimension(removed) == 0 else torch.where(level <= 1e-9, 1.0, -1.0).to(level)


def _overlap(a: Domain, b: Domain) -> float | None:
    """The measure of A ∩ B, of the lower dimension, where bounds alone tell it."""
    inner = _inner_bounds(a, b)
    if _apart(a, b):
        return 0.0
    assert inner is not None
    if isinstance(a, Box) and isinstance(b, Box):
        return math.prod(high - low for low, high in inner.values())
    for one, other in ((a, b), (b, a)):
        if isinstance(one, Box) and inner == other.bounds:
            return other.measure
        if isinstance(one, Polygon) and one.encloses(other):
            return other.measure
        if isinstance(one, Difference) and all(_apart(removed, other) for removed in one.removed):
            return _overlap(one.base, other)
    return None


def _inner_bounds(a: Domain, b: Domain) -> Bounds | None:
    """The box in which both bounds meet, or None."""
    bounds = {}
    for name, (low, high) in a.bounds.items():
        bounds[name] = max(low, b.bounds[name][0]), min(high, b.bounds[name][1])
    return None if any(low > high for low, high in bounds.values()) else bounds


def _apart(a: Domain, b: Domain) -> bool:
    """Whether bounds alone tell that two sets share at most a set of measure zero."""
    inner = _inner_bounds(a, b)
    extended = 0 if inner is None else sum(low < high for low, high in inner.values())
    return inner is None or extended < min(a.dimension, b.dimension)


def _codimension(a: Domain) -> int:
    return len(a.coordinates) - a.dimension


def _solid(what: str, a: Domain) -> None:
    if _codimension(a) > 0:
        raise ValueError(f"{what}: {a!r} has no inside, so it has no {what}")


def _same_coordinates(what: str, a: Domain, b: Domain) -> None:
    if a.coordinates != b.coordinates:
        missing = [
            name for name in (*a.coordinates, *b.coordinates) if (name in a.coordinates) != (name in b.coordinates)
        ]
        cure = f"multiply by what gives {missing}, e.g. ... * Box({missing[0]}=(0, 1))" if missing else "use one order"
        raise ValueError(f"{what}: coordinates {list(a.coordinates)} and {list(b.coordinates)} differ; {cure}")
