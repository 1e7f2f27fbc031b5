"""Polygons as convex ones less convex ones less …, whose edges then make an implicit function.

A simple polygon is its convex hull less its pockets, each a polygon between the hull's edge (its lid) and the line of
corners below; pockets are described in the same way (Tor, Middleditch, ACM Trans. Graphics 3 (1984) 244; Rvachev's
functions on them: Shapiro, Acta Numerica 16 (2007) 239, section 3.2). The function of a convex polygon is smooth; that
of another one has roots, which are singular at its re-entrant corners and nowhere else.
"""

from __future__ import annotations

from torch import Tensor

from pinn.domains.implicit import Columns, Every, Hulled, Leaf, Node, Not


def polygon_implicit(corners: Tensor, names: tuple[str, ...]) -> Node:
    """Positive inside of a polygon, zero on its edges.

    Args:
        corners: (corners, 2), counterclockwise.
        names: of the two coordinates.
    """
    extent = float((corners.amax(0) - corners.amin(0)).max())
    return _node([(x, y) for x, y in corners.tolist()], names, 2 / extent, lid=False)


_Corner = tuple[float, float]


def _node(corners: list[_Corner], names: tuple[str, ...], scale: float, lid: bool) -> Node:
    """A polygon within its hull; its last edge is left out where it is a lid."""
    hull = _hull(corners)
    edges: list[Node] = []
    lids: list[Node] = []
    pockets: list[Node] = []
    for here, there in zip(hull, [*hull[1:], hull[0] + len(corners)], strict=True):
        edge = _edge(corners[here], corners[there % len(corners)], names, scale)
        if there - here > 1:  # the corners between lie in a pocket
            below = [corners[i % len(corners)] for i in range(there, here - 1, -1)]
            pockets.append(Not(_node(below, names, scale, lid=True)))
            lids.append(edge)
        elif not (lid and here == len(corners) - 1):
            edges.append(edge)
    node = Every((*edges, *pockets))
    return Hulled(node, Every(tuple(lids))) if lids else node


def _edge(start: _Corner, end: _Corner, names: tuple[str, ...], scale: float) -> Leaf:
    """The distance to the left of an edge's line, scaled."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = (dx * dx + dy * dy) ** 0.5
    a, b = -scale * dy / length, scale * dx / length

    def left(columns: Columns) -> Tensor:
        return a * (columns[names[0]] - start[0]) + b * (columns[names[1]] - start[1])

    return Leaf(left)


def _hull(corners: list[_Corner]) -> list[int]:
    """Indices of the corners on the convex hull, those along its edges too, in order, the first corner's wherever."""

    def turn(o: int, a: int, b: int) -> float:
        (ox, oy), (ax, ay), (bx, by) = corners[o], corners[a], corners[b]
        return (ax - ox) * (by - oy) - (ay - oy) * (bx - ox)

    order = sorted(range(len(corners)), key=lambda i: corners[i])
    size = max(abs(value) for corner in corners for value in corner) ** 2
    halves: list[list[int]] = []
    for run in (order, order[::-1]):
        half: list[int] = []
        for index in run:
            while len(half) > 1 and turn(half[-2], half[-1], index) < -1e-14 * size:
                half.pop()
            half.append(index)
        halves.append(half)
    return sorted({*halves[0], *halves[1]})
