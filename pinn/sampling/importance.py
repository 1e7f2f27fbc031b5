"""Points by a density of the user's: where it is known beforehand that the solution is steep.

    density(x) proportional to p(x) on a pool of evenly spread candidates

Points are drawn from the pool without replacement, as `RAD` draws by the residual. The mean over the points is then an
integral with the weight p: the equation counts more where p is large. Source: Nabian, Gladstone, Meidani, Comput.-Aided
Civ. Infrastruct. Eng. 36 (2021) 962, section 3, who take p proportional to the loss; here p is given.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pinn.binding import bind, named_errors, names_of
from pinn.domains import Points
from pinn.problem import Problem, choices
from pinn.sampling.budget import counts
from pinn.sampling.sampler import Place, Residual, Sampler, require_counts, unmoved
from pinn.spread import spread_points
from pinn.validation import count, finite, positive

Density = Callable[..., Tensor]
"""Arguments by name: coordinates, each (n,). Returns (n,), at least zero; its size does not matter."""


@dataclass
class Importance(Sampler):
    """Points with a given density on every constraint of the domain's own dimension.

    Constraints of fewer dimensions are spread evenly, by Sobol points.

    Args:
        size: points on a constraint of the domain's own dimension.
        density: function of coordinates by name, in their own units, such as `lambda x: 1 + 9 * torch.exp(-x / 0.01)`,
            or `near({"x": 0}, width=0.05)`; at least zero, of any size. Left out, points are even.
        every: accepted steps between draws; 0 keeps the points.
        candidates: candidates a point; the density is met as far as there are candidates where it is large.

    Raises:
        TypeError: when the density is no function.
        ValueError: when a number is out of its range.

    Example:
        >>> from pinn.problems import burgers
        >>> layer = Importance(100, density=near({"x": 0.0}, width=0.1, height=20.0))
        >>> points = layer.draw(burgers(), torch.Generator().manual_seed(0), lambda name, points: None)
        >>> bool((points["equation"].column("x").abs() < 0.2).double().mean() > 0.4)
        True
    """

    size: int = 2000
    density: Density | None = None
    every: int = 10
    candidates: int = 10

    def __post_init__(self) -> None:
        require_counts("Importance", self.size, self.every)
        count("Importance", 1, candidates=self.candidates)
        if self.density is not None and (isinstance(self.density, type) or not callable(self.density)):
            raise TypeError(
                f"Importance: got density={self.density!r}, expected a function of coordinates; give one such as "
                "near({'x': 0.0}, width=0.1)"
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
        drawn = {}
        for name, number in counts(problem, size or self.size).items():
            constraint = problem.constraints[name]
            inside = constraint.on.dimension >= problem.domain.dimension and constraint.reduction.pointwise
            chosen = inside and self.density is not None
            wanted = number * self.candidates if chosen else number
            pool = place(name, spread_points(problem, name, wanted, generator=generator))
            if chosen and pool.n > number:
                odds = self._odds(problem, pool)
                pool = pool.take(torch.multinomial(odds, number, replacement=False, generator=generator))
            drawn[name] = pool
        return drawn

    def _odds(self, problem: Problem, pool: Points) -> Tensor:
        """The density at the candidates, (n,); a thousandth of a millionth of its mean where it is zero."""
        assert self.density is not None
        for argument in names_of(self.density)[0]:
            if argument not in problem.coordinates:
                raise ValueError(
                    f"Importance: density has the argument {argument!r}; {choices(argument, problem.coordinates)}"
                )
        columns = {name: pool.column(name).detach().double() for name in pool.names}
        with named_errors("Importance: density"):
            (values,) = bind(self.density, {})(columns, {}, {})
            values = torch.as_tensor(values, dtype=torch.float64, device=pool.x.device).expand(pool.n)
        if not bool((values.isfinite() & (values >= 0)).all()) or not float(values.sum()) > 0:
            raise ValueError(
                f"Importance: density is between {float(values.min()):.3g} and {float(values.max()):.3g} on the "
                "domain, expected finite numbers of at least zero, not all zero; give such a function"
            )
        return values / values.mean() + 1e-9  # so that there are always enough candidates

    def observe(self, old: float, new: float) -> bool:
        """Nothing to adapt."""
        return False


def near(centre: Mapping[str, float], width: float, height: float = 10.0) -> Density:
    """A density 1 + height · exp(−Σ (xᵢ − cᵢ)² / (2 width²)): more points near a point, a line or a plane.

    Args:
        centre: coordinate -> its value there, in its units; what is left out is free.
        width: standard deviation, in the units of the coordinates that are named.
        height: density at the centre beyond that far from it, in units of the latter; dimensionless.

    Raises:
        TypeError: when `centre` is no mapping.
        ValueError: when a number is out of its range, or nothing is named.

    Example:
        >>> near({"x": 0.0}, width=0.1, height=10.0)(x=torch.zeros(1)).item()
        11.0
    """
    if not isinstance(centre, Mapping):
        raise TypeError(
            f"near: got centre={centre!r}, expected a mapping of coordinates; give one such as {{'x': 0.0}}"
        )
    if not centre:
        raise ValueError("near: got an empty centre, expected at least one coordinate; give one such as {'x': 0.0}")
    finite("near", **{f"centre[{name!r}]": value for name, value in centre.items()})
    positive("near", width=width, height=height)

    def density(**columns: Any) -> Any:
        square = sum((columns[name] - value) ** 2 for name, value in centre.items())
        return 1.0 + height * torch.exp(-square / (2 * width**2))

    # Its arguments are the coordinates that were named, as for any function that is matched by name.
    density.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in centre]
    )
    return density
