"""What a weighting is: from the objective of the moment to the weights of constraints and points.

Weightings compose: each takes an inner one and changes what that says, `Causal(GradientNorm())`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from torch import Tensor

from pinn.objective import Objective


@dataclass(frozen=True)
class Weights:
    """Weights of constraints (name -> w) and of their points (name -> lambda, shape (n,)), dimensionless."""

    constraints: dict[str, float] = field(default_factory=dict)
    points: dict[str, Tensor] = field(default_factory=dict)


class Weighting(ABC):
    """A rule for the weights.

    Attributes:
        every: optimizer steps between two updates on the same points; new points always update.
    """

    every: int

    @abstractmethod
    def update(self, objective: Objective) -> Weights:
        """The weights to use from now on, for the objective's own points."""


@dataclass
class Constant(Weighting):
    """The weights the problem states."""

    every: int = 1000

    def update(self, objective: Objective) -> Weights:
        """See `Weighting.update`."""
        problem = objective.equations.problem
        return Weights({name: problem.weight(name) for name in problem.constraints})
