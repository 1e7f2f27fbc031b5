"""A conductivity from noisy observations of a temperature that fades.

    u_t − ∇·(a∇u) = f on [−1, 1]² × [0, 1], u observed at 2500 points with noise of 0.1, a known on the boundary;
    u = e^{−t} sin πx sin πy, a = 2 + sin πx sin πy

With s = sin πx sin πy, ∇·(a∇u) = e^{−t}(|∇s|² − 2π² s (2 + s)). a is
found as a field k of x and y; an output beside it follows it, so that the error measured is that of both. The row that
ties them weighs little: with a weight of one k waits for the output, and is nowhere after 80 steps.

Source: Hao et al., PINNacle (arXiv:2306.08827), HInv.
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import d
from pinn.domains import Box, Scatter
from pinn.problem import Constraint, Problem, Unknown
from pinn.reference import Analytic


def heat_inverse(seed: int = 0) -> Problem:
    """HInv; dimensionless.

    Args:
        seed: of the places of observations and of their noise.

    Example:
        >>> float(heat_inverse().reference(x=0.5, y=0.5, t=0.0)["a"])
        3.0
    """
    domain = Box(x=(-1, 1), y=(-1, 1), t=(0, 1))
    generator = torch.Generator().manual_seed(seed)
    places = torch.rand(2500, 3, generator=generator, dtype=torch.float64)
    x, y, t = 2 * places[:, 0] - 1, 2 * places[:, 1] - 1, places[:, 2]
    noise = 0.1 * torch.randn(2500, generator=generator, dtype=torch.float64)

    def s(x, y):
        return torch.sin(math.pi * x) * torch.sin(math.pi * y)

    def source(x, y, t):
        slopes = (torch.cos(math.pi * x) * torch.sin(math.pi * y)) ** 2
        slopes = math.pi**2 * (slopes + (torch.sin(math.pi * x) * torch.cos(math.pi * y)) ** 2)
        return torch.exp(-t) * (-s(x, y) - slopes + 2 * math.pi**2 * s(x, y) * (2 + s(x, y)))

    def equation(u, k, x, y, t):
        return d(u, t) - d(k * d(u, x), x) - d(k * d(u, y), y) - source(x, y, t)

    seen = Scatter(coordinates={"x": x, "y": y, "t": t}, values={"seen": torch.exp(-t) * s(x, y) + noise}, sigma=0.1)
    sides = domain.face(x=-1) | domain.face(x=1) | domain.face(y=-1) | domain.face(y=1)
    return Problem(
        domain,
        outputs=["u", "a"],
        coefficients={"k": Unknown(2.0, positive=True, inputs=("x", "y"))},
        constraints={
            "equation": Constraint(equation, on=domain),
            "conductivity": Constraint(lambda a, k: a - k, on=domain, weight=1e-3),
            "known": Constraint(lambda k, x, y: k - 2 - s(x, y), on=sides),
            "data": Constraint(lambda u, seen: u - seen, on=seen),
        },
        reference=Analytic(lambda x, y, t: {"u": torch.exp(-t) * s(x, y), "a": 2 + s(x, y) + 0 * t}),
        name="pinnacle_heat_inverse",
    )
