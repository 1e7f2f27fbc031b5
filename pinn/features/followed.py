"""Fresh points that partly follow residuals, with the weights that make up for it.

    density (1 − f) + f s / mean s,    s the size of a point's rows,    weight 1 / density

Of many candidates; conditions on boundaries have even points. Where a layer or a spike of the residual is that even
points miss, such points resolve it, and the sum of squares still estimates the same integral.

Where answers are compared, the largest two in a hundred rows of each constraint count as if they were no larger than
the others. At a corner where conditions disagree no answer satisfies the equation, and a handful of rows there would
decide alone: ten of 5000 hold 93 % of |r|² in the cavity, and the first two in a hundred 99.99 % of it where two
species react and diffuse from a start that the wall contradicts (`reaction_inverse`, 50 steps). There a correction by
800 neurons takes the error of the unknowns from 7e-5 to 1e-8. Over four sets of points all rows have it leave 0.19 to
1.1 of the residual, so that it is thrown away half of the time; without the largest it leaves 0.001 on all four.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from pinn.domains import Points
from pinn.objective import Equations, Objective
from pinn.sampling.uniform import sample_uniform

_CANDIDATES = 5  # of which one point is chosen
_OUTLIERS = 0.02  # of the rows of a constraint, which count as if no larger than the others


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


def residual_norms(
    equations: Sequence[Equations], size: int, part: float, generator: torch.Generator, *, every: bool = False
) -> list[float]:
    """Norms |r| of the rows of several answers to one problem on the same fresh points, which follow all of them.

    The largest rows of each count as if of the size of its others; see the module.

    Args:
        equations: of the answers, all alike.
        size: points of each constraint on the domain itself.
        part: of them that follow, 0 to 1.
        generator: source of the points.
        every: whether the largest rows count in full.
    """
    points, weights = followed(equations, size, part, generator)
    norms = []
    for one in equations:
        objective = Objective(one, points, point_weights=weights)
        residual = objective.residual()
        norms.append(float((residual if every else outweighed(objective, residual) * residual).norm()))
    return norms


def outweighed(objective: Objective, residual: Tensor) -> Tensor:
    """Weights (N,) of rows: in each block of fifty and more, the largest count as if of the size of the others.

    Args:
        objective: what the rows are of.
        residual: r, (N,).
    """
    weights = torch.ones_like(residual)
    start = 0
    for block in objective.blocks:
        sizes = residual[start : start + block.rows].abs()
        most = sizes.kthvalue(max(1, math.ceil((1 - _OUTLIERS) * block.rows))).values
        if float(most) > 0:
            weights[start : start + block.rows] = most / sizes.clamp(min=float(most))
        start += block.rows
    return weights
