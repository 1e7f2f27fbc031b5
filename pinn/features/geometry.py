"""Corners and holes of a plane domain, and the neurons that are singular there.

A polygon's corner of angle ω gets z^λ for λ = kπ/2ω, which covers conditions of one kind and of two, and z^m log z
where λ = kπ/ω is whole (`pinn.networks.singular`). A disc that was taken away, or
the inside of an annulus, gets log r and z^{−k} about its centre; with holes come harmonic polynomials, since the field
between them and the outline continues beyond it only a little. A box by itself has right angles alone and gets none:
compatible conditions leave its corners smooth. Where they are not, `box_corners` are tried, with polynomials times
log r and θ.
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
from pinn.networks.singular import CornerFunctions, CornerProducts, HarmonicFunctions, HoleFunctions, HoleProducts
from pinn.problem import Problem

_WHOLE = 1e-9  # distance from a whole number that rounding explains
# Degree K of the products at a box's corners. Error of the cavity after about 7e10 operations, K = 2, 3, 4, 6: 4e-5,
# 2e-5, 1e-5, 1e-5; of Laplace's equation with one side at another value after 4e9, K = 3, 4, 6: 8e-13, 3e-13, 3e-10.
_DEGREE = 4


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
        degree: of the polynomials times log r and θ at its corners, which are right angles; 0 for powers of z.
        harmonic: whether what is singular about a hole solves Laplace's equation.
    """

    corners: tuple[Corner, ...] = ()
    holes: tuple[Hole, ...] = ()
    domain: Domain | None = None
    degree: int = 0
    harmonic: bool = True

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
            stretch = [half / extent for half in halves]
            if self.degree:
                found.append(CornerProducts(seen(corner.place), stretch, corner.direction, self.degree))
                continue
            powers, logarithms, radial = (*exponents(corner.opening, order), 1) if terms is None else terms(corner)
            if powers or logarithms:
                place = seen(corner.place)
                found.append(CornerFunctions(place, stretch, corner.direction, powers, logarithms, radial))
        for hole in self.holes:
            kind = HoleFunctions if self.harmonic else HoleProducts
            found.append(kind(seen(hole.place), [half / hole.radius for half in halves], order))
        if self.holes and self.harmonic:
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


def box_corners(problem: Problem) -> Singularities:
    """The corners of a plane box at which conditions may disagree, those left out where one holds at the corner alone.

    Such a condition, as of a pressure that is known up to a constant, says that the value there is finite.

    Args:
        problem: the problem; one in another domain, with regions or periodic coordinates has none.

    Example:
        >>> from pinn.problems import cavity, heat_1d, poisson_l_shape
        >>> [len(box_corners(problem).corners) for problem in (cavity(), heat_1d(), poisson_l_shape())]
        [3, 4, 0]
    """
    domain = problem.domain
    if not isinstance(domain, Box) or domain.dimension != 2 or problem.periodic or problem.regions:
        return Singularities()
    first, second = domain.bounds.values()
    alone = [one.on for one in problem.constraints.values() if one.on.dimension == 0 and one.reduction.pointwise]
    found = []
    for x, towards in zip(first, (1.0, -1.0), strict=True):
        for y, upwards in zip(second, (1.0, -1.0), strict=True):
            place = torch.tensor([[x, y]], dtype=torch.float64)
            if not any(bool(on.contains(place).all()) for on in alone):
                found.append(Corner((x, y), 0.5 * math.pi, math.atan2(upwards, towards)))
    return Singularities(tuple(found), degree=_DEGREE if found else 0)


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
