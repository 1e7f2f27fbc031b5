"""Poisson's equation on an L: the re-entrant corner is the difficulty.

    −Δu = 1 on [−1, 1]² less the upper right quadrant, u = 0 around it; u behaves like r^{2/3} at the corner

Source: Lu, Meng, Mao, Karniadakis, SIAM Rev. 63 (2021) 208, section 4.1.
"""

from __future__ import annotations

from pinn.derivatives import laplacian
from pinn.domains import Polygon
from pinn.problem import Constraint, Problem
from pinn.reference import poisson_l_shape as certified_corner


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
        reference=certified_corner(),
        name="poisson_l_shape",
    )
