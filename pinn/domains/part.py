"""Parts of boundaries, and their names.

A part is what of a surface lies on another set, or where a condition holds. Its measure is that share of the surface's,
estimated where it cuts a piece. Names are given to parts where a domain is made, and stay with it when it is moved,
revolved, multiplied, combined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from pinn.binding import names_of
from pinn.domains.boundary import Boundary
from pinn.domains.chart import Chart
from pinn.domains.combined import Difference, Intersection, Union
from pinn.domains.cube import batches
from pinn.domains.domain import Bounds, Domain, smooth_pieces
from pinn.domains.image import Image
from pinn.domains.implicit import Node, implicit
from pinn.domains.points import Points
from pinn.domains.product import Product
from pinn.domains.revolved import Revolved

_ON = 1e-9
_SEEN = 2**14  # points of a piece, of which one must lie in the part
_STEP = 1e-6  # of the differences that are a surface's normals, relative to the extent


@dataclass(frozen=True, eq=False)
class Part(Domain):
    """What of a surface lies on another set, or where a condition holds; made by `Domain.part`.

    Args:
        of: the surface.
        where: a set in the same coordinates, on whose boundary (of a surface, on which) the part lies; or a function
            of coordinates and components of the normal, by name, that returns whether, bool (n,).

    Raises:
        ValueError: when coordinates differ, the condition asks for something else, or nothing is left.
    """

    of: Domain
    where: Domain | Callable[..., Any]

    def __post_init__(self) -> None:
        if isinstance(self.where, Domain):
            if self.where.coordinates != self.of.coordinates:
                raise ValueError(
                    f"part: coordinates {list(self.where.coordinates)} and {list(self.of.coordinates)} differ; give a "
                    "set in those of the boundary"
                )
        else:
            known = [*self.of.coordinates, *(f"n{name}" for name in self.of.coordinates)]
            for name in self._asked:
                if name not in known:
                    raise ValueError(f"part: the condition takes {name!r}; choose among {known}")
        if not self._charts:
            raise ValueError(f"part: nothing of {self.of!r} lies on {self.where!r}")

    def __repr__(self) -> str:
        return f"{self.of!r}.part({self.where!r})"

    @property
    def _asked(self) -> tuple[str, ...]:
        assert not isinstance(self.where, Domain)
        required, optional = names_of(self.where)
        return (*required, *optional)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """See `Domain.coordinates`."""
        return self.of.coordinates

    @property
    def dimension(self) -> int:
        """See `Domain.dimension`."""
        return self.of.dimension

    @property
    def bounds(self) -> Bounds:
        """See `Domain.bounds`; those of the surface."""
        return self.of.bounds

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`."""
        return self._charts

    @cached_property
    def _charts(self) -> tuple[Chart, ...]:
        return self._cut(self.of.charts())

    def smooth_pieces(self) -> tuple[Chart, ...]:
        """See `Pieced.smooth_pieces`."""
        return self._cut(smooth_pieces(self.of))

    def _cut(self, charts: tuple[Chart, ...]) -> tuple[Chart, ...]:
        found = []
        for chart in charts:
            if chart.size > 0:
                seen = batches(chart.size, _SEEN, generator=torch.Generator().manual_seed(0), method="sobol")
                points = chart.place(next(seen))
            else:
                points = chart.fixed()
            there = points if chart.keep is None else points.take(chart.keep(points))
            kept = self._kept(there)
            if bool(kept.all()):
                found.append(chart)  # all of it
            elif bool(kept.any()):
                found.append(chart.masked(self._kept))
        return tuple(found)

    def _kept(self, points: Points) -> Tensor:
        if isinstance(self.where, Domain):
            return self.where.level(points.x).abs() <= _ON
        given = {name: points.column(name) for name in points.names} | points.constants()
        if any(name not in given for name in self._asked):
            given |= self._normals(points.x)
        held = self.where(**{name: given[name] for name in self._asked})
        if not isinstance(held, Tensor) or held.dtype != torch.bool or tuple(held.shape) != (points.n,):
            raise ValueError(
                f"part: the condition returned {type(held).__name__}, expected a bool tensor ({points.n},), one a "
                "point; write e.g. lambda x, y: (x > 0) & (y > 0)"
            )
        return held

    def _normals(self, x: Tensor) -> Mapping[str, Tensor]:
        """Directions in which the level of what the surface bounds grows, by name."""
        solid = self.of.of if isinstance(self.of, Boundary) else self.of
        steps = _STEP * torch.diag(torch.tensor([high - low for low, high in solid.bounds.values()], dtype=x.dtype))
        slopes = [(solid.level(x + step) - solid.level(x - step)) / (2 * step.sum()) for step in steps]
        gradient = torch.stack(slopes, 1)
        normals = gradient / gradient.norm(dim=1, keepdim=True).clamp_min(1e-300)
        return {f"n{name}": normals[:, i] for i, name in enumerate(self.coordinates)}

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`; 1 where the condition does not hold."""
        level = self.of.level(x).abs()
        if isinstance(self.where, Domain):
            return torch.maximum(level, self.where.level(x).abs())
        return torch.where(self._kept(Points(self.coordinates, x)), level, 1.0)

    def boundary(self) -> Domain:
        """Not defined: a part of a boundary has no inside.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"boundary: {self!r} has no inside, so it has no boundary of its own")

    def implicit(self) -> Node:
        """See `Implicit.implicit`: that of the set on which it lies."""
        if isinstance(self.where, Domain):
            return implicit(self.where, "Exact")
        raise ValueError(
            f"Exact: {self!r} is a part by a condition, of which no smooth function is known; give a set, e.g. "
            "part(box.face(x=0)), or boundary & solid"
        )


def part(domain: Domain, where: Any) -> Domain:
    """`domain.part(where)`."""
    if isinstance(where, str):
        found = _named(domain, where)
        if not found:
            raise ValueError(f"part: no part {where!r}; choose among {sorted(names(domain))}")
        return found[0] if len(found) == 1 else Union(tuple(found))
    if not isinstance(where, Domain) and not callable(where):
        raise TypeError(f"part: got {where!r}, expected a name, a set, or a condition such as lambda x, y: x > 0")
    surface = domain.boundary() if domain.dimension == len(domain.coordinates) else domain
    return Part(surface, where)


def names(domain: Domain) -> set[str]:
    """The names of a domain's parts, and of those it is made of."""
    found = set(domain.parts)
    for below in _made_of(domain):
        found |= names(below)
    return found


def _made_of(domain: Domain) -> tuple[Domain, ...]:
    if isinstance(domain, Boundary | Part | Image):
        return (domain.of,)
    if isinstance(domain, Product | Intersection):
        return (domain.left, domain.right)
    if isinstance(domain, Union):
        return domain.members
    if isinstance(domain, Difference):
        return (domain.base, *domain.removed)
    return (domain.profile,) if isinstance(domain, Revolved) else ()


def _named(domain: Domain, name: str) -> list[Domain]:
    """The parts of a domain with a name, as they are after all that has been done to it since."""
    if name in domain.parts:
        return [part(domain, domain.parts[name])]
    if isinstance(domain, Boundary | Part):
        return _named(domain.of, name)
    if isinstance(domain, Image):
        return [Image(found, domain.motion, domain.over) for found in _named(domain.of, name)]
    if isinstance(domain, Revolved):
        return [Revolved(found, domain.radial, domain.names, domain.angles) for found in _named(domain.profile, name)]
    if isinstance(domain, Product):
        left: list[Domain] = [Product(found, domain.right) for found in _named(domain.left, name)]
        return left + [Product(domain.left, found) for found in _named(domain.right, name)]
    return [Part(domain.boundary(), found) for below in _made_of(domain) for found in _named(below, name)]
