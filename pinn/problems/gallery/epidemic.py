"""An epidemic from its daily reports: the rates of infection and recovery of SIR, from noisy numbers.

    s' = −β s i,  i' = β s i − γ i,  r = 1 − s − i;  s(0) = 0.99, i(0) = 0.01, 0 ≤ t ≤ 60 days
    i seen once a day with noise of 0.005;  β = 0.35 /day, γ = 0.1 /day, both unknown

Shares of the population. Observations are the solution by Runge-Kutta steps with normal noise of a seed.

Source: Kermack, McKendrick, Proc. R. Soc. A 115 (1927) 700.
"""

from __future__ import annotations

import numpy as np

from pinn.derivatives import d
from pinn.domains import Box, Scatter
from pinn.problem import Constraint, Problem, Unknown
from pinn.reference import ordinary

BETA, GAMMA, NOISE, DAYS = 0.35, 0.1, 0.005, 60


def epidemic(seed: int = 0) -> Problem:
    """SIR with β and γ unknown; days.

    Args:
        seed: of the noise.

    Example:
        >>> epidemic().constraints["reports"].on
        Scatter(61 points in ['t'], values ['seen'])
    """
    domain = Box(t=(0, DAYS))
    days = np.linspace(0, DAYS, DAYS + 1)
    reference = ordinary(
        lambda t, y: (-BETA * y[0] * y[1], BETA * y[0] * y[1] - GAMMA * y[1]),
        [0.99, 0.01],
        ["s", "i"],
        length=DAYS,
        pieces=DAYS // 2,
    )
    seen = reference(t=days)["i"] + NOISE * np.random.default_rng(seed).standard_normal(len(days))

    def equation(s, i, t, beta, gamma):
        return d(s, t) + beta * s * i, d(i, t) - beta * s * i + gamma * i

    reports = Scatter(coordinates={"t": days}, values={"seen": seen}, sigma=NOISE)
    return Problem(
        domain,
        outputs=["s", "i"],
        coefficients={"beta": Unknown(0.2, positive=True), "gamma": Unknown(0.2, positive=True)},
        constraints={
            "equation": Constraint(equation, on=domain),
            "start": Constraint(lambda s, i: (s - 0.99, i - 0.01), on=domain.face(t=0)),
            "reports": Constraint(lambda i, seen: i - seen, on=reports),
        },
        reference=reference,
        exact_coefficients={"beta": BETA, "gamma": GAMMA},
        name="gallery_epidemic",
        labels={"t": "time / day", "s": "susceptible", "i": "infected"},
    )
