"""Laplace's equation on a square with four holes: the domain is the difficulty.

    Δu = 0 on [−½, ½]² less four discs of radius r at (±c, ±c), u = 1 outside, u = 0 on the discs; r = 0.1, c = 0.3

Source: Hao et al., PINNacle (arXiv:2306.08827), Poisson2d-C.
"""

from __future__ import annotations

from pinn.derivatives import laplacian
from pinn.domains import Box, Disc
from pinn.problem import Constraint, Problem
from pinn.reference import laplace_four_holes as certified_holes


def laplace_four_holes(radius: float = 0.1, offset: float = 0.3) -> Problem:
    """The potential between a square at 1 and four discs at 0; dimensionless.

    Args:
        radius: r, of the discs.
        offset: c, of their centres (±c, ±c).

    Raises:
        ValueError: for discs that touch each other or the square, or have no radius.

    Example:
        >>> round(float(laplace_four_holes().reference(x=0.0, y=0.0)), 8)
        0.23358492
    """
    # Made first: it refuses discs that touch.
    reference = certified_holes(radius=radius, offset=offset)
    square = Box(x=(-0.5, 0.5), y=(-0.5, 0.5))
    discs = [Disc(x=a, y=b, radius=radius) for a in (-offset, offset) for b in (-offset, offset)]
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
        reference=reference,
        name="laplace_four_holes",
    )
