"""Burgers' equation with a viscosity that leaves the layer smooth, periodic in x.

    u_t + u u_x = ν u_xx, periodic on [−1, 1] × [0, 1], u(x, 0) = −sin πx

The reference is the Cole-Hopf transform by quadrature. Source: Basdevant et al., Comput. Fluids 14 (1986) 23.
"""

from __future__ import annotations

from pinn.domains import Box
from pinn.problem import Problem
from pinn.problems._burgers import started
from pinn.reference import cole_hopf
from pinn.validation import positive


def burgers_smooth(nu: float = 0.01) -> Problem:
    """Burgers' equation, periodic in x.

    Args:
        nu: viscosity ν, dimensionless.

    Raises:
        ValueError: for a viscosity that is not positive and finite.

    Example:
        >>> burgers_smooth().periodic
        ('x',)
    """
    positive("burgers_smooth", nu=nu)
    domain = Box(x=(-1, 1), t=(0, 1))
    return Problem(
        domain,
        outputs=["u"],
        coefficients={"nu": nu},
        constraints=started(domain),
        reference=cole_hopf(nu),
        periodic=["x"],
        name="burgers_smooth",
    )
