"""Lithium in a particle of a battery's negative electrode while the battery is charged: the single-particle model.

    c_t = (D/r²) (r² c_r)_r,  D c_r = j at r = a,  c = c₀ at t = 0;  0 ≤ r ≤ a, half an hour of a charge at 1C

SI units: a = 5.86 µm, D = 3.3e-14 m²/s, c₀ = 5000 mol/m³, and j such that the particle, which holds 29583 mol/m³ at the
most, would be filled from empty in an hour. The flux begins at once, so that c_r jumps at the surface at t = 0, as no
smooth network does: what the same flux does to a half space is taken for granted, and the network adds the rest.

Source: Crank, The Mathematics of Diffusion, 2nd ed. (1975), eq. (6.45); the values: Chen et al., J. Electrochem. Soc.
167 (2020) 080534, table VII.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Reference

RADIUS, DIFFUSIVITY, START, MOST, TIME = 5.86e-6, 3.3e-14, 5000.0, 29583.0, 1800.0
FLUX = MOST * RADIUS / 3 / 3600
"""a, D, c₀, the most that it holds, the time, in SI units; j, mol/(m² s)."""
EARLY = 0.02  # D t/a² up to which what comes from the other side is below 1e-20


def particle() -> Problem:
    """Concentration in mol/m³ over the radius in m and the time in s.

    Example:
        >>> round(float(particle().reference(r=0.0, t=0.0)), 6)
        5000.0
    """
    domain = Box(r=(0, RADIUS), t=(0, TIME))

    def equation(c, r, t):
        return r * d(c, t) - DIFFUSIVITY * (r * d(c, r, r) + 2 * d(c, r))

    return Problem(
        domain,
        outputs=["c"],
        constraints={
            "diffusion": Constraint(equation, on=domain),
            "surface": Constraint(lambda c, r: DIFFUSIVITY * d(c, r) - FLUX, on=domain.face(r=RADIUS)),
            "start": Constraint(lambda c: c - START, on=domain.face(t=0)),
        },
        ansatz={"c": lambda c, r, t: c + into_half_space(r, t)},
        reference=Reference.exact(exact, bounds=domain.bounds, outputs=("c",)),
        name="gallery_particle",
        labels={"r": "radius / m", "t": "time / s", "c": "lithium / mol/m³"},
    )


def into_half_space(r, t):
    """2 (j/D) √(Dt) ierfc z with z = (a − r)/(2√(Dt)), of torch fields: Crank's eq. (3.32)."""
    spread = 2 * torch.sqrt(DIFFUSIVITY * torch.clamp(t, min=1e-280))
    z = (RADIUS - r) / spread
    return FLUX / DIFFUSIVITY * spread * (torch.exp(-z * z) / math.sqrt(math.pi) - z * torch.erfc(z))


def exact(r, t):
    """c: Crank's series of modes and, early, what a flux into a sphere does before it has crossed it."""
    from scipy.optimize import brentq
    from scipy.special import erfc

    r, s = np.maximum(r / RADIUS, 1e-6), DIFFUSIVITY * t / RADIUS**2
    modes = np.array([brentq(lambda a: a * np.cos(a) - np.sin(a), n * np.pi, (n + 0.5) * np.pi) for n in range(1, 40)])
    late = 3 * s + r**2 / 2 - 0.3
    for a in modes:
        late -= 2 / r * np.sin(a * r) / (a**2 * np.sin(a)) * np.exp(-(a**2) * np.maximum(s, EARLY))

    def front(x):
        root = np.sqrt(np.maximum(np.minimum(s, EARLY), 1e-30))
        z = x / (2 * root)
        return np.exp(root**2 - x) * erfc(z - root) - erfc(z)

    early = (front(1 - r) - front(1 + r)) / r
    return START + FLUX * RADIUS / DIFFUSIVITY * np.where(s < EARLY, early, late)
