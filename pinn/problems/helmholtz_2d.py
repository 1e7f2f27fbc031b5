"""The Helmholtz equation with a manufactured solution of two wave numbers.

    Δu + k²u = (k² − (a₁² + a₂²) π²) sin a₁πx sin a₂πy on [−1, 1]², u = 0 around it;  u = sin a₁πx sin a₂πy

Unique unless k² is an eigenvalue (m² + n²) π²/4 of −Δ on the square, m, n = 1, 2, ...
Source: Wang, Teng, Perdikaris, SIAM J. Sci. Comput. 43 (2021) A3055, eqs. (3.1)-(3.3), with (a₁, a₂) = (1, 4), k = 1.
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import laplacian
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic
from pinn.validation import not_negative, whole


def helmholtz_2d(a1: float = 1.0, a2: float = 4.0, k: float = 1.0) -> Problem:
    """The Helmholtz problem of wave number k whose solution has the wave numbers a₁π and a₂π.

    Args:
        a1: half waves in x = 1, a whole number, so that u = 0 on the boundary; dimensionless.
        a2: the same in y.
        k: wave number of the equation, dimensionless; 0 for Poisson's.

    Raises:
        ValueError: for a₁ or a₂ that are not 1, 2, ..., for k that is negative or not finite, and for k² that is an
            eigenvalue.

    Example:
        >>> round(float(helmholtz_2d(1, 1, k=2).reference(x=0.5, y=0.5)), 12)
        1.0
    """
    whole("helmholtz_2d", 1, a1=a1, a2=a2)
    not_negative("helmholtz_2d", k=k)
    if _is_eigenvalue(k**2):
        raise ValueError(
            f"helmholtz_2d: got k={k!r}, whose square is an eigenvalue, expected one that leaves the solution unique; "
            "give another k"
        )
    domain = Box(x=(-1, 1), y=(-1, 1))

    def wave(x, y):
        return torch.sin(a1 * math.pi * x) * torch.sin(a2 * math.pi * y)

    def helmholtz(u, x, y):
        return laplacian(u, x, y) + k**2 * u - (k**2 - (a1**2 + a2**2) * math.pi**2) * wave(x, y)

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(helmholtz, on=domain),
            "walls": Constraint(lambda u: u, on=domain.boundary()),
        },
        reference=Analytic(wave),
        name="helmholtz_2d",
    )


def _is_eigenvalue(square: float) -> bool:
    """Whether k² is (m² + n²) π²/4 up to rounding."""
    sum_of_squares = round(square / (math.pi / 2) ** 2)
    if not math.isclose(square, sum_of_squares * (math.pi / 2) ** 2, rel_tol=1e-12):
        return False
    rests = (sum_of_squares - m**2 for m in range(1, math.isqrt(sum_of_squares) + 1))
    return any(rest > 0 and math.isqrt(rest) ** 2 == rest for rest in rests)
