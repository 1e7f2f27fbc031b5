"""Diffusion with a coefficient that is to be found from observations at the final time.

    u_t = C u_xx − e^{−t} (sin πx − π² sin πx) on [−1, 1] × [0, 1], u(x, 0) = sin πx, u(±1, t) = 0;
    C = 1, u = e^{−t} sin πx

Source: Lu, Meng, Mao, Karniadakis, SIAM Rev. 63 (2021) 208, section 4.4 (inverse problem for diffusion).
"""

from __future__ import annotations

import math

import numpy as np
import torch

from pinn.derivatives import d
from pinn.domains import Box, Scatter
from pinn.problem import Constraint, Problem, Unknown
from pinn.reference import Analytic


def diffusion_inverse(initial: float = 2.0, observations: int = 10) -> Problem:
    """The inverse diffusion problem with first guess `initial` of C and evenly spaced observations at t = 1."""
    domain = Box(x=(-1, 1), t=(0, 1))

    def diffusion(u, x, t, C):
        source = torch.exp(-t) * (1 - math.pi**2) * torch.sin(math.pi * x)
        return d(u, t) - C * d(u, x, x) + source

    exact = Analytic(lambda x, t: torch.exp(-t) * torch.sin(math.pi * x))

    x = np.linspace(-1, 1, observations)
    data = Scatter(coordinates={"x": x, "t": np.ones_like(x)}, values={"u_observed": exact(x=x, t=1.0)})
    return Problem(
        domain,
        outputs=["u"],
        coefficients={"C": Unknown(initial)},
        constraints={
            "equation": Constraint(diffusion, on=domain),
            "initial": Constraint(lambda u, x: u - torch.sin(math.pi * x), on=domain.face(t=0)),
            "walls": Constraint(lambda u: u, on=domain.face(x=-1) | domain.face(x=1)),
            "data": Constraint(lambda u, u_observed: u - u_observed, on=data),
        },
        reference=exact,
        exact_coefficients={"C": 1.0},
        name="diffusion_inverse",
    )
