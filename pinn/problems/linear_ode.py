"""A linear equation without resonance, whose solution grows like e⁹ᵗ: a smoke test of the whole way.

u'' − 10u' + 9u = 5t, u(0) = −1, u'(0) = 2 on [0, 0.25];  u = 50/81 + 5t/9 − 2eᵗ + (31/81)e⁹ᵗ
"""

from __future__ import annotations

import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic


def linear_ode() -> Problem:
    """u'' − 10u' + 9u = 5t with u(0) = −1, u'(0) = 2 on [0, 0.25]; dimensionless.

    Example:
        >>> round(float(linear_ode().reference(t=0.0)), 12)
        -1.0
    """
    domain = Box(t=(0, 0.25))
    start = domain.face(t=0)
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, t: d(u, t, t) - 10 * d(u, t) + 9 * u - 5 * t, on=domain),
            "position": Constraint(lambda u: u + 1, on=start),
            "velocity": Constraint(lambda u, t: d(u, t) - 2, on=start),
        },
        reference=Analytic(lambda t: 50 / 81 + 5 * t / 9 - 2 * torch.exp(t) + (31 / 81) * torch.exp(9 * t)),
        name="linear_ode",
    )
