"""The Kuramoto-Sivashinsky equation on its way into chaos.

    u_t + (100/16) u u_x + (100/16²) u_xx + (100/16⁴) u_xxxx = 0 on [0, 2π] × [0, 1], periodic, u = cos x (1 + sin x)

Source: Hao et al., PINNacle (arXiv:2306.08827), KS; the suite does not impose that u is periodic, without which it is
not determined.
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import kuramoto_sivashinsky as certified


def kuramoto_sivashinsky(length: float = 1.0) -> Problem:
    """KS; dimensionless.

    Args:
        length: latest time; the suite's is 1.

    Raises:
        ValueError: for a length that is not positive and finite.

    Example:
        >>> kuramoto_sivashinsky().reference.bounds["t"]
        (0.0, 1.0)
    """
    reference = certified(length=length)
    domain = Box(x=(0, 2 * math.pi), t=(0, length))

    def equation(u, x, t):
        return d(u, t) + 100 / 16 * u * d(u, x) + 100 / 16**2 * d(u, x, x) + 100 / 16**4 * d(u, x, x, x, x)

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(equation, on=domain),
            "initial": Constraint(lambda u, x: u - torch.cos(x) * (1 + torch.sin(x)), on=domain.face(t=0)),
        },
        periodic=["x"],
        reference=reference,
        name="pinnacle_kuramoto_sivashinsky",
    )
