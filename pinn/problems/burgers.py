"""Burgers' equation: a sine steepens into a layer at x = 0.

    u_t + u u_x = ν u_xx on [−1, 1] × [0, 1], u(x, 0) = −sin πx, u(±1, t) = 0

The reference is the Cole-Hopf transform by quadrature. Source: Basdevant et al., Comput. Fluids 14 (1986) 23;
Raissi, Perdikaris, Karniadakis, J. Comput. Phys. 378 (2019) 686, section 3.1 (ν = 0.01/π).
"""

from __future__ import annotations

import math

from pinn.domains import Box
from pinn.problem import Problem
from pinn.problems._burgers import between_walls
from pinn.reference import cole_hopf
from pinn.validation import positive


def burgers(nu: float = 0.01 / math.pi) -> Problem:
    """Burgers' equation between two walls.

    Args:
        nu: viscosity ν, dimensionless.

    Raises:
        ValueError: for a viscosity that is not positive and finite.

    Example:
        >>> burgers().coordinates
        ('x', 't')
    """
    positive("burgers", nu=nu)
    domain = Box(x=(-1, 1), t=(0, 1))
    return Problem(
        domain,
        outputs=["u"],
        coefficients={"nu": nu},
        constraints=between_walls(domain),
        reference=cole_hopf(nu),
        name="burgers",
    )
