"""The vibrating string: its ground tone, and the tone two octaves above.

    u_tt = a u_xx on [0, 1]², u(x, 0) = sin πx + ½ sin 4πx, u_t(x, 0) = 0, u = 0 at the ends;
    u = sin πx cos(√a πt) + ½ sin 4πx cos(4√a πt)

Source: Wang, Yu, Perdikaris, J. Comput. Phys. 449 (2022) 110768.
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic
from pinn.validation import positive


def wave_1d(a: float = 4.0) -> Problem:
    """The vibrating string of length 1, to t = 1.

    Args:
        a: squared speed of waves, dimensionless.

    Raises:
        ValueError: for a squared speed that is not positive and finite.

    Example:
        >>> round(float(wave_1d().reference(x=0.5, t=1.0)), 12)
        1.0
    """
    positive("wave_1d", a=a)
    domain = Box(x=(0, 1), t=(0, 1))
    start = domain.face(t=0)
    speed = math.sqrt(a)

    def shape(x):
        return torch.sin(math.pi * x) + 0.5 * torch.sin(4 * math.pi * x)

    def exact(x, t):
        slow = torch.sin(math.pi * x) * torch.cos(speed * math.pi * t)
        return slow + 0.5 * torch.sin(4 * math.pi * x) * torch.cos(4 * speed * math.pi * t)

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, x, t: d(u, t, t) - a * d(u, x, x), on=domain),
            "position": Constraint(lambda u, x: u - shape(x), on=start),
            "velocity": Constraint(lambda u, t: d(u, t), on=start),
            "ends": Constraint(lambda u: u, on=domain.face(x=0) | domain.face(x=1)),
        },
        reference=Analytic(exact),
        name="wave_1d",
    )
