"""The rows of one constraint at its points: its scaled residuals, and what its reduction makes of them.

`pinn.objective` says how they are scaled, `pinn.least_squares` what a reduction is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from pinn.derivatives.engine import BoundEquation, flat_gradient
from pinn.domains import Points
from pinn.least_squares import Reduction
from pinn.linearization import Linearization


class BoundConstraints(Protocol):
    """The constraints of a problem on a model under an engine; `pinn.objective.Equations` is one."""

    bound: dict[str, BoundEquation]

    def constants(self, points: Points) -> Mapping[str, Tensor]:
        """Unknown numbers, normals and observed values, by name."""

    def residuals_per_point(self, name: str, points: Points) -> int:
        """Number q of residual components of a constraint."""


@dataclass(frozen=True, eq=False)
class ScaledResiduals:
    """The scaled residuals of one constraint at some points; what its reduction makes rows of.

    See `pinn.least_squares.PointwiseResiduals`, which says what each method answers.

    Args:
        equations: the constraints under their engine.
        name: which of them.
        points: n points.
        scale: of each point's residuals, (n,).
        parameters: that are trained.
    """

    equations: BoundConstraints
    name: str
    points: Points
    scale: Tensor
    parameters: Sequence[torch.nn.Parameter]

    @property
    def per_point(self) -> int:
        """Number q of residual components of the constraint."""
        return self.equations.residuals_per_point(self.name, self.points)

    @property
    def size(self) -> int:
        """Number p of parameters."""
        return sum(parameter.numel() for parameter in self.parameters)

    @property
    def _bound(self) -> BoundEquation:
        return self.equations.bound[self.name]

    def _constants(self) -> Mapping[str, Tensor]:
        # Made anew at each call: the unknowns among them have a graph to their parameters.
        return self.equations.constants(self.points)

    def values(self) -> Tensor:
        """Scaled residuals (n, q), with a graph where grad mode is on."""
        return self._bound.residual(self.points.x, self._constants()) * self.scale[:, None]

    def pullback(self, value: Tensor) -> Tensor:
        """Gradient (p,) of what was made of `values`."""
        return flat_gradient(value, self.parameters)

    def gradient(self) -> tuple[Tensor, Tensor]:
        """Half their sum of squares, and its gradient."""
        return self._bound.gradient(self.points.x, self.parameters, self._constants(), self.scale)

    def linearize(self, out: Tensor) -> Tensor:
        """They (n, q), with their derivative written into `out`."""
        return self._bound.linearize(self.points.x, self.parameters, self._constants(), out, self.scale)[0]

    def gram(self) -> tuple[Tensor, Tensor, Tensor]:
        """Half their sum of squares, its gradient, and the Gram matrix of their derivative."""
        return self._bound.gram(self.points.x, self.parameters, self._constants(), self.scale)

    def operator(self) -> Linearization:
        """They, and products with their derivative."""
        return self._bound.operator(self.points.x, self.parameters, self._constants(), self.scale)

    def pieces(self, size: int) -> Iterator[tuple[slice, Linearization]]:
        """The same for at most `size` points at a time."""
        for first in range(0, self.points.n, size):
            some = slice(first, min(first + size, self.points.n))
            points = self.points.take(torch.arange(some.start, some.stop, device=self.scale.device))
            yield some, ScaledResiduals(self.equations, self.name, points, self.scale[some], self.parameters).operator()


@dataclass(frozen=True, eq=False)
class ConstraintBlock:
    """One constraint in the objective: its scaled residuals, and the reduction that makes rows of them.

    Args:
        name: of the constraint.
        weight: w in the loss, dimensionless.
        residuals: scaled, at the objective's points.
        reduction: what makes rows of them.
    """

    name: str
    weight: float
    residuals: ScaledResiduals
    reduction: Reduction

    @property
    def points(self) -> Points:
        """The points of the constraint."""
        return self.residuals.points

    def taking(self, chosen: Tensor) -> ConstraintBlock:
        """The same at some of its points, by number, (b,), whose squares count n / b times."""
        old = self.residuals
        chosen = chosen.to(old.scale.device)
        scale = old.scale[chosen] * (old.points.n / len(chosen)) ** 0.5
        return replace(self, residuals=replace(old, points=old.points.take(chosen), scale=scale))

    @property
    def rows(self) -> int:
        """Number of its rows."""
        return self.reduction.count(self.points.n, self.residuals.per_point)

    def residual(self) -> Tensor:
        """Its rows of r, with a graph where grad mode is on."""
        return self.reduction.reduce(self.residuals.values())

    def potential(self) -> None:
        """Nothing beside its rows."""

    def gradient(self) -> tuple[Tensor, Tensor]:
        """Half the sum of squares of its rows, 0-d, and the gradient of that (p,)."""
        return self.reduction.gradient(self.residuals)

    def linearize(self, out: Tensor) -> Tensor:
        """Its rows of r; those of J are written into `out`."""
        return self.reduction.linearize(self.residuals, out)

    def gram(self) -> tuple[Tensor, Tensor, Tensor]:
        """Half the sum of squares of its rows, and its parts of J^T r (p,) and J^T J (p, p)."""
        return self.reduction.gram(self.residuals)

    def operator(self) -> Linearization:
        """Its rows of r, and products with those of J."""
        return self.reduction.products(self.residuals.operator(), self.residuals.per_point)

    def pieces(self, size: int) -> Iterator[tuple[slice, Linearization]]:
        """The same for at most `size` points at a time: which of its rows these have a part in, and that part."""
        reduction, q = self.reduction, self.residuals.per_point

        def reduced(piece: tuple[slice, Linearization]) -> tuple[slice, Linearization]:
            return reduction.touched(piece[0], q), reduction.products(piece[1], q)

        # A map keeps no piece while the next is made, as the variable of a loop would.
        return map(reduced, self.residuals.pieces(size))
