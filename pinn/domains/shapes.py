"""Shapes by name, each made of a few sets that are moved, scaled, revolved or extruded.

    ellipse = scaled ball,   annulus, shell, sector = revolved interval,   torus = revolved disc,
    cone = revolved triangle,   cylinder = disc times interval

A centre is given by its coordinates, as to `Ball`: `Annulus(x=0, y=0, radii=(1, 2))`.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

from pinn.domains.ball import Ball
from pinn.domains.box import Box
from pinn.domains.domain import Domain
from pinn.domains.image import Image, Parametric, image, scale, shift, turn
from pinn.domains.motion import Motion
from pinn.domains.polygon import Polygon
from pinn.domains.product import Product
from pinn.domains.revolved import Revolved
from pinn.validation import finite, not_negative, positive


def Ellipse(*, radii: Sequence[float], angle: float = 0.0, **center: float) -> Domain:
    """An ellipse, (x/a)² + (y/b)² ≤ 1, moved and turned; an ellipsoid in more coordinates.

    Args:
        radii: the half axes (a, b, …), one a coordinate.
        angle: in radians, from the first coordinate towards the second; in two coordinates only.
        center: one number a coordinate.

    Raises:
        ValueError: when there is not one positive half axis for each coordinate, or an angle in three.

    Example:
        >>> from math import pi
        >>> round(Ellipse(x=0, y=0, radii=(2, 1)).measure / pi, 12)
        2.0
    """
    _require("Ellipse", center, 2, radii, len(center))
    ball = Ball(radius=1.0, **dict.fromkeys(center, 0.0))
    steps = scale(ball, None, None, dict(zip(center, radii, strict=True)))
    if angle:
        steps += turn(ball, angle, (), None)
    return _centered(Image(ball, Motion(steps)), center)


def Annulus(*, radii: Sequence[float], **center: float) -> Domain:
    """The points between two circles about a centre; between two spheres in more coordinates.

    Args:
        radii: the inner and the outer radius, 0 < inner < outer.
        center: one number a coordinate, two coordinates or more.

    Raises:
        ValueError: when the radii are not in order, or there are fewer than two coordinates.

    Example:
        >>> from math import pi
        >>> ring = Annulus(x=0, y=0, radii=(1, 2))
        >>> round(ring.measure / pi, 12), round(ring.boundary().measure / pi, 12)
        (3.0, 6.0)
    """
    _require("Annulus", center, 2, radii, 2)
    inner, outer = radii
    if not inner < outer:
        raise ValueError(f"Annulus: got radii={tuple(radii)}, expected (inner, outer) with inner < outer")
    radial = _unused(center, "r")
    return _centered(Revolved(Box(**{radial: (inner, outer)}), radial, tuple(center)), center)


def Sector(*, radius: float, angles: Sequence[float], inner: float = 0.0, **center: float) -> Domain:
    """The part of a disc, or of an annulus, between two angles.

    Args:
        radius: R > 0.
        angles: (first, last) in radians, first < last < first + 2π, from the first coordinate towards the second.
        inner: the radius of what is left out about the centre.
        center: one number for each of the two coordinates.

    Raises:
        ValueError: when a radius or the angles make no sense, or there are not two coordinates.

    Example:
        >>> from math import pi
        >>> round(Sector(x=0, y=0, radius=2, angles=(0, pi / 2)).measure / pi, 12)
        1.0
    """
    _require("Sector", center, 2)
    positive("Sector", radius=radius)
    not_negative("Sector", inner=inner)
    if len(center) != 2 or not inner < radius:
        raise ValueError(f"Sector: got {len(center)} coordinates and inner={inner}, expected two, and inner < radius")
    radial = _unused(center, "r")
    swept = Revolved(Box(**{radial: (inner, radius)}), radial, tuple(center), tuple(float(a) for a in angles))
    return _centered(swept, center)


def Triangle(
    a: Sequence[float], b: Sequence[float], c: Sequence[float], coordinates: Sequence[str] = ("x", "y")
) -> Polygon:
    """The inside of three corners; see `Polygon`.

    Args:
        a, b, c: (x, y) of each corner.
        coordinates: names of the two coordinates.

    Example:
        >>> Triangle((0, 0), (3, 0), (0, 4)).measure
        6.0
    """
    return Polygon([a, b, c], coordinates)


def Cylinder(*, radius: float, **place: Any) -> Product:
    """A disc along an interval; a ball along one in more coordinates.

    Args:
        radius: R > 0.
        place: a number for each coordinate of the axis, and (low, high) for the coordinate along it.

    Raises:
        ValueError: when not exactly one coordinate has an interval.

    Example:
        >>> from math import pi
        >>> round(Cylinder(x=0, y=0, z=(0, 3), radius=1).boundary().measure / pi, 12)
        8.0
    """
    along, center = _axis("Cylinder", place)
    return Product(Ball(radius=radius, **center), Box(**along))


def Cone(*, radius: float, top: float = 0.0, **place: Any) -> Domain:
    """A cone on a disc, or what is left of it below a smaller disc.

    Args:
        radius: R > 0, of the disc at the low end.
        top: the radius at the high end, 0 for a tip.
        place: a number for each coordinate of the axis, then (low, high) for the coordinate along it.

    Raises:
        ValueError: when a radius makes no sense, or not exactly one coordinate has an interval.

    Example:
        >>> from math import pi
        >>> round(Cone(x=0, y=0, z=(0, 3), radius=1).measure / pi, 12)
        1.0
    """
    along, center = _axis("Cone", place)
    positive("Cone", radius=radius)
    not_negative("Cone", top=top)
    ((axis, (low, high)),) = Box(**along).bounds.items()
    corners = [(0.0, low), (radius, low), (top, high), (0.0, high)]
    radial = _unused(place, "r")
    profile = Polygon(corners if top else corners[:3], (radial, axis))
    return _centered(Revolved(profile, radial, tuple(center)), center)


def Torus(*, radii: Sequence[float], **center: float) -> Domain:
    """A ring around the axis of the last coordinate.

    Args:
        radii: of the circle in its middle, and of the tube, the second smaller.
        center: one number for each of the three coordinates; more give a ring in more dimensions.

    Raises:
        ValueError: when the radii are not in order, or there are fewer than three coordinates.

    Example:
        >>> from math import pi
        >>> round(Torus(x=0, y=0, z=0, radii=(2, 1)).boundary().measure / pi**2, 12)
        8.0
    """
    _require("Torus", center, 3, radii, 2)
    if not radii[1] < radii[0]:
        raise ValueError(f"Torus: got radii={tuple(radii)}, expected that of the ring, then a smaller one of the tube")
    *around, axis = center
    radial = _unused(center, "r")
    tube = Ball(radius=radii[1], **{radial: radii[0], axis: 0.0})
    return _centered(Revolved(tube, radial, tuple(around)), center)


def Disc(*, radius: Any, **center: Any) -> Any:
    """All points of a plane within a distance of a centre.

    Args:
        radius: R > 0, in the units of the coordinates; the name of another coordinate, such as "R", or a function of
            some, such as `lambda t: 1 + t`, where it varies with them.
        center: one number for each of the two coordinates, each of which may vary in the same way.

    Returns:
        A `Ball`; where something varies, what times a set of those coordinates is a domain.

    Raises:
        ValueError: as `Ball`, and when there are not two coordinates.

    Example:
        >>> round(Disc(x=0.3, y=-0.3, radius=0.1).boundary().measure, 6)
        0.628319
        >>> (Disc(x=0, y=0, radius="R") * Box(R=(0.5, 1))).coordinates
        ('x', 'y', 'R')
    """
    if len(center) != 2:
        raise ValueError(f"Disc: got coordinates {list(center)}, expected two; give more to a Ball")
    if all(isinstance(value, Real) for value in (radius, *center.values())):
        return Ball(radius=radius, **center)
    unit = Ball(radius=1.0, **dict.fromkeys(center, 0.0))
    made = image(unit, (*scale(unit, radius, None, {}), *shift(unit, center)))
    assert isinstance(made, Parametric)
    return made


def _centered(domain: Domain, center: dict[str, float]) -> Domain:
    """A set about the origin moved to its centre."""
    finite("center", **center)
    offset = {name: value for name, value in center.items() if value}
    moved = image(domain, shift(domain, offset)) if offset else domain
    assert isinstance(moved, Domain)
    return moved


def _require(what: str, center: dict[str, float], least: int, radii: Sequence[float] = (), number: int = 0) -> None:
    if len(center) < least:
        raise ValueError(f"{what}: got coordinates {list(center)}, expected {least} or more; give e.g. x=0, y=0, …")
    if len(radii) != number:
        raise ValueError(f"{what}: got radii={radii!r}, expected {number} positive numbers")
    for index, radius in enumerate(radii):
        positive(what, **{f"radii[{index}]": radius})


def _axis(what: str, place: dict[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
    """The one coordinate that has an interval, and the others."""
    along = {name: value for name, value in place.items() if hasattr(value, "__len__")}
    if len(along) != 1 or len(place) < 3:
        raise ValueError(
            f"{what}: got {place}, expected two numbers or more and one interval; give e.g. x=0, y=0, z=(0, 1)"
        )
    return along, {name: value for name, value in place.items() if name not in along}


def _unused(names: Any, wanted: str) -> str:
    while wanted in names:
        wanted += "_"
    return wanted
