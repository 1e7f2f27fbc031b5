"""The Kuramoto-Sivashinsky equation on [0, 2π], periodic, at two resolutions.

    u_t + (100/16) u u_x + (100/16²) u_xx + (100/16⁴) u_xxxx = 0,   u(x, 0) = cos x (1 + sin x)

It is the equation of Kassam and Trefethen on a period of 32π to time 100, in units of 16 and of 100. Errors grow about
as e^{10 t}, so that rounding is 1e-11 at the end. The square is exact, on 3K points.

Source: Kassam, Trefethen, SIAM J. Sci. Comput. 26 (2005) 1214, section 4. Method: see `pinn.reference.spectral`.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from pinn.reference.cache import Arrays, Cache, Folder, cached
from pinn.reference.chebyshev import Panels
from pinn.reference.result import Built, Reference, distance, scatter
from pinn.reference.spectral import Modes, Series, evolve, on_grid, transform
from pinn.validation import count, positive

_PIECES, _DEGREE = 48, 16  # of time, a unit; u changes within about a hundredth


def kuramoto_sivashinsky(
    *, length: float = 1.0, modes: int = 128, step: float = 1e-4, cache: Cache = Folder.USER
) -> Reference:
    """u_t + (100/16) u u_x + (100/16²) u_xx + (100/16⁴) u_xxxx = 0 from u = cos x (1 + sin x), periodic on [0, 2π].

    Args:
        length: latest time, dimensionless.
        modes: wave numbers 0 ... modes − 1 of the finer resolution; the coarser has three quarters, and twice the step.
        step: the largest time step of the finer resolution.
        cache: folder of the result, None for none; see `pinn.reference.cache`.

    Returns:
        u of x and t; error: distance of the two resolutions.

    Raises:
        ValueError: for a length or step that is not positive and finite, or fewer than 16 modes.
        ArithmeticError: when built, if the step is too large.

    Example:
        >>> u = kuramoto_sivashinsky(length=0.05, modes=48, step=1e-3, cache=None)
        >>> round(float(u(x=0.0, t=0.0)), 10)
        1.0
    """
    positive("kuramoto_sivashinsky", length=length, step=step)
    count("kuramoto_sivashinsky", 16, modes=modes)
    return Reference(
        bounds={"x": (0.0, 2 * math.pi), "t": (0.0, length)},
        outputs=("u",),
        build=partial(_build, length, modes, step, cache),
        description=f"Fourier, {modes} wave numbers, dealiased, ETDRK4",
        source="Kassam, Trefethen, SIAM J. Sci. Comput. 26 (2005) 1214, section 4",
    )


def _build(length: float, modes: int, step: float, cache: Cache) -> Built:
    """The finer resolution and its distance to the coarser one, from the cache where they lie there."""

    def compute() -> Arrays:
        arrays = _evolved(length, modes, step)
        coarse = _series(length, _evolved(length, 3 * modes // 4, 2 * step))
        points = scatter({"x": (0.0, 2 * math.pi), "t": (0.0, length)}, 101)
        return {**arrays, "error": np.array(distance(coarse, _series(length, arrays), points))}

    parameters = {"length": length, "modes": modes, "step": step}
    arrays = cached("kuramoto_sivashinsky", parameters, compute, module=__name__, cache=cache)
    return Built(_series(length, arrays), float(arrays["error"]))


def _panels(length: float) -> Panels:
    return Panels.even(length, math.ceil(_PIECES * length), _DEGREE)


def _evolved(length: float, modes: int, step: float) -> Arrays:
    k = np.arange(modes)
    start = np.zeros(modes, dtype=np.complex128)
    start[1], start[2] = 0.5, -0.25j  # cos x + sin(2x)/2
    symbol = 100 / 16**2 * k**2 - 100 / 16**4 * k.astype(float) ** 4

    def advection(c: Modes) -> Modes:
        square = transform(on_grid(c, 3 * len(c)) ** 2)[: len(c)]
        return np.asarray(-0.5j * 100 / 16 * k * square)

    return evolve(symbol, advection, start, _panels(length), step)


def _series(length: float, arrays: Arrays) -> Series:
    panels = _panels(length)
    return Series(panels, tuple(arrays[f"piece{index}"] for index in range(panels.count)), 0.0, 2 * math.pi)
