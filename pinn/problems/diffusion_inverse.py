"""Diffusion with a coefficient that is to be found from observations at the final time.

    u_t = C u_xx − e^{−t} (sin πx − c π² sin πx) on [−1, 1] × [0, 1], u(x, 0) = sin πx, u(±1, t) = 0;
    C = c, u = e^{−t} sin πx

The heat source is known and belongs to the true coefficient c. Source: the examples of DeepXDE (Lu, Meng, Mao,
Karniadakis, SIAM Rev. 63 (2021) 208), inverse problem for diffusion, c = 1.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from pinn.derivatives import d
from pinn.domains import Box, Scatter
from pinn.problem import Constraint, Problem, Unknown
from pinn.reference import Analytic
from pinn.validation import count, finite, positive


def diffusion_inverse(coefficient: float = 1.0, initial: float = 2.0, observations: int = 10) -> Problem:
    """Find the coefficient of diffusion from evenly spaced observations at t = 1.

    Args:
        coefficient: the true C, dimensionless.
        initial: first guess of it.
        observations: number of points, both ends included; u vanishes there and in the middle whatever C is, so that
            four are the fewest that tell it.

    Raises:
        ValueError: for a coefficient that is not positive and finite, a first guess that is not finite, or fewer than
            four observations.

    Example:
        >>> diffusion_inverse(coefficient=0.5).exact_coefficients
        {'C': 0.5}
    """
    positive("diffusion_inverse", coefficient=coefficient)
    finite("diffusion_inverse", initial=initial)
    count("diffusion_inverse", 4, observations=observations)
    domain = Box(x=(-1, 1), t=(0, 1))

    def diffusion(u, x, t, C):
        source = torch.exp(-t) * (1 - coefficient * math.pi**2) * torch.sin(math.pi * x)
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
        exact_coefficients={"C": coefficient},
        name="diffusion_inverse",
    )
