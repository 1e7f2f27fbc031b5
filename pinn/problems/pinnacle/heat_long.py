"""Heat with a source that swings and depends on the temperature, over a long time.

    u_t = 0.001 Δu + 5 sin(u²) (1 + 2 sin(πt/4)) sin 4πx sin 2πy on [0, 1]² × [0, 100], u = 0 on the sides;
    u = sin 4πx sin 3πy at the start

Source: Hao et al., PINNacle (arXiv:2306.08827), Heat2d-LT.
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import d, laplacian
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import reacting_heat


def start(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """u at the start."""
    return torch.sin(4 * math.pi * x) * torch.sin(3 * math.pi * y)


def heat_long() -> Problem:
    """Heat2d-LT; dimensionless.

    Example:
        >>> heat_long().reference.bounds["t"]
        (0.0, 100.0)
    """
    domain = Box(x=(0, 1), y=(0, 1), t=(0, 100))

    def equation(u, x, y, t):
        swing = 5 * (1 + 2 * torch.sin(math.pi / 4 * t)) * torch.sin(4 * math.pi * x) * torch.sin(2 * math.pi * y)
        return d(u, t) - 0.001 * laplacian(u, x, y) - swing * torch.sin(u**2)

    sides = domain.face(x=0) | domain.face(x=1) | domain.face(y=0) | domain.face(y=1)
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(equation, on=domain),
            "initial": Constraint(lambda u, x, y: u - start(x, y), on=domain.face(t=0)),
            "sides": Constraint(lambda u: u, on=sides),
        },
        reference=reacting_heat(start),
        name="pinnacle_heat_long",
    )
