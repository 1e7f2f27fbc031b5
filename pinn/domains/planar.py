"""Domains of the plane from shapely's geometries: polygons with holes, several parts, buffers, whatever it makes.

A polygon with holes becomes `Polygon(...) - Polygon(...)`, several become their union; shapely is needed to make the
geometry, and not after.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pinn.domains.combined import Difference, Union
from pinn.domains.domain import Domain
from pinn.domains.polygon import Polygon


def from_shapely(geometry: Any, coordinates: Sequence[str] = ("x", "y")) -> Domain:
    """The domain that a geometry of shapely covers.

    Args:
        geometry: a valid Polygon or MultiPolygon, not empty.
        coordinates: names of the two coordinates.

    Raises:
        TypeError: when it is another kind of geometry.
        ValueError: when it is empty or not valid.

    Example:
        >>> from shapely.geometry import Point, box
        >>> washer = from_shapely(Point(0, 0).buffer(2).difference(box(-1, -1, 1, 1)))
        >>> round(washer.measure, 3), round(washer.boundary().measure, 3)
        (8.546, 20.561)
    """
    kind = getattr(geometry, "geom_type", type(geometry).__name__)
    if kind not in ("Polygon", "MultiPolygon"):
        raise TypeError(f"from_shapely: got a {kind}, expected a Polygon or a MultiPolygon; give e.g. line.buffer(0.1)")
    if geometry.is_empty or not geometry.is_valid:
        state = "is empty" if geometry.is_empty else "is not valid"
        raise ValueError(f"from_shapely: the geometry {state}; mend it, e.g. by shapely.make_valid")
    parts = [_polygon(part, coordinates) for part in (geometry.geoms if kind == "MultiPolygon" else [geometry])]
    return parts[0] if len(parts) == 1 else Union(tuple(parts))


def _polygon(part: Any, coordinates: Sequence[str]) -> Domain:
    outer, *holes = ([corner[:2] for corner in ring.coords[:-1]] for ring in (part.exterior, *part.interiors))
    solid = Polygon(outer, coordinates)
    return Difference(solid, tuple(Polygon(hole, coordinates) for hole in holes)) if holes else solid
