"""Few points first, more when the network begins to fit the points rather than the equation.

At a redraw let g = (loss on the new points) / (loss on the old ones). A network that solves the equation has g near
one; one that has memorised its points has g large. When g > `threshold` and the loss on new points has stopped falling
(it is more than `stall` times the previous one), the number of points is multiplied by `factor`. Early steps are
thereby cheap, since the cost of a second-order step grows with the number of rows, and late ones do not overfit:
training to a loss of 1e-12 with an error of 1e-4 is what fixed points end in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from pinn.domains import Points
from pinn.problem import Problem
from pinn.sampling.sampler import Place, Residual, Sampler, require_sampler, unmoved
from pinn.validation import count, finite, positive


@dataclass
class Growing(Sampler):
    """Wraps another strategy and lets its number of points grow.

    Args:
        inner: the strategy that draws, e.g. `RAD()` or `Redrawn()`.
        start: points at first, on a constraint of the domain's own dimension.
        factor: growth, > 1.
        maximum: points at the most.
        threshold: ratio of fresh to old loss above which the points are too few.
        stall: fresh loss over the previous fresh loss above which it has stopped falling.

    Raises:
        TypeError: when `inner` is no strategy.
        ValueError: when a number is out of its range, or the numbers contradict each other.
    """

    inner: Sampler
    start: int = 400
    factor: float = 1.5
    maximum: int = 8000
    threshold: float = 3.0
    stall: float = 0.6
    size: int = field(init=False)
    every: int = field(init=False)
    _fresh: float = field(init=False, default=float("inf"))

    def __post_init__(self) -> None:
        require_sampler("Growing", self.inner)
        count("Growing", 1, start=self.start, maximum=self.maximum)
        finite("Growing", factor=self.factor)
        positive("Growing", threshold=self.threshold, stall=self.stall)
        if not (self.factor > 1 and self.start <= self.maximum):
            raise ValueError(
                f"Growing: start={self.start}, factor={self.factor}, maximum={self.maximum}; "
                "expected factor > 1 and 1 <= start <= maximum"
            )
        if self.inner.every < 1:
            raise ValueError("Growing: the inner strategy never redraws (every=0); take Redrawn() or RAD()")
        self.size = self.start
        self.every = self.inner.every

    @property
    def full(self) -> bool:
        """See `Sampler.full`."""
        return self.size >= self.maximum

    def draw(
        self, problem: Problem, generator: torch.Generator, residual: Residual, place: Place = unmoved
    ) -> dict[str, Points]:
        """See `Sampler.draw`."""
        return self.inner.resized(self.size).draw(problem, generator, residual, place)

    def observe(self, old: float, new: float) -> bool:
        """Grow when the new points show that the old ones were too few; see the module."""
        if new > self.threshold * old and new > self.stall * self._fresh:
            self.size = min(self.maximum, round(self.factor * self.size))
        self._fresh = new
        return self.inner.observe(old, new)

    def begin(self, loss: float) -> None:
        """See `Sampler.begin`."""
        self._fresh = float("inf")
        self.inner.begin(loss)

    @property
    def complete(self) -> bool:
        """See `Sampler.complete`."""
        return self.inner.complete

    def resized(self, size: int) -> Sampler:
        """See `Sampler.resized`."""
        return Growing(self.inner, size, self.factor, max(size, self.maximum), self.threshold, self.stall)
