"""The noise of rows, from that of the observed values in them: to first order,

    sigma_row² = sum over the values y of (∂r/∂y sigma_y)²,

which is sigma itself for a row u - y. Rows of one constraint with noise of different size, such as those of two
quantities in different units, are compared in units of it.

Where it is not stated, the misfit r of n observations shows whether it is noise: with j(i) the observation next to i,

    ρ = sum r_i r_j(i) / sum r_i²

is near zero for independent errors, and near one for what a smooth answer leaves of smooth data. 1 − ρ is von Neumann's
ratio, mean square difference of neighbours over twice the mean square (Ann. Math. Stat. 12 (1941) 367, there for
series), whose standard deviation for noise is about n^(−1/2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pinn.ambient import plain_tensors
from pinn.derivatives.engine import ResidualFunction
from pinn.domains import Points
from pinn.problem import Problem, trial_fields, trial_rows

_SOME = 2000  # observations among which neighbours are looked for, since all distances between them are taken


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


def in_units_of(noise: Tensor, rows: Tensor) -> Tensor:
    """Rows (n, q) over their standard deviations (n, q), dimensionless; zero for a row without noise."""
    return torch.where(noise > 0, rows / noise, 0.0)


def neighbours(points: Points) -> Tensor:
    """The nearest other point of each of the first points, in units of their extents: indices (n,), n at most 2000."""
    some = points.x[:_SOME].double().cpu()
    extent = (some.amax(0) - some.amin(0)).clamp_min(torch.finfo(torch.float64).tiny)
    return torch.cdist(some / extent, some / extent).fill_diagonal_(math.inf).argmin(1)


def alike(rows: Tensor, nearest: Tensor) -> float:
    """Correlation ρ of the misfit of neighbours, -1 to 1; see the module.

    Args:
        rows: the misfit (n, q).
        nearest: of the first of its points, from `neighbours`.

    Example:
        >>> line = Points(("x",), torch.linspace(0, 1, 101, dtype=torch.float64)[:, None])
        >>> nearest, x = neighbours(line), line.x
        >>> noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> alike(torch.sin(x), nearest) > 0.9, abs(alike(noise, nearest)) < 0.3
        (True, True)
    """
    some = rows[: len(nearest)]
    return float((some * some[nearest]).sum() / some.pow(2).sum().clamp_min(torch.finfo(some.dtype).tiny))


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
