"""Causal weights: a later time counts once the earlier ones are solved.

    lambda(t) = exp(-epsilon * integral of the squared residual over earlier times, normalised to [0, t])

The time axis is cut into `bins` slices; lambda of slice i is exp(-epsilon * sum over k < i of L_k), L_k the mean
squared residual of slice k. When the last slice's weight exceeds `done`, epsilon moves to the next of `epsilons`.
Source: Wang, Sankaran, Perdikaris, Comput. Methods Appl. Mech. Engrg. 421 (2024) 116813, eqs. (16)-(17), algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch

from pinn.objective import Objective
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
        every: steps between updates.

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
    _stage: int = field(default=0, init=False)

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

    def update(self, objective: Objective) -> Weights:
        """See `Weighting.update`."""
        problem = objective.equations.problem
        if self.time not in problem.coordinates:
            raise ValueError(f"Causal: time={self.time!r} is no coordinate; choose among {list(problem.coordinates)}")
        low, high = problem.domain.bounds[self.time]
        weights = self.inner.update(objective)
        chosen = dict(weights.points)
        smallest = 1.0
        for block in objective.blocks:
            inside = problem.constraints[block.name].on.dimension >= problem.domain.dimension
            if not (inside and block.reduction.pointwise):
                continue
            rows = objective.equations.residual(block.name, block.points).pow(2).sum(1)
            share = (block.points.column(self.time) - low) / (high - low)
            index = (share * self.bins).long().clamp(0, self.bins - 1)
            total = torch.zeros(self.bins, dtype=rows.dtype, device=rows.device).index_add_(0, index, rows)
            mean = total / torch.bincount(index, minlength=self.bins).clamp(min=1)
            before = torch.cumsum(mean, 0) - mean
            causal = torch.exp(-self.epsilons[self._stage] * before)
            smallest = min(smallest, float(causal.min()))
            chosen[block.name] = causal[index] * chosen.get(block.name, torch.ones_like(rows))
        if smallest > self.done and self._stage + 1 < len(self.epsilons):
            self._stage += 1
        return replace(weights, points=chosen)
