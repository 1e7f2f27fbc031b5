"""Poisson's equation in a square of twenty-five areas, each with a conductivity of its own.

    −a Δu = f in each area of [−10, 10]², u and a ∂u/∂n continuous between them, a ∂u/∂n = −u on the outline

Source: Hao et al., PINNacle (arXiv:2306.08827), Poisson2d-MS. The suite's a and f lie in files that were not published,
and it asks for no flux to be continuous, so that its equation by points and its file are of different problems. Here a
is one of five numbers from 0.5 to 8, f is smooth, and what holds between areas is stated.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from pinn.derivatives import d, laplacian
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import fem
from pinn.regions import Interface, Region

AREAS = {f"r{i}{j}": Box(x=(4 * i - 10, 4 * i - 6), y=(4 * j - 10, 4 * j - 6)) for i in range(5) for j in range(5)}
CONDUCTIVITIES = {name: (0.5, 1.0, 2.0, 4.0, 8.0)[(2 * int(name[1]) + int(name[2])) % 5] for name in AREAS}


def poisson_areas() -> Problem:
    """Poisson2d-MS with a and f of our own; dimensionless. Its truth needs scikit-fem: `pip install "pinn[fem]"`.

    Raises:
        ImportError: when scikit-fem is not installed.

    Example:
        >>> len(poisson_areas().regions)
        25
    """
    square = Box(x=(-10, 10), y=(-10, 10))
    rows = torch.tensor([[CONDUCTIVITIES[f"r{i}{j}"] for j in range(5)] for i in range(5)], dtype=torch.float64)

    def a_of(x, y):
        i, j = (torch.clamp((torch.as_tensor(one) + 10) / 4, 0, 4.5).long() for one in (x, y))
        return rows[i, j]

    def f(x, y):
        return torch.sin(0.25 * math.pi * x) * torch.cos(0.1 * math.pi * y) + 0.1 * x

    def flux(u, x, y, a, nx, ny):
        return a * (d(u, x) * nx + d(u, y) * ny)

    pairs = [(n, f"r{int(n[1]) + i}{int(n[2]) + j}") for n in AREAS for i, j in ((1, 0), (0, 1))]
    between: dict[str, Any] = {f"{n} {m}": Interface(n, m, flux=flux) for n, m in pairs if m in AREAS}
    return Problem(
        square,
        outputs=["u"],
        regions={name: Region(box, a=CONDUCTIVITIES[name]) for name, box in AREAS.items()},
        constraints={
            "equation": Constraint(lambda u, x, y, a: a * laplacian(u, x, y) + f(x, y), on=square),
            "outline": Constraint(lambda u, x, y, a, nx, ny: flux(u, x, y, a, nx, ny) + u, on=square.boundary()),
            **between,
        },
        reference=fem(
            square,
            diffusion=a_of,
            source=f,
            fluxes={square.boundary(): (0.0, 1.0)},
            along=tuple(AREAS.values()),
            size=1.0,
        ),
        name="pinnacle_poisson_areas",
    )
