"""Ordinary equations by `solve_bvp`, `solve_ivp` and `least_squares` of SciPy, in plain programs of a tolerance.

Each returns the solution as a function of t or x, or also the coefficients that it found.
Source: Virtanen et al., SciPy 1.0, Nat. Methods 17 (2020) 261.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from scipy.integrate import solve_bvp, solve_ivp
from scipy.optimize import least_squares

from .monitor import ErrorMonitor
from .programs import run
from .recipes import Resolutions

Array = Any


def euler_beam(tolerance: float) -> Any:
    """u'''' = −1 on [0, 1], u(0) = u'(0) = 0, u''(1) = u'''(1) = 0."""
    x = np.linspace(0, 1, 11)
    found = solve_bvp(
        lambda x, y: np.stack([y[1], y[2], y[3], -np.ones_like(x)]),
        lambda a, b: np.array([a[0], a[1], b[2], b[3]]),
        x,
        np.zeros((4, 11)),
        tol=tolerance,
        max_nodes=100_000,
    )
    return lambda x: found.sol(x)[0]


def oscillator(tolerance: float) -> Any:
    """u'' + u = 0 on [0, 10], u(0) = 1, u'(0) = 0."""
    found = solve_ivp(
        lambda t, y: [y[1], -y[0]], (0, 10), [1, 0], method="DOP853", dense_output=True, rtol=tolerance, atol=tolerance
    )
    return lambda t: found.sol(t)[0]


def lotka_volterra(tolerance: float) -> Any:
    """r' = 1.5 r − r p, p' = r p − 3 p on [0, 5], r(0) = p(0) = 1."""
    found = solve_ivp(
        lambda t, y: [1.5 * y[0] - y[0] * y[1], y[0] * y[1] - 3 * y[1]],
        (0, 5),
        [1, 1],
        method="DOP853",
        dense_output=True,
        rtol=tolerance,
        atol=tolerance,
    )
    return lambda t: found.sol(t)


def lorenz_inverse(tolerance: float, data: tuple[Array, Array]) -> Any:
    """Lorenz' system from y(0) = (−8, 7, 27) on [0, 3]; σ, ρ, β from 25 observations (t (25,), y (3, 25)), start 1."""
    times, seen = data

    def trajectory(coefficients: Array) -> Any:
        sigma, rho, beta = coefficients
        return solve_ivp(
            lambda t, y: [sigma * (y[1] - y[0]), y[0] * (rho - y[2]) - y[1], y[0] * y[1] - beta * y[2]],
            (0, 3),
            [-8, 7, 27],
            method="DOP853",
            dense_output=True,
            rtol=tolerance,
            atol=tolerance,
        )

    found = least_squares(lambda c: (trajectory(c).sol(times) - seen).ravel(), [1, 1, 1], xtol=tolerance, ftol=1e-15)
    return trajectory(found.x).sol, dict(zip(("sigma", "rho", "beta"), map(float, found.x), strict=True))


PROBLEMS: dict[str, Callable[..., Any]] = {
    "euler_beam": euler_beam,
    "oscillator": oscillator,
    "lotka_volterra": lotka_volterra,
    "lorenz_inverse": lorenz_inverse,
}


def versions() -> dict[str, str]:
    """What ran."""
    return {name: version(name) for name in ("numpy", "scipy")}


def solve(name: str, recipe: Resolutions, monitor: ErrorMonitor, seed: int) -> dict[str, Any]:
    """Run the program at its resolutions; nothing in it is random."""
    given = {}
    if name == "lorenz_inverse":
        t = np.linspace(0, 3, 25)
        assert monitor.problem.reference is not None
        given["data"] = t, np.stack(list(monitor.problem.reference(t=t).values()))
    return run(PROBLEMS[name], recipe, monitor, **given)
