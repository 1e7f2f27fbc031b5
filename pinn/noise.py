"""The noise of rows, from that of the observed values in them: to first order,

    sigma_row² = sum over the values y of (∂r/∂y sigma_y)²,

which is sigma itself for a row u - y. Rows of one constraint with noise of different size, such as those of two
quantities in different units, are compared in units of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pinn.ambient import plain_tensors
from pinn.derivatives.engine import ResidualFunction
from pinn.domains import Points
from pinn.problem import Problem, trial_fields, trial_rows


def row_noise(problem: Problem, name: str, points: Points) -> Tensor | None:
    """The standard deviation that the noise of the values gives the rows of a constraint.

    Args:
        problem: whose constraint it is.
        name: of the constraint.
        points: n of its points, with their values.

    Returns:
        Shape (n, q), in the rows' own units, for q residual components; a row that no observed value enters has zero.
        None where the points state no noise.
    """
    if points.sigma is None:
        return None
    with plain_tensors():
        place = points.to(torch.float64, "cpu")
        values = {key: value.clone().requires_grad_() for key, value in place.values.items()}
        rows = trial_rows(problem, name, Points(place.names, place.x, place.normals, values), *trial_fields(problem))
        assert place.sigma is not None
        sigma = place.sigma.reshape(place.n, -1).expand(place.n, len(values))
        variances = []
        for row in rows:
            slopes = torch.autograd.grad(row.sum(), list(values.values()), retain_graph=True, allow_unused=True)
            columns = [torch.zeros(place.n, dtype=torch.float64) if slope is None else slope for slope in slopes]
            variances.append(sum((slope * sigma[:, i]) ** 2 for i, slope in enumerate(columns)))
        return torch.stack(variances, dim=1).sqrt()  # type: ignore[arg-type]


def component_noise(problem: Problem, name: str, sizes: tuple[float, ...]) -> tuple[float, ...]:
    """The sizes that rows of a constraint are divided by, in the proportion of their noise where that is stated.

    Args:
        problem: whose constraint it is.
        name: of the constraint.
        sizes: of its q residual components, in their own units.

    Returns:
        The same sizes without stated noise; else numbers in the proportion of the components' noise, such that rows
        are as large as before in the mean.
    """
    constraint = problem.constraints[name]
    if len(sizes) == 1 or name not in problem.noisy or constraint.on.dimension:
        return sizes
    noise = row_noise(problem, name, constraint.few)
    if noise is None or bool((noise == 0).any()):
        return sizes
    of_component = noise.log().mean(0).exp()
    size = torch.tensor(sizes, dtype=torch.float64)
    return tuple((of_component * (size / of_component).pow(2).mean().sqrt()).tolist())


def sized(function: ResidualFunction, sizes: Sequence[float]) -> ResidualFunction:
    """An equation with every row divided by its size."""

    def rows(columns: Any, outputs: Mapping[str, Any], constants: Mapping[str, Any]) -> list[Any]:
        stated = function(columns, outputs, constants)
        return [row if size == 1.0 else row / size for row, size in zip(stated, sizes, strict=True)]

    return rows


def weighed(points: Points, *weights: Tensor | None) -> Tensor | None:
    """Weights (n,) of points: the product of those given and of `Points.reliability`; None where there is none.

    Args:
        points: n points.
        weights: of each point, (n,), dimensionless; None, or of another number of points, are left out.
    """
    product = points.reliability()
    for factor in weights:
        if factor is not None and len(factor) == points.n:
            product = factor.to(points.x) if product is None else product * factor.to(points.x)
    return product
