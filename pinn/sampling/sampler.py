"""What a sampling strategy is: it draws points for every constraint, and says how often to draw again.

Strategies compose: one that wraps another, `Growing(Marching(RAD()))`, asks the inner one for the points and passes
down what it decides, their number or where they are moved to. It never makes a copy of the inner one, so what each
remembers stays where it is, and any order of nesting reaches what each alone would.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from pinn.domains import Points
from pinn.problem import Problem
from pinn.state import restore, state_of
from pinn.validation import count

Residual = Callable[[str, Points], Tensor]
Place = Callable[[str, Points], Points]


def unmoved(name: str, points: Points) -> Points:
    """The points where they are."""
    return points


def require_counts(owner: str, size: Any, every: Any) -> None:
    """Refuse a number of points below one, or a number of steps below zero.

    Raises:
        ValueError: naming the argument.
    """
    count(owner, 1, size=size)
    count(owner, 0, every=every)


def require_sampler(owner: str, inner: Any) -> None:
    """Refuse what is no strategy in the place of an inner one.

    Raises:
        TypeError: saying what was got.
    """
    if not isinstance(inner, Sampler):
        raise TypeError(f"{owner}: got inner={inner!r}, expected a strategy; give an object such as RAD(), not a name")


class Sampler(ABC):
    """A strategy for collocation points.

    A sampler is asked for points through `draw`. Every `every` accepted steps (0: never) the trainer draws again,
    compares the loss on the old and on the new points, and tells the sampler through `observe`. One of your own defines
    these two and the two attributes.

    Attributes:
        every: accepted optimizer steps between two draws; 0 keeps the points.
        size: points on a constraint of the domain's own dimension at the next draw.
    """

    every: int
    size: int
    _state: ClassVar[tuple[str, ...]] = ()
    """Names of the attributes that a continuation needs, the wrapped strategy among them."""

    @abstractmethod
    def draw(
        self,
        problem: Problem,
        generator: torch.Generator,
        residual: Residual,
        *,
        size: int | None = None,
        place: Place = unmoved,
    ) -> dict[str, Points]:
        """Points for every constraint of the problem, by name.

        Args:
            problem: whose constraints are sampled.
            generator: the only source of randomness.
            residual: (constraint name, points) -> rows (n, q) of the current model, without weights or graph.
            size: points on a constraint of the domain's own dimension, from a strategy that wraps this one; left out,
                the strategy's own `size`.
            place: (constraint name, points) -> points moved to where the run is at, e.g. to earlier times.
        """

    @abstractmethod
    def observe(self, old: float, new: float) -> bool:
        """Take note of the loss on the points just left (`old`) and on those just drawn (`new`).

        Returns:
            Whether to draw once more before the next step, because the points are to lie elsewhere.
        """

    @property
    def complete(self) -> bool:
        """Whether the points are where the strategy wants them in the end: the run may judge its progress."""
        return True

    @property
    def full(self) -> bool:
        """Whether the number of points can grow no more."""
        return False

    @property
    def redraws(self) -> bool:
        """Whether points are drawn anew to the end of the run, and not only on the way to where they are to lie."""
        return self.every > 0

    @property
    def batches(self) -> Mapping[str, int]:
        """Constraint of given points -> how many of them each step of a first-order method takes."""
        inner = getattr(self, "inner", None)
        return inner.batches if isinstance(inner, Sampler) else {}

    def begin(self, loss: float) -> None:
        """Take note of the loss before the first step, here or where the points now lie; nothing by default."""
        return

    def state_dict(self) -> dict[str, Any]:
        """What a continuation needs, as plain values; that of a wrapped strategy is the entry `inner`."""
        return state_of(self, self._state)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned.

        Raises:
            ValueError: when the entries are not those of this strategy.
        """
        restore(self, self._state, state)
