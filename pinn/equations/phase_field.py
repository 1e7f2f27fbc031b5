"""Phases that part: Cahn-Hilliard, where they are conserved, and Allen-Cahn, where they are not.

    F(c) = ∫ W(c) + ½ κ |∇c|²,   w = δF/δc = W'(c) − κ Δc;   c_t = ∇·(M ∇w),   or   c_t = −M w

Sources: Cahn, Hilliard, J. Chem. Phys. 28 (1958) 258; Cahn, Acta Metall. 9 (1961) 795; Allen, Cahn, Acta Metall. 27
(1979) 1085.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pinn.derivatives import biharmonic, d, laplacian
from pinn.equations.naming import Names, Quantity, Rows, by_name, flux_divergence, is_uniform, listed


def double_well(c: Any) -> Any:
    """W'(c) = c³ − c of the double well W = ¼ (c² − 1)², whose phases are c = −1 and c = 1."""
    return c**3 - c


def cahn_hilliard(
    coordinates: Names,
    *,
    time: str = "t",
    output: str = "c",
    potential: str | None = None,
    mobility: Quantity = "M",
    gradient: Quantity = "kappa",
    slope: Callable[[Any], Any] = double_well,
) -> Rows:
    """Cahn-Hilliard, c_t = ∇·(M ∇w), w = W'(c) − κ Δc.

    c alone takes derivatives of the fourth order; with w as an output of its own there are two equations of the second.

    Args:
        coordinates: names of the d Cartesian coordinates, m.
        time: name of the time, s.
        output: name of c, dimensionless.
        potential: name of w, the chemical potential, J/m³, where it is an output.
        mobility: M, m⁵/(J s); of c too.
        gradient: κ, J/m, a number; the width of a boundary between phases is about √(2κ) for the double well.
        slope: c -> W'(c), J/m³.

    Returns:
        An equation of one row, c_t − ∇·(M ∇w), 1/s; with `potential` of two, the other w − W'(c) + κ Δc, J/m³.

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does.

    Source: Cahn, Acta Metall. 9 (1961) 795.

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(cahn_hilliard(("x", "y"), potential="w", mobility=1.0, gradient=1e-3))
        (('c', 'w', 'x', 'y', 't'), ())
    """

    def rows(c: Any, given: Any, xs: Any, t: Any, m: Any, kappa: Any) -> Any:
        if given is not None:
            return d(c, t) - flux_divergence(m, given, xs), given - slope(c) + kappa * laplacian(c, *xs)
        if is_uniform(m):
            return d(c, t) - m * (laplacian(slope(c), *xs) - kappa * biharmonic(c, *xs))
        return d(c, t) - flux_divergence(m, slope(c) - kappa * laplacian(c, *xs), xs)

    return by_name(
        "cahn_hilliard",
        rows,
        {
            "output": output,
            "potential": potential,
            "coordinates": listed("cahn_hilliard", coordinates),
            "time": time,
        },
        {"mobility": mobility, "gradient": gradient},
    )


def allen_cahn(
    coordinates: Names,
    *,
    time: str | None = "t",
    output: str = "u",
    mobility: Quantity = 1.0,
    gradient: Quantity = "kappa",
    slope: Callable[[Any], Any] = double_well,
) -> Rows:
    """Allen-Cahn, u_t = M (κ Δu − W'(u)).

    Args:
        coordinates: names of the d Cartesian coordinates, m.
        time: name of the time, s; None for a steady state.
        output: name of u, dimensionless.
        mobility: M, m³/(J s).
        gradient: κ, J/m.
        slope: u -> W'(u), J/m³.

    Returns:
        An equation of one row, u_t − M (κ Δu − W'(u)), 1/s.

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does.

    Source: Allen, Cahn, Acta Metall. 27 (1979) 1085.

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(allen_cahn("x", mobility=5.0, gradient=2e-5))
        (('u', 'x', 't'), ())
    """

    def rows(u: Any, xs: Any, t: Any, m: Any, kappa: Any) -> Any:
        fall = m * (kappa * laplacian(u, *xs) - slope(u))
        return -fall if t is None else d(u, t) - fall

    return by_name(
        "allen_cahn",
        rows,
        {"output": output, "coordinates": listed("allen_cahn", coordinates), "time": time},
        {"mobility": mobility, "gradient": gradient},
    )
