"""Poisson's equation on the unit square and the unit cube of five dimensions.

Square:  -Δu = 2π² sin πx sin πy on (0, 1)², u = 0 on the boundary; u = sin πx sin πy.
Five dimensions:  -Δu = π² Σ cos πxᵢ on (0, 1)⁵, u = Σ cos πxᵢ on the boundary and inside.

Source: Müller, Zeinhofer, Proc. ICML 2023 (arXiv:2302.13163), sections 4.1 and 4.3 (energy natural gradients).
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import laplacian
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic


def poisson_2d() -> Problem:
    """-Δu = 2π² sin πx sin πy on the unit square, u = 0 around it; all quantities dimensionless."""
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


def poisson_5d() -> Problem:
    """-Δu = π² Σ cos πxᵢ on the unit cube of five dimensions with u = Σ cos πxᵢ around it; dimensionless."""
    names = ("x1", "x2", "x3", "x4", "x5")
    domain = Box(**dict.fromkeys(names, (0, 1)))

    def waves(*x):
        return sum(torch.cos(math.pi * xi) for xi in x)

    def poisson(u, x1, x2, x3, x4, x5):
        x = (x1, x2, x3, x4, x5)
        return -laplacian(u, *x) - math.pi**2 * waves(*x)

    def walls(u, x1, x2, x3, x4, x5):
        return u - waves(x1, x2, x3, x4, x5)

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(poisson, on=domain),
            "walls": Constraint(walls, on=domain.boundary()),
        },
        reference=Analytic(lambda x1, x2, x3, x4, x5: waves(x1, x2, x3, x4, x5)),
        name="poisson_5d",
    )
