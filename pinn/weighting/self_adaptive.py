"""Self-adaptive weights: training descends in the parameters and ascends in the weights of the points.

    min over theta, max over lambda of  1/2 sum_i lambda_i^2 r_i^2 / n,    lambda_i <- lambda_i + rate * lambda_i r_i^2

A point that stays unsolved gathers weight, and with it its constraint: unlike `ResidualAttention`, the weights are not
divided by their mean, so that a constraint whose residuals stay counts ever more beside the others. At first every
lambda is one. The squared row has the weight m(lambda) = lambda^2, the mask of degree two. Source: McClenny,
Braga-Neto, J. Comput. Phys. 474 (2023) 111722, eqs. (7)-(14); the rate is the paper's for rows of size one, over the
mean by 1/n. New points start with the lambda of the nearest old one, where the paper interpolates by a Gaussian process
(section 3.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch
from torch import Tensor

from pinn.objective import ConstraintBlock, Objective
from pinn.validation import count, positive
from pinn.weighting.attention import remembered
from pinn.weighting.weighting import Constant, Weighting, Weights, require_weighting


@dataclass
class SelfAdaptive(Weighting):
    """Weigh the points of every constraint by gradient ascent on the loss, through all redraws of the points.

    Args:
        inner: weighting of the constraints.
        rate: of the ascent, in units of one over a squared row of size one; positive.
        largest: bound on every lambda, dimensionless; the weight of a squared row is its square.
        only: constraints whose points are weighed; left out, all but integrals.
        every: steps between updates; points drawn in between take over what the nearest had.

    Raises:
        TypeError: when `inner` is no weighting or `only` no list of names.
        ValueError: when a number is out of its range; when points are weighed, for a constraint of `only` that there is
            not, and for an integral.
    """

    inner: Weighting = field(default_factory=Constant)
    rate: float = 1.0
    largest: float = 1e3
    only: Sequence[str] | None = None
    every: int = 1
    _seen: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _state: ClassVar[tuple[str, ...]] = ("_seen",)

    def __post_init__(self) -> None:
        require_weighting("SelfAdaptive", self.inner)
        positive("SelfAdaptive", rate=self.rate, largest=self.largest)
        count("SelfAdaptive", 1, every=self.every)
        if self.only is not None and (isinstance(self.only, str) or not hasattr(self.only, "__iter__")):
            raise TypeError(
                f"SelfAdaptive: got only={self.only!r}, expected names of constraints; give a list such as ['initial']"
            )

    def weigh(self, objective: Objective, weights: Weights, due: bool) -> Weights:
        """See `Weighting.weigh`: between updates the lambda are carried over to new points and stay as they are."""
        problem = objective.equations.problem
        only = list(self.only or ())
        unknown = sorted(set(only) - set(problem.constraints))
        if unknown:
            raise ValueError(
                f"SelfAdaptive: got only={only}, in which {unknown[0]!r} is no constraint; "
                f"choose among {list(problem.constraints)}"
            )
        integrals = [block.name for block in objective.blocks if block.name in only and not block.reduction.pointwise]
        if integrals:
            raise ValueError(
                f"SelfAdaptive: got only={only}, in which {integrals[0]!r} is an integral, whose points have no "
                "weights; leave it out"
            )
        chosen = dict(weights.points)
        for block in objective.blocks:
            if not block.reduction.pointwise or (self.only is not None and block.name not in self.only):
                continue
            lam = self._ascended(objective, block, due)
            self._seen[block.name] = (block.points.x, lam)
            chosen[block.name] = lam.pow(2) * chosen.get(block.name, torch.ones_like(lam))
        return replace(weights, points=chosen)

    def _ascended(self, objective: Objective, block: ConstraintBlock, due: bool) -> Tensor:
        """The lambda of each of a block's points, (n,); see the module."""
        old = remembered(self._seen, objective, block)
        if not due:
            return old
        square = objective.equations.residual(block.name, block.points).pow(2).sum(1)
        return (old * (1 + self.rate * square)).clamp(max=self.largest)
