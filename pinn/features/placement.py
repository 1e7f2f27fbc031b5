"""Points for a solve on polynomials: denser towards the ends of coordinates, the boundary and corners.

In a box, x̂ = sin(π ŝ / 2) for evenly spread ŝ ∈ [-1, 1] along every coordinate that is not periodic, faces included:
the density 1/√(1 − x̂²) about which Chebyshev polynomials are orthogonal, so that two rows a column suffice.
Evenly spread points leave polynomials free near the ends. Error at two rows a column, seed 0, evenly spread and so:

| problem, degrees | even | denser at the ends |
|---|---|---|
| string, 24 × 36 | 1.6e-10 | 5.9e-12 |
| Helmholtz (1, 4), 16 × 28 | 1.1e-6 | 5.7e-8 |
| Helmholtz (6, 6), 38 × 38 | 9.5e-4 | 6.1e-8 |
| convection, 2 × 40 | 2.1e-5 | 5.0e-9 |

In any other domain points are chosen among evenly spread ones with the density 1/√(distance to the boundary), which is
that of a box near a face. On a boundary with corners every second one is moved towards the next corner, so that every
distance from it has its share: on the L, points that miss the last hundredth leave an error of 3e-4 there and 6e-8 in
the middle. About the corners of a box that have singular functions of their own, half as many points again lie in the
domain at distances r that are even in their logarithm, and rows of equations are weighted by r² up to half the shorter
side: where log r and θ are in the solution, second derivatives are as large as r^{−2} and r^{−1}. Without, the error of
the cavity with 473 neurons was 1e-4 and the residual between points erratic; with both it is 1.2e-5.

Source: Cohen, Migliorati, SMAI J. Comput. Math. 3 (2017) 181, for the density that least squares want; Kondratiev,
Trans. Moscow Math. Soc. 16 (1967) 227, for norms with powers of r.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from pinn.domains import Box, Domain, Points
from pinn.domains.combined import Difference
from pinn.features.geometry import Hole, Singularities
from pinn.networks import CoordinateMap
from pinn.problem import Problem
from pinn.spread import spread_points

_CANDIDATES = 4  # of which one point is chosen within a domain
_NEAREST = 1e-6  # distance over the extent below which points are not drawn denser within a domain
_PLAIN = 0.25  # of points that are placed as if there were no map: what is steep elsewhere is to be seen
_DECADES = 6.0  # of distances from a corner


def place_points(
    problem: Problem,
    name: str,
    n: int,
    singular: Singularities,
    generator: torch.Generator,
    maps: Sequence[CoordinateMap | None] = (),
) -> Points:
    """Points of one constraint, denser where polynomials want them; data and integrals are left as they are.

    Args:
        problem: whose constraint it is.
        name: of the constraint.
        n: number of points.
        singular: corners of the domain.
        generator: the only source of randomness.
        maps: of the coordinates of a box, where polynomials have some: the density is then that of 1/√(1 − z²) in z.
    """
    constraint = problem.constraints[name]
    points = spread_points(problem, name, n, generator=generator)
    if points.values or not constraint.reduction.pointwise or constraint.on.dimension == 0:
        return points
    around = _around(problem, points)
    if isinstance(around, Box):
        placed = _towards_ends(problem, around, constraint.on, points, maps, generator)
        return _graded(problem, constraint.on, placed, singular, generator) if singular.degree else placed
    if not singular.harmonic:
        return _about_holes(problem, name, n, singular.holes, generator)
    if constraint.on.dimension == problem.domain.dimension:
        many = spread_points(problem, name, _CANDIDATES * n, generator=generator)
        return _chosen(many, n, (around.level(many.x).abs() + _NEAREST) ** -0.5, generator)
    return _towards_corners(problem, constraint.on, points, singular, generator) if singular.corners else points


def corner_weights(problem: Problem, name: str, points: Points, singular: Singularities) -> Tensor | None:
    """Weights (n,) of points at a box's corners, (r / R)² up to R, half the shorter side; None where all are one."""
    if not singular.degree or problem.constraints[name].on.dimension < problem.domain.dimension:
        return None
    corners = torch.tensor(singular.places, dtype=points.x.dtype)
    return (torch.cdist(points.x, corners).amin(1) / _reach(problem)).clamp(max=1.0) ** 2


def _reach(problem: Problem) -> float:
    """R, half the shorter side."""
    return 0.5 * min(high - low for low, high in problem.domain.bounds.values())


def _graded(
    problem: Problem, on: Domain, points: Points, singular: Singularities, generator: torch.Generator
) -> Points:
    """Points of a box with as many again as a half about its corners, or of its boundary, half of them moved there."""
    if on.dimension < problem.domain.dimension:
        return _towards_corners(problem, on, points, singular, generator)
    count = math.ceil(0.5 * points.n)
    draw = torch.rand(count, 2, generator=generator, dtype=points.x.dtype)
    own = [singular.corners[i % len(singular.corners)] for i in range(count)]
    places = torch.tensor([one.place for one in own], dtype=points.x.dtype)
    angle = torch.tensor([one.direction for one in own], dtype=points.x.dtype) + 0.5 * math.pi * (draw[:, 0] - 0.5)
    distance = _reach(problem) * 10 ** (-_DECADES * draw[:, 1])
    near = places + distance[:, None] * torch.stack([torch.cos(angle), torch.sin(angle)], 1)
    return replace(points, x=torch.cat([points.x, near]))


