"""Unknown coefficients of a reaction with diffusion, and of Lorenz' system.

Reaction:  ∂tA = 10⁻³ D A_xx − k A B², ∂tB = 10⁻³ D B_xx − 2 k A B² on [0, 1] × [0, 10], A = B = e^{−20x} at t = 0,
    A = B = 1 at x = 0 and 0 at x = 1; D = 2, k = 0.1 unknown.
Lorenz:  y₁' = σ(y₂ − y₁), y₂' = y₁(ρ − y₃) − y₂, y₃' = y₁y₂ − βy₃; (σ, ρ, β) = (10, 15, 8/3) unknown.

Source of both: Lu, Meng, Mao, Karniadakis, SIAM Rev. 63 (2021) 208, sections 4.4 and 4.5.
"""

from __future__ import annotations

import numpy as np
import torch

from pinn.derivatives import d
from pinn.domains import Box, Scatter
from pinn.problem import Constraint, Problem, Unknown
from pinn.reference import lorenz as certified_lorenz
from pinn.reference import reaction_diffusion as certified_reaction


def reaction_inverse(
    diffusion: float = 2.0, rate: float = 0.1, initial: tuple[float, float] = (1.0, 0.05), observations: int = 40
) -> Problem:
    """Find D and k from concentrations observed inside the domain.

    Args:
        diffusion: true D (the equation has 10⁻³ D), dimensionless.
        rate: true k, dimensionless.
        initial: first guesses of D and k.
        observations: points of A and B on each axis of a grid of `observations` by `observations` / 4 in x and t.
    """
    domain = Box(x=(0, 1), t=(0, 10))
    reference = certified_reaction(diffusion=diffusion, rate=rate)

    def reaction(A, B, x, t, D, k):
        burnt = k * A * B**2
        return d(A, t) - 1e-3 * D * d(A, x, x) + burnt, d(B, t) - 1e-3 * D * d(B, x, x) + 2 * burnt

    def initially(A, B, x):
        return A - torch.exp(-20 * x), B - torch.exp(-20 * x)

    x, t = np.meshgrid(np.linspace(0, 1, observations), np.linspace(0, 10, max(2, observations // 4)))
    true = reference(x=x.ravel(), t=t.ravel())
    data = Scatter(coordinates={"x": x.ravel(), "t": t.ravel()}, values={"A_seen": true["A"], "B_seen": true["B"]})
    return Problem(
        domain,
        outputs=["A", "B"],
        coefficients={"D": Unknown(initial[0], positive=True), "k": Unknown(initial[1], positive=True)},
        constraints={
            "equation": Constraint(reaction, on=domain),
            "initial": Constraint(initially, on=domain.face(t=0)),
            "left": Constraint(lambda A, B: (A - 1, B - 1), on=domain.face(x=0)),
            "right": Constraint(lambda A, B: (A, B), on=domain.face(x=1)),
            "data": Constraint(lambda A, B, A_seen, B_seen: (A - A_seen, B - B_seen), on=data),
        },
        reference=reference,
        exact_coefficients={"D": diffusion, "k": rate},
        name="reaction_inverse",
    )


def lorenz_inverse(
    sigma: float = 10.0,
    rho: float = 15.0,
    beta: float = 8 / 3,
    initial: tuple[float, float, float] = (1.0, 1.0, 1.0),
    observations: int = 25,
    length: float = 3.0,
) -> Problem:
    """Find σ, ρ and β of Lorenz' system from `observations` of all three components; dimensionless."""
    domain = Box(t=(0, length))
    reference = certified_lorenz(sigma, rho, beta, length=length)

    def lorenz(y1, y2, y3, t, sigma, rho, beta):
        return (
            d(y1, t) - sigma * (y2 - y1),
            d(y2, t) - y1 * (rho - y3) + y2,
            d(y3, t) - y1 * y2 + beta * y3,
        )

    t = np.linspace(0, length, observations)
    true = reference(t=t)
    data = Scatter(coordinates={"t": t}, values={f"{name}_seen": true[name] for name in ("y1", "y2", "y3")})

    def observed(y1, y2, y3, y1_seen, y2_seen, y3_seen):
        return y1 - y1_seen, y2 - y2_seen, y3 - y3_seen

    return Problem(
        domain,
        outputs=["y1", "y2", "y3"],
        coefficients={
            "sigma": Unknown(initial[0], positive=True),
            "rho": Unknown(initial[1], positive=True),
            "beta": Unknown(initial[2], positive=True),
        },
        constraints={
            "equation": Constraint(lorenz, on=domain),
            "start": Constraint(lambda y1, y2, y3: (y1 + 8, y2 - 7, y3 - 27), on=domain.face(t=0)),
            "data": Constraint(observed, on=data),
        },
        reference=reference,
        exact_coefficients={"sigma": sigma, "rho": rho, "beta": beta},
        name="lorenz_inverse",
    )
