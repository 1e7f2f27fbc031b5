"""Chebyshev and Fourier collocation with NumPy: what the smooth problems are solved with where boxes are all there is.

Plain programs of the kind that a user would write: a function of a resolution that returns the solution as a function
of coordinates, or also the coefficients that it found. On a box the unknowns are the coefficients of a product of
Chebyshev polynomials, time included, and one dense linear solve gives them; periodic evolutions are stepped by ETDRK4
on Fourier modes.

Sources: Trefethen, Spectral Methods in MATLAB (2000), chapters 6, 7 and 10; Kassam, Trefethen, SIAM J. Sci. Comput. 26
(2005) 1214 (ETDRK4 with contour integrals).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.polynomial.chebyshev import chebder, chebval, chebval2d
from scipy.optimize import least_squares

from .monitor import ErrorMonitor
from .programs import run
from .recipes import Resolutions

Array = Any
pi = np.pi


def chebyshev(n: int) -> tuple[Array, Array, Array, Array]:
    """The n + 1 Chebyshev points of [-1, 1], and the values and two derivatives of T₀ … Tₙ there, each (n+1, n+1)."""
    s = -np.cos(pi * np.arange(n + 1) / n)
    V, V1, V2 = (chebval(s, chebder(np.eye(n + 1), order)).T for order in range(3))
    return s, V, V1, V2


def poisson_2d(n: int) -> Any:
    """-Δu = 2π² sin πx sin πy on (0, 1)², u = 0 around it."""
    s, V, _, V2 = chebyshev(n)
    x, y = np.meshgrid((s + 1) / 2, (s + 1) / 2, indexing="ij")
    A = -4 * (np.kron(V2, V) + np.kron(V, V2))
    f = (2 * pi**2 * np.sin(pi * x) * np.sin(pi * y)).ravel()
    walls = ((x == 0) | (x == 1) | (y == 0) | (y == 1)).ravel()
    A[walls], f[walls] = np.kron(V, V)[walls], 0
    c = np.linalg.solve(A, f).reshape(n + 1, n + 1)
    return lambda x, y: chebval2d(2 * x - 1, 2 * y - 1, c)


def helmholtz_1_4(n: int) -> Any:
    """Δu + u = (1 − 17π²) sin πx sin 4πy on (−1, 1)², u = 0 around it."""
    return helmholtz(n, 1, 4)


def helmholtz_6_6(n: int) -> Any:
    """Δu + u = (1 − 72π²) sin 6πx sin 6πy on (−1, 1)², u = 0 around it."""
    return helmholtz(n, 6, 6)


def helmholtz(n: int, a1: int, a2: int) -> Any:
    """Δu + u = (1 − (a₁² + a₂²) π²) sin a₁πx sin a₂πy on (−1, 1)², u = 0 around it."""
    s, V, _, V2 = chebyshev(n)
    x, y = np.meshgrid(s, s, indexing="ij")
    A = np.kron(V2, V) + np.kron(V, V2) + np.kron(V, V)
    f = ((1 - (a1**2 + a2**2) * pi**2) * np.sin(a1 * pi * x) * np.sin(a2 * pi * y)).ravel()
    walls = ((abs(x) == 1) | (abs(y) == 1)).ravel()
    A[walls], f[walls] = np.kron(V, V)[walls], 0
    c = np.linalg.solve(A, f).reshape(n + 1, n + 1)
    return lambda x, y: chebval2d(x, y, c)


def heat_1d(n: int) -> Any:
    """u_t = ¼ u_xx on (0, 1)², u(x, 0) = sin πx, u = 0 at the ends."""
    s, V, V1, V2 = chebyshev(n)
    x, t = np.meshgrid((s + 1) / 2, (s + 1) / 2, indexing="ij")
    A, values = 2 * np.kron(V, V1) - np.kron(V2, V), np.kron(V, V)
    f = np.zeros(A.shape[0])
    start, walls = (t == 0).ravel(), ((x == 0) | (x == 1)).ravel()
    A[start], f[start] = values[start], np.sin(pi * x).ravel()[start]
    A[walls], f[walls] = values[walls], 0
    c = np.linalg.solve(A, f).reshape(n + 1, n + 1)
    return lambda x, t: chebval2d(2 * x - 1, 2 * t - 1, c)


def wave_1d(n: int) -> Any:
    """u_tt = 4 u_xx on (0, 1)², u(x, 0) = sin πx + ½ sin 4πx, u_t(x, 0) = 0, u = 0 at the ends."""
    s, V, V1, V2 = chebyshev(n)
    x, t = np.meshgrid((s + 1) / 2, (s + 1) / 2, indexing="ij")
    A, values, slopes = 4 * np.kron(V, V2) - 16 * np.kron(V2, V), np.kron(V, V), np.kron(V, V1)
    f = np.zeros(A.shape[0])
    start, end, walls = (t == 0).ravel(), (t == 1).ravel(), ((x == 0) | (x == 1)).ravel()
    A[start], f[start] = values[start], (np.sin(pi * x) + 0.5 * np.sin(4 * pi * x)).ravel()[start]
    A[end] = slopes[start]  # the rows of the end give way to the second initial condition
    A[walls], f[walls] = values[walls], 0
    c = np.linalg.solve(A, f).reshape(n + 1, n + 1)
    return lambda x, t: chebval2d(2 * x - 1, 2 * t - 1, c)


def diffusion_inverse(n: int) -> Any:
    """u_t = C u_xx − e^{−t} (1 − π²) sin πx on (−1, 1) × (0, 1), u = 0 at the ends; C from ten values at t = 1."""
    s, V, V1, V2 = chebyshev(n)
    x, t = np.meshgrid(s, (s + 1) / 2, indexing="ij")
    values, time, space = np.kron(V, V), 2 * np.kron(V, V1), np.kron(V2, V)
    f = (-np.exp(-t) * (1 - pi**2) * np.sin(pi * x)).ravel()
    start, walls = (t == 0).ravel(), (abs(x) == 1).ravel()
    f[start], f[walls] = np.sin(pi * x).ravel()[start], 0
    seen = np.linspace(-1, 1, 10)
    data = np.exp(-1) * np.sin(pi * seen)

    def solve(C: float) -> Array:
        A = time - C * space
        A[start], A[walls] = values[start], values[walls]
        return np.linalg.solve(A, f).reshape(n + 1, n + 1)

    found = least_squares(
        lambda C: chebval2d(seen, seen**0, solve(C[0])) - data, [2.0], xtol=1e-14, ftol=1e-14, gtol=1e-14
    )
    c = solve(found.x[0])
    return (lambda x, t: chebval2d(x, 2 * t - 1, c)), {"C": float(found.x[0])}


def etdrk4(u: Array, L: Array, N: Callable[[Array], Array], steps: int) -> Array:
    """Modes at t = 0, h, …, 1 of û' = L û + N(û), from those at t = 0; L diagonal, each of shape (modes,)."""
    h = 1 / steps
    E, E2 = np.exp(h * L), np.exp(h * L / 2)
    z = h * L[:, None] + np.exp(2j * pi * (np.arange(32) + 0.5) / 32)
    Q = h * ((np.exp(z / 2) - 1) / z).mean(1)
    f1 = h * ((-4 - z + np.exp(z) * (4 - 3 * z + z**2)) / z**3).mean(1)
    f2 = h * ((2 + z + np.exp(z) * (z - 2)) / z**3).mean(1)
    f3 = h * ((-4 - 3 * z - z**2 + np.exp(z) * (4 - z)) / z**3).mean(1)
    found = [u]
    for _ in range(steps):
        Nu = N(u)
        a = E2 * u + Q * Nu
        Na = N(a)
        b = E2 * u + Q * Na
        Nb = N(b)
        c = E2 * a + Q * (2 * Nb - Nu)
        u = E * u + f1 * Nu + 2 * f2 * (Na + Nb) + f3 * N(c)
        found.append(u)
    return np.array(found)


