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
the middle. Source: Cohen, Migliorati, SMAI J. Comput. Math. 3 (2017) 181, for the density that least squares want.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from pinn.domains import Box, Domain, Points
from pinn.features.geometry import Singularities
from pinn.problem import Problem
from pinn.spread import spread_points

_CANDIDATES = 4  # of which one point is chosen within a domain
_NEAREST = 1e-6  # distance over the extent below which points are not drawn denser within a domain
_DECADES = 6.0  # of distances from a corner


def place_points(problem: Problem, name: str, n: int, singular: Singularities, generator: torch.Generator) -> Points:
    """Points of one constraint, denser where polynomials want them; data and integrals are left as they are.

    Args:
        problem: whose constraint it is.
        name: of the constraint.
        n: number of points.
        singular: corners of the domain.
        generator: the only source of randomness.
    """
    constraint = problem.constraints[name]
    points = spread_points(problem, name, n, generator=generator)
    if points.values or not constraint.reduction.pointwise or constraint.on.dimension == 0:
        return points
    around = _around(problem, points)
    if isinstance(around, Box):
        return _towards_ends(problem, around, constraint.on, points)
    if constraint.on.dimension == problem.domain.dimension:
        many = spread_points(problem, name, _CANDIDATES * n, generator=generator)
        return _chosen(many, n, (around.level(many.x).abs() + _NEAREST) ** -0.5, generator)
    return _towards_corners(problem, constraint.on, points, singular, generator) if singular.corners else points


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


def _chosen(many: Points, n: int, density: Tensor, generator: torch.Generator) -> Points:
    return many.take(torch.multinomial(density, min(n, many.n), generator=generator))


def _around(problem: Problem, points: Points) -> Domain:
    """The region that points lie in, the first of two where they touch; the domain where there are none."""
    inside = [one.domain for one in problem.regions.values() if bool(one.domain.contains(points.x).all())]
    return inside[0] if inside else problem.domain


def _towards_ends(problem: Problem, box: Box, on: Domain, points: Points) -> Points:
    """Points of a box moved towards the ends of every coordinate; as they were where that leads off their set."""
    moved = points.x.clone()
    for axis, name in enumerate(problem.coordinates):
        low, high = box.bounds[name]
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        column = points.x[:, axis]
        if name not in problem.periodic:
            at_end = (column == low) | (column == high)
            moved[:, axis] = torch.where(
                at_end, column, middle + half * torch.sin(0.5 * math.pi * (column - middle) / half)
            )
    if torch.equal(moved, points.x) or not bool(on.contains(moved).all()):
        return points
    return replace(points, x=moved)
