"""Fresh points that partly follow residuals, with the weights that make up for it.

    density (1 − f) + f s / mean s,    s the size of a point's rows,    weight 1 / density

Of many candidates; conditions on boundaries have even points. Where a layer or a spike of the residual is that even
points miss, such points resolve it, and the sum of squares still estimates the same integral.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pinn.domains import Points
from pinn.objective import Equations, Objective
from pinn.sampling.uniform import sample_uniform

_CANDIDATES = 5  # of which one point is chosen


def of_the_domain(equations: Equations) -> list[str]:
    """Constraints that hold on the whole domain, one row a residual: their points may follow it."""
    problem = equations.problem
    return [
        name
        for name, constraint in problem.constraints.items()
        if constraint.on.dimension >= problem.domain.dimension and constraint.reduction.pointwise
    ]


def followed(
    equations: Sequence[Equations], size: int, part: float, generator: torch.Generator
) -> tuple[dict[str, Points], dict[str, Tensor]]:
    """Points of every constraint, and weights of those that follow.

    Args:
        equations: of the answers whose residuals are followed, all alike where there are several.
        size: points of each constraint on the domain itself.
        part: f, 0 to 1.
        generator: source of the points.
    """
    problem = equations[0].problem
    points = sample_uniform(problem, size, generator)
    weights: dict[str, Tensor] = {}
    for name in of_the_domain(equations[0]) if part else ():
        n = points[name].n
        many = problem.constraints[name].on.sample(_CANDIDATES * n, generator=generator)
        density = torch.full((many.n,), 1 - part, dtype=torch.float64)
        for one in equations:
            sizes = one.residual(name, many).double().cpu().square().sum(1).sqrt()
            sizes = torch.nan_to_num(sizes, nan=0.0, posinf=0.0)
            mean = float(sizes.mean())
            density += part / len(equations) * (sizes / mean if mean > 0 else torch.ones_like(sizes))
        chosen = torch.multinomial(density, n, generator=generator)
        points[name] = many.take(chosen)
        weights[name] = (1 / density[chosen]) / (1 / density[chosen]).mean()
    return points, weights


def followed_objective(
    equations: Equations, along: Sequence[Equations], size: int, part: float, generator: torch.Generator
) -> Objective:
    """The rows of `equations` on points that follow the residuals of `along`."""
    points, weights = followed(along, size, part, generator)
    return Objective(equations, points, point_weights=weights)


def residual_norms(equations: Sequence[Equations], size: int, part: float, generator: torch.Generator) -> list[float]:
    """Norms |r| of the rows of several answers to one problem on the same fresh points, which follow all of them.

    Args:
        equations: of the answers, all alike.
        size: points of each constraint on the domain itself.
        part: of them that follow, 0 to 1.
        generator: source of the points.
    """
    points, weights = followed(equations, size, part, generator)
    return [float(Objective(one, points, point_weights=weights).residual().norm()) for one in equations]
