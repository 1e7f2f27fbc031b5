"""Early times first: the points fill [t₀, t₀ + s (t₁ − t₀)] and the fraction s grows as the equation is solved there.

An evolution carries what it was given at the start forward in time. Trained on all times at once a network may first
satisfy the equation late, by a constant, and never leave that (Krishnapriyan et al., NeurIPS 2021, section 5.2; Wang,
Sankaran, Perdikaris, CMAME 421 (2024) 116813). Here all points lie in the times reached so far, so that no weight has
to be tuned: when the loss on new points is below `solved` times the first loss of the run, s grows by `factor`. Most
evolutions are solved sooner on all times at once, so `after` lets the run show first whether it is stuck.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch

from pinn.domains import Points
from pinn.problem import Problem
from pinn.sampling.sampler import Place, Residual, Sampler, require_sampler, unmoved
from pinn.validation import choices, count, finite, positive


@dataclass
class Marching(Sampler):
    """Wraps another strategy and moves its points to the times reached so far.

    Args:
        inner: the strategy that draws, e.g. `Growing(RAD())`.
        time: name of the time coordinate.
        start: fraction of the time axis at first, in (0, 1].
        factor: growth of the fraction, > 1.
        solved: loss on new points over the first loss of the run below which the fraction grows.
        pace: accepted steps between draws before the whole time is reached.
        after: 0 marches from the start; otherwise the run has so many draws on the whole time first, marching only if
            the loss on new points is then still above `stuck` times the first.
        stuck: see `after`; dimensionless.

    Raises:
        TypeError: when `inner` is no strategy or `time` no name.
        ValueError: when a number is out of its range, or the numbers contradict each other.
    """

    inner: Sampler
    time: str = "t"
    start: float = 0.1
    factor: float = 1.5
    solved: float = 1e-3
    pace: int = 5
    after: int = 0
    stuck: float = 1e-2
    fraction: float = field(init=False, repr=False, compare=False)
    _draws: int = field(init=False, default=0, repr=False, compare=False)
    _first: float | None = field(init=False, default=None, repr=False, compare=False)
    _state: ClassVar[tuple[str, ...]] = ("inner", "fraction", "_draws", "_first")

    def __post_init__(self) -> None:
        require_sampler("Marching", self.inner)
        if not isinstance(self.time, str):
            raise TypeError(f"Marching: got time={self.time!r}, expected a coordinate's name; give one such as 't'")
        finite("Marching", start=self.start, factor=self.factor)
        positive("Marching", solved=self.solved, stuck=self.stuck)
        count("Marching", 1, pace=self.pace)
        count("Marching", 0, after=self.after)
        if not (0 < self.start <= 1 and self.factor > 1):
            raise ValueError(
                f"Marching: got start={self.start}, factor={self.factor}, expected a fraction and its growth; "
                "give 0 < start <= 1 and factor > 1"
            )
        self.fraction = self.start if self.after == 0 else 1.0

    @property
    def every(self) -> int:  # type: ignore[override]
        """Accepted steps between draws: `pace` on the way, and before it is known whether fixed points need one."""
        if self.fraction >= 1 and (self.inner.every or self._settled):
            return self.inner.every
        return self.pace

    @property
    def redraws(self) -> bool:
        """See `Sampler.redraws`."""
        return self.inner.redraws

    @property
    def _settled(self) -> bool:
        """Whether the points fill the whole time for good."""
        return self.fraction >= 1 and self._draws >= self.after

    @property
    def size(self) -> int:  # type: ignore[override]
        """Points on a constraint of the domain's own dimension at the next draw."""
        return self.inner.size

    @property
    def full(self) -> bool:
        """See `Sampler.full`."""
        return self.inner.full

    @property
    def complete(self) -> bool:
        """Whether the points fill the whole time for good and the inner strategy is complete."""
        return self._settled and self.inner.complete

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
        if self.time not in problem.coordinates:
            near = choices(self.time, problem.coordinates)
            raise ValueError(f"Marching: got time={self.time!r}, which is no coordinate; {near}")
        if self.fraction >= 1:
            return self.inner.draw(problem, generator, residual, size=size, place=place)
        index = problem.coordinates.index(self.time)
        low = problem.domain.bounds[self.time][0]

        def earlier(name: str, points: Points) -> Points:
            points = place(name, points)
            if points.values:
                return points  # an observation stays where it was made
            x = points.x.clone()
            x[:, index] = low + self.fraction * (x[:, index] - low)
            return replace(points, x=x)

        return self.inner.draw(problem, generator, residual, size=size, place=earlier)

    def observe(self, old: float, new: float) -> bool:
        """Go on in time where the points drawn are solved; otherwise the inner strategy takes note."""
        if self._first is None:
            self._first = old
        self._draws += 1
        if self._draws == self.after and new > self.stuck * self._first:
            self.fraction = self.start
            self.inner.begin(new)
            return True
        if self.fraction < 1 and new < self.solved * self._first:
            self.fraction = min(1.0, self.fraction * self.factor)
            self.inner.begin(new)
            return True
        return self.inner.observe(old, new)

    def begin(self, loss: float) -> None:
        """Take note of the loss before the first step."""
        self._first = loss
        self.inner.begin(loss)