def read_off(modes: Array, k: Array, x: Array, t: Array) -> Array:
    """Values at points (x, t), each t one of the steps: the real part of Σ û_k e^{ikx}, modes of `rfft` on [−1, 1)."""
    steps = len(modes) - 1
    weights = np.where((k == 0) | (k == k[-1]), 1, 2) / (2 * (len(k) - 1))
    places, back = np.unique(x, return_inverse=True)
    waves = weights * np.exp(1j * np.outer(places + 1, k))
    at = np.rint(t * steps).astype(int)
    return (modes @ waves.T).real[at, back]


def burgers(n: int, steps: int) -> Any:
    """u_t + u u_x = (0.01/π) u_xx, u(x, 0) = −sin πx, u(±1, t) = 0, which its odd periodic continuation keeps."""
    x, k = -1 + 2 * np.arange(n) / n, pi * np.arange(n // 2 + 1)
    start = np.fft.rfft(-np.sin(pi * x))
    modes = etdrk4(start, -0.01 / pi * k**2, lambda v: -0.5j * k * np.fft.rfft(np.fft.irfft(v) ** 2), steps)
    return lambda x, t: read_off(modes, k, x, t)


def burgers_smooth(n: int, steps: int) -> Any:
    """u_t + u u_x = 0.01 u_xx, u(x, 0) = −sin πx, periodic."""
    x, k = -1 + 2 * np.arange(n) / n, pi * np.arange(n // 2 + 1)
    start = np.fft.rfft(-np.sin(pi * x))
    modes = etdrk4(start, -0.01 * k**2, lambda v: -0.5j * k * np.fft.rfft(np.fft.irfft(v) ** 2), steps)
    return lambda x, t: read_off(modes, k, x, t)


def kdv(n: int, steps: int) -> Any:
    """u_t + u u_x + 0.022² u_xxx = 0, u(x, 0) = cos πx, periodic."""
    x, k = -1 + 2 * np.arange(n) / n, pi * np.arange(n // 2 + 1)
    start = np.fft.rfft(np.cos(pi * x))
    modes = etdrk4(start, 0.022**2 * 1j * k**3, lambda v: -0.5j * k * np.fft.rfft(np.fft.irfft(v) ** 2), steps)
    return lambda x, t: read_off(modes, k, x, t)


def allen_cahn(n: int, steps: int) -> Any:
    """u_t = 1e-4 u_xx − 5 (u³ − u), u(x, 0) = x² cos πx, periodic."""
    x, k = -1 + 2 * np.arange(n) / n, pi * np.arange(n // 2 + 1)
    start = np.fft.rfft(x**2 * np.cos(pi * x))
    modes = etdrk4(start, 5 - 1e-4 * k**2, lambda v: -5 * np.fft.rfft(np.fft.irfft(v) ** 3), steps)
    return lambda x, t: read_off(modes, k, x, t)


def convection(n: int) -> Any:
    """u_t + 40 u_x = 0, u(x, 0) = sin x, periodic on [0, 2π]: each mode turns by itself."""
    k = np.arange(n // 2 + 1)
    start = np.fft.rfft(np.sin(2 * pi * np.arange(n) / n)) * np.where((k == 0) | (k == n // 2), 1, 2) / n
    return lambda x, t: sum((c * np.exp(1j * m * (x - 40 * t))).real for m, c in zip(k, start, strict=True))


PROBLEMS: dict[str, Callable[..., Any]] = {
    "poisson_2d": poisson_2d,
    "helmholtz_1_4": helmholtz_1_4,
    "helmholtz_6_6": helmholtz_6_6,
    "heat_1d": heat_1d,
    "wave_1d": wave_1d,
    "diffusion_inverse": diffusion_inverse,
    "burgers": burgers,
    "burgers_smooth": burgers_smooth,
    "kdv": kdv,
    "allen_cahn": allen_cahn,
    "convection": convection,
}


def versions() -> dict[str, str]:
    """What ran."""
    return {name: version(name) for name in ("numpy", "scipy")}


def solve(name: str, recipe: Resolutions, monitor: ErrorMonitor, seed: int) -> dict[str, Any]:
    """Run the program at its resolutions; nothing in it is random."""
    return run(PROBLEMS[name], recipe, monitor)
