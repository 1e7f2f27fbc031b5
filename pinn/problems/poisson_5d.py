"""Poisson's equation on the unit cube of five dimensions.

    -Δu = π² Σ cos πxᵢ on (0, 1)⁵, u = Σ cos πxᵢ on the boundary and inside

Source: Müller, Zeinhofer, Proc. ICML 2023 (arXiv:2302.13163), section 4.3 (energy natural gradients).
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import laplacian
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic


def poisson_5d() -> Problem:
    """-Δu = π² Σ cos πxᵢ on the unit cube of five dimensions with u = Σ cos πxᵢ around it; dimensionless.

    Example:
        >>> float(poisson_5d().reference(x1=0, x2=0, x3=0, x4=0, x5=1))
        3.0
    """
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
