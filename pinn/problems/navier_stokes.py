"""Steady incompressible flow: Kovasznay's exact one behind a grid, and the lid-driven cavity.

    u u_x + v u_y + p_x − Δu/Re = 0,   u v_x + v v_y + p_y − Δv/Re = 0,   u_x + v_y = 0

Kovasznay:  ζ = Re/2 − √(Re²/4 + 4π²); u = 1 − e^{ζx} cos 2πy, v = (ζ/2π) e^{ζx} sin 2πy, p = ½ (1 − e^{2ζx}).
    Kovasznay, Proc. Camb. Phil. Soc. 44 (1948) 58.
Cavity:  u = 4x(1 − x) on the lid, no slip elsewhere; the pressure is fixed at a corner.
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import attach, d, laplacian
from pinn.domains import Box
from pinn.problem import Constraint, Equation, Problem
from pinn.reference import Analytic
from pinn.reference import cavity as certified_cavity


def _flow(reynolds: float) -> Equation:
    def navier_stokes(u, v, p, x, y):
        momentum_x = u * d(u, x) + v * d(u, y) + d(p, x) - (1 / reynolds) * laplacian(u, x, y)
        momentum_y = u * d(v, x) + v * d(v, y) + d(p, y) - (1 / reynolds) * laplacian(v, x, y)
        return momentum_x, momentum_y, d(u, x) + d(v, y)

    return navier_stokes


def kovasznay(reynolds: float = 20.0) -> Problem:
    """Kovasznay's flow at a Reynolds number; velocities given around the box, the pressure too."""
    domain = Box(x=(-0.5, 1), y=(-0.5, 1.5))
    zeta = reynolds / 2 - math.sqrt(reynolds**2 / 4 + 4 * math.pi**2)

    def exact(x, y):
        growth = torch.exp(zeta * x)
        return {
            "u": 1 - growth * torch.cos(2 * math.pi * y),
            "v": zeta / (2 * math.pi) * growth * torch.sin(2 * math.pi * y),
            "p": attach(0.5 * (1 - growth * growth), y),
        }

    def around(u, v, x, y):
        true = exact(x, y)
        return u - true["u"], v - true["v"]

    return Problem(
        domain,
        outputs=["u", "v", "p"],
        constraints={
            "equation": Constraint(_flow(reynolds), on=domain),
            "around": Constraint(around, on=domain.boundary()),
            "pressure": Constraint(lambda p, x: p - 0.5 * (1 - torch.exp(2 * zeta * x)), on=domain.face(x=1)),
        },
        reference=Analytic(exact),
        name="kovasznay",
    )


def cavity(reynolds: float = 100.0) -> Problem:
    """The lid-driven cavity with a lid that stops at the corners; scored by its velocities."""
    domain = Box(x=(0, 1), y=(0, 1))
    still = domain.face(x=0) | domain.face(x=1) | domain.face(y=0)
    return Problem(
        domain,
        outputs=["u", "v", "p"],
        constraints={
            "equation": Constraint(_flow(reynolds), on=domain),
            "lid": Constraint(lambda u, v, x: (u - 4 * x * (1 - x), v), on=domain.face(y=1)),
            "walls": Constraint(lambda u, v: (u, v), on=still),
            "pressure": Constraint(lambda p: p, on=domain.face(x=0, y=0)),
        },
        reference=certified_cavity(reynolds),
        name="cavity",
    )
