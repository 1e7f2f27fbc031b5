"""Few points first, more when the network begins to fit the points rather than the equation.

At a redraw let g = (loss on the new points) / (loss on the old ones). A network that solves the equation has g near
one; one that has memorised its points has g large. When g > `threshold` and the loss on new points has stopped falling
(it is more than `stall` times the previous one), the number of points is multiplied by `factor`. Early steps are
thereby cheap, since the cost of a second-order step grows with the number of rows, and late ones do not overfit:
training to a loss of 1e-12 with an error of 1e-4 is what fixed points end in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

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
        threshold: ratio of the loss on new points to that on the old ones above which those were too few.
        stall: loss on new points over that at the draw before, above which it has stopped falling.

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
    size: int = field(init=False, repr=False, compare=False)
    _previous: float = field(init=False, default=math.inf, repr=False, compare=False)
    _state: ClassVar[tuple[str, ...]] = ("inner", "size", "_previous")

    def __post_init__(self) -> None:
        require_sampler("Growing", self.inner)
        count("Growing", 1, start=self.start, maximum=self.maximum)
        finite("Growing", factor=self.factor)
        positive("Growing", threshold=self.threshold, stall=self.stall)
        if not (self.factor > 1 and self.start <= self.maximum):
            raise ValueError(
                f"Growing: got start={self.start}, factor={self.factor}, maximum={self.maximum}, expected a number of "
                "points, its growth and its end; give factor > 1 and 1 <= start <= maximum"
            )
        if not self.inner.redraws:
            raise ValueError(
                f"Growing: got inner={self.inner!r}, which never redraws in the end, expected points that are drawn "
                "anew; give Redrawn() or RAD()"
            )
        self.size = self.start

    @property
    def every(self) -> int:  # type: ignore[override]
        """Accepted steps between draws: those of the inner strategy at present."""
        return self.inner.every

    @property
    def redraws(self) -> bool:
        """See `Sampler.redraws`."""
        return self.inner.redraws

    @property
    def full(self) -> bool:
        """See `Sampler.full`."""
        return self.size >= self.maximum

    @property
    def complete(self) -> bool:
        """See `Sampler.complete`."""
        return self.inner.complete

    def draw(
        self,
        problem: Problem,
        generator: torch.Generator,
        residual: Residual,
        *,
        size: int | None = None,
        place: Place = unmoved,
    ) -> dict[str, Points]:
        """See `Sampler.draw`."""
        return self.inner.draw(problem, generator, residual, size=size or self.size, place=place)

    def observe(self, old: float, new: float) -> bool:
        """Grow when the new points show that the old ones were too few, unless they are to lie elsewhere; see above."""
        if self.inner.observe(old, new):
            self._previous = math.inf  # a loss elsewhere is no measure of this one
            return True
        if new > self.threshold * old and new > self.stall * self._previous:
            # At least one point more, since few points times a factor near one may round to as many as before.
            self.size = min(self.maximum, max(self.size + 1, round(self.factor * self.size)))
        self._previous = new
        return False

    def begin(self, loss: float) -> None:
        """See `Sampler.begin`."""
        self._previous = math.inf
        self.inner.begin(loss)
