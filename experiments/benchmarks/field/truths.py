"""What is true of the problems from the field, by methods that share nothing with networks.

Cosine modes with exact decay (Duhamel), finite volumes with Richardson's extrapolation, the exact Riemann solution of
gas dynamics (Toro, Riemann Solvers and Numerical Methods for Fluid Dynamics, 3rd ed. (2009), chapter 4), Bessel series,
eigenfunction series, least squares with standard errors, Tikhonov's regularisation by the discrepancy principle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline, RectBivariateSpline
from scipy.linalg import solve_banded
from scipy.optimize import brentq, least_squares
from scipy.special import jv, jvp, yv, yvp

from pinn.reference import Reference
from pinn.reference.result import Built, Columns, Evaluate, distance, scatter

Array = NDArray[np.float64]

BEAM_BOUNDS = {"x": (0.0, 0.04), "y": (0.0, 0.02), "t": (0.0, 10.0)}


def beam_modes(interval: float, across: int, up: int) -> Evaluate:
    """Temperature under the moving beam as cosine modes, each with exact decay; its source by quadrature.

    a_mn' = −λ_mn a_mn + s_mn(t), λ = D (k_m² + k_n²), so a(t + h) = e^{−λh} a(t) + ∫₀ʰ e^{−λ(h − τ)} s(t + τ) dτ.

    Args:
        interval: h, s.
        across: modes in x.
        up: even modes in y; the odd ones vanish by symmetry.
    """
    D, strength, w, length, height, end = 5e-6, 125.0, 0.003, 0.04, 0.02, 10.0
    kx, ky = np.pi * np.arange(across) / length, np.pi * 2 * np.arange(up) / height
    decay = D * (kx[:, None] ** 2 + ky**2)
    z, weight = leggauss(320)
    x, y = (z + 1) * length / 2, (z + 1) * height / 2
    in_x = np.cos(kx[:, None] * x) * weight * np.where(kx > 0, 1.0, 0.5)[:, None]
    in_y = np.cos(ky[:, None] * y) * weight * np.where(ky > 0, 1.0, 0.5)[:, None]
    sy = in_y @ np.exp(-2 * (y - 0.01) ** 2 / w**2)
    times = np.linspace(0, end, round(end / interval) + 1)
    h = times[1]
    nodes, parts = leggauss(6)
    modes = np.zeros((len(times), across, up))
    for j, t in enumerate(times[:-1]):
        modes[j + 1] = np.exp(-decay * h) * modes[j]
        for node, part in zip((nodes + 1) * h / 2, parts * h / 2, strict=True):
            sx = in_x @ np.exp(-2 * (x - 0.005 - 0.003 * (t + node)) ** 2 / w**2)
            modes[j + 1] += part * strength * np.exp(-decay * (h - node)) * sx[:, None] * sy
    spline = CubicSpline(times, modes, axis=0)

    def evaluate(columns: Columns) -> dict[str, Array]:
        rise = np.empty(len(columns["t"]))
        for when in np.array_split(np.arange(len(rise)), max(1, len(rise) // 500)):
            unique, which = np.unique(columns["t"][when], return_inverse=True)
            now = spline(unique)[which]
            cx, cy = np.cos(columns["x"][when, None] * kx), np.cos(columns["y"][when, None] * ky)
            rise[when] = np.einsum("nm,nmk,nk->n", cx, now, cy)
        return {"T": 298.0 + rise}

    return evaluate


def moving_beam_reference() -> Reference:
    """T under the moving beam; error: the distance of two resolutions, over the rise."""

    def build() -> Built:
        fine, coarse = beam_modes(0.02, 64, 28), beam_modes(0.04, 48, 21)
        return Built(fine, distance(coarse, fine, scatter(BEAM_BOUNDS, 8)))

    return Reference(BEAM_BOUNDS, ("T",), build, "cosine modes with exact decay")


def adaptive(right: Callable[..., Any], start: Sequence[float], outputs: Sequence[str], length: float) -> Reference:
    """y' = f(t, y) with steps as small as a sharp front wants; error: the distance to a tolerance 100 times as large.

    DOP853 and its interpolant of order seven, which follows the steps; polynomials on equal pieces would want many.

    Args:
        right: f of t and y (m,).
        start: y(0) (m,).
        outputs: names of the components.
        length: end of the interval of t.
    """
    bounds = {"t": (0.0, length)}

    def solved(tolerance: float) -> Evaluate:
        found = solve_ivp(
            right, (0, length), start, method="DOP853", rtol=tolerance, atol=1e-3 * tolerance, dense_output=True
        )
        return lambda columns: dict(zip(outputs, found.sol(columns["t"]), strict=True))

    def build() -> Built:
        fine = solved(1e-13)
        return Built(fine, distance(solved(1e-11), fine, scatter(bounds, 2000)))

    return Reference(bounds, tuple(outputs), build, "Runge-Kutta steps of order eight")


def finite_volumes(cells: int, inflow: Callable[[Array], Array]) -> Evaluate:
    """c_t + 4 c_x = 0.02 c_xx on (0, 1)², c(0, t) given, c_x(1, t) = 0, c(x, 0) = 0; second order in both.

    Central fluxes on `cells` cells, Crank-Nicolson with four steps a cell; values between by cubic splines.

    Args:
        cells: N.
        inflow: c(0, t) of an array of times.
    """
    h, speed, nu = 1 / cells, 4.0, 0.02
    steps = 4 * cells
    dt = 1 / steps
    lower, diagonal, upper = np.zeros(cells), np.zeros(cells), np.zeros(cells)
    # Flux at a face: 4 (c_l + c_r)/2 − ν (c_r − c_l)/h; at the inflow 4 g − 2ν (c − g)/h, at the outflow 4 c.
    left, right = speed / 2 + nu / h, speed / 2 - nu / h  # what a face takes from its left, and from its right
    lower[:-1] = left / h  # from cell i − 1 into i, stored at column i − 1
    upper[1:] = -right / h
    diagonal[:] = (right - left) / h
    diagonal[0], diagonal[-1] = -(left + 2 * nu / h) / h, (right - speed) / h
    given = (speed + 2 * nu / h) / h
    times = np.linspace(0, 1, steps + 1)
    g = inflow(times)
    implicit = np.stack([-dt / 2 * upper, 1 - dt / 2 * diagonal, -dt / 2 * lower])
    c = np.zeros((steps + 1, cells))
    for j in range(steps):
        change = diagonal * c[j]
        change[1:] += lower[:-1] * c[j, :-1]
        change[:-1] += upper[1:] * c[j, 1:]
        change[0] += given * (g[j] + g[j + 1])
        c[j + 1] = solve_banded((1, 1), implicit, c[j] + dt / 2 * change)
    x = np.concatenate([[0.0], (np.arange(cells) + 0.5) * h, [1.0]])
    values = np.column_stack([g, c, (9 * c[:, -1] - c[:, -2]) / 8])
    spline = RectBivariateSpline(times, x, values)
    return lambda columns: {"c": spline.ev(columns["t"], columns["x"])}


def extrapolated(cells: int, inflow: Callable[[Array], Array]) -> Evaluate:
    """Richardson's extrapolation (4 c_{h/2} − c_h) / 3 of `finite_volumes`."""
    coarse, fine = finite_volumes(cells, inflow), finite_volumes(2 * cells, inflow)
    return lambda columns: {"c": (4 * fine(columns)["c"] - coarse(columns)["c"]) / 3}


