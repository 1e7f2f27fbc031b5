"""Poisson's equation on an L: the re-entrant corner is the difficulty.

    −Δu = 1 on [−1, 1]² less the upper right quadrant, u = 0 around it

At the corner u behaves like s = r^{2/3} cos(2ψ/3), ψ the angle to the diagonal that leads away from the quadrant; s is
harmonic and vanishes on both edges. The residual of a smooth network that comes near it grows like r^{−4/3}, which has
no finite mean square, so that the least mean square residual is not the least error: the network gets s as an input.

Source: Lu, Meng, Mao, Karniadakis, SIAM Rev. 63 (2021) 208, section 4.1; the singular function as an input after Hu,
Jin, Zhou, arXiv:2308.16429.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from pinn.derivatives import laplacian
from pinn.domains import Polygon
from pinn.problem import Constraint, Problem
from pinn.reference import poisson_l_shape as certified_corner


def _corner(x: Any, y: Any) -> Any:
    """s, see the module; tan(ψ/2) = b/(r + a) with a along the diagonal and b across it, both zero at the corner."""
    a, b = -(x + y) / math.sqrt(2), (x - y) / math.sqrt(2)
    square = a * a + b * b + 1e-30
    return square ** (1 / 3) * torch.cos(4 / 3 * torch.atan(b / (torch.sqrt(square) + a)))


def poisson_l_shape() -> Problem:
    """-Δu = 1 on an L with u = 0 around it; dimensionless.

    Example:
        >>> round(float(poisson_l_shape().reference(x=-0.5, y=-0.5)), 8)
        0.13105296
    """
    corners = [(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)]
    domain = Polygon(corners, coordinates=("x", "y"))
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, x, y: laplacian(u, x, y) + 1, on=domain),
            "walls": Constraint(lambda u: u, on=domain.boundary()),
        },
        features={"corner": _corner},
        reference=certified_corner(),
        name="poisson_l_shape",
    )
