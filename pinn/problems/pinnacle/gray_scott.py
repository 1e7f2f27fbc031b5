"""Two substances that react and spread: Gray and Scott's spots.

    u_t = 1e-5 Δu + 0.04 (1 − u) − u v², v_t = 5e-6 Δv − 0.1 v + u v² on [−1, 1]² × [0, 200], periodic;
    u = 1 − exp(−80((x + 0.05)² + (y + 0.02)²)), v = exp(−80((x − 0.05)² + (y − 0.02)²)) at the start

Source: Hao et al., PINNacle (arXiv:2306.08827), GS; the suite imposes no condition at the sides, where u = 1 and v = 0.
"""

from __future__ import annotations

import torch

from pinn.derivatives import d, laplacian
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import gray_scott as certified


def start(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """u and v at the start."""
    first = torch.exp(-80 * ((x + 0.05) ** 2 + (y + 0.02) ** 2))
    return 1 - first, torch.exp(-80 * ((x - 0.05) ** 2 + (y - 0.02) ** 2))


def gray_scott() -> Problem:
    """GS, periodic; dimensionless.

    Example:
        >>> gray_scott().reference.bounds["t"]
        (0.0, 200.0)
    """
    domain = Box(x=(-1, 1), y=(-1, 1), t=(0, 200))

    def equation(u, v, x, y, t):
        first = d(u, t) - 1e-5 * laplacian(u, x, y) - 0.04 * (1 - u) + u * v**2
        return first, d(v, t) - 5e-6 * laplacian(v, x, y) + 0.1 * v - u * v**2

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
        reference=certified(start),
        name="pinnacle_gray_scott",
    )
