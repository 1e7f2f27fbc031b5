"""Sound of 1 kHz scattered by a hard cylinder of 10 cm in air.

    Δp + k² p = 0 between r = a and r = R, ∂p/∂r = −∂p₀/∂r on the cylinder, p₀ = e^{ikx},
    ∂p/∂r = (i k − 1/(2R)) p at r = R = 3a;  p = re + i im, over the pressure of the wave that comes in

The condition at R lets out waves that leave straight, and reflects some of the others; the reference is the solution of
this problem, with that reflection, as a series of Hankel functions of both kinds. Lengths are in metres.

Sources: Morse, Ingard, Theoretical Acoustics (1968), sec. 8.1; the condition: Bayliss, Turkel, Comm. Pure Appl. Math.
33 (1980) 707, of the first order in two dimensions.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from pinn.derivatives import d
from pinn.domains import Disc
from pinn.equations import helmholtz
from pinn.problem import Constraint, Problem
from pinn.reference import Reference

RADIUS, OUTER, WAVE_NUMBER = 0.1, 0.3, 2 * math.pi * 1000 / 343
TERMS = 40


def scattering() -> Problem:
    """The scattered wave; e^{−iωt} is understood.

    Example:
        >>> scattering().outputs
        ('re', 'im')
    """
    k = WAVE_NUMBER
    cylinder, around = Disc(x=0.0, y=0.0, radius=RADIUS), Disc(x=0.0, y=0.0, radius=OUTER)
    air = around - cylinder
    parts = {name: helmholtz(("x", "y"), output=name, wavenumber=k) for name in ("re", "im")}

    def hard(re, im, x, y, nx, ny):
        coming = k * nx  # ∂p₀/∂n = i k nₓ e^{ikx}
        return _out(re, x, y, nx, ny) - coming * torch.sin(k * x), _out(im, x, y, nx, ny) + coming * torch.cos(k * x)

    def leaves(re, im, x, y, nx, ny):
        return (
            _out(re, x, y, nx, ny) + k * im + re / (2 * OUTER),
            _out(im, x, y, nx, ny) - k * re + im / (2 * OUTER),
        )

    return Problem(
        air,
        outputs=["re", "im"],
        constraints={
            "real part": Constraint(parts["re"], on=air),
            "imaginary part": Constraint(parts["im"], on=air),
            "cylinder": Constraint(hard, on=air.part(cylinder)),
            "open": Constraint(leaves, on=air.part(around)),
        },
        reference=Reference.exact(exact, bounds=air.bounds, outputs=("re", "im")),
        name="gallery_scattering",
        labels={"x": "x / m", "y": "y / m"},
    )


def _out(p, x, y, nx, ny):
    return d(p, x) * nx + d(p, y) * ny


def exact(x, y):
    """The series Σ (αₙ Hₙ⁽¹⁾ + βₙ Hₙ⁽²⁾)(kr) cos nθ, whose coefficients are those of the two conditions."""
    from scipy.special import h1vp, h2vp, hankel1, hankel2, jvp

    r, angle, k = np.hypot(x, y), np.arctan2(y, x), WAVE_NUMBER
    found = np.zeros(np.shape(r), dtype=complex)
    for n in range(TERMS):
        lost = 1j * k - 1 / (2 * OUTER)
        rows = np.array(
            [
                [k * h1vp(n, k * RADIUS), k * h2vp(n, k * RADIUS)],
                [
                    kind(n, k * OUTER) * k - lost * whole(n, k * OUTER)
                    for kind, whole in ((h1vp, hankel1), (h2vp, hankel2))
                ],
            ]
        )
        comes = (1 if n == 0 else 2) * 1j**n * k * jvp(n, k * RADIUS)
        size = np.abs(rows).max(axis=0)
        a, b = np.linalg.solve(rows / size, [-comes, 0]) / size
        found += (a * hankel1(n, k * r) + b * hankel2(n, k * r)) * np.cos(n * angle)
    return {"re": found.real, "im": found.imag}
