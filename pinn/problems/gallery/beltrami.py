"""A decaying Beltrami flow in three dimensions and time: an exact solution of the Navier-Stokes equations.

    v_t + (v·∇) v + ∇p − Δv = 0, ∇·v = 0 on [−1, 1]³ × [0, 1], Re = 1; v at t = 0 and on all sides, p at a corner

Its vorticity is parallel to its velocity, so that inertia is a gradient, which the pressure balances.

Source: Ethier, Steinman, Int. J. Numer. Methods Fluids 19 (1994) 369, with a = d = 1; stated for a network by Jin, Cai,
Li, Karniadakis, J. Comput. Phys. 426 (2021) 109951, sec. 3.3.
"""

from __future__ import annotations

import torch

from pinn.domains import Box
from pinn.equations import navier_stokes
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic


def beltrami() -> Problem:
    """Velocity and pressure; dimensionless.

    Example:
        >>> round(float(beltrami().reference(x=0.0, y=0.0, z=0.0, t=0.0)["u"]), 12)
        -1.0
    """
    domain = Box(x=(-1, 1), y=(-1, 1), z=(-1, 1), t=(0, 1))
    sides = [domain.face(**{name: end}) for name in "xyz" for end in (-1, 1)]
    walls = sides[0] | sides[1] | sides[2] | sides[3] | sides[4] | sides[5]

    def given(u, v, w, x, y, z, t):
        true = exact(x, y, z, t)
        return u - true["u"], v - true["v"], w - true["w"]

    return Problem(
        domain,
        outputs=["u", "v", "w", "p"],
        constraints={
            "equation": Constraint(navier_stokes(("x", "y", "z"), density=1.0, viscosity=1.0), on=domain),
            "initial": Constraint(given, on=domain.face(t=0)),
            "walls": Constraint(given, on=walls),
            "pressure": Constraint(lambda p, t: p - exact(-1.0, -1.0, -1.0, t)["p"], on=domain.face(x=-1, y=-1, z=-1)),
        },
        reference=Analytic(exact),
        name="gallery_beltrami",
    )


def exact(x, y, z, t):
    """Velocity and pressure of Ethier and Steinman's eqs. (9) and (10)."""
    x, y, z = (torch.as_tensor(one, dtype=torch.float64) if isinstance(one, float) else one for one in (x, y, z))
    (ex, ey, ez), decay = (torch.exp(one) for one in (x, y, z)), torch.exp(-t)
    u = -(ex * torch.sin(y + z) + ez * torch.cos(x + y)) * decay
    v = -(ey * torch.sin(z + x) + ex * torch.cos(y + z)) * decay
    w = -(ez * torch.sin(x + y) + ey * torch.cos(z + x)) * decay
    mixed = (
        torch.sin(x + y) * torch.cos(z + x) * ey * ez
        + torch.sin(y + z) * torch.cos(x + y) * ez * ex
        + torch.sin(z + x) * torch.cos(y + z) * ex * ey
    )
    return {"u": u, "v": v, "w": w, "p": -0.5 * (ex**2 + ey**2 + ez**2 + 2 * mixed) * decay**2}
