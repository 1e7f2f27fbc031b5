"""A constraint: residual rows that must vanish on a set of points, and nothing else.

The differential equation, a boundary or an initial condition, observations, an integral: each is a function whose
arguments are matched by name, a set, a weight, and how its residuals at points become rows.

Source of the formulation: Lagaris, Likas, Fotiadis, IEEE Trans. Neural Networks 9 (1998) 987, eqs. (1)-(2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from pinn.domains import Domain, Points
from pinn.energy import Energy
from pinn.least_squares import Integral, Reduction, Rows
from pinn.robust import RobustLoss
from pinn.validation import count, positive
from pinn.weak import Weak

Equation = Callable[..., Any]


@dataclass(frozen=True)
class Constraint:
    """Residual rows that must vanish on a set of points.

    Args:
        equation: function of any of the problem's names (see the module); returns one row field of shape (n,),
            or a tuple of them for a system. `Weak` and `Energy` stand where it does.
        on: the set of points where it holds.
        weight: w in the loss, half the sum over constraints of w * mean(r^2), the rows r divided by their sizes
            (`pinn.scales`); dimensionless. Left out, it is 1 on the whole domain, 2 on what has fewer dimensions
            (conditions and data). Of data whose noise is stated it is 0.02 at the most, so that the equation holds
            whatever they say, and each row counts by its noise; beside them, that of a prior at a point is such that
            its row counts in standard deviations.
        points: fixed number of collocation points; left out, it follows the run's budget. Of given points it is how
            many a first-order method takes at a step (`pinn.training.batches`); all other methods take all.
        integral: the integral of the rows over `on` vanishes instead of each row (one row a returned field).
        robust: a loss under which wild rows count less, such as `Huber()` or `Cauchy()`, for data with outliers; the
            rows must be at given points.
        over: coordinates that each row is integrated over, from bound to bound of a box, by Gauss nodes
            (`pinn.integral`): ∫ r dx = 0 at every point of the others, such as a total that is known at every time.
            The coordinates integrated over are those of the nodes, whatever the points have for them.

    Raises:
        TypeError: when `equation` is not callable, `on` is not a domain, or `robust` no loss.
        ValueError: when the weight is not a positive number, `points` not a positive integer, or `robust` given where
            points are drawn.
    """

    equation: Equation
    on: Domain
    weight: float | None = None
    points: int | None = None
    integral: bool = False
    robust: RobustLoss | None = None
    over: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not callable(self.equation):
            raise TypeError(f"Constraint: equation must be a function, got {self.equation!r}")
        if not isinstance(self.on, Domain):
            raise TypeError(f"Constraint: on must be a domain such as Box(...) or box.face(...), got {self.on!r}")
        if self.robust is not None and (isinstance(self.robust, type) or not isinstance(self.robust, RobustLoss)):
            raise TypeError(f"Constraint: robust must be a loss, got {self.robust!r}; give an object such as Huber()")
        if isinstance(self.equation, Weak):
            self.equation.require_extent(self.on)
        object.__setattr__(self, "over", (self.over,) if isinstance(self.over, str) else tuple(self.over))
        if isinstance(self.equation, Energy):
            self._take_energy(self.equation)
        if self.over and self.integral:
            raise ValueError(
                f"Constraint: got integral=True and over={list(self.over)}, expected one of them; integral=True is one "
                "row for the whole set, over= a row for each point of the other coordinates"
            )
        if self.robust is not None and (self.on.dimension or self.integral):
            raise ValueError(
                f"Constraint: got robust={self.robust!r} on {self.on!r}; it is for rows at given points, Scatter(...)"
            )
        if self.weight is not None:
            positive("Constraint", weight=self.weight)
        if self.points is not None:
            count("Constraint", 1, points=self.points)

    def _take_energy(self, energy: Energy) -> None:
        for name, plain in (("weight", None), ("integral", False), ("robust", None), ("over", ())):
            if getattr(self, name) != plain:
                raise ValueError(
                    f"Constraint: got {name}={getattr(self, name)!r} with an Energy, expected none: an energy has no "
                    "rows; leave it out, and give weights to the conditions beside it"
                )
        object.__setattr__(self, "equation", energy.over(self.on.coordinates))

    @property
    def few(self) -> Points:
        """A few points of its set, the same each time, to see what it gives; given points come whole."""
        return self.on.sample(1, generator=torch.Generator().manual_seed(0), method="uniform")

    @property
    def reduction(self) -> Reduction:
        """How its residuals at points become rows of the least-squares problem."""
        return Integral(float(self.on.measure)) if self.integral else Rows()
