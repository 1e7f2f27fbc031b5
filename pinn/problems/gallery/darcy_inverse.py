"""The permeability of the ground from the pressure in wells: Darcy flow with an unknown field.

    −∇·(K ∇p) = s on [0, 1]², p = 0 around, p seen in 20 × 20 wells with noise of a thousandth of its largest value;
    p = sin πx sin πy, K = exp(0.4 sin 2πx cos πy), unknown, and the source s that belongs to them

From the place where p is largest every line of flow leads outwards, so that K is determined without being known
anywhere.

Source: Tarantola, Inverse Problem Theory (2005), sec. 1; the equation: Bear, Dynamics of Fluids in Porous Media (1972).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from pinn.domains import Box, Scatter
from pinn.equations import darcy
from pinn.problem import Constraint, Problem, Unknown
from pinn.reference import Analytic

NOISE = 1e-3


def darcy_inverse(seed: int = 0) -> Problem:
    """Pressure and permeability; dimensionless.

    Args:
        seed: of the noise.

    Example:
        >>> darcy_inverse().constraints["wells"].on
        Scatter(400 points in ['x', 'y'], values ['seen'])
    """
    ground = Box(x=(0, 1), y=(0, 1))
    places = (torch.arange(20, dtype=torch.float64) + 0.5) / 20
    x, y = (one.reshape(-1) for one in torch.meshgrid(places, places, indexing="ij"))
    noise = torch.randn(400, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    seen = pressure(x, y) + NOISE * noise
    return Problem(
        ground,
        outputs=["p"],
        coefficients={"K": Unknown(0.5, positive=True, inputs=("x", "y"))},
        constraints={
            "flow": Constraint(darcy(("x", "y"), source=source), on=ground),
            "around": Constraint(lambda p: p, on=ground.boundary()),
            "wells": Constraint(lambda p, seen: p - seen, on=Scatter({"x": x, "y": y}, {"seen": seen}, sigma=NOISE)),
        },
        reference=Analytic(pressure),
        name="gallery_darcy_inverse",
    )


def pressure(x, y):
    """p, true."""
    return torch.sin(math.pi * x) * torch.sin(math.pi * y)


def permeability(x, y):
    """K, true."""
    return torch.exp(0.4 * torch.sin(2 * math.pi * x) * torch.cos(math.pi * y))


def source(x, y):
    """s = −K (∇ ln K · ∇p + Δp) of the true fields."""
    pi = math.pi
    along = 0.8 * pi * torch.cos(2 * pi * x) * torch.cos(pi * y) * pi * torch.cos(pi * x) * torch.sin(pi * y)
    across = -0.4 * pi * torch.sin(2 * pi * x) * torch.sin(pi * y) * pi * torch.sin(pi * x) * torch.cos(pi * y)
    return -permeability(x, y) * (along + across - 2 * pi**2 * pressure(x, y))


def permeabilities(solution: Any) -> dict[str, tuple[float, float]]:
    """K at nine places, found and true."""
    x, y = (one.reshape(-1) for one in np.meshgrid([0.2, 0.5, 0.8], [0.2, 0.5, 0.8], indexing="ij"))
    true = permeability(torch.from_numpy(x), torch.from_numpy(y)).tolist()
    found = solution.field("K", x=x, y=y).tolist()
    places = [f"K({a:g}, {b:g})" for a, b in zip(x, y, strict=True)]
    return dict(zip(places, zip(found, true, strict=True), strict=True))
