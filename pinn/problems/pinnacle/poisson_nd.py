"""Poisson's equation in five dimensions.

    Δu + (π²/4) Σ sin(πxᵢ/2) = 0 on [0, 1]⁵, u given on the boundary; u = Σ sin(πxᵢ/2)

Source: Hao et al., PINNacle (arXiv:2306.08827), PNd.
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import laplacian
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic


def poisson_nd() -> Problem:
    """PNd; dimensionless.

    Example:
        >>> round(float(poisson_nd().reference(x1=1, x2=1, x3=0, x4=0, x5=0)), 12)
        2.0
    """
    domain = Box(x1=(0, 1), x2=(0, 1), x3=(0, 1), x4=(0, 1), x5=(0, 1))

    def exact(x1, x2, x3, x4, x5):
        return sum(torch.sin(math.pi / 2 * x) for x in (x1, x2, x3, x4, x5))

    def equation(u, x1, x2, x3, x4, x5):
        return laplacian(u, x1, x2, x3, x4, x5) + math.pi**2 / 4 * exact(x1, x2, x3, x4, x5)

    def given(u, x1, x2, x3, x4, x5):
        return u - exact(x1, x2, x3, x4, x5)

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(equation, on=domain),
            "boundary": Constraint(given, on=domain.boundary()),
        },
        reference=Analytic(exact),
        name="pinnacle_poisson_nd",
    )
