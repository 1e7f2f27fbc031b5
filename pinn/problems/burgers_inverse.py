"""Burgers' equation whose viscosity is to be found from observations inside the domain.

    u_t + u u_x = ν u_xx on [−1, 1] × [0, 1], u(x, 0) = −sin πx, u(±1, t) = 0; ν unknown

Source: Raissi, Perdikaris, Karniadakis, J. Comput. Phys. 378 (2019) 686 (data-driven discovery of
Burgers' equation, ν = 0.01/π).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pinn.domains import Box, Scatter
from pinn.problem import Constraint, Problem, Unknown
from pinn.problems._burgers import between_walls
from pinn.reference import cole_hopf
from pinn.validation import count, not_negative, positive


def burgers_inverse(
    nu: float = 0.01 / math.pi, initial: float = 0.02, observations: int = 200, noise: float = 0.0, seed: int = 0
) -> Problem:
    """Find the viscosity of Burgers' equation from observations of u inside the domain.

    Args:
        nu: the true viscosity ν, dimensionless.
        initial: first guess of it.
        observations: number of points (x, t), evenly random in the domain.
        noise: standard deviation of independent normal errors of the observations, in units of u.
        seed: of the points and the noise.

    Raises:
        ValueError: for a viscosity or a first guess that is not positive and finite, no observations, negative noise
            or a negative seed.

    Example:
        >>> burgers_inverse(observations=50).constraints["data"].on
        Scatter(50 points in ['x', 't'], values ['u_observed'])
    """
    positive("burgers_inverse", nu=nu, initial=initial)
    count("burgers_inverse", 1, observations=observations)
    not_negative("burgers_inverse", noise=noise)
    count("burgers_inverse", 0, seed=seed)
    domain = Box(x=(-1, 1), t=(0, 1))
    random = np.random.default_rng(seed)
    x = random.uniform(-1, 1, observations)
    t = random.uniform(0, 1, observations)
    reference = cole_hopf(nu)
    observed: NDArray[np.float64] = reference(x=x, t=t) + noise * random.standard_normal(observations)
    data = Scatter(coordinates={"x": x, "t": t}, values={"u_observed": observed})
    return Problem(
        domain,
        outputs=["u"],
        coefficients={"nu": Unknown(initial, positive=True)},
        constraints={
            **between_walls(domain),
            "data": Constraint(lambda u, u_observed: u - u_observed, on=data),
        },
        reference=reference,
        exact_coefficients={"nu": nu},
        name="burgers_inverse",
    )
