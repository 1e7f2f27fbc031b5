"""The breather of two solitons: the cubic Schrödinger equation from twice the profile of one.

    i ψ_t + ½ ψ_xx + |ψ|² ψ = 0 on [−5, 5] × [0, π/2], ψ = 2 / cosh x at t = 0, ψ as exact at both ends

In a quarter of its period π/2 the profile is pressed to a peak of twice its height. ψ = a + i b.

Source: Satsuma, Yajima, Prog. Theor. Phys. Suppl. 55 (1974) 284, for the solution; Raissi, Perdikaris, Karniadakis,
J. Comput. Phys. 378 (2019) 686, sec. 3.1.1, for the setting, which there is periodic.
"""

from __future__ import annotations

import math

import torch

from pinn.domains import Box
from pinn.equations import schroedinger
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic


def breather() -> Problem:
    """Two bound solitons over a period of |ψ|; dimensionless.

    Example:
        >>> round(float(breather().reference(x=0.0, t=math.pi / 4)["a"] ** 2), 6) <= 16
        True
    """
    domain = Box(x=(-5, 5), t=(0, math.pi / 2))

    def ends(a, b, x, t):
        true = exact(x, t)
        return a - true["a"], b - true["b"]

    return Problem(
        domain,
        outputs=["a", "b"],
        constraints={
            "equation": Constraint(schroedinger("x", wave=("a", "b"), coupling=-1.0), on=domain),
            "initial": Constraint(lambda a, b, x: (a - 2 / torch.cosh(x), b), on=domain.face(t=0)),
            "ends": Constraint(ends, on=domain.face(x=-5) | domain.face(x=5)),
        },
        reference=Analytic(exact),
        name="gallery_breather",
    )


def exact(x, t):
    """ψ = 4 e^{it/2} (cosh 3x + 3 e^{4it} cosh x) / (cosh 4x + 4 cosh 2x + 3 cos 4t) as real and imaginary part."""
    below = torch.cosh(4 * x) + 4 * torch.cosh(2 * x) + 3 * torch.cos(4 * t)
    one, three = 3 * torch.cosh(x) / below, torch.cosh(3 * x) / below
    real = torch.cos(t / 2) * three + torch.cos(9 * t / 2) * one
    return {"a": 4 * real, "b": 4 * (torch.sin(t / 2) * three + torch.sin(9 * t / 2) * one)}