def _towards_corners(
    problem: Problem, on: Domain, points: Points, singular: Singularities, generator: torch.Generator
) -> Points:
    """Every second point of a boundary moved towards the next corner, to a distance that is even in its logarithm."""
    corners = torch.tensor(singular.places, dtype=points.x.dtype)
    nearest = corners[torch.cdist(points.x, corners).argmin(1)]
    part = 10 ** (-_DECADES * torch.rand(points.n, 1, generator=generator, dtype=points.x.dtype))
    moved = nearest + part * (points.x - nearest)
    chosen = (torch.arange(points.n) % 2 == 1) & on.contains(moved)
    return replace(points, x=torch.where(chosen[:, None], moved, points.x))


def _about_holes(problem: Problem, name: str, n: int, holes: Sequence[Hole], generator: torch.Generator) -> Points:
    """Points of a constraint, a part of them about holes, where they are spread as polynomials of a/r want.

    Args:
        problem, name, n, generator: as for `place_points`.
        holes: of the domain, a being their radii and r the distance from their centres.
    """
    on = problem.constraints[name].on
    if on.dimension == problem.domain.dimension:
        even = _in_place(problem, name, n - n // 2, generator)
        every = [even.x, *(_rings(on, even, hole, math.ceil(n // 2 / len(holes)), generator) for hole in holes)]
        return replace(even, x=torch.cat(every))
    even = _in_place(problem, name, math.ceil(n / 2), generator)
    many = spread_points(problem, name, 2 * _CANDIDATES * n, generator=generator)
    near = _chosen(many, n // 2, torch.stack([_part(many, hole) for hole in holes]).amax(0) ** 2, generator)
    normals = None if even.normals is None or near.normals is None else torch.cat([even.normals, near.normals])
    return replace(even, x=torch.cat([even.x, near.x]), normals=normals)


def _in_place(problem: Problem, name: str, n: int, generator: torch.Generator) -> Points:
    """Evenly spread points, moved towards the ends of a box from which holes were taken where that leads into none."""
    outline = problem.domain.base if isinstance(problem.domain, Difference) else problem.domain
    on, even = problem.constraints[name].on, spread_points(problem, name, n, generator=generator)
    if not isinstance(outline, Box):
        return even
    moved = _towards_ends(problem, outline, outline, even, (), generator).x
    return replace(even, x=torch.where(on.contains(moved)[:, None], moved, even.x))


def _rings(on: Domain, points: Points, hole: Hole, n: int, generator: torch.Generator) -> Tensor:
    """Points (k, 2) about a hole, k ≤ n, of a/r from 1 to the least of the given ones."""
    draw = torch.rand(_CANDIDATES * n, 2, generator=generator, dtype=points.x.dtype)
    least = float(_part(points, hole).min())
    part, angle = least + (1 - least) * torch.cos(0.5 * math.pi * draw[:, 0]), 2 * math.pi * draw[:, 1]
    offset = hole.radius / part[:, None] * torch.stack([torch.cos(angle), torch.sin(angle)], 1)
    found = torch.tensor(hole.place, dtype=points.x.dtype) + offset
    return found[on.contains(found)][:n]


def _part(points: Points, hole: Hole) -> Tensor:
    """a / r (n,)."""
    return hole.radius / torch.linalg.vector_norm(points.x - torch.tensor(hole.place, dtype=points.x.dtype), dim=1)


def _chosen(many: Points, n: int, density: Tensor, generator: torch.Generator) -> Points:
    return many.take(torch.multinomial(density, min(n, many.n), generator=generator))


def _around(problem: Problem, points: Points) -> Domain:
    """The region that points lie in, the first of two where they touch; the domain where there are none."""
    inside = [one.domain for one in problem.regions.values() if bool(one.domain.contains(points.x).all())]
    return inside[0] if inside else problem.domain


def _towards_ends(
    problem: Problem,
    box: Box,
    on: Domain,
    points: Points,
    maps: Sequence[CoordinateMap | None],
    generator: torch.Generator,
) -> Points:
    """Points of a box moved towards the ends of every coordinate; as they were where that leads off their set."""
    moved = points.x.clone()
    for axis, name in enumerate(problem.coordinates):
        low, high = box.bounds[name]
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        column = points.x[:, axis]
        if name not in problem.periodic:
            at_end = (column == low) | (column == high)
            place = torch.sin(0.5 * math.pi * (column - middle) / half)
            if maps and (map := maps[axis]) is not None:
                dense = map.inverse(place.double()).to(place.dtype)
                plain = torch.rand(points.n, generator=generator, dtype=torch.float64) < _PLAIN
                place = torch.where(plain, place, dense)
            moved[:, axis] = torch.where(at_end, column, middle + half * place)
    if torch.equal(moved, points.x) or not bool(on.contains(moved).all()):
        return points
    return replace(points, x=moved)
