"""Waves and transport: the vibrating string, advection, and the logistic reaction at every point.

String:  u_tt = a u_xx on [0, 1]², u(x, 0) = sin πx + ½ sin 4πx, u_t(x, 0) = 0, u = 0 at the ends;
    u = sin πx cos(√a πt) + ½ sin 4πx cos(4√a πt).      Wang, Yu, Perdikaris, J. Comput. Phys. 449 (2022) 110768.
Convection:  u_t + β u_x = 0, periodic on [0, 2π] × [0, 1], u(x, 0) = sin x; u = sin(x − βt).
Reaction:  u_t = ρ u (1 − u), periodic on [0, 2π] × [0, 1], u(x, 0) = h = exp(−½ ((x − π)/(π/4))²);
    u = h e^{ρt} / (h e^{ρt} + 1 − h).    Both: Krishnapriyan et al., Adv. Neural Inf. Process. Syst. 34 (2021).
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic


def wave_1d(a: float = 4.0) -> Problem:
    """The vibrating string with squared wave speed a; dimensionless."""
    domain = Box(x=(0, 1), t=(0, 1))
    start = domain.face(t=0)
    speed = math.sqrt(a)

    def shape(x):
        return torch.sin(math.pi * x) + 0.5 * torch.sin(4 * math.pi * x)

    def exact(x, t):
        slow = torch.sin(math.pi * x) * torch.cos(speed * math.pi * t)
        return slow + 0.5 * torch.sin(4 * math.pi * x) * torch.cos(4 * speed * math.pi * t)

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, x, t: d(u, t, t) - a * d(u, x, x), on=domain),
            "position": Constraint(lambda u, x: u - shape(x), on=start),
            "velocity": Constraint(lambda u, t: d(u, t), on=start),
            "ends": Constraint(lambda u: u, on=domain.face(x=0) | domain.face(x=1)),
        },
        reference=Analytic(exact),
        name="wave_1d",
    )


def convection(beta: float = 40.0) -> Problem:
    """Advection at speed β once around a circle and more; dimensionless."""
    domain = Box(x=(0, 2 * math.pi), t=(0, 1))
    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, x, t: d(u, t) + beta * d(u, x), on=domain),
            "initial": Constraint(lambda u, x: u - torch.sin(x), on=domain.face(t=0)),
        },
        periodic=["x"],
        reference=Analytic(lambda x, t: torch.sin(x - beta * t)),
        name="convection",
    )


def reaction(rho: float = 5.0) -> Problem:
    """Logistic growth at rate ρ from a bell-shaped start; dimensionless."""
    domain = Box(x=(0, 2 * math.pi), t=(0, 1))
    width = math.pi / 4

    def exact(x, t):
        h = torch.exp(-0.5 * ((x - math.pi) / width) ** 2)
        grown = h * torch.exp(rho * t)
        return grown / (grown + 1 - h)

    return Problem(
        domain,
        outputs=["u"],
        constraints={
            "equation": Constraint(lambda u, t: d(u, t) - rho * u * (1 - u), on=domain),
            "initial": Constraint(lambda u, x: u - torch.exp(-0.5 * ((x - math.pi) / width) ** 2), on=domain.face(t=0)),
        },
        periodic=["x"],
        kinks=["x"],  # h' jumps by 3.4e-3 where the ends meet, and the equation never smooths it
        reference=Analytic(exact),
        name="reaction",
    )
