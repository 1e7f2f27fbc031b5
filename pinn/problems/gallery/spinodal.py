"""A mixture that parts: spinodal decomposition by the Cahn-Hilliard equation.

    c_t = (c³ − c − κ c_xx)_xx on [0, 1] × [0, 0.02], periodic, κ = 0.001,
    c = 0.1 cos 4πx + 0.06 sin 6πx + 0.04 cos 8πx at the start

Small waves of the concentration grow at rates up to 250 until the phases c = ±1 have parted.

Source: Cahn, Hilliard, J. Chem. Phys. 28 (1958) 258; reference by `pinn.reference.cahn_hilliard`.
"""

from __future__ import annotations

import math

import torch

from pinn.domains import Box
from pinn.equations import cahn_hilliard as equation
from pinn.problem import Constraint, Problem
from pinn.reference import cahn_hilliard as certified

GRADIENT, TIME = 1e-3, 0.02


def spinodal() -> Problem:
    """Concentration; dimensionless.

    Example:
        >>> spinodal().reference.bounds["t"]
        (0.0, 0.02)
    """
    domain = Box(x=(0, 1), t=(0, TIME))

    def initial(c, x):
        waves = 0.1 * torch.cos(4 * math.pi * x) + 0.06 * torch.sin(6 * math.pi * x) + 0.04 * torch.cos(8 * math.pi * x)
        return c - waves

    return Problem(
        domain,
        outputs=["c"],
        constraints={
            "equation": Constraint(equation("x", mobility=1.0, gradient=GRADIENT), on=domain),
            "initial": Constraint(initial, on=domain.face(t=0)),
        },
        periodic=["x"],
        reference=certified({2: 0.1, 3: -0.06j, 4: 0.04}, gradient=GRADIENT, length=TIME),
        name="gallery_spinodal",
    )
