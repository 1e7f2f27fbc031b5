"""Laplace's and Poisson's equations where the domain is the difficulty: four holes, and a re-entrant corner.

Holes:  Δu = 0 on [−½, ½]² less four discs of radius 0.1 at (±0.3, ±0.3), u = 1 outside, u = 0 on the discs.
    Hao et al., PINNacle (arXiv:2306.08827), Poisson2d-C.
Corner:  −Δu = 1 on [−1, 1]² less the upper right quadrant, u = 0 around it; u behaves like r^{2/3} at the corner.
    Lu, Meng, Mao, Karniadakis, SIAM Rev. 63 (2021) 208, section 4.1.
"""

from __future__ import annotations

from pinn.derivatives import laplacian
from pinn.domains import Box, Disc, Polygon
from pinn.problem import Constraint, Problem
from pinn.reference import laplace_four_holes as certified_holes
from pinn.reference import poisson_l_shape as certified_corner


def laplace_four_holes() -> Problem:
    """The potential between a square at 1 and four discs at 0; dimensionless."""
    square = Box(x=(-0.5, 0.5), y=(-0.5, 0.5))
    discs = [Disc(x=a, y=b, radius=0.1) for a in (-0.3, 0.3) for b in (-0.3, 0.3)]
    domain = square - discs[0] - discs[1] - discs[2] - discs[3]
    circles = discs[0].boundary() | discs[1].boundary() | discs[2].boundary() | discs[3].boundary()
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, x, y: laplacian(u, x, y), on=domain),
            "square": Constraint(lambda u: u - 1, on=square.boundary()),
            "discs": Constraint(lambda u: u, on=circles),
        },
        reference=certified_holes(),
        name="laplace_four_holes",
    )


def poisson_l_shape() -> Problem:
    """-Δu = 1 on an L with u = 0 around it; dimensionless."""
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
