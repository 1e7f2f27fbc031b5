"""The linear Poisson-Boltzmann equation on a square with four holes of different sizes.

    −Δu + 64 u = 10 (17 + x² + y²) sin πx sin 4πy on [−1, 1]² less four discs, u = 0.2 on the square, u = 1 on the discs

Source: Hao et al., PINNacle (arXiv:2306.08827), Poisson2d-CG.
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import laplacian
from pinn.domains import Box, Disc
from pinn.problem import Constraint, Problem
from pinn.reference import fem


def poisson_boltzmann() -> Problem:
    """Poisson2d-CG; dimensionless. Its truth, by finite elements, needs scikit-fem: `pip install "pinn[fem]"`.

    Raises:
        ImportError: when scikit-fem is not installed.

    Example:
        >>> sorted(poisson_boltzmann().constraints)
        ['discs', 'equation', 'square']
    """
    square = Box(x=(-1, 1), y=(-1, 1))
    holes = ((0.5, 0.5, 0.2), (0.4, -0.4, 0.4), (-0.2, -0.7, 0.1), (-0.6, 0.5, 0.3))
    first, second, third, fourth = (Disc(x=x, y=y, radius=radius) for x, y, radius in holes)
    domain = square - first - second - third - fourth
    circles = first.boundary() | second.boundary() | third.boundary() | fourth.boundary()

    def source(x, y):
        return 10 * (17 + x**2 + y**2) * torch.sin(math.pi * x) * torch.sin(4 * math.pi * y)

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, x, y: 64 * u - laplacian(u, x, y) - source(x, y), on=domain),
            "square": Constraint(lambda u: u - 0.2, on=square.boundary()),
            "discs": Constraint(lambda u: u - 1, on=circles),
        },
        reference=fem(domain, reaction=64.0, source=source, values={square.boundary(): 0.2, circles: 1.0}, size=0.05),
        name="pinnacle_poisson_boltzmann",
    )
