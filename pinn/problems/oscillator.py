"""The undamped oscillator: a smoke test of the whole way.

u'' + u = 0 on [0, 10], u(0) = 1, u'(0) = 0;  u = cos t
"""

from __future__ import annotations

import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic
from pinn.validation import positive


def oscillator(length: float = 10.0) -> Problem:
    """u'' + u = 0 from u = 1 at rest; dimensionless.

    Args:
        length: end of the interval [0, length] of t.

    Raises:
        ValueError: for a length that is not positive and finite.

    Example:
        >>> float(oscillator().reference(t=0.0))
        1.0
    """
    positive("oscillator", length=length)
    domain = Box(t=(0, length))
    start = domain.face(t=0)
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, t: d(u, t, t) + u, on=domain),
            "position": Constraint(lambda u: u - 1, on=start),
            "velocity": Constraint(lambda u, t: d(u, t), on=start),
        },
        reference=Analytic(lambda t: torch.cos(t)),
        name="oscillator",
    )
