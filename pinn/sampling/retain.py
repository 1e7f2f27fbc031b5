"""Retain, resample, release: points stay where the residual is above its mean, the others are drawn anew.

    retained = {x : |r(x)| > mean |r|},    the rest of the population is spread evenly again

As a population evolves, points gather where the equation stays unsolved, and are released by themselves when it is
solved there, for then their residual is below the mean. The even part keeps the rest of the domain in sight. Source:
Daw, Bu, Wang, Perdikaris, Karpatne, ICML 2023 (PMLR 202, 7264), algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from pinn.domains import Points
from pinn.problem import Problem
from pinn.sampling.budget import counts
from pinn.sampling.sampler import Place, Residual, Sampler, require_counts, unmoved
from pinn.spread import spread_points


@dataclass
class R3(Sampler):
    """The retain-resample-release population on every constraint of the domain's own dimension.

    Constraints of fewer dimensions, integrals and those that take observed values are spread evenly, by Sobol points.

    Args:
        size: points on a constraint of the domain's own dimension.
        every: accepted steps between draws; 0 keeps the points.

    Raises:
        ValueError: when a number is out of its range.
    """

    size: int = 2000
    every: int = 10
    _population: dict[str, Tensor] = field(default_factory=dict, init=False, repr=False, compare=False)
    _state: ClassVar[tuple[str, ...]] = ("_population",)

    def __post_init__(self) -> None:
        require_counts("R3", self.size, self.every)

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
            even = spread_points(problem, name, number, generator=generator)
            inside = constraint.on.dimension >= problem.domain.dimension and constraint.reduction.pointwise
            if inside and not even.values and even.normals is None:
                even = self._evolved(name, even, residual, place)
            drawn[name] = place(name, even)
        return drawn

    def _evolved(self, name: str, even: Points, residual: Residual, place: Place) -> Points:
        """The points retained, and as many of the even ones as are missing; all before they are moved to their place.

        So those retained follow where points are to lie, such as the times reached so far.
        """
        before = self._population.get(name)
        if before is not None:
            old = Points(even.names, before.to(even.x))
            size = residual(name, place(name, old)).detach().double().pow(2).sum(-1).sqrt()
            # Where the equation has no value there is no residual to follow; a run that diverged ends by its loss.
            size = torch.where(size.isfinite(), size, torch.zeros_like(size))
            kept = old.x[(size > size.mean()).to(old.x.device)][: even.n]
            even = Points(even.names, torch.cat([kept, even.x[: even.n - len(kept)]]))
        self._population[name] = even.x
        return even

    def observe(self, old: float, new: float) -> bool:
        """Nothing to adapt."""
        return False
