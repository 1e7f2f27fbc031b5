"""Weights that let all constraints be learned at the same rate, by the trace of the neural tangent kernel.

    w_c = sum over k of T_k / T_c,    T_c = |J_c|^2 / n_c = tr(J_c J_c^T) / n_c

with J_c the derivatives of the rows of constraint c by the parameters, without weights, and n_c their points. Under
gradient descent the rows obey dr/dt = -K r with K = J J^T; the mean eigenvalue of the block of c, the rate at which its
rows fall, is its trace over its size, and w_c makes it the same for all. Source: Wang, Yu, Perdikaris, J. Comput. Phys.
449 (2022) 110768, definition 5.1 and algorithm 1, for as many points a constraint; by means over points, as losses are
here, Wang, Sankaran, Wang, Perdikaris, arXiv:2308.08468, eqs. (4.5)-(4.6).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch

from pinn.domains import Points
from pinn.objective import Objective
from pinn.validation import count, positive
from pinn.weighting.weighting import Constant, Weighting, Weights, require_weighting


@dataclass
class NTK(Weighting):
    """Balance the constraints by the traces of their neural tangent kernels.

    Args:
        inner: weighting whose points' weights are kept.
        every: steps between updates of the constraints' weights.
        sample: points of a constraint that its trace is the mean over, at the most.
        largest: bound on every weight, dimensionless.

    Raises:
        TypeError: when `inner` is no weighting.
        ValueError: when a number is out of its range.
    """

    inner: Weighting = field(default_factory=Constant)
    every: int = 100
    sample: int = 256
    largest: float = 1e6
    _weights: dict[str, float] = field(default_factory=dict, init=False, repr=False, compare=False)
    _state: ClassVar[tuple[str, ...]] = ("_weights",)

    def __post_init__(self) -> None:
        require_weighting("NTK", self.inner)
        count("NTK", 1, every=self.every, sample=self.sample)
        positive("NTK", largest=self.largest)

    def weigh(self, objective: Objective, weights: Weights, due: bool) -> Weights:
        """See `Weighting.weigh`."""
        if due:
            traces = self._traces(objective)
            total = sum(traces.values())
            self._weights = {
                name: min(self.largest, total / trace) if trace > 0 else self.largest for name, trace in traces.items()
            }
        return replace(weights, constraints=dict(self._weights))

    def _traces(self, objective: Objective) -> dict[str, float]:
        """T_c of every constraint: the squared norm of its part of J where every weight is one."""
        points = {block.name: self._some(block.points) for block in objective.blocks}
        plain = Objective(objective.equations, points, weights=dict.fromkeys(points, 1.0))
        found = {}
        for block in plain.blocks:
            jacobian = torch.empty(plain.size, block.rows, dtype=plain.dtype, device=plain.device).T
            block.linearize(jacobian)
            found[block.name] = float(jacobian.pow(2).sum())
        return found

    def _some(self, points: Points) -> Points:
        """As many of the points as the mean is taken over, at equal distances in their order."""
        if points.n <= self.sample:
            return points
        return points.take(torch.linspace(0, points.n - 1, self.sample, dtype=torch.float64).long())
