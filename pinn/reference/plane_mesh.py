"""Triangles of plane sets: boxes, polygons and discs, with holes of these kinds, and lines that the cells follow.

The outlines are cut into pieces of about the size of a cell, a hexagonal lattice fills the inside, and all points are
triangulated by Delaunay's criterion. A piece of outline that is no edge of it is halved until it is one (Ruppert, J.
Algorithms 18 (1995) 548). About corners, where derivatives of a solution are unbounded, cells become smaller in
proportion to their distance (Babuška, Kellogg, Pitkäranta, Numer. Math. 33 (1979) 447). Points of a circle stay on it
when cells are refined, and edges along it are arcs of second order.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from scipy.spatial import Delaunay, cKDTree

from pinn.domains import Ball, Box, Domain, Polygon
from pinn.domains.combined import Difference
from pinn.reference.result import Array

_SAME = 1e-9  # of the extent: points nearer than that are one
_CLEAR = 0.6  # of a cell: no lattice point comes nearer to an outline
_HALVINGS = 12  # of pieces of an outline, in turn
_NEAR = 0.9  # of a cell's distance to a corner, over which it is halved
_SMOOTHINGS = 3  # of the lattice, each point to the mean of those about it
_DIRECTIONS = 360  # in which a corner looks
_LEAST_ARCS = 16  # of a circle
_SMALLER = 6  # times at the most that cells are halved until none folds
_FOLDED = 0.2  # of the mean area of a cell, below which Newton's method loses its way in it


@dataclass(frozen=True)
class Circle:
    """A circle that the cells follow: its centre and radius."""

    centre: tuple[float, float]
    radius: float

    def distance(self, points: Array) -> Array:
        """From points (2, n) to the circle, (n,)."""
        return np.asarray(np.abs(np.hypot(*(points - np.array(self.centre)[:, None])) - self.radius))

    def onto(self, points: Array) -> Array:
        """Points (2, n), moved along their radius onto the circle."""
        offset = points - np.array(self.centre)[:, None]
        return np.asarray(np.array(self.centre)[:, None] + self.radius * offset / np.hypot(*offset))


@dataclass(frozen=True)
class Outlines:
    """What the cells of a plane set follow.

    Attributes:
        loops: closed lines of corners, each (corners, 2).
        circles: the others.
    """

    loops: tuple[Array, ...]
    circles: tuple[Circle, ...]

    @property
    def corners(self) -> Array:
        """All corners, (corners, 2)."""
        return np.concatenate([np.zeros((0, 2)), *self.loops])


def outlines(domain: Domain) -> Outlines:
    """The outlines of a box, a polygon or a disc, with holes of these kinds.

    Raises:
        ValueError: for any other set.

    Example:
        >>> from pinn.domains import Box, Disc
        >>> found = outlines(Box(x=(0, 2), y=(0, 1)) - Disc(x=1, y=0.5, radius=0.2))
        >>> len(found.loops), len(found.circles)
        (1, 1)
    """
    if isinstance(domain, Difference):
        parts = [outlines(part) for part in (domain.base, *domain.removed)]
        loops = tuple(loop for part in parts for loop in part.loops)
        return Outlines(loops, tuple(circle for part in parts for circle in part.circles))
    if len(domain.coordinates) == 2:
        if isinstance(domain, Polygon):
            return Outlines((domain.corners.numpy(),), ())
        if isinstance(domain, Box):
            (left, right), (low, high) = domain.bounds.values()
            return Outlines((np.array([(left, low), (right, low), (right, high), (left, high)]),), ())
        if isinstance(domain, Ball):
            first, second = domain.center.values()
            return Outlines((), (Circle((first, second), domain.radius),))
    raise ValueError(
        f"fem: got {domain!r}, expected a box, a polygon or a disc, and holes of these kinds taken away; for another "
        "set give reference= a function of your own"
    )


def reentrant(domain: Domain, corners: Array) -> Any:
    """Which corners (n, 2) see as much of the domain as a straight edge does, or more: (n,)."""
    angle = 2 * math.pi * (np.arange(_DIRECTIONS) + 0.5) / _DIRECTIONS
    around = 1e-4 * extent(domain) * np.stack([np.cos(angle), np.sin(angle)])
    places = (corners.T[:, :, None] + around[:, None]).reshape(2, -1)
    return _inside(domain)(places, 0.0).reshape(-1, _DIRECTIONS).mean(1) > 0.49


def triangulate(domain: Domain, size: float, along: Sequence[Domain] = ()) -> tuple[Any, Outlines]:
    """Triangles of a plane set.

    Args:
        domain: of the kinds of `outlines`.
        size: of a cell, in units of the coordinates.
        along: further sets whose outlines the cells follow, within the domain.

    Returns:
        A `skfem.MeshTri`, and what its cells follow.

    Raises:
        ValueError: when outlines touch or cross other than in corners and along edges, as their cells do not fit then.
    """
    skfem = importlib.import_module("skfem")

    every = [outlines(one) for one in (domain, *along)]
    lines = Outlines(
        tuple(loop for one in every for loop in one.loops), tuple(circle for one in every for circle in one.circles)
    )
    inside = _inside(domain)
    points, pieces = _cut(lines, size, extent(domain))
    kept = points[inside(points.T, 1e-9)]
    if len(kept) < len(points):
        raise ValueError("fem: got lines along which cells are to lie outside of the domain; give sets within it")
    for _ in range(_HALVINGS):
        # Further in where pieces are small, so that none has a point in the circle about it.
        lattice = _lattice(domain, points, pieces, size)
        cells = Delaunay(np.concatenate([points, lattice])).simplices
        missing = _missing(cells, pieces)
        if not missing.any():
            break
        points, pieces = _halved(points, pieces, missing, lines)
    else:
        raise ValueError("fem: the outlines come too close to each other for cells to fit; give a smaller size")
    points, cells = _smoothed(points, lattice, cells, pieces)
    centres = points[cells].mean(1)
    edges = points[cells[:, 1:]] - points[cells[:, :1]]
    area = np.abs(edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0])
    cells = cells[inside(centres.T, 0.0) & (area > 1e-10 * size**2)]
    used, cells = np.unique(cells, return_inverse=True)
    return skfem.MeshTri(points[used].T.copy(), np.sort(cells.reshape(-1, 3), axis=1).T.copy()), lines


def unfolded(domain: Domain, size: float, along: Sequence[Domain] = ()) -> tuple[Any, Outlines]:
    """`triangulate` with cells small enough, from `size` down, that none folds where arcs are its edges.

    An arc bulges into the cell beside it, further than that is high where a circle is near another outline.

    Raises:
        ValueError: as `triangulate`, and where many halvings of the cells do not help.
    """
    for _ in range(_SMALLER):
        mesh, lines = triangulate(domain, size, along)
        if not _folds(curved(mesh, lines)):
            return mesh, lines
        size *= 0.5
    raise ValueError("fem: circles come too close to other outlines for cells between them to fit; give a smaller size")


def _folds(mesh: Any) -> bool:
    """Whether the area of a cell vanishes somewhere within it, at its corners or amid its edges, or nearly so."""
    corners = np.array([[0, 1, 0, 0.5, 0.5, 0], [0, 0, 1, 0, 0.5, 0.5]])
    area = np.asarray(mesh.mapping().detDF(corners))
    return bool((area / area.mean(1, keepdims=True)).min() < _FOLDED)


def extent(domain: Domain) -> float:
    """The largest extent of a set, in units of its coordinates."""
    return max(high - low for low, high in domain.bounds.values())


def _inside(domain: Domain) -> Callable[[Array, float], Any]:
    def inside(points: Array, slack: float) -> Any:
        return (domain.level(torch.from_numpy(np.ascontiguousarray(points.T))) <= slack).numpy()

    return inside


def _cut(lines: Outlines, size: float, whole: float) -> tuple[Array, Any]:
    """Points on all outlines (n, 2), and the pieces between them, pairs of indices (m, 2)."""
    segments: list[Array] = []
    for loop in lines.loops:
        for start, end in zip(loop, np.roll(loop, -1, 0), strict=True):
            stops = _stops(start, end, lines.corners, whole)
            for one, two in pairwise(stops):
                count = max(1, math.ceil(np.linalg.norm(two - one) / size))
                places = one + np.linspace(0, 1, count + 1)[:, None] * (two - one)
                segments += [np.stack(pair) for pair in pairwise(places)]
    for circle in lines.circles:
        count = max(_LEAST_ARCS, math.ceil(2 * math.pi * circle.radius / size))
        angle = 2 * math.pi * np.arange(count + 1) / count
        places = np.array(circle.centre) + circle.radius * np.stack([np.cos(angle), np.sin(angle)], 1)
        segments += [np.stack(pair) for pair in pairwise(places)]
    ends = np.concatenate(segments)
    groups = cKDTree(ends).query_ball_point(ends, _SAME * whole)
    first = np.array([min(group) for group in groups])
    kept, index = np.unique(first, return_inverse=True)
    pieces = np.unique(np.sort(index.reshape(-1, 2), 1), axis=0)
    return ends[kept], pieces


def _stops(start: Array, end: Array, corners: Array, whole: float) -> list[Array]:
    """The ends of an edge, and the corners of other outlines that lie on it, in order."""
    direction = end - start
    along = (corners - start) @ direction / (direction @ direction)
    away = np.linalg.norm(corners - start - along[:, None] * direction, axis=1)
    between = np.sort(along[(away < _SAME * whole) & (along > _SAME) & (along < 1 - _SAME)])
    places = [0.0, *(part for i, part in enumerate(between) if i == 0 or part > between[i - 1] + _SAME), 1.0]
    return [start + part * direction for part in places]


def _lattice(domain: Domain, points: Array, pieces: Any, size: float) -> Array:
    """A hexagonal lattice within the domain, clear of all pieces of outline."""
    (left, right), (low, high) = domain.bounds.values()
    rows = np.arange(low, high, size * math.sqrt(0.75))
    x = np.concatenate([np.arange(left, right, size) + 0.5 * size * (i % 2) for i in range(len(rows))])
    y = np.repeat(rows, len(np.arange(left, right, size)))
    found = np.stack([x, y], 1)
    found = found[_inside(domain)(found.T, 0.0)]
    starts, ends = points[pieces[:, 0]], points[pieces[:, 1]]
    edges = ends - starts
    clear = np.ones(len(found), dtype=bool)
    for begin in range(0, len(found), 2000):  # a table of points by pieces
        part = found[begin : begin + 2000, None] - starts
        along = np.clip((part * edges).sum(2) / (edges**2).sum(1), 0, 1)
        distance = np.linalg.norm(part - along[..., None] * edges, axis=2)
        clear[begin : begin + 2000] = (distance > _CLEAR * size).all(1)
    return np.asarray(found[clear])


def _smoothed(points: Array, lattice: Array, cells: Any, pieces: Any) -> tuple[Array, Any]:
    """All points, those of the lattice moved to the means of their neighbours, and their triangles."""
    fixed, every = len(points), np.concatenate([points, lattice])
    for _ in range(_SMOOTHINGS):
        pairs = np.concatenate([cells[:, [i, j]] for i in range(3) for j in range(3) if i != j])
        number = np.bincount(pairs[:, 0], minlength=len(every))[:, None]
        sums = np.stack([np.bincount(pairs[:, 0], every[pairs[:, 1], k], len(every)) for k in range(2)], 1)
        moved = np.where(number > 0, sums / np.maximum(number, 1), every)
        moved[:fixed] = points
        again = Delaunay(moved).simplices
        if _missing(again, pieces).any():
            break
        every, cells = moved, again
    return every, cells


def _missing(cells: Any, pieces: Any) -> Any:
    """Which pieces are no edge of any cell, (m,)."""
    edges = np.sort(np.concatenate([cells[:, [0, 1]], cells[:, [1, 2]], cells[:, [0, 2]]]), 1)
    known = {(int(a), int(b)) for a, b in edges}
    return np.array([(int(a), int(b)) not in known for a, b in pieces])


def _halved(points: Array, pieces: Any, which: Any, lines: Outlines) -> tuple[Array, Any]:
    """The pieces with some of them halved, in arcs where they are arcs."""
    halves = pieces[which]
    middles = 0.5 * (points[halves[:, 0]] + points[halves[:, 1]]).T
    for circle in lines.circles:
        arcs = (circle.distance(points[halves[:, 0]].T) < _SAME * circle.radius) & (
            circle.distance(points[halves[:, 1]].T) < _SAME * circle.radius
        )
        middles[:, arcs] = circle.onto(middles[:, arcs])
    new = len(points) + np.arange(len(halves))
    pieces = np.concatenate([pieces[~which], np.stack([halves[:, 0], new], 1), np.stack([halves[:, 1], new], 1)])
    return np.concatenate([points, middles.T]), pieces


def arcs(mesh: Any, circles: Sequence[Circle]) -> list[tuple[Circle, Any]]:
    """For each circle, the edges of a mesh that are arcs of it: their ends follow each other around it."""
    found = []
    for circle in circles:
        on = np.flatnonzero(circle.distance(mesh.p) < 1e-9 * circle.radius)
        angle = np.arctan2(*(mesh.p[:, on] - np.array(circle.centre)[:, None])[::-1])
        rank = np.full(mesh.p.shape[1], -1)
        rank[on[np.argsort(angle)]] = np.arange(len(on))
        one, two = rank[mesh.facets]
        step = np.abs(one - two)
        found.append((circle, np.flatnonzero((one >= 0) & (two >= 0) & ((step == 1) | (step == len(on) - 1)))))
    return found


def refined(mesh: Any, lines: Outlines, which: Any = None) -> Any:
    """A mesh with all cells, or some, made smaller; new points on arcs lie on their circles."""
    skfem = importlib.import_module("skfem")

    finer = mesh.refined() if which is None else mesh.refined(which)
    points = finer.p.copy()
    for circle, edges in arcs(mesh, lines.circles):
        middles = mesh.p[:, mesh.facets[:, edges]].mean(1)
        distance, _ = cKDTree(middles.T).query(points.T)
        new = distance < 1e-10 * circle.radius
        points[:, new] = circle.onto(points[:, new])
    return skfem.MeshTri(points, finer.t)


def graded(mesh: Any, lines: Outlines, corners: Array, levels: int) -> Any:
    """A mesh whose cells at corners are halved so many times, and others in proportion to their distance."""
    if not len(corners):
        return mesh
    for _ in range(levels):
        vertices = mesh.p[:, mesh.t]
        size = np.linalg.norm(vertices - np.roll(vertices, 1, 1), axis=0).max(0)
        distance = np.linalg.norm(vertices[:, None] - corners.T[:, :, None, None], axis=0).min((0, 1))
        smallest = size.min()
        at = (distance < 1e-9 * size) | (_NEAR * distance < size) & (size > 1.5 * smallest)
        mesh = refined(mesh, lines, np.flatnonzero(at))
    return mesh


def curved(mesh: Any, lines: Outlines) -> Any:
    """The mesh with arcs of second order along circles, a `skfem.MeshTri2`; itself where there are none."""
    skfem = importlib.import_module("skfem")

    if not lines.circles:
        return mesh
    bent = skfem.MeshTri2.from_mesh(mesh)
    nodes = bent.doflocs.copy()
    for circle, edges in arcs(mesh, lines.circles):
        middles = mesh.p[:, mesh.facets[:, edges]].mean(1)
        distance, _ = cKDTree(middles.T).query(nodes.T)
        new = distance < 1e-10 * circle.radius
        nodes[:, new] = circle.onto(nodes[:, new])
    return skfem.MeshTri2(nodes, bent.t)
