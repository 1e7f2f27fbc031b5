"""Burgers' equations of two velocities that begin to fold over.

    u_t + u u_x + v u_y = ν Δu, v_t + u v_x + v v_y = ν Δv on [0, 4]² × [0, 1], periodic, ν = 0.001

Source: Hao et al., PINNacle (arXiv:2306.08827), Burgers2d-C. The suite's start lies in a file that was not published;
this one has two waves in each velocity, whose slopes are eight times as steep at the end.
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import d, laplacian
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import vector_burgers


def start(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """u and v at the start."""
    k = math.pi / 2
    u = 0.28 * torch.sin(k * x) * torch.cos(k * y) + 0.18 * torch.sin(k * (x + 2 * y) + 1)
    v = 0.28 * torch.cos(k * (x - y) + 0.5) + 0.18 * torch.sin(2 * k * x - 2)
    return u, v


def burgers_2d() -> Problem:
    """Burgers2d-C with a start of our own; dimensionless.

    Example:
        >>> burgers_2d().outputs
        ('u', 'v')
    """
    domain = Box(x=(0, 4), y=(0, 4), t=(0, 1))

    def equation(u, v, x, y, t):
        def carried(w):
            return d(w, t) + u * d(w, x) + v * d(w, y) - 0.001 * laplacian(w, x, y)

        return carried(u), carried(v)

    def initial(u, v, x, y):
        first, second = start(x, y)
        return u - first, v - second

    return Problem(
        domain,
        outputs=["u", "v"],
        constraints={
            "equation": Constraint(equation, on=domain),
            "initial": Constraint(initial, on=domain.face(t=0)),
        },
        periodic=["x", "y"],
        reference=vector_burgers(start),
        name="pinnacle_burgers_2d",
    )
