"""What a sampling strategy is: it draws points for every constraint, and says how often to draw again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pinn.domains import Points
from pinn.problem import Problem
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
    compares the loss on the old and on the new points, and tells the sampler through `observe`.

    Attributes:
        every: accepted optimizer steps between two draws; 0 keeps the points.
        size: points on a constraint of the domain's own dimension at the next draw.
    """

    every: int
    size: int

    @abstractmethod
    def draw(
        self, problem: Problem, generator: torch.Generator, residual: Residual, place: Place = unmoved
    ) -> dict[str, Points]:
        """Points for every constraint of the problem, by name.

        Args:
            problem: whose constraints are sampled.
            generator: the only source of randomness.
            residual: (constraint name, points) -> rows (n, q) of the current model, without weights or graph.
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

    def begin(self, loss: float) -> None:
        """Take note of the loss before the first step; nothing by default."""
        return

    @abstractmethod
    def resized(self, size: int) -> Sampler:
        """The same strategy with another number of points."""
