"""Corners and holes of a plane domain, and the neurons that are singular there.

A polygon's corner of angle ω gets z^λ for λ = kπ/2ω, which covers conditions of one kind and of two, and z^m log z
where λ = kπ/ω is whole (`pinn.networks.singular`). A disc that was taken away, or
the inside of an annulus, gets log r and z^{−k} about its centre; with holes come harmonic polynomials, since the field
between them and the outline continues beyond it only a little. A box by itself has right angles alone and gets none:
compatible conditions leave its corners smooth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from pinn.domains import Ball, Box, Domain, Polygon
from pinn.domains.combined import Difference
from pinn.domains.image import Image
from pinn.domains.motion import Shift, Varying
from pinn.domains.revolved import Revolved
from pinn.networks.singular import CornerFunctions, HarmonicFunctions, HoleFunctions
from pinn.problem import Problem

_WHOLE = 1e-9  # distance from a whole number that rounding explains


Terms = tuple[list[float], list[float], int]
"""Powers and logarithms at a corner, and how many powers 1, r², … each is multiplied by."""


@dataclass(frozen=True)
class Corner:
    """A corner: its place (x, y) in the problem's units, the angle ω of the domain there, and its halving line's α."""

    place: tuple[float, float]
    opening: float
    direction: float


@dataclass(frozen=True)
class Hole:
    """A disc that is taken away: its centre (x, y) and radius in the problem's units."""

    place: tuple[float, float]
    radius: float


@dataclass(frozen=True)
class Singularities:
    """Where a plane domain is not smooth.

    Attributes:
        corners: of its outline.
        holes: within it.
        domain: which one, where it is not that of the problem.
    """

    corners: tuple[Corner, ...] = ()
    holes: tuple[Hole, ...] = ()
    domain: Domain | None = None

    def __bool__(self) -> bool:
        return bool(self.corners or self.holes)

    @property
    def places(self) -> list[tuple[float, float]]:
        """The corners, about which conditions are to be met at every distance."""
        return [corner.place for corner in self.corners]

    def bases(
        self,
        problem: Problem,
        order: int,
        terms: Callable[[Corner], Terms] | None = None,
    ) -> list[nn.Module]:
        """The neurons that are singular here, more with the order: for each corner, each hole, and the whole.

        Args:
            problem: in whose domain they lie.
            order: terms of each series.
            terms: powers, logarithms and radial order at a corner, where they are not `exponents` to the order, and 1.
        """
        if not self:
            return []
        ends = list((problem.domain if self.domain is None else self.domain).bounds.values())
        halves = [0.5 * (high - low) for low, high in ends]
        middles = [0.5 * (low + high) for low, high in ends]
        extent = max(halves)

        def seen(place: tuple[float, float]) -> list[float]:
            return [(x - middle) / half for x, middle, half in zip(place, middles, halves, strict=True)]

        found: list[nn.Module] = []
        for corner in self.corners:
            powers, logarithms, radial = (*exponents(corner.opening, order), 1) if terms is None else terms(corner)
            stretch = [half / extent for half in halves]
            if powers or logarithms:
                place = seen(corner.place)
                found.append(CornerFunctions(place, stretch, corner.direction, powers, logarithms, radial))
        for hole in self.holes:
            found.append(HoleFunctions(seen(hole.place), [half / hole.radius for half in halves], order))
        if self.holes:
            radius = math.hypot(*halves)
            found.append(HarmonicFunctions([0.0, 0.0], [half / radius for half in halves], 4 * order))
        return found


def exponents(opening: float, order: int) -> tuple[list[float], list[float]]:
    """λ of powers that are not whole, and m of logarithms, at a corner.

    Args:
        opening: ω, radians.
        order: of each series; a corner that is not re-entrant, whose terms are smoother, has half as many.

    Example:
        >>> [round(power, 3) for power in exponents(1.5 * math.pi, 3)[0]], exponents(0.5 * math.pi, 4)
        ([0.333, 0.667, 1.333, 1.667], ([], [2.0, 4.0]))
    """
    powers, logarithms = [], []
    for k in range(1, 2 * order + 1):
        value = k * math.pi / (2 * opening)
        if abs(value - round(value)) > _WHOLE:
            powers.append(value)
        elif k % 2 == 0 and round(value) > 0:
            logarithms.append(float(round(value)))
    if opening < math.pi:
        powers, logarithms = powers[:order], logarithms[: order // 2]
    return powers, logarithms


def singularities(problem: Problem, domain: Domain | None = None) -> Singularities:
    """The corners and holes of a problem's domain, where it is plane, its coordinates are not periodic, and it has any.

    Args:
        problem: the problem.
        domain: of a region of it, in place of its own.

    Example:
        >>> from pinn.problems import laplace_four_holes, poisson_2d, poisson_l_shape
        >>> len(singularities(laplace_four_holes()).holes), len(singularities(poisson_l_shape()).corners)
        (4, 6)
        >>> bool(singularities(poisson_2d()))
        False
    """
    if problem.domain.dimension != 2 or problem.periodic:
        return Singularities()
    outline: Domain = problem.domain if domain is None else domain
    holes: tuple[Hole, ...] = ()
    if isinstance(outline, Difference):
        discs = [removed for removed in outline.removed if isinstance(removed, Ball)]
        holes = tuple(Hole(_pair(disc), disc.radius) for disc in discs if _within(disc, outline.base))
        outline = outline.base
    inside = _hole_of(outline)
    holes = holes if inside is None else (*holes, inside)
    return Singularities(_corners(outline) if isinstance(outline, Polygon) else (), holes, domain)


def _hole_of(outline: Domain) -> Hole | None:
    """The hole of an annulus; None for any other set."""
    place = dict.fromkeys(outline.coordinates, 0.0)
    if isinstance(outline, Image) and outline.over is None:
        for step in outline.motion.steps:
            if not isinstance(step, Shift):
                return None
            for name, by in step.by.items():
                if isinstance(by, Varying):
                    return None
                place[name] += by
        outline = outline.of
    if not isinstance(outline, Revolved) or not isinstance(outline.profile, Box) or outline.angles is not None:
        return None
    if outline.profile.coordinates != (outline.radial,):
        return None
    radius = outline.profile.bounds[outline.radial][0]
    first, second = place.values()
    return Hole((first, second), radius) if radius > 0 else None


def _pair(disc: Ball) -> tuple[float, float]:
    first, second = disc.center.values()
    return first, second


def _within(disc: Ball, outline: Domain) -> bool:
    """Whether the centre lies in the outline, so that the disc is a hole and no bite."""
    return bool(outline.contains(torch.tensor([_pair(disc)], dtype=torch.float64)).all())


def _corners(polygon: Polygon) -> tuple[Corner, ...]:
    found = []
    corners = [(float(x), float(y)) for x, y in polygon.corners.tolist()]
    for i, (x, y) in enumerate(corners):
        before, after = corners[i - 1], corners[(i + 1) % len(corners)]
        first = math.atan2(after[1] - y, after[0] - x)
        opening = (math.atan2(before[1] - y, before[0] - x) - first) % (2 * math.pi)
        if abs(opening - math.pi) > _WHOLE:
            found.append(Corner((x, y), opening, first + 0.5 * opening))
    return tuple(found)