def inlet_reference() -> Reference:
    """c behind the inlet sin² 6πt; error: the distance of two extrapolations."""
    bounds = {"x": (0.0, 1.0), "t": (0.0, 1.0)}

    def pulse(t: Array) -> Array:
        return np.sin(6 * np.pi * t) ** 2

    def build() -> Built:
        fine = extrapolated(200, pulse)
        return Built(fine, distance(extrapolated(100, pulse), fine, scatter(bounds, 40)))

    return Reference(bounds, ("c",), build, "finite volumes, Richardson's extrapolation")


def riemann(xi: Array, left: tuple[float, float, float], right: tuple[float, float, float]) -> dict[str, Array]:
    """ρ, u, p of the exact Riemann solution of an ideal gas, γ = 1.4, at ξ = (x − x₀)/t; Toro, section 4.

    Args:
        xi: (n,).
        left, right: ρ, u, p on either side at the start.
    """
    γ = 1.4

    def pressure(p: float, side: tuple[float, float, float]) -> float:
        ρ, _, q = side
        if p > q:
            return float((p - q) * np.sqrt(2 / ((γ + 1) * ρ) / (p + (γ - 1) / (γ + 1) * q)))
        return float(2 * np.sqrt(γ * q / ρ) / (γ - 1) * ((p / q) ** ((γ - 1) / (2 * γ)) - 1))

    p = brentq(lambda p: pressure(p, left) + pressure(p, right) + right[1] - left[1], 1e-8, 1e3, xtol=1e-15)
    u = 0.5 * (left[1] + right[1]) + 0.5 * (pressure(p, right) - pressure(p, left))
    out = {name: np.empty_like(xi) for name in ("rho", "u", "p")}
    for side, sign in ((left, 1.0), (right, -1.0)):
        ρ, v, q = side
        a, where = np.sqrt(γ * q / ρ), sign * (xi - u) <= 0
        s = sign * xi  # mirrored, so that every wave runs to the left
        v, w = sign * v, sign * u
        if p > q:
            speed = v - a * np.sqrt((γ + 1) / (2 * γ) * p / q + (γ - 1) / (2 * γ))
            ratio, m = p / q, (γ - 1) / (γ + 1)
            behind = (ρ * (ratio + m) / (m * ratio + 1), w, p)
            head = tail = speed
        else:
            behind = (ρ * (p / q) ** (1 / γ), w, p)
            head, tail = v - a, w - a * (p / q) ** ((γ - 1) / (2 * γ))
        fan = np.clip(2 / (γ + 1) + (γ - 1) / ((γ + 1) * a) * (v - s), 1e-12, None)
        inside = (ρ * fan ** (2 / (γ - 1)), 2 / (γ + 1) * (a + (γ - 1) / 2 * v + s), q * fan ** (2 * γ / (γ - 1)))
        for name, before, middle, after in zip(out, (ρ, v, q), inside, behind, strict=True):
            value = np.where(s <= head, before, np.where(s >= tail, after, middle))
            out[name][where] = (value * (sign if name == "u" else 1.0))[where]
    return out


