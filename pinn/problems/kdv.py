"""The Korteweg-de Vries equation: a cosine breaks into solitons.

    u_t + u u_x + δ² u_xxx = 0, periodic on [−1, 1] × [0, 1], u(x, 0) = cos πx, δ = 0.022

Source: Zabusky, Kruskal, Phys. Rev. Lett. 15 (1965) 240.
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import kdv as certified_kdv
from pinn.validation import positive


def kdv(delta: float = 0.022) -> Problem:
    """The Korteweg-de Vries equation.

    Args:
        delta: δ, the square root of the dispersion δ², dimensionless.

    Raises:
        ValueError: for δ that is not positive and finite.

    Example:
        >>> kdv().reference.bounds
        {'x': (-1.0, 1.0), 't': (0.0, 1.0)}
    """
    positive("kdv", delta=delta)
    domain = Box(x=(-1, 1), t=(0, 1))

    def equation(u, x, t):
        return d(u, t) + u * d(u, x) + delta**2 * d(u, x, x, x)

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(equation, on=domain),
            "initial": Constraint(lambda u, x: u - torch.cos(math.pi * x), on=domain.face(t=0)),
        },
        periodic=["x"],
        reference=certified_kdv(delta=delta),
        name="kdv",
    )
