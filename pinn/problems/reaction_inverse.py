"""Two reacting species that diffuse, their diffusion and rate to be found from concentrations inside the domain.

    ∂tA = 10⁻³ D A_xx − k A B², ∂tB = 10⁻³ D B_xx − 2 k A B² on [0, 1] × [0, 10], A = B = e^{−20x} at t = 0,
    A = B = 1 at x = 0 and 0 at x = 1; D = 2, k = 0.1 unknown

Source: Lu, Meng, Mao, Karniadakis, SIAM Rev. 63 (2021) 208 (inverse problem for diffusion-reaction).
"""

from __future__ import annotations

import numpy as np
import torch

from pinn.derivatives import d
from pinn.domains import Box, Scatter
from pinn.problem import Constraint, Problem, Unknown
from pinn.reference import reaction_diffusion as certified_reaction
from pinn.validation import count, positive, positive_each


def reaction_inverse(
    diffusion: float = 2.0, rate: float = 0.1, initial: tuple[float, float] = (1.0, 0.05), observations: int = 40
) -> Problem:
    """Find D and k from concentrations observed inside the domain.

    Args:
        diffusion: true D (the equation has 10⁻³ D), dimensionless.
        rate: true k, dimensionless.
        initial: first guesses of D and k.
        observations: points of A and B on each axis of a grid of `observations` by `observations` / 4 in x and t; the
            walls are on the grid, so that three are the fewest that tell something.

    Raises:
        ValueError: for coefficients or first guesses that are not positive and finite, or fewer than three
            observations.

    Example:
        >>> reaction_inverse(observations=1)
        Traceback (most recent call last):
            ...
        ValueError: reaction_inverse: got observations=1, expected an integer of at least 3; give observations >= 3
    """
    positive("reaction_inverse", diffusion=diffusion, rate=rate)
    positive_each("reaction_inverse", 2, initial=initial)
    count("reaction_inverse", 3, observations=observations)
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
