"""What a weighting is: from the objective of the moment to the weights of constraints and points.

Weightings compose: each takes an inner one and changes what that says, `Causal(GradientNorm())`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from pinn.objective import Objective
from pinn.validation import count


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


def require_weighting(owner: str, inner: Any) -> None:
    """Refuse what is no weighting in the place of an inner one.

    Raises:
        TypeError: saying what was got.
    """
    if not isinstance(inner, Weighting):
        raise TypeError(
            f"{owner}: got inner={inner!r}, expected a weighting; give an object such as GradientNorm(), not its name"
        )


@dataclass
class Constant(Weighting):
    """The weights the problem states.

    Args:
        every: steps between updates, which change nothing.

    Raises:
        ValueError: when `every` is not a positive integer.
    """

    every: int = 1000

    def __post_init__(self) -> None:
        count("Constant", 1, every=self.every)

    def update(self, objective: Objective) -> Weights:
        """See `Weighting.update`."""
        problem = objective.equations.problem
        return Weights({name: problem.weight(name) for name in problem.constraints})
