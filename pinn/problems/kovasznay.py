"""Kovasznay's flow: an exact solution of the Navier-Stokes equations, laminar flow behind a grid.

    u u_x + v u_y + p_x − Δu/Re = 0,   u v_x + v v_y + p_y − Δv/Re = 0,   u_x + v_y = 0 on [−½, 1] × [−½, 3/2]
    ζ = Re/2 − √(Re²/4 + 4π²); u = 1 − e^{ζx} cos 2πy, v = (ζ/2π) e^{ζx} sin 2πy, p = ½ (1 − e^{2ζx})

Source: Kovasznay, Proc. Camb. Phil. Soc. 44 (1948) 58.
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import attach
from pinn.domains import Box
from pinn.equations import navier_stokes
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic
from pinn.validation import positive


def kovasznay(reynolds: float = 20.0) -> Problem:
    """Kovasznay's flow; velocities given around the box, the pressure at its right end.

    Args:
        reynolds: Re, dimensionless.

    Raises:
        ValueError: for a Reynolds number that is not positive and finite.

    Example:
        >>> {name: float(value) for name, value in kovasznay().reference(x=0.0, y=0.0).items()}
        {'u': 0.0, 'v': -0.0, 'p': 0.0}
    """
    positive("kovasznay", reynolds=reynolds)
    domain = Box(x=(-0.5, 1), y=(-0.5, 1.5))
    flow = navier_stokes(("x", "y"), time=None, density=1.0, viscosity=1 / reynolds)
    # Re/2 − √(Re²/4 + 4π²) without cancellation.
    zeta = -4 * math.pi**2 / (reynolds / 2 + math.hypot(reynolds / 2, 2 * math.pi))

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
            "equation": Constraint(flow, on=domain),
            "around": Constraint(around, on=domain.boundary()),
            "pressure": Constraint(lambda p, x: p - 0.5 * (1 - torch.exp(2 * zeta * x)), on=domain.face(x=1)),
        },
        reference=Analytic(exact),
        name="kovasznay",
    )
