"""Prey and predators: a system whose solutions go round.

    r' = αr − βrp, p' = γrp − δp, r(0) = p(0) = 1;  γr − δ log r + βp − α log p is constant

Source: Lotka, J. Am. Chem. Soc. 42 (1920) 1595; Volterra, Nature 118 (1926) 558.
"""

from __future__ import annotations

from pinn.derivatives import d
from pinn.domains import Box
from pinn.problem import Constraint, Problem
from pinn.reference import lotka_volterra as certified_lotka_volterra
from pinn.validation import positive


def lotka_volterra(
    alpha: float = 1.5, beta: float = 1.0, gamma: float = 1.0, delta: float = 3.0, length: float = 5.0
) -> Problem:
    """Prey r and predators p from r = p = 1; dimensionless.

    Args:
        alpha: α, growth of the prey.
        beta: β, prey eaten by a predator.
        gamma: γ, predators born of a prey.
        delta: δ, death of the predators.
        length: end of the interval [0, length] of t.

    Raises:
        ValueError: for rates or a length that are not positive and finite.

    Example:
        >>> {name: float(value) for name, value in lotka_volterra().reference(t=0.0).items()}
        {'r': 1.0, 'p': 1.0}
    """
    positive("lotka_volterra", alpha=alpha, beta=beta, gamma=gamma, delta=delta, length=length)
    domain = Box(t=(0, length))

    def system(r, p, t):
        return d(r, t) - alpha * r + beta * r * p, d(p, t) - gamma * r * p + delta * p

    return Problem(
        domain,
        outputs=["r", "p"],
        constraints={
            "equation": Constraint(system, on=domain),
            "start": Constraint(lambda r, p: (r - 1, p - 1), on=domain.face(t=0)),
        },
        reference=certified_lotka_volterra(alpha, beta, gamma, delta, length=length),
        name="lotka_volterra",
    )
