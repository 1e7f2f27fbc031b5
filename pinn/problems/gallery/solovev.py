"""The equilibrium of a plasma of ITER's shape: Grad-Shafranov with pressure and current that are linear in the flux.

    ψ_xx − ψ_x/x + ψ_yy = (1 − A) x² + A inside the plasma, ψ = 0 on its edge;  x = R/R₀, y = Z/R₀, ψ over a flux Ψ₀

The exact solution is a particular one and seven homogeneous ones, whose coefficients are those with which ψ = 0 passes
through the outer, the inner and the highest point of a D-shaped curve, with its slope and its curvatures there: of the
inverse aspect ratio ε = 0.32, the elongation κ = 1.7, the triangularity δ = 0.33 of ITER, with A = −0.155.

Source: Cerfon, Freidberg, Phys. Plasmas 17 (2010) 032502, eqs. (6)-(11).
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch

from pinn.derivatives import attach, d
from pinn.domains import LevelSet
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic

EPSILON, KAPPA, DELTA, A = 0.32, 1.7, 0.33, -0.155


def solovev() -> Problem:
    """Fixed edge; dimensionless.

    Example:
        >>> abs(float(solovev().reference(x=1.32, y=0.0))) < 1e-12
        True
    """
    plasma = LevelSet(flux, x=(1 - 1.1 * EPSILON, 1 + 1.1 * EPSILON), y=(-1.1 * KAPPA * EPSILON, 1.1 * KAPPA * EPSILON))

    def equation(psi, x, y):
        return d(psi, x, x) - d(psi, x) / x + d(psi, y, y) - (1 - A) * x**2 - A

    return Problem(
        plasma,
        outputs=["psi"],
        constraints={
            "equation": Constraint(equation, on=plasma),
            "edge": Constraint(lambda psi: psi, on=plasma.boundary()),
        },
        reference=Analytic(flux, "Cerfon, Freidberg, Phys. Plasmas 17 (2010) 032502"),
        name="gallery_solovev",
    )


def flux(x, y):
    """ψ, exact, of torch fields."""
    particular, *others = functions(x, y)
    return particular + sum(float(c) * one for c, one in zip(coefficients(), others, strict=True))


def functions(x, y):
    """The particular solution and the seven homogeneous ones, even in y: eqs. (7) and (8)."""
    log = torch.log(x)
    return (
        attach(x**4 / 8 + A * (x**2 * log / 2 - x**4 / 8), y),
        attach(1.0, x, y),
        attach(x**2, y),
        y**2 - x**2 * log,
        x**4 - 4 * x**2 * y**2,
        2 * y**4 - 9 * y**2 * x**2 + 3 * x**4 * log - 12 * x**2 * y**2 * log,
        x**6 - 12 * x**4 * y**2 + 8 * x**2 * y**4,
        8 * y**6
        - 140 * y**4 * x**2
        + 75 * y**2 * x**4
        - 15 * x**6 * log
        + 180 * x**4 * y**2 * log
        - 120 * x**2 * y**4 * log,
    )


@cache
def coefficients() -> np.ndarray:
    """Those of the homogeneous solutions (7,), from three points of the edge, its slope and curvatures: eq. (10)."""
    turn = math.asin(DELTA)
    outer = -((1 + turn) ** 2) / (EPSILON * KAPPA**2)
    inner = (1 - turn) ** 2 / (EPSILON * KAPPA**2)
    top = -KAPPA / (EPSILON * math.cos(turn) ** 2)
    with torch.inference_mode(False), torch.enable_grad():
        points = torch.tensor(
            [[1 + EPSILON, 1 - EPSILON, 1 - DELTA * EPSILON], [0.0, 0.0, KAPPA * EPSILON]], dtype=torch.float64
        )
        x, y = (one.clone().requires_grad_() for one in points)
        rows = []
        for one in functions(x, y):
            along, up = d(one, x), d(one, y)
            xx, yy = d(one, x, x), d(one, y, y)
            bends = (yy[0] + outer * along[0], yy[1] + inner * along[1], xx[2] + top * up[2])
            rows.append(torch.stack([*one, along[2], *bends]).detach().numpy())
    return np.linalg.solve(np.stack(rows[1:], axis=1), -rows[0])
