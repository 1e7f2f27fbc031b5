"""Waves: the wave equation in time, and Helmholtz's equation of one frequency.

Sources: Evans, Partial Differential Equations, 2nd ed. (2010), sec. 2.4; Ihlenburg, Finite Element Analysis of
Acoustic Scattering (1998), sec. 1.1-1.2.
"""

from __future__ import annotations

from typing import Any

from pinn.derivatives import Orthogonal, cartesian, d
from pinn.equations.naming import Names, Quantity, Rows, by_name, listed


def wave(
    coordinates: Names,
    *,
    time: str = "t",
    output: str = "u",
    speed: Quantity = "c",
    damping: Quantity = 0.0,
    source: Quantity = 0.0,
    frame: Orthogonal = cartesian,
) -> Rows:
    """The wave equation, u_tt + δ u_t = c² Δu + f.

    Args:
        coordinates: names of the d coordinates, m.
        time: name of the time, s.
        output: name of u, in units U: deflection, m, or sound pressure, Pa.
        speed: c, m/s, of the place too.
        damping: δ, 1/s.
        source: f, U/s².
        frame: the system that the coordinates belong to.

    Returns:
        An equation of one row, u_tt + δ u_t − c² Δu − f, in U/s².

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does.

    Source: Evans, Partial Differential Equations, 2nd ed. (2010), sec. 2.4, the damping beside it.

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(wave(("x", "y"), speed=343.0, output="p"))
        (('p', 'x', 'y', 't'), ())
    """

    def rows(u: Any, xs: Any, t: Any, c: Any, damped: Any, f: Any) -> Any:
        return d(u, t, t) + damped * d(u, t) - c**2 * frame.laplacian(u, *xs) - f

    xs = listed("wave", coordinates, frame=frame)
    return by_name(
        "wave",
        rows,
        {"output": output, "coordinates": xs, "time": time},
        {"speed": speed, "damping": damping, "source": source},
    )


def helmholtz(
    coordinates: Names,
    *,
    output: str = "u",
    wavenumber: Quantity = "k",
    source: Quantity = 0.0,
    frame: Orthogonal = cartesian,
) -> Rows:
    """Helmholtz's equation, Δu + k² u = f, of waves u e^{−iωt} with k = ω/c.

    A complex u is two outputs, and this equation holds for each where k is real.

    Args:
        coordinates: names of the d coordinates, m.
        output: name of u, in units U.
        wavenumber: k, 1/m, of the place too.
        source: f, U/m².
        frame: the system that the coordinates belong to.

    Returns:
        An equation of one row, Δu + k² u − f, in U/m².

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does.

    Source: Ihlenburg, Finite Element Analysis of Acoustic Scattering (1998), sec. 1.1.

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(helmholtz(("x", "y", "z"), output="re"))
        (('re', 'x', 'y', 'z', 'k'), ())
    """

    def rows(u: Any, xs: Any, k: Any, f: Any) -> Any:
        return frame.laplacian(u, *xs) + k**2 * u - f

    xs = listed("helmholtz", coordinates, frame=frame)
    return by_name(
        "helmholtz", rows, {"output": output, "coordinates": xs}, {"wavenumber": wavenumber, "source": source}
    )
