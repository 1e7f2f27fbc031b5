"""The Helmholtz equation with a manufactured solution of two wave numbers.

    Δu + u = (1 − (a₁² + a₂²) π²) sin a₁πx sin a₂πy on [−1, 1]², u = 0 around it;  u = sin a₁πx sin a₂πy

Source: Wang, Teng, Perdikaris, SIAM J. Sci. Comput. 43 (2021) A3055, eqs. (3.1)-(3.3), with (a₁, a₂) = (1, 4).
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import laplacian
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic


def helmholtz_2d(a1: float = 1.0, a2: float = 4.0) -> Problem:
    """The Helmholtz problem of wave numbers a₁ and a₂ (integers, so that u = 0 on the boundary); dimensionless."""
    domain = Box(x=(-1, 1), y=(-1, 1))

    def wave(x, y):
        return torch.sin(a1 * math.pi * x) * torch.sin(a2 * math.pi * y)

    def helmholtz(u, x, y):
        return laplacian(u, x, y) + u - (1 - (a1**2 + a2**2) * math.pi**2) * wave(x, y)

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(helmholtz, on=domain),
            "walls": Constraint(lambda u: u, on=domain.boundary()),
        },
        reference=Analytic(wave),
        name="helmholtz_2d",
    )
