"""A conductivity from noisy observations of the potential.

    ∇·(a∇u) + f = 0 on [0, 1]², u observed at 50 × 50 points with noise of 0.1, a known on the boundary;
    u = sin πx sin πy, a = 1/(1 + x² + y² + (x − 1)² + (y − 1)²)

a is an output, so that the error measured is that of both. Source: Hao et al., PINNacle (arXiv:2306.08827), PInv. The
source f is that of this a and u; the suite's file has the sign of two terms wrong.
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import d
from pinn.domains import Box, Scatter
from pinn.output import Output
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic


def poisson_inverse(seed: int = 0) -> Problem:
    """PInv; dimensionless.

    Args:
        seed: of the noise.

    Example:
        >>> float(poisson_inverse().reference(x=0.5, y=0.5)["a"])
        0.5
    """
    square = Box(x=(0, 1), y=(0, 1))
    x, y = (
        one.reshape(-1) for one in torch.meshgrid(*[torch.linspace(0, 1, 50, dtype=torch.float64)] * 2, indexing="ij")
    )
    noise = 0.1 * torch.randn(2500, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)

    def u_of(x, y):
        return torch.sin(math.pi * x) * torch.sin(math.pi * y)

    def a_of(x, y):
        return 1 / (1 + x**2 + y**2 + (x - 1) ** 2 + (y - 1) ** 2)

    def source(x, y):
        along = (2 * x - 1) * torch.cos(math.pi * x) * torch.sin(math.pi * y)
        across = (2 * y - 1) * torch.sin(math.pi * x) * torch.cos(math.pi * y)
        return 2 * math.pi**2 * u_of(x, y) * a_of(x, y) + 2 * math.pi * a_of(x, y) ** 2 * (along + across)

    seen = Scatter(coordinates={"x": x, "y": y}, values={"seen": u_of(x, y) + noise}, sigma=0.1)
    return Problem(
        square,
        outputs=["u", Output("a", positive=True)],
        constraints={
            "equation": Constraint(lambda u, a, x, y: d(a * d(u, x), x) + d(a * d(u, y), y) + source(x, y), on=square),
            "known": Constraint(lambda a, x, y: a - a_of(x, y), on=square.boundary()),
            "data": Constraint(lambda u, seen: u - seen, on=seen),
        },
        reference=Analytic(lambda x, y: {"u": u_of(x, y), "a": a_of(x, y)}),
        name="pinnacle_poisson_inverse",
    )
