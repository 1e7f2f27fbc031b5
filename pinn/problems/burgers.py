"""Burgers' equation: a sine steepens into a layer at x = 0.

    u_t + u u_x = ν u_xx on [−1, 1] × [0, 1], u(x, 0) = −sin πx, u(±1, t) = 0

The reference is the Cole-Hopf transform by quadrature. Source: Basdevant et al., Comput. Fluids 14 (1986) 23;
Raissi, Perdikaris, Karniadakis, J. Comput. Phys. 378 (2019) 686, section 3.1 (ν = 0.01/π).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from pinn.derivatives import d
from pinn.domains import Box, Scatter
from pinn.problem import Constraint, Problem, Unknown
from pinn.reference import cole_hopf


def _burgers(u, x, t, nu):
    return d(u, t) + u * d(u, x) - nu * d(u, x, x)


def _conditions(domain: Box) -> dict[str, Constraint]:
    return {
        "equation": Constraint(_burgers, on=domain),
        "initial": Constraint(lambda u, x: u + torch.sin(math.pi * x), on=domain.face(t=0)),
        "walls": Constraint(lambda u: u, on=domain.face(x=-1) | domain.face(x=1)),
    }


def burgers(nu: float = 0.01 / math.pi) -> Problem:
    """Burgers' equation of viscosity ν (dimensionless) between two walls."""
    domain = Box(x=(-1, 1), t=(0, 1))
    return Problem(
        domain,
        outputs=["u"],
        coefficients={"nu": nu},
        constraints=_conditions(domain),
        reference=cole_hopf(nu),
        name="burgers",
    )


def burgers_smooth(nu: float = 0.01) -> Problem:
    """Burgers' equation of viscosity ν (dimensionless), periodic in x."""
    domain = Box(x=(-1, 1), t=(0, 1))
    conditions = _conditions(domain)
    conditions.pop("walls")
    return Problem(
        domain,
        outputs=["u"],
        coefficients={"nu": nu},
        constraints=conditions,
        reference=cole_hopf(nu),
        periodic=["x"],
        name="burgers_smooth",
    )


def burgers_inverse(
    nu: float = 0.01 / math.pi, initial: float = 0.02, observations: int = 200, noise: float = 0.0, seed: int = 0
) -> Problem:
    """Burgers' equation whose viscosity is to be found from observations of u inside the domain.

    Args:
        nu: the true viscosity, dimensionless.
        initial: first guess of it.
        observations: number of points (x, t), evenly random in the domain.
        noise: standard deviation of independent normal errors of the observations, in units of u.
        seed: of the points and the noise.
    """
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
            **_conditions(domain),
            "data": Constraint(lambda u, u_observed: u - u_observed, on=data),
        },
        reference=reference,
        exact_coefficients={"nu": nu},
        name="burgers_inverse",
    )
