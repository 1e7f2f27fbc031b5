"""Problems in the units they come in, where sizes differ by many decades; and one whose start is divided by twenty.

Each has a closed form or a series, so that what is lost to units can be told from what is lost to training.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.problems import heat_1d
from pinn.reference import Analytic, Reference


def plate(si: bool = True) -> Problem:
    """A square plate, 0.1 m, E = 210 GPa, ν = 0.3, bent in its plane by ±1 MPa at its right edge; plane stress.

    With y measured from the middle line, σ_xx = 2Sy/L: u = 2S xy/(EL), v = −S (x² + νy²)/(EL), in m.

    Args:
        si: in metres and pascals; otherwise in L and S, displacements in SL/E.
    """
    E, S, L = (210e9, 1e6, 0.1) if si else (1.0, 1.0, 1.0)
    ν = 0.3
    domain = Box(x=(0, L), y=(-L / 2, L / 2))

    def stresses(u, v, x, y):
        exx, eyy, shear = d(u, x), d(v, y), d(u, y) + d(v, x)
        plane = E / (1 - ν**2)
        return plane * (exx + ν * eyy), plane * (eyy + ν * exx), E / (2 * (1 + ν)) * shear

    def balance(u, v, x, y):
        xx, yy, xy = stresses(u, v, x, y)
        return d(xx, x) + d(xy, y), d(xy, x) + d(yy, y)

    def right(u, v, x, y):
        xx, _, xy = stresses(u, v, x, y)
        return xx - 2 * S * y / L, xy

    def free(u, v, x, y):
        _, yy, xy = stresses(u, v, x, y)
        return yy, xy

    def held(u, v, y):
        return u, v + S * ν * y**2 / (E * L)

    def exact(x, y):
        return {"u": 2 * S / (E * L) * x * y, "v": -S / (E * L) * (x**2 + ν * y**2)}

    return Problem(
        domain,
        outputs=["u", "v"],
        constraints={
            "balance": Constraint(balance, on=domain),
            "left": Constraint(held, on=domain.face(x=0)),
            "right": Constraint(right, on=domain.face(x=L)),
            "free": Constraint(free, on=domain.face(y=-L / 2) | domain.face(y=L / 2)),
        },
        reference=Analytic(exact),
        name="plate_si" if si else "plate_unit",
    )


def layered_conductor(si: bool = True) -> Problem:
    """Copper heated by a current, 1e5 W/m³, in a jacket of plastic, each 0.01 m thick, insulated inside, 300 K outside.

    The jacket is folded back onto the copper, so that both lie on 0 ≤ s ≤ l = 0.01 m and meet at s = l:
    400 T₁'' = −1e5, T₁'(0) = 0; 0.25 T₂'' = 0, T₂(0) = 300; T₁ = T₂ and 400 T₁' + 0.25 T₂' = 0 at l. Hence
    T₂ = 300 + 1e5 l s/0.25 and T₁ = T₂(l) + 1e5 (l² − s²)/800.

    Args:
        si: in metres and kelvin; otherwise s in l and the temperature above 300 K in the jacket's drop, 40 K.
    """
    copper, plastic, source, l, outside = (400.0, 0.25, 1e5, 0.01, 300.0) if si else (1600.0, 1.0, 1.0, 1.0, 0.0)
    domain = Box(s=(0, l))
    slope = source * l / plastic

    def exact(s):
        return {"T1": outside + slope * l + source * (l**2 - s**2) / (2 * copper), "T2": outside + slope * s}

    return Problem(
        domain,
        outputs=["T1", "T2"],
        constraints={
            "conduction": Constraint(
                lambda T1, T2, s: (copper * d(T1, s, s) + source, plastic * d(T2, s, s)), on=domain
            ),
            "ends": Constraint(lambda T1, T2, s: (copper * d(T1, s), T2 - outside), on=domain.face(s=0)),
            "meeting": Constraint(
                lambda T1, T2, s: (T1 - T2, copper * d(T1, s) + plastic * d(T2, s)), on=domain.face(s=l)
            ),
        },
        reference=Analytic(exact),
        name="conductor_si" if si else "conductor_unit",
    )


def heat_flux(si: bool = True) -> Problem:
    """A steel rod, 0.05 m, into which 1e5 (1 − e^{−t/10}) W/m² flow at x = 0 for 60 s; far end and start at 293 K.

    3.6e6 T_t = 45 T_xx, −45 T_x = flux. T − 293 = flux (L − x)/45 + Σ b_n cos κ_n x, κ_n = (n + ½)π/L; the flux's ramp
    drives every b_n.

    Args:
        si: in m, s and K; otherwise x in L, t in 60 s, and T − 293 in the drop 1e5 L/45.
    """
    if si:
        capacity, k, flux, L, end, ramp, base = 3.6e6, 45.0, 1e5, 0.05, 60.0, 10.0, 293.0
    else:
        capacity, k, flux, L, end, ramp, base = 1.0, 45.0 / 3.6e6 * 60 / 0.05**2, 0.3, 1.0, 1.0, 1 / 6, 0.0
        flux = k
    domain = Box(x=(0, L), t=(0, end))

    def exact(x, t):
        κ = (np.arange(400) + 0.5) * np.pi / L
        decay, c = k / capacity * κ**2, 2 / (L * κ**2)
        late = np.asarray(flux * (1 - np.exp(-t / ramp)) * (L - x) / k)
        for rate, part, wave in zip(decay, c, κ, strict=True):
            b = -flux * part / (k * ramp) * (np.exp(-t / ramp) - np.exp(-rate * t)) / (rate - 1 / ramp)
            late = late + b * np.cos(wave * x)
        return base + late

    def into(T, x, t):
        return k * d(T, x) + flux * (1 - torch.exp(-t / ramp))

    return Problem(
        domain,
        outputs=["T"],
        constraints={
            "heat": Constraint(lambda T, x, t: capacity * d(T, t) - k * d(T, x, x), on=domain),
            "flux": Constraint(into, on=domain.face(x=0)),
            "end": Constraint(lambda T: T - base, on=domain.face(x=L)),
            "start": Constraint(lambda T: T - base, on=domain.face(t=0)),
        },
        reference=Reference.exact(exact, {"x": (0.0, L), "t": (0.0, end)}, ("T",), description="cosine series"),
        name="flux_si" if si else "flux_unit",
    )


def start_divided(by: float = 20.0) -> Problem:
    """The heat equation of the suite with its start condition divided by a number, which asks the same.

    Args:
        by: the number.
    """
    problem = heat_1d()
    start = replace(problem.constraints["initial"], equation=lambda u, x: (u - torch.sin(math.pi * x)) / by)
    return replace(problem, constraints={**problem.constraints, "initial": start}, name=f"start_over_{by:g}")
