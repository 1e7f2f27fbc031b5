"""The logistic reaction at every point by itself.

    u_t = ρ u (1 − u), periodic on [0, 2π] × [0, 1], u(x, 0) = h = exp(−½ ((x − π)/(π/4))²);
    u = h e^{ρt} / (h e^{ρt} + 1 − h)

Source: Krishnapriyan et al., Adv. Neural Inf. Process. Syst. 34 (2021).
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic
from pinn.validation import finite


def reaction(rho: float = 5.0) -> Problem:
    """Logistic growth from a bell-shaped start.

    Args:
        rho: rate ρ of growth, of decay where it is negative; dimensionless.

    Raises:
        ValueError: for a rate that is not finite.

    Example:
        >>> float(reaction().reference(x=math.pi, t=1.0))
        1.0
    """
    finite("reaction", rho=rho)
    domain = Box(x=(0, 2 * math.pi), t=(0, 1))

    def bell(x):
        return torch.exp(-0.5 * ((x - math.pi) / (math.pi / 4)) ** 2)

    def exact(x, t):
        h = bell(x)
        # Not by e^{ρt}, which overflows for fast reactions.
        return h / (h + (1 - h) * torch.exp(-rho * t))

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, t: d(u, t) - rho * u * (1 - u), on=domain),
            "initial": Constraint(lambda u, x: u - bell(x), on=domain.face(t=0)),
        },
        periodic=["x"],
        # h' jumps by 3.4e-3 where the ends meet and the equation never smooths it: an input with a kink there.
        features={"bend": lambda x: 2 * (x / math.pi - 1) ** 2 - 1},
        reference=Analytic(exact),
        name="reaction",
    )
