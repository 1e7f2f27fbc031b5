"""Lorenz' system, its three coefficients to be found from observations of all components.

    y₁' = σ(y₂ − y₁), y₂' = y₁(ρ − y₃) − y₂, y₃' = y₁y₂ − βy₃, y(0) = (−8, 7, 27); (σ, ρ, β) = (10, 15, 8/3) unknown

Source: Lu, Meng, Mao, Karniadakis, SIAM Rev. 63 (2021) 208 (inverse problem for the Lorenz system).
"""

from __future__ import annotations

import numpy as np

from pinn.derivatives import d
from pinn.domains import Box, Scatter
from pinn.problem import Constraint, Problem, Unknown
from pinn.reference import lorenz as certified_lorenz
from pinn.validation import count, positive, positive_each


def lorenz_inverse(
    sigma: float = 10.0,
    rho: float = 15.0,
    beta: float = 8 / 3,
    initial: tuple[float, float, float] = (1.0, 1.0, 1.0),
    observations: int = 25,
    length: float = 3.0,
) -> Problem:
    """Find σ, ρ and β of Lorenz' system from observations of all three components; dimensionless.

    Args:
        sigma: true σ.
        rho: true ρ.
        beta: true β.
        initial: first guesses of the three.
        observations: number of times, evenly spaced over the interval; the first is the start, which is known.
        length: end of the interval [0, length] of t.

    Raises:
        ValueError: for coefficients, first guesses or a length that are not positive and finite, or fewer than two
            observations.

    Example:
        >>> lorenz_inverse(observations=5).constraints["data"].on
        Scatter(5 points in ['t'], values ['y1_seen', 'y2_seen', 'y3_seen'])
    """
    positive("lorenz_inverse", sigma=sigma, rho=rho, beta=beta, length=length)
    positive_each("lorenz_inverse", 3, initial=initial)
    count("lorenz_inverse", 2, observations=observations)
    domain = Box(t=(0, length))
    reference = certified_lorenz(sigma, rho, beta, length=length)

    def lorenz(y1, y2, y3, t, sigma, rho, beta):
        return (
            d(y1, t) - sigma * (y2 - y1),
            d(y2, t) - y1 * (rho - y3) + y2,
            d(y3, t) - y1 * y2 + beta * y3,
        )

    t = np.linspace(0, length, observations)
    true = reference(t=t)
    data = Scatter(coordinates={"t": t}, values={f"{name}_seen": true[name] for name in ("y1", "y2", "y3")})

    def observed(y1, y2, y3, y1_seen, y2_seen, y3_seen):
        return y1 - y1_seen, y2 - y2_seen, y3 - y3_seen

    return Problem(
        domain,
        outputs=["y1", "y2", "y3"],
        coefficients={
            "sigma": Unknown(initial[0], positive=True),
            "rho": Unknown(initial[1], positive=True),
            "beta": Unknown(initial[2], positive=True),
        },
        constraints={
            "equation": Constraint(lorenz, on=domain),
            "start": Constraint(lambda y1, y2, y3: (y1 + 8, y2 - 7, y3 - 27), on=domain.face(t=0)),
            "data": Constraint(observed, on=data),
        },
        reference=reference,
        exact_coefficients={"sigma": sigma, "rho": rho, "beta": beta},
        name="lorenz_inverse",
    )
