"""Allen-Cahn's equation: a reaction that separates phases, with little diffusion.

    u_t = D u_xx − r (u³ − u), periodic on [−1, 1] × [0, 1], u(x, 0) = x² cos πx; D = 1e-4, r = 5

The initial condition has a kink at ±1, so the reference carries an error. Source: Raissi, Perdikaris, Karniadakis,
J. Comput. Phys. 378 (2019) 686, section 4.2.
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import allen_cahn as certified_allen_cahn
from pinn.validation import finite, positive


def allen_cahn(diffusion: float = 1e-4, rate: float = 5.0) -> Problem:
    """Allen-Cahn's equation.

    Args:
        diffusion: D, dimensionless.
        rate: r, of the reaction, dimensionless; 0 for diffusion alone.

    Raises:
        ValueError: for a diffusion that is not positive and finite, or a rate that is not finite.

    Example:
        >>> allen_cahn().reference.bounds
        {'x': (-1.0, 1.0), 't': (0.0, 1.0)}
    """
    positive("allen_cahn", diffusion=diffusion)
    finite("allen_cahn", rate=rate)
    domain = Box(x=(-1, 1), t=(0, 1))

    def equation(u, x, t):
        return d(u, t) - diffusion * d(u, x, x) + rate * (u**3 - u)

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(equation, on=domain),
            "initial": Constraint(lambda u, x: u - x**2 * torch.cos(math.pi * x), on=domain.face(t=0)),
        },
        periodic=["x"],
        reference=certified_allen_cahn(diffusion=diffusion, rate=rate),
        name="allen_cahn",
    )
