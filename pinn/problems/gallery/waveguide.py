"""The modes of a rectangular waveguide, WR-90 of the X band: the frequencies below which they do not travel.

    Δh + k² h = 0 on [0, a] × [0, b], ∂h/∂n = 0 on its walls, ∫h² = 1;  a = 22.86 mm, b = 10.16 mm

h is the field H_z of transverse electric modes; k² = (2π f/c)² are the eigenvalues, (mπ/a)² + (nπ/b)² with m, n not
both zero. Lengths are in millimetres.

Source: Pozar, Microwave Engineering, 4th ed. (2012), sec. 3.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pinn.derivatives import d, laplacian
from pinn.domains import Box
from pinn.problem import Constraint, Problem

if TYPE_CHECKING:
    from pinn.eigenvalues import Eigenpair

WIDTH, HEIGHT = 22.86, 10.16
GIGAHERTZ = 299.792458 / (2 * math.pi)
"""f in GHz of k in 1/mm."""


def waveguide() -> Problem:
    """The eigenvalue is the coefficient `k2`, 1/mm².

    Example:
        >>> round(GIGAHERTZ * math.sqrt(exact(1)[0]), 3)
        6.557
    """
    section = Box(x=(0, WIDTH), y=(0, HEIGHT))
    return Problem(
        section,
        outputs=["h"],
        coefficients={"k2": 1.0},
        constraints={
            "equation": Constraint(lambda h, x, y, k2: laplacian(h, x, y) + k2 * h, on=section),
            "walls": Constraint(lambda h, x, y, nx, ny: d(h, x) * nx + d(h, y) * ny, on=section.boundary()),
        },
        name="gallery_waveguide",
        labels={"x": "x / mm", "y": "y / mm"},
    )


def exact(n: int) -> list[float]:
    """The n least eigenvalues above zero, 1/mm²."""
    some = [(i * math.pi / WIDTH) ** 2 + (j * math.pi / HEIGHT) ** 2 for i in range(n + 1) for j in range(n + 1)]
    return sorted(some)[1 : n + 1]


def cutoffs(pairs: Sequence[Eigenpair]) -> dict[str, tuple[float, float]]:
    """Frequency in GHz and the true one, by mode; the constant, k = 0, is no mode."""
    found = [pair.value for pair in pairs][1:]
    return {
        f"cutoff {k}, GHz": (GIGAHERTZ * math.sqrt(value), GIGAHERTZ * math.sqrt(true))
        for k, (value, true) in enumerate(zip(found, exact(len(found)), strict=True), start=1)
    }
