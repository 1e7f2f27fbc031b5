"""The steady lid-driven cavity by Chebyshev collocation of the stream function, its corner singularities taken out.

    ψ_y ∂_x Δψ − ψ_x ∂_y Δψ = Δ²ψ/Re on [0, 1]²,   u = ψ_y, v = −ψ_x
    u = 4x(1 − x), v = 0 at y = 1; u = v = 0 on the other walls

Where the lid meets a wall, u_x = 4 along the one and v_y = 0 along the other: the vorticity has a value for each
direction, and polynomials converge slowly. Stokes' flow of such a corner is known; with s = 1 − y, θ = atan(s/x),
    ψ_c = πs² − 2xs − 2θ(x² + s²),   Δψ_c = 2π − 8θ,   Δ²ψ_c = 0,
has u = 4x on the lid and rests on the wall. So ψ = ψ_c(x, s) + ψ_c(1 − x, s) + g + x(1 − x) y(1 − y) q, where g is the
Coons patch of cubic Hermite polynomials that meets what the corner functions leave on the walls, and q, zero there, is
found by Newton's method. What is left in the corners is of the orders r^3.74 (Moffatt's eddies) and r⁴ (inertia), so
that convergence is algebraic, about as n⁻⁴.

Source: Taylor, in: Aeronautics and Astronautics, Pergamon (1960) 12; Moffatt, J. Fluid Mech. 18 (1964) 1; Botella,
Peyret, Comput. Fluids 27 (1998) 421. Clamped collocation: Trefethen, Spectral Methods in MATLAB (2000), chapter 14.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from pinn.reference.cache import Arrays, Cache, Folder, cached
from pinn.reference.chebyshev import differentiation, interpolation, nodes
from pinn.reference.result import Array, Built, Columns, Reference, distance, scatter
from pinn.validation import count, not_negative

BOX = {"x": (0.0, 1.0), "y": (0.0, 1.0)}


def cavity(reynolds: float = 100.0, *, degree: int = 64, coarse: int = 32, cache: Cache = Folder.USER) -> Reference:
    """Velocities of the lid-driven cavity with the lid 4x(1 − x).

    Args:
        reynolds: Re, of the lid's fastest point and the cavity's side, dimensionless; up to about a thousand.
        degree: of the polynomials of the finer resolution.
        coarse: of the coarser one.
        cache: folder of the result, None for none; see `pinn.reference.cache`.

    Returns:
        u and v of x and y; error: distance of the two resolutions. The pressure, which is infinite in the upper
        corners, is left out.

    Raises:
        ValueError: for Re that is negative (zero is Stokes' flow) or not finite, or degrees that do not rise from 6.
        ArithmeticError: when built, if Newton's method does not converge.

    Example:
        >>> flow = cavity(0.0, degree=12, coarse=8, cache=None)
        >>> round(float(flow(x=0.25, y=1.0)["u"]), 6)
        0.75
    """
    not_negative("cavity", reynolds=reynolds)
    count("cavity", 6, coarse=coarse)
    count("cavity", coarse + 1, degree=degree)
    return Reference(
        bounds=BOX,
        outputs=("u", "v"),
        build=partial(_build, float(reynolds), degree, coarse, cache),
        description=f"Chebyshev collocation of degree {degree}, corner singularities taken out, Re={reynolds:g}",
        source="Botella, Peyret, Comput. Fluids 27 (1998) 421, for the method",
    )


def _build(reynolds: float, degree: int, coarse: int, cache: Cache) -> Built:
    def compute() -> Arrays:
        rough = solve_cavity(reynolds, coarse)
        fine = solve_cavity(reynolds, degree, start=rough)
        return {"q": fine.q, "error": np.array(distance(rough, fine, scatter(BOX, 41)))}

    parameters = {"reynolds": reynolds, "degree": degree, "coarse": coarse}
    arrays = cached("cavity", parameters, compute, module=__name__, cache=cache)
    return Built(Flow(arrays["q"]), float(arrays["error"]))


@dataclass(frozen=True)
class Corner:
    """Stokes' flow in the upper left corner, ψ_c of the module's first lines, at x and s = 1 − y (same shape)."""

    x: Array
    s: Array

    @cached_property
    def angle(self) -> Array:
        """θ, from the lid downwards."""
        return np.arctan2(self.s, self.x)

    def psi(self) -> Array:
        """ψ_c."""
        return np.pi * self.s**2 - 2 * self.x * self.s - 2 * self.angle * (self.x**2 + self.s**2)

    def psi_x(self) -> Array:
        """∂ψ_c/∂x."""
        return -4 * self.x * self.angle

    def psi_y(self) -> Array:
        """∂ψ_c/∂y = −∂ψ_c/∂s."""
        return 4 * self.x + 4 * self.s * self.angle - 2 * np.pi * self.s

    def lap_x(self) -> Array:
        """∂Δψ_c/∂x; infinite in the corner."""
        return 8 * self.s / (self.x**2 + self.s**2)

    def lap_y(self) -> Array:
        """∂Δψ_c/∂y; infinite in the corner."""
        return 8 * self.x / (self.x**2 + self.s**2)


@dataclass(frozen=True)
class Corners:
    """Both upper corners' flows together, at x and y of the same shape."""

    x: Array
    y: Array

    @cached_property
    def _pair(self) -> tuple[Corner, Corner]:
        return Corner(self.x, 1 - self.y), Corner(1 - self.x, 1 - self.y)

    def psi(self) -> Array:
        """Their stream function."""
        left, right = self._pair
        return left.psi() + right.psi()

    def psi_x(self) -> Array:
        """Its derivative by x, which the mirror image turns round."""
        left, right = self._pair
        return left.psi_x() - right.psi_x()

    def psi_y(self) -> Array:
        """Its derivative by y."""
        left, right = self._pair
        return left.psi_y() + right.psi_y()

    def lap_x(self) -> Array:
        """Derivative by x of its Laplacian."""
        left, right = self._pair
        return left.lap_x() - right.lap_x()

    def lap_y(self) -> Array:
        """Derivative by y of its Laplacian."""
        left, right = self._pair
        return left.lap_y() + right.lap_y()


def patch(n: int) -> Array:
    """g at the nodes (n + 1, n + 1), first index x: what meets the walls once the corner functions are there.

    Coons' patch: with H_i the cubics of value or slope one at one end, and g_i, h_j the wanted values and slopes on the
    walls, g = Σ H_i(x) g_i(y) + Σ H_j(y) h_j(x) − Σ H_i(x) H_j(y) c_ij, c_ij those of h_j at the corners.
    """
    x = nodes(n, 0, 1)
    zero, one = np.zeros_like(x), np.ones_like(x)
    H = np.stack([(1 + 2 * x) * (1 - x) ** 2, x * (1 - x) ** 2, x**2 * (3 - 2 * x), x**2 * (x - 1)])
    left, right = Corners(zero, x), Corners(one, x)
    bottom, top = Corners(x, zero), Corners(x, one)
    on_sides = -np.stack([left.psi(), left.psi_x(), right.psi(), right.psi_x()])
    on_ends = -np.stack([bottom.psi(), bottom.psi_y(), top.psi(), top.psi_y() - 4 * x * (1 - x)])
    slopes = on_ends @ differentiation(n, 0, 1).T
    at_corners = np.stack([on_ends[:, 0], slopes[:, 0], on_ends[:, -1], slopes[:, -1]])
    return np.asarray(H.T @ on_sides + on_ends.T @ H - H.T @ at_corners @ H)


@dataclass(frozen=True)
class Flow:
    """Velocities from q at the inner nodes (n − 1, n − 1), first index x."""

    q: Array

    @cached_property
    def _smooth(self) -> tuple[Array, Array, Array]:
        """Smooth part of ψ at nodes of degree n + 2, which holds it exactly, and its derivatives by x and y."""
        n = len(self.q) + 1
        x = nodes(n + 2, 0, 1)
        raised = interpolation(x, n, 0, 1) * (x * (1 - x))[:, None]
        psi = patch(n + 2) + raised[:, 1:-1] @ self.q @ raised[:, 1:-1].T
        D = differentiation(n + 2, 0, 1)
        return psi, D @ psi, psi @ D.T

    def __call__(self, columns: Columns) -> dict[str, Array]:
        """u and v (n,) at x and y (n,)."""
        x, y = columns["x"], columns["y"]
        _, psi_x, psi_y = self._smooth
        n = len(psi_x) - 1
        in_x, in_y = interpolation(x, n, 0, 1), interpolation(y, n, 0, 1)
        corners = Corners(x, y)
        return {
            "u": ((in_x @ psi_y) * in_y).sum(axis=1) + corners.psi_y(),
            "v": -((in_x @ psi_x) * in_y).sum(axis=1) - corners.psi_x(),
        }


def clamped(n: int) -> list[Array]:
    """Matrices (n − 1, n − 1) from q at inner nodes to derivatives 0 ... 4 of p q there, p = x(1 − x), q(0) = q(1) = 0.

    Leibniz: (p q)^(k) = p q^(k) + k p' q^(k−1) + k(k−1)/2 p'' q^(k−2).
    """
    x = nodes(n, 0, 1)
    D = differentiation(n, 0, 1)
    p, slope = (x * (1 - x))[:, None], (1 - 2 * x)[:, None]
    powers = [np.eye(n + 1)]
    for _ in range(4):
        powers.append(D @ powers[-1])
    matrices = [p * powers[0]]
    for k in range(1, 5):
        twice = -k * (k - 1) * powers[k - 2] if k > 1 else 0.0
        matrices.append(p * powers[k] + k * slope * powers[k - 1] + twice)
    return [matrix[1:-1, 1:-1] for matrix in matrices]


class _Collocation:
    """The equation at the inner nodes of degree n: its residual and its Jacobian as functions of q."""

    def __init__(self, n: int) -> None:
        inner = nodes(n, 0, 1)[1:-1]
        x, y = np.meshgrid(inner, inner, indexing="ij")
        corners = Corners(x, y)
        self.E = clamped(n)
        powers = [np.eye(n + 1)]
        for _ in range(4):
            powers.append(differentiation(n, 0, 1) @ powers[-1])
        g, inside = patch(n), [matrix[1:-1] for matrix in powers]

        def known(corner: Array | float, *orders: tuple[int, int]) -> Array:
            return np.asarray(corner + sum(inside[a] @ g @ inside[b].T for a, b in orders))

        self.psi_x = known(corners.psi_x(), (1, 0))
        self.psi_y = known(corners.psi_y(), (0, 1))
        self.lap_x = known(corners.lap_x(), (3, 0), (1, 2))
        self.lap_y = known(corners.lap_y(), (2, 1), (0, 3))
        self.biharmonic = known(0.0, (4, 0), (2, 2), (2, 2), (0, 4))

    def _sum(self, q: Array, *orders: tuple[int, int]) -> Array:
        return np.asarray(sum(self.E[a] @ q @ self.E[b].T for a, b in orders))

    def fields(self, q: Array) -> tuple[Array, Array, Array, Array]:
        """ψ_x, ψ_y, ∂_x Δψ and ∂_y Δψ (n − 1, n − 1)."""
        return (
            self.psi_x + self._sum(q, (1, 0)),
            self.psi_y + self._sum(q, (0, 1)),
            self.lap_x + self._sum(q, (3, 0), (1, 2)),
            self.lap_y + self._sum(q, (2, 1), (0, 3)),
        )

    def residual(self, q: Array, reynolds: float) -> Array:
        """Δ²ψ − Re (ψ_y ∂_x Δψ − ψ_x ∂_y Δψ) (n − 1, n − 1)."""
        psi_x, psi_y, lap_x, lap_y = self.fields(q)
        stokes = self.biharmonic + self._sum(q, (4, 0), (2, 2), (2, 2), (0, 4))
        return stokes - reynolds * (psi_y * lap_x - psi_x * lap_y)

    def jacobian(self, q: Array, reynolds: float) -> Array:
        """Its derivative by q, row by row of both ((n − 1)², (n − 1)²)."""
        E = self.E
        J = np.kron(E[4], E[0]) + np.kron(2 * E[2], E[2]) + np.kron(E[0], E[4])
        if reynolds:
            psi_x, psi_y, lap_x, lap_y = (reynolds * field.reshape(-1, 1) for field in self.fields(q))
            J -= psi_y * (np.kron(E[3], E[0]) + np.kron(E[1], E[2])) + lap_x * np.kron(E[0], E[1])
            J += psi_x * (np.kron(E[2], E[1]) + np.kron(E[0], E[3])) + lap_y * np.kron(E[1], E[0])
        return J


def solve_cavity(reynolds: float, n: int, start: Flow | None = None) -> Flow:
    """One resolution of `cavity`, of degree n, by Newton's method from a coarser flow, or step by step in Re.

    Raises:
        ArithmeticError: when it does not converge.
    """
    equation = _Collocation(n)
    if start is None:
        q, ladder = np.zeros((n - 1, n - 1)), [0.0, *(reynolds * 0.5**k for k in range(6) if reynolds * 0.5**k > 100)]
        ladder = sorted([*ladder, reynolds])
    else:
        raised = interpolation(nodes(n, 0, 1)[1:-1], len(start.q) + 1, 0, 1)[:, 1:-1]
        q, ladder = raised @ start.q @ raised.T, [reynolds]
    for rung in ladder:
        q = _newton(equation, rung, q)
    return Flow(q)


def _newton(equation: _Collocation, reynolds: float, q: Array) -> Array:
    """Newton's method, its Jacobian kept while it still takes nine tenths of the step away."""
    from scipy.linalg import lu_factor, lu_solve  # loaded when a flow is computed, which few runs do

    size, factors = np.inf, None
    for _ in range(40):
        if factors is None:
            factors = lu_factor(equation.jacobian(q, reynolds), overwrite_a=True, check_finite=False)
        step = lu_solve(factors, equation.residual(q, reynolds).ravel(), check_finite=False).reshape(q.shape)
        q = q - step
        before, size = size, float(np.abs(step).max() / max(1.0, np.abs(q).max()))
        if not np.isfinite(size):
            break
        # Below the rounding of fourth derivatives steps stop shrinking.
        if size <= 1e-13 or (size <= 1e-8 and size > before / 2):
            return q
        if size > before / 10:
            factors = None
    raise ArithmeticError(f"cavity: Newton's method did not converge at Re={reynolds:g}; take a smaller Re")
