"""Whether what is singular about holes is harmonic.

About a hole a solution of Laplace's equation is a Laurent series. Solutions of other equations have every power of 1/r
with every wave around the hole: products of Chebyshev polynomials of 1/r and waves take the place of the series. Which
of both a problem wants is asked of its equations: log r and z^{−k} alone leave nothing of Laplace's and Poisson's.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from pinn.networks import Enriched
from pinn.networks.enriched import neurons
from pinn.objective import Equations
from pinn.spread import spread_points

_POINTS = 40
_VANISHES = 1e-6  # of what polynomials to the second degree leave


@torch.no_grad()
def harmonic_about_holes(equations: Equations, layers: Sequence[Enriched], generator: torch.Generator) -> bool:
    """Whether the equations are those of harmonic functions, up to what is given.

    Args:
        equations: of a model whose network consists of the layers.
        layers: polynomials to the second degree at least, and harmonic functions; their weights are zero, and are again
            afterwards.
        generator: of the points where it is asked.
    """
    problem = equations.problem
    solid = [name for name, one in problem.constraints.items() if one.on.dimension == problem.domain.dimension]
    points = {name: spread_points(problem, name, _POINTS, generator=generator) for name in solid}

    def rows() -> torch.Tensor:
        return torch.cat([equations.residual(name, one).flatten() for name, one in points.items()])

    given, left = rows(), []
    for singular in (False, True):
        for one in layers:
            first = neurons(list(one.bases)[:1])
            one.last.weight[:, slice(first, None) if singular else slice(0, first)] = 1.0
        left.append(float((rows() - given).norm()))
        for one in layers:
            one.last.weight.zero_()
    return left[1] <= _VANISHES * left[0]
