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

from pinn.reference.cache import Cache, Folder
from pinn.reference.chebyshev import Panels
from pinn.reference.result import Reference
from pinn.reference.spectral import Series, at_two_resolutions, evolve, of_square, pieces_of
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
        build=partial(
            at_two_resolutions,
            "kuramoto_sivashinsky",
            {"length": length, "modes": modes, "step": step},
            partial(_series, length, modes, step),
            partial(_series, length, 3 * modes // 4, 2 * step),
            low=0.0,
            period=2 * math.pi,
            module=__name__,
            cache=cache,
        ),
        description=f"Fourier, {modes} wave numbers, dealiased, ETDRK4",
        source="Kassam, Trefethen, SIAM J. Sci. Comput. 26 (2005) 1214, section 4",
    )


def _series(length: float, modes: int, step: float) -> Series:
    """One resolution."""
    k = np.arange(modes)
    start = np.zeros(modes, dtype=np.complex128)
    start[1], start[2] = 0.5, -0.25j  # cos x + sin(2x)/2
    symbol = 100 / 16**2 * k**2 - 100 / 16**4 * k.astype(float) ** 4
    panels = Panels.even(length, math.ceil(_PIECES * length), _DEGREE)
    arrays = evolve(symbol, of_square(-0.5j * 100 / 16 * k), start, panels, step)
    return Series(panels, pieces_of(arrays, panels), 0.0, 2 * math.pi)
