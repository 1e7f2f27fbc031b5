"""A wave in a square whose speed varies from place to place, reflected at the sides.

    u_tt = c Δu on [−1, 1]² × [0, 5], u = exp(−((x + ½)² + y²)/0.18) and u_t = 0 at the start, ∂u/∂n = 0 on the sides;
    c = exp(cos πx cos 2πy − ½)

Source: Hao et al., PINNacle (arXiv:2306.08827), Wave2d-CG. The suite's c is a rough random field in a file that was not
published; this one is smooth and stated, with a factor of seven between its ends. The start has a slope at x = −1, so
that a kink travels.
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import d, laplacian
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import wave_plane


def speed(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """c, the square of the speed."""
    return torch.exp(torch.cos(math.pi * x) * torch.cos(2 * math.pi * y) - 0.5)


def start(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """u at the start."""
    return torch.exp(-((x + 0.5) ** 2 + y**2) / 0.18)


def wave_varying() -> Problem:
    """Wave2d-CG with a speed of our own; dimensionless.

    Example:
        >>> sorted(wave_varying().constraints)
        ['equation', 'left and right', 'position', 'top and bottom', 'velocity']
    """
    domain = Box(x=(-1, 1), y=(-1, 1), t=(0, 5))
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, x, y, t: d(u, t, t) - speed(x, y) * laplacian(u, x, y), on=domain),
            "position": Constraint(lambda u, x, y: u - start(x, y), on=domain.face(t=0)),
            "velocity": Constraint(lambda u, t: d(u, t), on=domain.face(t=0)),
            "left and right": Constraint(lambda u, x: d(u, x), on=domain.face(x=-1) | domain.face(x=1)),
            "top and bottom": Constraint(lambda u, y: d(u, y), on=domain.face(y=-1) | domain.face(y=1)),
        },
        reference=wave_plane(speed, start),
        name="pinnacle_wave_varying",
    )
