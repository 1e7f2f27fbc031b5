"""The steady lid-driven cavity, with a lid that stops at the corners.

    u u_x + v u_y + p_x − Δu/Re = 0,   u v_x + v v_y + p_y − Δv/Re = 0,   u_x + v_y = 0 on [0, 1]²
    u = 4x(1 − x), v = 0 on the lid y = 1; u = v = 0 on the other walls; p = 0 at a corner

Source: Hao et al., PINNacle (arXiv:2306.08827), NS2d-C; reference by `pinn.reference.cavity`.
"""

from __future__ import annotations

from pinn.domains import Box
from pinn.equations import navier_stokes
from pinn.problem import Constraint, Problem
from pinn.reference import cavity as certified_cavity
from pinn.validation import positive


def cavity(reynolds: float = 100.0) -> Problem:
    """The lid-driven cavity, scored by its velocities.

    Args:
        reynolds: Re, of the lid's fastest point and the cavity's side, dimensionless; the reference reaches about a
            thousand.

    Raises:
        ValueError: for a Reynolds number that is not positive and finite.

    Example:
        >>> cavity().reference.outputs
        ('u', 'v')
    """
    positive("cavity", reynolds=reynolds)
    domain = Box(x=(0, 1), y=(0, 1))
    flow = navier_stokes(("x", "y"), time=None, density=1.0, viscosity=1 / reynolds)
    still = domain.face(x=0) | domain.face(x=1) | domain.face(y=0)
    return Problem(
        domain,
        outputs=["u", "v", "p"],
        constraints={
            "equation": Constraint(flow, on=domain),
            "lid": Constraint(lambda u, v, x: (u - 4 * x * (1 - x), v), on=domain.face(y=1)),
            "walls": Constraint(lambda u, v: (u, v), on=still),
            "pressure": Constraint(lambda p: p, on=domain.face(x=0, y=0)),
        },
        reference=certified_cavity(reynolds),
        name="cavity",
    )
