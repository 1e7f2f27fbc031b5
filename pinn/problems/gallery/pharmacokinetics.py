"""A drug that leaves the blood for the tissue within minutes and the body within days: two compartments, stiff.

    c' = −(k₁₂ + k₁₀) c + k₂₁ p,  p' = k₁₂ c − k₂₁ p,  c(0) = 10 mg/L, p(0) = 0, 0 ≤ t ≤ 24 h

c and p are the amounts in the central and the peripheral compartment over the volume of the central one. The two rates
of decay are 24 and 0.05 per hour.

Source: Gibaldi, Perrier, Pharmacokinetics, 2nd ed. (1982), ch. 2.
"""

from __future__ import annotations

import math

import torch

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import Analytic

TO_TISSUE, BACK, OUT, DOSE = 20.0, 4.0, 0.3, 10.0
"""k₁₂, k₂₁, k₁₀, 1/h, and c(0), mg/L."""


def pharmacokinetics() -> Problem:
    """An injection of 10 mg/L; hours.

    Example:
        >>> round(float(pharmacokinetics().reference(t=0.0)["c"]), 12)
        10.0
    """
    domain = Box(t=(0, 24))

    def equation(c, p, t):
        return d(c, t) + (TO_TISSUE + OUT) * c - BACK * p, d(p, t) - TO_TISSUE * c + BACK * p

    return Problem(
        domain,
        outputs=["c", "p"],
        constraints={
            "equation": Constraint(equation, on=domain),
            "injection": Constraint(lambda c, p: (c - DOSE, p), on=domain.face(t=0)),
        },
        reference=Analytic(exact),
        name="gallery_pharmacokinetics",
        labels={"t": "time / h", "c": "in the blood / mg/L", "p": "in the tissue / mg/L"},
    )


def exact(t):
    """Sums of two exponentials, whose rates are the roots of s² − (k₁₂ + k₂₁ + k₁₀) s + k₂₁ k₁₀."""
    total = TO_TISSUE + BACK + OUT
    fast = (total + math.sqrt(total**2 - 4 * BACK * OUT)) / 2
    slow = BACK * OUT / fast  # the product of the roots, without cancellation
    first, last = torch.exp(-fast * t), torch.exp(-slow * t)
    c = DOSE * ((fast - BACK) * first + (BACK - slow) * last) / (fast - slow)
    return {"c": c, "p": DOSE * TO_TISSUE * (last - first) / (fast - slow)}
