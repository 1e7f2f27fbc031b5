"""Advection of a sine around a circle, several times where the speed is high.

    u_t + β u_x = 0, periodic on [0, 2π] × [0, 1], u(x, 0) = sin x;  u = sin(x − βt)

Source: Krishnapriyan et al., Adv. Neural Inf. Process. Syst. 34 (2021) (β up to 40).
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic
from pinn.validation import finite


def convection(beta: float = 40.0) -> Problem:
    """Advection of a sine.

    Args:
        beta: speed β, of either sign; dimensionless.

    Raises:
        ValueError: for a speed that is not finite.

    Example:
        >>> float(convection().reference(x=0.0, t=0.0))
        0.0
    """
    finite("convection", beta=beta)
    domain = Box(x=(0, 2 * math.pi), t=(0, 1))
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, x, t: d(u, t) + beta * d(u, x), on=domain),
            "initial": Constraint(lambda u, x: u - torch.sin(x), on=domain.face(t=0)),
        },
        periodic=["x"],
        reference=Analytic(lambda x, t: torch.sin(x - beta * t)),
        name="convection",
    )
