"""A number of points for each constraint that needs one of its own, whatever the strategy underneath draws."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch

from pinn.domains import Points
from pinn.problem import Problem, choices
from pinn.sampling.sampler import Place, Residual, Sampler, require_sampler, unmoved
from pinn.validation import count


@dataclass
class Budgets(Sampler):
    """Wraps another strategy and sets the number of points of some constraints.

    The others get what follows from the size (`counts`). `Constraint(points=...)` says the same in the statement of a
    problem; here it is a matter of the run, and counts before that. Of given points, such as observations, first-order
    methods take so many at each step, chosen at random; all others take them whole.

    Args:
        inner: the strategy that draws.
        points: constraint -> number of its points.

    Raises:
        TypeError: when `inner` is no strategy or `points` no mapping.
        ValueError: when a number is no positive integer; when points are drawn, for a constraint that there is not.

    Example:
        >>> from pinn.problems import burgers
        >>> from pinn.sampling import Redrawn
        >>> sampler = Budgets(Redrawn(400), {"initial": 300})
        >>> points = sampler.draw(burgers(), torch.Generator().manual_seed(0), lambda name, points: None)
        >>> points["equation"].n, points["initial"].n
        (400, 300)
    """

    inner: Sampler
    points: Mapping[str, int] = field(default_factory=dict)
    _state: ClassVar[tuple[str, ...]] = ("inner",)

    def __post_init__(self) -> None:
        require_sampler("Budgets", self.inner)
        if not isinstance(self.points, Mapping):
            raise TypeError(
                f"Budgets: got points={self.points!r}, expected numbers by constraint; give such as {{'walls': 200}}"
            )
        for name, number in self.points.items():
            count("Budgets", 1, **{f"points[{name!r}]": number})

    @property
    def every(self) -> int:  # type: ignore[override]
        """Accepted steps between draws: those of the inner strategy at present."""
        return self.inner.every

    @property
    def size(self) -> int:  # type: ignore[override]
        """Points on a constraint of the domain's own dimension at the next draw, where it has no number of its own."""
        return self.inner.size

    @property
    def redraws(self) -> bool:
        """See `Sampler.redraws`."""
        return self.inner.redraws

    @property
    def batches(self) -> Mapping[str, int]:
        """See `Sampler.batches`."""
        return {**self.inner.batches, **self.points}

    @property
    def full(self) -> bool:
        """See `Sampler.full`."""
        return self.inner.full

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
        for name in self.points:
            if name not in problem.constraints:
                raise ValueError(
                    f"Budgets: points of {name!r}, which is no constraint; {choices(name, tuple(problem.constraints))}"
                )
        # The same problem but for these numbers, so that nothing of it needs to be validated again.
        counted = copy.copy(problem)
        constraints = {
            name: replace(constraint, points=self.points.get(name, constraint.points))
            for name, constraint in problem.constraints.items()
        }
        object.__setattr__(counted, "constraints", constraints)
        return self.inner.draw(counted, generator, residual, size=size, place=place)

    def observe(self, old: float, new: float) -> bool:
        """See `Sampler.observe`."""
        return self.inner.observe(old, new)

    def begin(self, loss: float) -> None:
        """See `Sampler.begin`."""
        self.inner.begin(loss)
