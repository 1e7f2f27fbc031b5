"""Points of a constraint, spread over its pieces as the scaled box sees them."""

from __future__ import annotations

import torch

from pinn.domains import Points
from pinn.problem import Problem


def spread_points(problem: Problem, name: str, n: int, *, generator: torch.Generator, method: str = "sobol") -> Points:
    """Points spread evenly over the set of a constraint, lengths counted in the domain's extents.

    So the faces of a box share them alike whatever units its coordinates have. An integral is one in the problem's own
    units, and its points are spread by these.

    Args:
        problem: whose constraint it is.
        name: of the constraint.
        n: number of points.
        generator: the only source of randomness.
        method: "sobol", "halton", "latin" or "uniform".
    """
    constraint = problem.constraints[name]
    extents = {key: high - low for key, (low, high) in problem.domain.bounds.items()}
    return constraint.on.sample(
        n, generator=generator, method=method, extents=extents if constraint.reduction.pointwise else None
    )
