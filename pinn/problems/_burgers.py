"""Burgers' equation and its conditions, which its forward and inverse problems share.

u_t + u u_x = ν u_xx, u(x, 0) = −sin πx, u(±1, t) = 0
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint


def equation(u, x, t, nu):
    """u_t + u u_x − ν u_xx."""
    return d(u, t) + u * d(u, x) - nu * d(u, x, x)


def started(domain: Box) -> dict[str, Constraint]:
    """The equation in the domain, and the sine at its beginning."""
    return {
        "equation": Constraint(equation, on=domain),
        "initial": Constraint(lambda u, x: u + torch.sin(math.pi * x), on=domain.face(t=0)),
    }


def between_walls(domain: Box) -> dict[str, Constraint]:
    """These, and u = 0 at both ends."""
    walls = Constraint(lambda u: u, on=domain.face(x=-1) | domain.face(x=1))
    return {**started(domain), "walls": walls}
