"""Heat conduction on a rod whose ends are kept at zero.

    u_t = κ u_xx on (0, 1)², u(0, t) = u(1, t) = 0, u(x, 0) = sin πx;  u = e^{−κπ²t} sin πx

Source: Müller, Zeinhofer, arXiv:2302.13163, section 4.2 (κ = 1/4).
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic
from pinn.validation import positive


def heat_1d(conductivity: float = 0.25) -> Problem:
    """The heat equation on a rod of length 1, to t = 1.

    Args:
        conductivity: κ, dimensionless.

    Raises:
        ValueError: for a conductivity that is not positive and finite.

    Example:
        >>> float(heat_1d().reference(x=0.5, t=0.0))
        1.0
    """
    positive("heat_1d", conductivity=conductivity)
    domain = Box(x=(0, 1), t=(0, 1))

    def heat(u, x, t):
        return d(u, t) - conductivity * d(u, x, x)

    def exact(x, t):
        return torch.exp(-conductivity * math.pi**2 * t) * torch.sin(math.pi * x)

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(heat, on=domain),
            "initial": Constraint(lambda u, x: u - torch.sin(math.pi * x), on=domain.face(t=0)),
            "walls": Constraint(lambda u: u, on=domain.face(x=0) | domain.face(x=1)),
        },
        reference=Analytic(exact),
        name="heat_1d",
    )
