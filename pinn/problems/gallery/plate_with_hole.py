"""A steel plate with a round hole under tension, of which a quarter is computed, in SI units.

    ∇·σ(u) = 0, plane stress;  sides of symmetry slide, the hole is free, the outer sides bear the exact traction
    hole of radius a = 10 mm, quarter of 50 mm by 50 mm, 100 MPa far away along x, E = 210 GPa, ν = 0.3

The stress beside the hole is three times that far away.

Source: Kirsch, Z. VDI 42 (1898) 797; Timoshenko, Goodier, Theory of Elasticity, 3rd ed. (1970), sec. 35; displacements
with κ = (3 − ν)/(1 + ν): Szabó, Babuška, Finite Element Analysis (1991), sec. 10.
"""

from __future__ import annotations

from typing import Any

import torch

from pinn.domains import Box, Disc
from pinn.equations import elasticity, plane_stress, traction
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic

RADIUS, SIDE, FAR, YOUNG, POISSON = 0.01, 0.05, 1e8, 210e9, 0.3


def plate_with_hole() -> Problem:
    """Displacements u and v in m over x and y in m.

    Example:
        >>> 0 < float(plate_with_hole().reference(x=0.01, y=0.0)["u"]) < 1e-4
        True
    """
    square, hole = Box(x=(0, SIDE), y=(0, SIDE)), Disc(x=0.0, y=0.0, radius=RADIUS)
    plate = square - hole
    law: dict[str, Any] = {"law": plane_stress, "young": YOUNG, "poisson": POISSON}
    left, below = plate.part(square.face(x=0)), plate.part(square.face(y=0))

    def pulled(x, y, nx, ny, axis):
        xx, yy, xy = stress(x, y)
        return xx * nx + xy * ny if axis == 0 else xy * nx + yy * ny

    loads = (lambda x, y, nx, ny: pulled(x, y, nx, ny, 0), lambda x, y, nx, ny: pulled(x, y, nx, ny, 1))
    outer = plate.part(square.face(x=SIDE)) | plate.part(square.face(y=SIDE))
    return Problem(
        plate,
        outputs=["u", "v"],
        constraints={
            "balance": Constraint(elasticity(("x", "y"), **law), on=plate),
            "hole": Constraint(traction(("x", "y"), **law), on=plate.part(hole)),
            "left": Constraint(lambda u: u, on=left),
            "left slides": Constraint(traction(("x", "y"), load=(None, 0.0), **law), on=left),
            "below": Constraint(lambda v: v, on=below),
            "below slides": Constraint(traction(("x", "y"), load=(0.0, None), **law), on=below),
            "outer": Constraint(traction(("x", "y"), load=loads, **law), on=outer),
        },
        reference=Analytic(exact),
        name="gallery_plate_with_hole",
        labels={"x": "x / m", "y": "y / m", "u": "displacement u / m", "v": "displacement v / m"},
    )


def exact(x, y):
    """Displacements of the plate without end."""
    r2 = x**2 + y**2
    cos, sin = x / torch.sqrt(r2), y / torch.sqrt(r2)
    cos3, sin3 = 4 * cos**3 - 3 * cos, 3 * sin - 4 * sin**3
    r, k = torch.sqrt(r2) / RADIUS, (3 - POISSON) / (1 + POISSON)
    size = FAR * RADIUS / (4 * YOUNG / (1 + POISSON))
    return {
        "u": size * (r * (k + 1) * cos + 2 / r * ((1 + k) * cos + cos3) - 2 / r**3 * cos3),
        "v": size * (r * (k - 3) * sin + 2 / r * ((1 - k) * sin + sin3) - 2 / r**3 * sin3),
    }


def stress(x, y):
    """σ_xx, σ_yy and σ_xy of the plate without end, Pa."""
    r2 = (x**2 + y**2) / RADIUS**2
    cos2, sin2 = (x**2 - y**2) / (x**2 + y**2), 2 * x * y / (x**2 + y**2)
    cos4, sin4 = cos2**2 - sin2**2, 2 * sin2 * cos2
    return (
        FAR * (1 - (1.5 * cos2 + cos4) / r2 + 1.5 * cos4 / r2**2),
        FAR * (-(0.5 * cos2 - cos4) / r2 - 1.5 * cos4 / r2**2),
        FAR * (-(0.5 * sin2 + sin4) / r2 + 1.5 * sin4 / r2**2),
    )


def concentration(solution: Any) -> dict[str, tuple[float, float]]:
    """The stress at the top of the hole over that far away, found and true."""
    along, across = (float(solution.derivative(*one)(x=0.0, y=RADIUS)) for one in (("u", "x"), ("v", "y")))
    return {"stress concentration": (YOUNG * (along + POISSON * across) / (1 - POISSON**2) / FAR, 3.0)}