def scattered(k: float, x: Array, y: Array, terms: int = 24, inner: float = 0.5, outer: float = 2.0) -> NDArray:
    """The field that a sound-hard disc scatters from e^{ikx}, with ∂_r u = iku on an outer circle, complex (n,).

    u = Σ ε_n iⁿ (a_n J_n(kr) + b_n Y_n(kr)) cos nθ with ∂_r (u + e^{ikx}) = 0 at `inner`.
    """
    r, angle = np.hypot(x, y), np.arctan2(y, x)
    u = np.zeros(r.shape, dtype=complex)
    for n in range(terms):
        at_inner = [jvp(n, k * inner), yvp(n, k * inner)]
        at_outer = [jvp(n, k * outer) - 1j * jv(n, k * outer), yvp(n, k * outer) - 1j * yv(n, k * outer)]
        # Cramer's rule: the two rows differ by many decades in size for large n.
        scale = at_inner[0] * at_outer[1] - at_inner[1] * at_outer[0]
        a, b = -at_inner[0] * at_outer[1] / scale, at_inner[0] * at_outer[0] / scale
        u += (1 + (n > 0)) * 1j**n * (a * jv(n, k * r) + b * yv(n, k * r)) * np.cos(n * angle)
    return u


def drifting(a: float, b: float, c: float, x: Array, t: Array, terms: int = 400) -> Array:
    """u_t = a u_xx + b u_x + c u on (0, 1), u = 0 at the ends, u(x, 0) = sin πx, by eigenfunctions e^{−βx} sin nπx.

    β = b/(2a); the coefficients 2 ∫ e^{βx} sin πx sin nπx dx are closed.
    """
    β, n = b / (2 * a), np.arange(1, terms + 1)

    def cosine(m: NDArray) -> Array:
        """∫₀¹ e^{βx} cos mπx dx."""
        if β == 0:
            return (m == 0).astype(np.float64)
        return np.asarray(β * (np.exp(β) * np.cos(np.pi * m) - 1) / (β**2 + (np.pi * m) ** 2))

    coefficient = cosine(n - 1) - cosine(n + 1)
    rate = c - b**2 / (4 * a) - a * (np.pi * n) ** 2
    flat = np.ravel(x), np.ravel(t)
    out = np.empty(len(flat[0]))
    for part in np.array_split(np.arange(len(out)), max(1, len(out) // 2000)):
        xs, ts = flat[0][part, None], flat[1][part, None]
        out[part] = (coefficient * np.exp(rate * ts - β * xs) * np.sin(np.pi * n * xs)).sum(axis=1)
    return out.reshape(np.shape(x))


@dataclass(frozen=True)
class Fit:
    """What least squares find.

    Attributes:
        values: (p,).
        errors: standard errors (p,), from the noise that the residuals are divided by.
    """

    values: Array
    errors: Array


def fitted(model: Callable[[Array], Array], observed: Array, sigma: Array | float, guess: Array) -> Fit:
    """argmin |(model(p) − observed) / σ|² by Gauss-Newton in a trust region, and σ² (JᵀJ)⁻¹."""
    found = least_squares(
        lambda p: (model(p) - observed) / sigma, guess, x_scale="jac", xtol=1e-14, ftol=1e-14, gtol=1e-14
    )
    return Fit(found.x, np.sqrt(np.diag(np.linalg.inv(found.jac.T @ found.jac))))


def tikhonov(
    x: Array, observed: Array, sigma: float, load: Callable[[Array], Array], cells: int = 100
) -> tuple[Array, Array]:
    """q in −u'' + q u = f, u = 0 at the ends of (0, 1), from noisy u: min |q'|² with |u − observed| = σ √n.

    Second-order differences on `cells` intervals, Gauss-Newton on q, the weight of |q'|² by the discrepancy principle.

    Args:
        x: where u is observed (n,).
        observed: u there.
        sigma: standard deviation of the noise.
        load: f of an array.

    Returns:
        the nodes (cells + 1,) and q there.
    """
    h = 1 / cells
    grid = np.linspace(0, 1, cells + 1)
    inner = grid[1:-1]
    stiffness = (2 * np.eye(cells - 1) - np.eye(cells - 1, k=1) - np.eye(cells - 1, k=-1)) / h**2
    right = load(inner)
    at = np.stack([np.interp(x, grid, unit)[:] for unit in np.eye(cells + 1)[1:-1]], axis=1)
    slope = np.diff(np.eye(cells + 1), axis=0) / np.sqrt(h)

    def solved(alpha: float, q: Array) -> Array:
        for _ in range(25):
            operator = stiffness + np.diag(q[1:-1])
            u = np.linalg.solve(operator, right)
            jacobian = np.zeros((len(x), cells + 1))
            jacobian[:, 1:-1] = -at @ np.linalg.solve(operator, np.diag(u))
            rows = np.concatenate([(at @ u - observed) / sigma, np.sqrt(alpha) * slope @ q])
            step = np.linalg.lstsq(np.concatenate([jacobian / sigma, np.sqrt(alpha) * slope]), -rows, rcond=None)[0]
            q = q + step
            if np.abs(step).max() < 1e-8 * (1 + np.abs(q).max()):
                break
        return q

    def misfit(q: Array) -> float:
        u = np.linalg.solve(stiffness + np.diag(q[1:-1]), right)
        return float(np.sum(((at @ u - observed) / sigma) ** 2))

    q = np.zeros(cells + 1)
    for alpha in np.geomspace(1e4, 1e-8, 37):  # the strongest smoothing that explains the data
        q = solved(float(alpha), q)
        if misfit(q) <= len(x):
            break
    return grid, q
