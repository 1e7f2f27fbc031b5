"""Heat in the unit ball of five dimensions, its flux given on the sphere.

    u_t = Δu/5 − (|x|²/5) e^{|x|²/2 + t} for |x| < 1, t ∈ [0, 1], ∂u/∂n = e^{|x|²/2 + t} on the sphere;
    u = e^{|x|²/2 + t}

Source: Hao et al., PINNacle (arXiv:2306.08827), HNd.
"""

from __future__ import annotations

import torch

from pinn.derivatives import d, laplacian
from pinn.domains import Ball, Box, Product
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic


def heat_nd() -> Problem:
    """HNd; dimensionless.

    Example:
        >>> float(heat_nd().reference(x1=0, x2=0, x3=0, x4=0, x5=0, t=0))
        1.0
    """
    ball, time = Ball(x1=0, x2=0, x3=0, x4=0, x5=0, radius=1), Box(t=(0, 1))
    domain = Product(ball, time)

    def square(x1, x2, x3, x4, x5):
        return x1**2 + x2**2 + x3**2 + x4**2 + x5**2

    def exact(x1, x2, x3, x4, x5, t):
        return torch.exp(square(x1, x2, x3, x4, x5) / 2 + t)

    def equation(u, x1, x2, x3, x4, x5, t):
        source = square(x1, x2, x3, x4, x5) / 5 * exact(x1, x2, x3, x4, x5, t)
        return d(u, t) - laplacian(u, x1, x2, x3, x4, x5) / 5 + source

    def flux(u, x1, x2, x3, x4, x5, t, nx1, nx2, nx3, nx4, nx5):
        slope = d(u, x1) * nx1 + d(u, x2) * nx2 + d(u, x3) * nx3 + d(u, x4) * nx4 + d(u, x5) * nx5
        return slope - exact(x1, x2, x3, x4, x5, t)

    def start(u, x1, x2, x3, x4, x5, t):
        return u - exact(x1, x2, x3, x4, x5, t)

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(equation, on=domain),
            "flux": Constraint(flux, on=ball.boundary() * time),
            "initial": Constraint(start, on=domain.face(t=0)),
        },
        reference=Analytic(exact),
        name="pinnacle_heat_nd",
    )
