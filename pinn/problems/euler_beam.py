"""A clamped Euler beam under its own weight: a fourth-order boundary problem.

    u'''' = −1 on [0, 1], u(0) = u'(0) = 0, u''(1) = u'''(1) = 0;  u = −x⁴/24 + x³/6 − x²/4

Source: Timoshenko, Strength of Materials (1930), deflection of a cantilever under uniform load (EI = q = 1).
"""

from __future__ import annotations

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic


def euler_beam() -> Problem:
    """The deflection u of a cantilever of length 1 under a uniform load; dimensionless.

    Example:
        >>> float(euler_beam().reference(x=1.0))
        -0.125
    """
    domain = Box(x=(0, 1))
    clamped, free = domain.face(x=0), domain.face(x=1)
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, x: d(u, x, x, x, x) + 1, on=domain),
            "clamped": Constraint(lambda u, x: (u, d(u, x)), on=clamped),
            "free": Constraint(lambda u, x: (d(u, x, x), d(u, x, x, x)), on=free),
        },
        reference=Analytic(lambda x: -(x**4) / 24 + x**3 / 6 - x**2 / 4),
        name="euler_beam",
    )
