"""Ordinary differential equations: smoke tests of the whole way with exact or certified solutions.

Oscillator:  u'' + u = 0 on [0, 10], u(0) = 1, u'(0) = 0; u = cos t.
Resonance-free linear equation:  u'' − 10u' + 9u = 5t, u(0) = −1, u'(0) = 2 on [0, 0.25];
    u = 50/81 + 5t/9 − 2eᵗ + (31/81)e⁹ᵗ.
Lotka-Volterra:  r' = αr − βrp, p' = γrp − δp.
"""

from __future__ import annotations

import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic
from pinn.reference import lotka_volterra as certified_lotka_volterra


def oscillator(length: float = 10.0) -> Problem:
    """u'' + u = 0 on [0, length] from u = 1 at rest; dimensionless."""
    domain = Box(t=(0, length))
    start = domain.face(t=0)
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, t: d(u, t, t) + u, on=domain),
            "position": Constraint(lambda u: u - 1, on=start),
            "velocity": Constraint(lambda u, t: d(u, t), on=start),
        },
        reference=Analytic(lambda t: torch.cos(t)),
        name="oscillator",
    )


def linear_ode() -> Problem:
    """u'' − 10u' + 9u = 5t with u(0) = −1, u'(0) = 2 on [0, 0.25]; dimensionless."""
    domain = Box(t=(0, 0.25))
    start = domain.face(t=0)
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, t: d(u, t, t) - 10 * d(u, t) + 9 * u - 5 * t, on=domain),
            "position": Constraint(lambda u: u + 1, on=start),
            "velocity": Constraint(lambda u, t: d(u, t) - 2, on=start),
        },
        reference=Analytic(lambda t: 50 / 81 + 5 * t / 9 - 2 * torch.exp(t) + (31 / 81) * torch.exp(9 * t)),
        name="linear_ode",
    )


def lotka_volterra(
    alpha: float = 1.5, beta: float = 1.0, gamma: float = 1.0, delta: float = 3.0, length: float = 5.0
) -> Problem:
    """Prey r and predators p with rates α, β, γ, δ from r = p = 1 over [0, length]; dimensionless."""
    domain = Box(t=(0, length))

    def system(r, p, t):
        return d(r, t) - alpha * r + beta * r * p, d(p, t) - gamma * r * p + delta * p

    return Problem(
        domain,
        outputs=["r", "p"],
        constraints={
            "equation": Constraint(system, on=domain),
            "start": Constraint(lambda r, p: (r - 1, p - 1), on=domain.face(t=0)),
        },
        reference=certified_lotka_volterra(alpha, beta, gamma, delta, length=length),
        name="lotka_volterra",
    )
