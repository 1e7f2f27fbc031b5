"""Residual-based attention: a point that stays unsolved gathers weight.

    lambda_i <- gamma * lambda_i + eta * |r_i| / max_j |r_j|

Source: Anagnostopoulos, Toscano, Stergiopulos, Karniadakis, Comput. Methods Appl. Mech. Engrg. 421 (2024) 116805,
eq. (6). The paper scales residuals by lambda; the weight of the squared row here is lambda^2, divided by its mean so
that the share of the constraint in the loss does not drift. New points start at one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from pinn.domains import Points
from pinn.objective import Objective
from pinn.reference.arguments import count, finite, positive
from pinn.weighting.weighting import Constant, Weighting, Weights, require_weighting


@dataclass
class ResidualAttention(Weighting):
    """Weigh the points of every constraint by their residuals' history.

    Args:
        inner: weighting of the constraints.
        decay: gamma, dimensionless, in [0, 1).
        rate: eta, dimensionless, positive.
        every: steps between updates.

    Raises:
        TypeError: when `inner` is no weighting.
        ValueError: when a number is out of its range.
    """

    inner: Weighting = field(default_factory=Constant)
    decay: float = 0.999
    rate: float = 0.01
    every: int = 1
    _seen: dict[str, tuple[Points, Tensor]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        require_weighting("ResidualAttention", self.inner)
        finite("ResidualAttention", decay=self.decay)
        if not 0 <= self.decay < 1:
            raise ValueError(f"ResidualAttention: got decay={self.decay}, expected a share; give 0 <= decay < 1")
        positive("ResidualAttention", rate=self.rate)
        count("ResidualAttention", 1, every=self.every)

    def update(self, objective: Objective) -> Weights:
        """See `Weighting.update`."""
        weights = self.inner.update(objective)
        chosen = dict(weights.points)
        for block in objective.blocks:
            if block.integral:
                continue
            rows = objective.equations.residual(block.name, block.points).norm(dim=1)
            points, old = self._seen.get(block.name, (None, None))
            if old is None or points is None or points.n != block.points.n or not torch.equal(points.x, block.points.x):
                old = torch.ones_like(rows)
            largest = rows.max()
            new = self.decay * old + (self.rate * rows / largest if float(largest) > 0 else 0.0)
            self._seen[block.name] = (block.points, new)
            square = new.pow(2)
            chosen[block.name] = square / square.mean() * chosen.get(block.name, torch.ones_like(rows))
        return replace(weights, points=chosen)
