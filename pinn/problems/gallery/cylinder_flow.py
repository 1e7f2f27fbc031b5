"""Steady flow around a cylinder in a channel: the benchmark 2D-1 of the DFG, Re 20, by its drag and lift.

    (v·∇) v + ∇p − ν Δv = 0, ∇·v = 0 on [0, 2.2] × [0, 0.41] less a disc of radius 0.05 about (0.2, 0.2),
    v = (4 · 0.3 y (0.41 − y)/0.41², 0) at the inlet, 0 on walls and cylinder, ν ∂v/∂n = p n at the outlet; ν = 0.001

Lengths in m, density 1; coefficients are forces over ½ · 0.2² · 0.1.

Source: Schäfer, Turek, Notes Numer. Fluid Mech. 52 (1996) 547; the values: Nabh, thesis, Heidelberg (1998), by spectral
elements, as in John, Matthies, Int. J. Numer. Methods Fluids 37 (2001) 885.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pinn.derivatives import d
from pinn.domains import Box, Disc
from pinn.equations import navier_stokes
from pinn.problem import Constraint, Problem

LENGTH, HEIGHT, CENTER, RADIUS, FASTEST, VISCOSITY = 2.2, 0.41, 0.2, 0.05, 0.3, 1e-3
DRAG, LIFT, DIFFERENCE = 5.57953523384, 0.010618948146, 0.11752016697


def cylinder_flow() -> Problem:
    """Velocity and pressure; SI units.

    Example:
        >>> cylinder_flow().outputs
        ('u', 'v', 'p')
    """
    box, cylinder = Box(x=(0, LENGTH), y=(0, HEIGHT)), Disc(x=CENTER, y=CENTER, radius=RADIUS)
    channel = box - cylinder
    still = channel.part(box.face(y=0)) | channel.part(box.face(y=HEIGHT)) | channel.part(cylinder)

    def inlet(u, v, y):
        return u - 4 * FASTEST * y * (HEIGHT - y) / HEIGHT**2, v

    return Problem(
        channel,
        outputs=["u", "v", "p"],
        constraints={
            "flow": Constraint(navier_stokes(("x", "y"), time=None, density=1.0, viscosity=VISCOSITY), on=channel),
            "inlet": Constraint(inlet, on=channel.part(box.face(x=0))),
            "still": Constraint(lambda u, v: (u, v), on=still),
            "outlet": Constraint(
                lambda u, v, p, x: (VISCOSITY * d(u, x) - p, VISCOSITY * d(v, x)),
                on=channel.part(box.face(x=LENGTH)),
            ),
        },
        name="gallery_cylinder_flow",
        labels={"x": "x / m", "y": "y / m"},
    )


def forces(solution: Any, points: int = 400) -> dict[str, tuple[float, float]]:
    """Drag and lift by the stress around the cylinder, and the difference of pressure before and behind it; with truth.

    Args:
        solution: of the problem.
        points: of the trapezoidal rule around the cylinder, which converges as fast as any power.
    """
    angle = 2 * math.pi * np.arange(points) / points
    nx, ny = np.cos(angle), np.sin(angle)
    at = {"x": CENTER + RADIUS * nx, "y": CENTER + RADIUS * ny}
    ux, uy, vx, vy = (solution.derivative(name, by)(**at) for name in "uv" for by in "xy")
    p = solution.field("p", **at)
    along = -p * nx + VISCOSITY * (2 * ux * nx + (uy + vx) * ny)
    across = -p * ny + VISCOSITY * ((uy + vx) * nx + 2 * vy * ny)
    size = 2 * math.pi * RADIUS / (0.5 * (2 / 3 * FASTEST) ** 2 * 2 * RADIUS)
    before, behind = solution.field("p", x=np.array([CENTER - RADIUS, CENTER + RADIUS]), y=np.full(2, CENTER))
    return {
        "drag": (float(size * along.mean()), DRAG),
        "lift": (float(size * across.mean()), LIFT),
        "pressure difference": (float(before - behind), DIFFERENCE),
    }
