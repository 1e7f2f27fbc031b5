"""Steady incompressible flow in two dimensions, the Navier-Stokes equations that several problems share.

u u_x + v u_y + p_x − Δu/Re = 0,   u v_x + v v_y + p_y − Δv/Re = 0,   u_x + v_y = 0
"""

from __future__ import annotations

from pinn.constraint import Equation
from pinn.derivatives import d, laplacian


def flow(reynolds: float) -> Equation:
    """Both momentum balances and the continuity of (u, v) with pressure p at a Reynolds number."""

    def navier_stokes(u, v, p, x, y):
        momentum_x = u * d(u, x) + v * d(u, y) + d(p, x) - (1 / reynolds) * laplacian(u, x, y)
        momentum_y = u * d(v, x) + v * d(v, y) + d(p, y) - (1 / reynolds) * laplacian(v, x, y)
        return momentum_x, momentum_y, d(u, x) + d(v, y)

    return navier_stokes
