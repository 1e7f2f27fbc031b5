"""Points spread evenly over every set: drawn once, or drawn anew every few steps.

Sobol points fill a set with discrepancy O(log(n)^d / n) against O(n^(-1/2)) of independent ones (Sobol, USSR Comput.
Math. Math. Phys. 7 (1967) 86; scrambled as in Owen, J. Complexity 14 (1998) 466).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pinn.domains import Points
from pinn.domains.cube import METHODS
from pinn.problem import Problem
from pinn.sampling.budget import counts
from pinn.sampling.sampler import Place, Residual, Sampler, require_counts, unmoved
from pinn.spread import spread_points
from pinn.validation import choices


@dataclass
class Fixed(Sampler):
    """Points drawn once and kept, as quasi-Newton methods want them.

    Args:
        size: points on a constraint of the domain's own dimension.
        method: "sobol", "halton", "latin" or "uniform".
        every: 0, for the points stay.

    Raises:
        ValueError: for a size below one, a method that there is not, or points that are to be drawn anew.
    """

    size: int = 2000
    method: str = "sobol"
    every: int = 0

    def __post_init__(self) -> None:
        require_counts("Fixed", self.size, self.every)
        _require_method("Fixed", self.method)
        if self.every:
            raise ValueError(
                f"Fixed: got every={self.every}, expected 0: fixed points stay; take Redrawn(every={self.every})"
            )

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
        return sample_uniform(problem, size or self.size, generator, self.method, place)

    def observe(self, old: float, new: float) -> bool:
        """Nothing to adapt."""
        return False


@dataclass
class Redrawn(Sampler):
    """Points drawn anew every few accepted steps.

    Args:
        size: points on a constraint of the domain's own dimension.
        every: accepted steps between draws; 0 keeps the points.
        method: "sobol", "halton", "latin" or "uniform".

    Raises:
        ValueError: for a size below one, steps below zero, or a method that there is not.
    """

    size: int = 2000
    every: int = 10
    method: str = "sobol"

    def __post_init__(self) -> None:
        require_counts("Redrawn", self.size, self.every)
        _require_method("Redrawn", self.method)

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
        return sample_uniform(problem, size or self.size, generator, self.method, place)

    def observe(self, old: float, new: float) -> bool:
        """Nothing to adapt."""
        return False


def _require_method(owner: str, method: str) -> None:
    if method not in METHODS:
        raise ValueError(f"{owner}: got method={method!r}; {choices(str(method), METHODS)}")


def sample_uniform(
    problem: Problem, size: int, generator: torch.Generator, method: str = "sobol", place: Place = unmoved
) -> dict[str, Points]:
    """Evenly spread points for every constraint.

    Args:
        problem: whose constraints are sampled.
        size: points on a constraint of the domain's own dimension; see `counts` for how many the others get.
        generator: the only source of randomness.
        method: "sobol", "halton", "latin" or "uniform".
        place: (constraint name, points) -> points moved to where they are to lie.

    Returns:
        constraint name -> points.

    Raises:
        ValueError: when the size is no integer of at least 1.
    """
    return {
        name: place(name, spread_points(problem, name, number, generator=generator, method=method))
        for name, number in counts(problem, size).items()
    }
