"""Heat in a plate whose conductivity varies from place to place, driven by a source that swings.

    u_t − a Δu = 200 sin πx sin 5πy sin πt on [0, 1]² × [0, 5], u = 0 at the start and on the sides;
    a = exp(cos πx cos 3πy + ½ cos 4πx cos 2πy)

Source: Hao et al., PINNacle (arXiv:2306.08827), Heat2d-VC. The suite's a is a rough random field in a file that was not
published; this one is smooth and stated, with a factor of sixteen between its ends.
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import d, laplacian
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import driven_heat


def conductivity(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """a of the places, even about every side."""
    first = torch.cos(math.pi * x) * torch.cos(3 * math.pi * y)
    return torch.exp(first + 0.5 * torch.cos(4 * math.pi * x) * torch.cos(2 * math.pi * y))


def heat_varying() -> Problem:
    """Heat2d-VC with a conductivity of our own; dimensionless.

    Example:
        >>> float(heat_varying().reference(x=0.5, y=0.3, t=0.0))
        0.0
    """
    domain = Box(x=(0, 1), y=(0, 1), t=(0, 5))

    def source(x, y):
        return 200 * torch.sin(math.pi * x) * torch.sin(5 * math.pi * y)

    def equation(u, x, y, t):
        return d(u, t) - conductivity(x, y) * laplacian(u, x, y) - source(x, y) * torch.sin(math.pi * t)

    sides = domain.face(x=0) | domain.face(x=1) | domain.face(y=0) | domain.face(y=1)
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(equation, on=domain),
            "initial": Constraint(lambda u: u, on=domain.face(t=0)),
            "sides": Constraint(lambda u: u, on=sides),
        },
        reference=driven_heat(conductivity, source, frequency=math.pi, length=5.0),
        name="pinnacle_heat_varying",
    )
