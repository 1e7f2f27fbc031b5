"""Poisson's equation on the unit square.

    -Δu = 2π² sin πx sin πy on (0, 1)², u = 0 on the boundary; u = sin πx sin πy

Source: Müller, Zeinhofer, Proc. ICML 2023 (arXiv:2302.13163), section 4.1 (energy natural gradients).
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import laplacian
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic


def poisson_2d() -> Problem:
    """-Δu = 2π² sin πx sin πy on the unit square, u = 0 around it; all quantities dimensionless.

    Example:
        >>> float(poisson_2d().reference(x=0.5, y=0.5))
        1.0
    """
    domain = Box(x=(0, 1), y=(0, 1))

    def poisson(u, x, y):
        source = 2 * math.pi**2 * torch.sin(math.pi * x) * torch.sin(math.pi * y)
        return -laplacian(u, x, y) - source

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(poisson, on=domain),
            "walls": Constraint(lambda u: u, on=domain.boundary()),
        },
        reference=Analytic(lambda x, y: torch.sin(math.pi * x) * torch.sin(math.pi * y)),
        name="poisson_2d",
    )
