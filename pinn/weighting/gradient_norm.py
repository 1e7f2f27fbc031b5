"""Weights that give every constraint's gradient the same length.

    w_c <- decay * w_c + (1 - decay) * (sum over k of |grad L_k|) / |grad L_c|

with L_c the unweighted loss of constraint c. Source: Wang, Teng, Perdikaris, SIAM J. Sci. Comput. 43 (2021) A3055;
in the form of Wang, Sankaran, Wang, Perdikaris, arXiv:2308.08468, eqs. (4.3)-(4.4).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from pinn.objective import Objective
from pinn.validation import count, finite, positive
from pinn.weighting.weighting import Constant, Weighting, Weights, require_weighting


@dataclass
class GradientNorm(Weighting):
    """Balance the constraints by the lengths of their gradients.

    Args:
        inner: weighting whose points' weights are kept.
        decay: fraction of the old weight that is kept at an update, in [0, 1).
        every: steps between updates of the constraints' weights.
        largest: bound on every weight, dimensionless.

    Raises:
        TypeError: when `inner` is no weighting.
        ValueError: when a number is out of its range.
    """

    inner: Weighting = field(default_factory=Constant)
    decay: float = 0.9
    every: int = 100
    largest: float = 1e6
    _weights: dict[str, float] = field(default_factory=dict, init=False, repr=False, compare=False)
    _state: ClassVar[tuple[str, ...]] = ("_weights",)

    def __post_init__(self) -> None:
        require_weighting("GradientNorm", self.inner)
        finite("GradientNorm", decay=self.decay)
        if not 0 <= self.decay < 1:
            raise ValueError(f"GradientNorm: got decay={self.decay}, expected a fraction; give 0 <= decay < 1")
        count("GradientNorm", 1, every=self.every)
        positive("GradientNorm", largest=self.largest)

    def weigh(self, objective: Objective, weights: Weights, due: bool) -> Weights:
        """See `Weighting.weigh`."""
        if due:
            lengths = objective.gradient_norms()
            total = sum(lengths.values())
            for name, length in lengths.items():
                balanced = min(self.largest, total / length) if length > 0 else self.largest
                old = self._weights.get(name)
                self._weights[name] = balanced if old is None else self.decay * old + (1 - self.decay) * balanced
        return replace(weights, constraints=dict(self._weights))
