"""Heat that spreads 158 times faster along one axis than along the other, from forty half waves.

    u_t = u_xx/(500π)² + u_yy/π² on [0, 1]² × [0, 5], u = sin 20πx sin πy at the start, 0 on the sides;
    u = sin 20πx sin πy exp(−((20/500)² + 1) t)

Source: Hao et al., PINNacle (arXiv:2306.08827), Heat2d-MS. The suite's own file is 1.3e-2 from this solution.
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic


def heat_multiscale() -> Problem:
    """Heat2d-MS; dimensionless.

    Example:
        >>> round(float(heat_multiscale().reference(x=0.025, y=0.5, t=0.0)), 12)
        1.0
    """
    domain = Box(x=(0, 1), y=(0, 1), t=(0, 5))

    def exact(x, y, t):
        return torch.sin(20 * math.pi * x) * torch.sin(math.pi * y) * torch.exp(-((20 / 500) ** 2 + 1) * t)

    def equation(u, x, y, t):
        return d(u, t) - d(u, x, x) / (500 * math.pi) ** 2 - d(u, y, y) / math.pi**2

    sides = domain.face(x=0) | domain.face(x=1) | domain.face(y=0) | domain.face(y=1)
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(equation, on=domain),
            "initial": Constraint(lambda u, x, y, t: u - exact(x, y, t), on=domain.face(t=0)),
            "sides": Constraint(lambda u: u, on=sides),
        },
        reference=Analytic(exact),
        name="pinnacle_heat_multiscale",
    )
