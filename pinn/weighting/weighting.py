"""What a weighting is: from the objective of the moment to the weights of constraints and points.

Weightings compose: each takes an inner one and changes what that says, `Causal(GradientNorm())`. Each keeps its own
period: in `Causal(GradientNorm(every=100), every=10)` the weights of points are renewed every ten steps and those of
constraints every hundred. New points need weights at once: a rule that weighs points then gives them some whether its
period has come or not, and a rule that weighs constraints has no need to.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor

from pinn.objective import Objective
from pinn.state import restore, state_of
from pinn.validation import count


@dataclass(frozen=True)
class Weights:
    """Weights of constraints (name -> w) and of their points (name -> lambda, shape (n,)), dimensionless."""

    constraints: dict[str, float] = field(default_factory=dict)
    points: dict[str, Tensor] = field(default_factory=dict)


class Weighting(ABC):
    """A rule for the weights. One of your own defines `weigh`, `every` and, where it changes another's, `inner`.

    Attributes:
        every: optimizer steps between two updates of this rule's own part.
        inner: the weighting that this one changes; None begins with the weights that the problem states.
    """

    every: int
    inner: Weighting | None = None
    _updated: int | None = None
    """Optimizer step of the last update of this rule's own part, where it was told."""
    _state: ClassVar[tuple[str, ...]] = ()
    """Names of the attributes that a continuation needs, besides the two above."""

    @abstractmethod
    def weigh(self, objective: Objective, weights: Weights, due: bool) -> Weights:
        """What this rule makes of the inner one's weights.

        Args:
            objective: equations, points and model of the moment.
            weights: what the inner weighting says.
            due: whether this rule's period has come. Where it has not, a rule stays with what it said; one that weighs
                points gives weights to new ones all the same.
        """

    def update(self, objective: Objective, step: int | None = None) -> Weights:
        """The weights to use from now on, for the objective's own points.

        Args:
            objective: equations, points and model of the moment.
            step: optimizer steps taken so far; left out, every rule of a composition is due.

        Returns:
            Weights of all constraints, and of the points of those that a rule weighs.
        """
        if self.inner is None:
            equations = objective.equations
            weights = Weights({name: equations.weight(name) for name in equations.problem.constraints})
        else:
            weights = self.inner.update(objective, step)
        # A count below the last one belongs to another run.
        due = step is None or self._updated is None or not 0 <= step - self._updated < self.every
        if due:
            self._updated = step
        return self.weigh(objective, weights, due)

    def due(self, step: int) -> bool:
        """Whether the period of a rule of the composition comes to an end, so that a run updates on the same points.

        Args:
            step: optimizer steps taken so far.
        """
        return step % self.every == 0 or (self.inner is not None and self.inner.due(step))

    def state_dict(self) -> dict[str, Any]:
        """What a continuation needs, as plain values and tensors; that of an inner weighting is the entry `inner`."""
        return state_of(self, self._entries())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned.

        Raises:
            ValueError: when the entries are not those of this weighting.
        """
        restore(self, self._entries(), state)

    def _entries(self) -> tuple[str, ...]:
        return (*(() if self.inner is None else ("inner",)), "_updated", *self._state)


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

    def weigh(self, objective: Objective, weights: Weights, due: bool) -> Weights:
        """See `Weighting.weigh`: nothing is changed."""
        return weights
