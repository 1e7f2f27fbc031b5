"""Residual-based adaptive distribution: points concentrate where the residual is large.

    density(x) proportional to |r(x)|^k / mean |r|^k + c

on a pool of evenly spread candidates; the points are drawn from the pool without replacement with these odds. Where the
residual is spread over the whole set, random choice only makes the points less even: while mean r^2 / (mean |r|)^2 is
below `smooth` (pi/2 for a normal distribution, large where a layer holds the residual) evenly spread points are taken.
Source: Wu, Zhu, Tan, Kartha, Lu, Comput. Methods Appl. Mech. Engrg. 403 (2023) 115671, eq. (2) (k = 1, c = 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pinn.domains import Points
from pinn.problem import Problem
from pinn.sampling.budget import counts
from pinn.sampling.sampler import Place, Residual, Sampler, require_counts, unmoved
from pinn.spread import spread_points
from pinn.validation import count, not_negative


@dataclass
class RAD(Sampler):
    """Residual-based adaptive distribution on every constraint of the domain's own dimension.

    Constraints of fewer dimensions are spread evenly, by Sobol points.

    Args:
        size: points on a constraint of the domain's own dimension.
        every: accepted steps between draws; 0 keeps the points.
        candidates: candidates a point.
        power: k in the density, dimensionless.
        uniform: c in the density, dimensionless; larger is closer to even.
        smooth: mean r^2 over (mean |r|)^2 below which the points are evenly spread, dimensionless; 1 never.

    Raises:
        ValueError: when a number is out of its range.
    """

    size: int = 2000
    every: int = 10
    candidates: int = 10
    power: float = 1.0
    uniform: float = 1.0
    smooth: float = 3.0

    def __post_init__(self) -> None:
        require_counts("RAD", self.size, self.every)
        count("RAD", 1, candidates=self.candidates)
        not_negative("RAD", power=self.power, uniform=self.uniform, smooth=self.smooth)

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
        drawn = {}
        for name, number in counts(problem, size or self.size).items():
            constraint = problem.constraints[name]
            adaptive = constraint.on.dimension >= problem.domain.dimension and constraint.reduction.pointwise
            wanted = number * self.candidates if adaptive else number
            pool = place(name, spread_points(problem, name, wanted, generator=generator))
            drawn[name] = self._choose(pool, number, residual(name, pool), generator) if adaptive else pool
        return drawn

    def _choose(self, pool: Points, number: int, rows: torch.Tensor, generator: torch.Generator) -> Points:
        square = rows.detach().double().pow(2).sum(-1)
        # Where the equation has no value there is no residual to follow; a run that diverged ends by its loss.
        square = torch.where(square.isfinite(), square, torch.zeros_like(square))
        if float(square.mean()) <= self.smooth * float(square.sqrt().mean()) ** 2:
            return pool.take(torch.arange(min(number, pool.n)))
        size = square.pow(self.power / 2)
        density = size / size.mean() + self.uniform
        chosen = torch.multinomial(density, min(number, pool.n), replacement=False, generator=generator)
        return pool.take(chosen)

    def observe(self, old: float, new: float) -> bool:
        """Nothing to adapt."""
        return False
