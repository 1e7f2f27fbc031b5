"""Residual-based attention: a point that stays unsolved gathers weight.

    lambda_i <- gamma * lambda_i + eta * |r_i| / max_j |r_j|

Source: Anagnostopoulos, Toscano, Stergiopulos, Karniadakis, Comput. Methods Appl. Mech. Engrg. 421 (2024) 116805,
eq. (6). The paper scales residuals by lambda; the weight of the squared row here is lambda^2, divided by its mean so
that the share of the constraint in the loss does not drift. At first every lambda is one.

The paper keeps its points. Where they are drawn anew, lambda is taken for a field of the coordinates, known at the old
points, as McClenny and Braga-Neto do for their weights (J. Comput. Phys. 474 (2023) 111722, where a Gaussian process
carries them to new points): each new point starts with the lambda of the nearest old one, distances measured in units
of the domain's extents and around periodic coordinates. A maximum is thereby never exceeded: lambda stays below
max(1, eta / (1 - gamma)).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pinn.domains import Points
from pinn.objective import ConstraintBlock, Objective
from pinn.problem import Problem
from pinn.validation import count, finite, positive
from pinn.weighting.weighting import Constant, Weighting, Weights, require_weighting


@dataclass
class ResidualAttention(Weighting):
    """Weigh the points of every constraint by the history of the residuals there, through all redraws of the points.

    Args:
        inner: weighting of the constraints.
        decay: gamma, dimensionless, in [0, 1).
        rate: eta, dimensionless, positive.
        every: steps between updates; points drawn in between take over what the nearest had.

    Raises:
        TypeError: when `inner` is no weighting.
        ValueError: when a number is out of its range.
    """

    inner: Weighting = field(default_factory=Constant)
    decay: float = 0.999
    rate: float = 0.01
    every: int = 1
    _seen: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _state: ClassVar[tuple[str, ...]] = ("_seen",)

    def __post_init__(self) -> None:
        require_weighting("ResidualAttention", self.inner)
        finite("ResidualAttention", decay=self.decay)
        if not 0 <= self.decay < 1:
            raise ValueError(f"ResidualAttention: got decay={self.decay}, expected a fraction; give 0 <= decay < 1")
        positive("ResidualAttention", rate=self.rate)
        count("ResidualAttention", 1, every=self.every)

    def weigh(self, objective: Objective, weights: Weights, due: bool) -> Weights:
        """See `Weighting.weigh`: between updates the lambda are carried over to new points and stay as they are."""
        chosen = dict(weights.points)
        for block in objective.blocks:
            if not block.reduction.pointwise:
                continue
            lam = self._attention(objective, block, due)
            self._seen[block.name] = (block.points.x, lam)
            square = lam.pow(2)
            chosen[block.name] = square / square.mean() * chosen.get(block.name, torch.ones_like(lam))
        return replace(weights, points=chosen)

    def _attention(self, objective: Objective, block: ConstraintBlock, due: bool) -> Tensor:
        """The lambda of each of a block's points, (n,); see the module."""
        old = remembered(self._seen, objective, block)
        if not due:
            return old
        rows = objective.equations.residual(block.name, block.points).norm(dim=1)
        largest = rows.max()
        return self.decay * old + (self.rate * rows / largest if float(largest) > 0 else 0.0)


def remembered(seen: Mapping[str, tuple[Tensor, Tensor]], objective: Objective, block: ConstraintBlock) -> Tensor:
    """The weights (n,) that a block's points had when they were last seen, carried over to those that it has now.

    Args:
        seen: constraint -> its points (m, d) then, and their weights (m,); one where there are none.
        objective: whose points are weighed.
        block: of the objective.
    """
    ones = torch.ones(block.points.n, dtype=objective.dtype, device=objective.device)
    if block.name not in seen:
        return ones
    return carried(*seen[block.name], block.points, objective.equations.problem).to(ones)


def carried(before: Tensor, weights: Tensor, now: Points, problem: Problem) -> Tensor:
    """Weights of points carried over to others, from the nearest; as they are where the points are the same.

    Args:
        before: the places (n, d) where the weights are known, coordinates as those of `now`.
        weights: (n,).
        now: the points where they are wanted.
        problem: for the extents and periods that distances are measured in.

    Returns:
        One weight for each point of `now`.
    """
    if before.shape == now.x.shape and torch.equal(before.to(now.x), now.x):
        return weights
    from scipy.spatial import cKDTree  # loaded where points have moved, not with the module

    periods = [1.0 if name in problem.periodic else 0.0 for name in now.names]  # a period of zero is none
    _, nearest = cKDTree(_places(before, now.names, problem), boxsize=periods).query(_places(now.x, now.names, problem))
    return weights[torch.from_numpy(nearest).to(weights.device)]


def _places(x: Tensor, names: Sequence[str], problem: Problem) -> NDArray[np.float64]:
    """The points x (n, d) in units of the domain's extents, within one period where the coordinate is periodic."""
    places = x.detach().cpu().double().numpy().copy()
    for index, name in enumerate(names):
        low, high = problem.domain.bounds[name]
        places[:, index] = (places[:, index] - low) / (high - low)
        if name in problem.periodic:
            places[:, index] %= 1.0
            places[places[:, index] >= 1.0, index] = 0.0  # what is just below zero is rounded to a whole period
    return places
