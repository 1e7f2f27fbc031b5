"""Laplace's and Poisson's equations by particular solutions: exact inside, fitted on the boundary alone.

    u = u_p + Σ_k c_k φ_k,   −Δu_p = f,   Δφ_k = 0,   c by least squares of the boundary values

The error is harmonic, so by the maximum principle it is nowhere larger than on the boundary, where it is seen: that is
its `error`. What makes such a series converge geometrically is to give every singularity its own terms.

Holes: multipoles Re (a/(z − c))^m and log |z − c| in the discs and in their mirror images behind the walls, with
alternating signs (so that the walls, where u = 1, are met almost by themselves), and Re z^{4k}; one coefficient for
each set that the square's symmetries map to each other.
L: r^{2k/3} sin(2kφ/3) and Im z^{2j} log z at the re-entrant corner, z^{2j} log z at the five others, and powers of z.

Source: Trefftz, Proc. 2nd Int. Congr. Appl. Mech. (1926) 131; Fox, Henrici, Moler, SIAM J. Numer. Anal. 4 (1967) 89;
Betcke, Trefethen, SIAM Rev. 47 (2005) 469; corner terms: Wasow, J. Res. Natl. Bur. Stand. 59 (1957) 45.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pinn.reference.result import SLACK, Array, Built, Columns, Reference
from pinn.validation import count

Terms = Callable[[Array, Array], Array]

# Points of an evaluation at once, times about a hundred terms.
CHUNK = 4096


@dataclass(frozen=True)
class Expansion:
    """u = u_p + Σ c_k φ_k.

    Args:
        terms: all φ_k (n, K) at x (n,) and y (n,).
        particular: u_p (n,) at x and y.
        coefficients: c (K,).
        outside: whether points (n,) lie where the expansion is no solution.
    """

    terms: Terms
    particular: Terms
    coefficients: Array
    outside: Callable[[Array, Array], NDArray[np.bool_]]

    def __call__(self, columns: Columns) -> dict[str, Array]:
        """u (n,) at x (n,) and y (n,).

        Raises:
            ValueError: for points outside of the domain.
        """
        x, y = columns["x"], columns["y"]
        wrong = self.outside(x, y)
        if wrong.any():
            raise ValueError(f"reference: ({x[wrong][0]:g}, {y[wrong][0]:g}) lies outside of the domain")
        u = np.empty(x.size)
        for start in range(0, x.size, CHUNK):
            part = slice(start, start + CHUNK)
            u[part] = self.particular(x[part], y[part]) + self.terms(x[part], y[part]) @ self.coefficients
        return {"u": u}


def fit(terms: Terms, wanted: Array, x: Array, y: Array) -> Array:
    """Coefficients (K,) of the least-squares fit of boundary values (n,) at x and y (n,), columns scaled to one."""
    matrix = terms(x, y)
    size = np.linalg.norm(matrix, axis=0)
    # Terms of one corner nearly repeat those of another: the smallest solution keeps its coefficients small.
    return np.asarray(np.linalg.lstsq(matrix / size, wanted, rcond=1e-14)[0] / size)


def laplace_four_holes(
    *, radius: float = 0.1, offset: float = 0.3, powers: int = 12, multipoles: int = 24
) -> Reference:
    """Δu = 0 on [−½, ½]² less four discs at (±offset, ±offset); u = 1 on the square, 0 on the discs.

    Args:
        radius: of the discs, dimensionless.
        offset: of their centres.
        powers: number of terms Re z^{4k}.
        multipoles: the highest order m.

    Returns:
        u of x and y; error: the largest error on the boundary, over the root mean square of u.

    Raises:
        ValueError: for discs that touch each other or the walls, or a series without powers or multipoles.

    Example:
        >>> u = laplace_four_holes()
        >>> round(float(u(x=0.0, y=0.0)), 8), u.error < 1e-12
        (0.23358492, True)
    """
    if not 0 < radius < min(offset, 0.5 - offset):
        raise ValueError(
            f"laplace_four_holes: discs of radius {radius} at {offset} touch; "
            "give 0 < radius < min(offset, 0.5 - offset)"
        )
    count("laplace_four_holes", 1, powers=powers, multipoles=multipoles)
    return Reference(
        bounds={"x": (-0.5, 0.5), "y": (-0.5, 0.5)},
        outputs=("u",),
        build=partial(_build_holes, radius, offset, powers, multipoles),
        description=f"method of particular solutions, multipoles to order {multipoles} with mirror images",
        source="Betcke, Trefethen, SIAM Rev. 47 (2005) 469, for the method",
    )


def _build_holes(radius: float, offset: float, powers: int, multipoles: int) -> Built:
    terms = partial(hole_terms, radius=radius, offset=offset, powers=powers, multipoles=multipoles)
    n = 8 * (powers + multipoles)
    x, y, wanted = _hole_boundary(n, radius, offset)
    # u_p = 1 on the square; the terms vanish there and are −1 on the discs.
    coefficients = fit(terms, wanted - 1, x, y)
    u = Expansion(terms, _one, coefficients, partial(_in_holes, radius, offset))
    side = np.linspace(-0.5, 0.5, 41)
    inside = [grid.ravel() for grid in np.meshgrid(side, side)]
    clear = ~_in_holes(radius, offset, *inside)
    return Built(u, _relative_error(u, *_hole_boundary(5 * n + 1, radius, offset), inside[0][clear], inside[1][clear]))


def _one(x: Array, y: Array) -> Array:
    return np.ones_like(x)


def _hole_boundary(n: int, radius: float, offset: float) -> tuple[Array, Array, Array]:
    """n points of one disc and n of half a wall, which stand for all by symmetry, and the values wanted there."""
    angle = 2 * np.pi * np.arange(n) / n
    wall = np.linspace(0, 0.5, n)
    x = np.concatenate([offset + radius * np.cos(angle), np.full(n, 0.5)])
    y = np.concatenate([offset + radius * np.sin(angle), wall])
    return x, y, np.repeat([0.0, 1.0], n)


def _in_holes(radius: float, offset: float, x: Array, y: Array) -> NDArray[np.bool_]:
    return np.hypot(np.abs(x) - offset, np.abs(y) - offset) < radius * (1 - SLACK)


def hole_terms(x: Array, y: Array, *, radius: float, offset: float, powers: int, multipoles: int) -> Array:
    """Harmonic functions (n, powers + multipoles + 1) with the symmetries of the square and its four holes.

    Poles lie in the discs and in their images in the eight squares around; odd squares carry the sign −1.
    """
    z = x + 1j * y
    # Powers scaled to one at the corner, which is the farthest point.
    polynomials = [((math.sqrt(2) * z) ** (4 * k)).real for k in range(powers)]
    poles = [np.zeros_like(x) for _ in range(multipoles + 1)]
    diagonal = (1 + 1j) / math.sqrt(2)
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            sign = -1.0 if (i + j) % 2 else 1.0
            for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                # Moved and turned so that the pole is the one at (offset, offset), seen along the diagonal.
                inverse = radius * diagonal / (a * (x - i) + 1j * b * (y - j) - offset * (1 + 1j))
                poles[0] -= sign * np.log(np.abs(inverse))
                power = np.ones_like(z)
                for m in range(1, multipoles + 1):
                    power *= inverse
                    poles[m] += sign * power.real
    return np.stack([*polynomials, *poles], axis=1)


# Corners of the L except the re-entrant one, each with the direction that leads away from the domain.
L_CORNERS = (
    (-1 - 1j, -1 - 1j),
    (1 - 1j, 1 - 1j),
    (1 + 0j, 1 + 1j),
    (0 + 1j, 1 + 1j),
    (-1 + 1j, -1 + 1j),
)


def poisson_l_shape(*, roots: int = 30, logarithms: int = 8, corner: int = 2, powers: int = 40) -> Reference:
    """−Δu = 1 on [−1, 1]² less its upper right quadrant, u = 0 around it.

    Args:
        roots: number of terms r^{2k/3} sin(2kφ/3) at the re-entrant corner.
        logarithms: number of terms Im z^{2j} log z there.
        corner: number of terms z^{2j} log z at each other corner.
        powers: highest power of z.

    Returns:
        u of x and y; error: the largest error on the boundary, over the root mean square of u.

    Raises:
        ValueError: for a series without roots or powers, or a negative number of the other terms.

    Example:
        >>> u = poisson_l_shape()
        >>> u(x=[-0.5, -0.33], y=[-0.5, -0.33]).round(8), u.error < 1e-12
        (array([0.13105296, 0.14941155]), True)
    """
    count("poisson_l_shape", 1, roots=roots, powers=powers)
    count("poisson_l_shape", 0, logarithms=logarithms, corner=corner)
    return Reference(
        bounds={"x": (-1.0, 1.0), "y": (-1.0, 1.0)},
        outputs=("u",),
        build=partial(_build_l, roots, logarithms, corner, powers),
        description="method of particular solutions with corner terms",
        source="Fox, Henrici, Moler, SIAM J. Numer. Anal. 4 (1967) 89, for the method",
    )


def _build_l(roots: int, logarithms: int, corner: int, powers: int) -> Built:
    terms = partial(l_terms, roots=roots, logarithms=logarithms, corner=corner, powers=powers)
    x, y = l_boundary(4 * max(roots, powers))
    u = Expansion(terms, _bowl, fit(terms, -_bowl(x, y), x, y), _in_quadrant)
    check = l_boundary(21 * max(roots, powers) + 1)
    side = np.linspace(-1, 1, 41)
    inside = [grid.ravel() for grid in np.meshgrid(side, side)]
    clear = ~_in_quadrant(*inside)
    return Built(u, _relative_error(u, *check, np.zeros(check[0].size), inside[0][clear], inside[1][clear]))


def _bowl(x: Array, y: Array) -> Array:
    """A solution of −Δu = 1, the boundary disregarded."""
    return -(x**2 + y**2) / 4


def _in_quadrant(x: Array, y: Array) -> NDArray[np.bool_]:
    return (x > SLACK) & (y > SLACK)


def l_boundary(n: int) -> tuple[Array, Array]:
    """n + 1 points of each side of the L, the denser the nearer to its corners."""
    s = (1 - np.cos(np.pi * np.arange(n + 1) / n)) / 2
    s = s**2 * (3 - 2 * s)
    corners = np.array([[-1, -1], [1, -1], [1, 0], [0, 0], [0, 1], [-1, 1], [-1, -1]], dtype=np.float64)
    points = np.concatenate([a + (b - a) * s[:, None] for a, b in pairwise(corners)])
    return points[:, 0], points[:, 1]


def l_terms(x: Array, y: Array, *, roots: int, logarithms: int, corner: int, powers: int) -> Array:
    """Harmonic functions (n, K) with the singularities of the L's corners, their cuts outside of it.

    At the re-entrant corner φ runs from 0 on the positive y axis to 3π/2 on the positive x axis; the even powers with
    logarithm are there where r^{2j} is one of the roots' powers, j = k/3 (Im z^{2j} log z in that frame).
    """
    # The cut of the angle lies on the diagonal of the missing quadrant, half a right angle before the first side.
    r, angle = np.hypot(x, y), (np.arctan2(y, x) - np.pi / 4) % (2 * np.pi) - np.pi / 4
    log_r = np.log(np.where(r > 0, r, 1.0))
    columns = [r ** (2 * k / 3) * np.sin(2 * k * angle / 3) for k in range(1, roots + 1)]
    for m in range(2, 2 * logarithms + 1, 2):
        columns.append(r**m * (log_r * np.sin(m * angle) + angle * np.cos(m * angle)))
    z = x + 1j * y
    for place, away in L_CORNERS:
        inwards = -(z - place) / (away / abs(away))
        logarithm = np.log(np.where(inwards == 0, 1.0, inwards))
        for m in range(2, 2 * corner + 1, 2):
            term = inwards**m * logarithm
            columns += [term.real, term.imag]
    # Centred and scaled to the L, so that powers stay below one.
    unit = (z + 0.3 * (1 + 1j)) / 1.6
    for m in range(powers + 1):
        columns += [(unit**m).real, (unit**m).imag] if m else [np.ones_like(x)]
    return np.stack(columns, axis=1)


def _relative_error(u: Expansion, x: Array, y: Array, wanted: Array, inner_x: Array, inner_y: Array) -> float:
    """Largest boundary error over the root mean square of u at inner points, with a margin for rounding."""
    error = float(np.abs(u({"x": x, "y": y})["u"] - wanted).max())
    size = float(np.sqrt(np.mean(u({"x": inner_x, "y": inner_y})["u"] ** 2)))
    return error / size + 10 * float(np.finfo(np.float64).eps)
