"""Causal weights: a later time counts once the earlier ones are solved.

    lambda(t) = exp(-epsilon * integral of the squared residual over earlier times, normalised to [0, t])

The time axis is cut into `bins` slices; lambda of slice i is exp(-epsilon * sum over k < i of L_k), L_k the mean
squared residual of slice k. When the last slice's weight exceeds `done`, epsilon moves to the next of `epsilons`.
Source: Wang, Sankaran, Perdikaris, Comput. Methods Appl. Mech. Engrg. 421 (2024) 116813, eqs. (16)-(17), algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch
from torch import Tensor

from pinn.objective import ConstraintBlock, Objective
from pinn.validation import count, finite, positive
from pinn.weighting.weighting import Constant, Weighting, Weights, require_weighting


@dataclass
class Causal(Weighting):
    """Weigh points of every constraint on the whole domain by the residuals at earlier times.

    Args:
        inner: weighting of the constraints.
        time: name of the time coordinate.
        epsilons: strengths, in turn, in units of one over the squared residual.
        bins: slices of the time axis.
        done: smallest weight at which the next strength is taken, dimensionless.
        every: steps between updates on the same points; new points are weighed at once.

    Raises:
        TypeError: when `inner` is no weighting, `time` no name or `epsilons` no sequence.
        ValueError: when there is no strength, or a number is out of its range.
    """

    inner: Weighting = field(default_factory=Constant)
    time: str = "t"
    epsilons: tuple[float, ...] = (1e-2, 1e-1, 1.0, 10.0, 100.0)
    bins: int = 32
    done: float = 0.99
    every: int = 10
    _stage: int = field(default=0, init=False, repr=False, compare=False)
    _seen: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _state: ClassVar[tuple[str, ...]] = ("_stage", "_seen")

    def __post_init__(self) -> None:
        require_weighting("Causal", self.inner)
        if not isinstance(self.time, str):
            raise TypeError(f"Causal: got time={self.time!r}, expected a coordinate's name; give one such as 't'")
        if isinstance(self.epsilons, str) or not hasattr(self.epsilons, "__iter__"):
            raise TypeError(f"Causal: got epsilons={self.epsilons!r}, expected a tuple; give one such as (0.01, 1.0)")
        self.epsilons = tuple(self.epsilons)
        if not self.epsilons:
            raise ValueError("Causal: got no epsilons, expected at least one strength; give a tuple such as (0.1, 1.0)")
        for index, epsilon in enumerate(self.epsilons):
            positive("Causal", **{f"epsilons[{index}]": epsilon})
        count("Causal", 1, bins=self.bins, every=self.every)
        finite("Causal", done=self.done)
        if not 0 <= self.done <= 1:
            raise ValueError(f"Causal: got done={self.done}, expected a weight; give 0 <= done <= 1")

    def weigh(self, objective: Objective, weights: Weights, due: bool) -> Weights:
        """See `Weighting.weigh`."""
        problem = objective.equations.problem
        if self.time not in problem.coordinates:
            raise ValueError(
                f"Causal: got time={self.time!r}, which is no coordinate; choose among {list(problem.coordinates)}"
            )
        blocks = [
            block
            for block in objective.blocks
            if problem.constraints[block.name].on.dimension >= problem.domain.dimension and block.reduction.pointwise
        ]
        if due or not all(self._knows(block) for block in blocks):
            self._seen = {block.name: (block.points.x, self._causal(objective, block)) for block in blocks}
            smallest = min((float(factor.min()) for _, factor in self._seen.values()), default=1.0)
            if smallest > self.done and self._stage + 1 < len(self.epsilons):
                self._stage += 1
        chosen = dict(weights.points)
        for name, (_, factor) in self._seen.items():
            chosen[name] = factor * chosen.get(name, torch.ones_like(factor))
        return replace(weights, points=chosen)

    def _knows(self, block: ConstraintBlock) -> bool:
        """Whether the weights of a block's points are known."""
        x = self._seen[block.name][0] if block.name in self._seen else None
        return x is not None and x.shape == block.points.x.shape and torch.equal(x.to(block.points.x), block.points.x)

    def _causal(self, objective: Objective, block: ConstraintBlock) -> Tensor:
        """exp(-epsilon * sum of the mean squared residuals of earlier slices) of each of a block's points, (n,)."""
        low, high = objective.equations.problem.domain.bounds[self.time]
        rows = objective.equations.residual(block.name, block.points).pow(2).sum(1)
        elapsed = (block.points.column(self.time) - low) / (high - low)
        index = (elapsed * self.bins).long().clamp(0, self.bins - 1)
        total = torch.zeros(self.bins, dtype=rows.dtype, device=rows.device).index_add_(0, index, rows)
        mean = total / torch.bincount(index, minlength=self.bins).clamp(min=1)
        before = torch.cumsum(mean, 0) - mean
        return torch.exp(-self.epsilons[self._stage] * before)[index]
