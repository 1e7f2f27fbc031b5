"""SPRING: natural gradient with a momentum that the linear model corrects.

    d_k = μ d_{k−1} + argmin_δ |J(μ d_{k−1} + δ) + r|² + λ|δ|²
        = μ d_{k−1} − Jᵀ(JJᵀ + λI)⁻¹ (r + μ J d_{k−1}),     θ ← θ + t d_k

The part of the last direction that the present rows do not speak about is kept, so that directions seen by few points
add up over steps: a regularized randomized Kaczmarz iteration (Goldshlager, Abrahamsen, Lin, 2401.10190, eq. 20; for
PINNs Guzmán-Cordero et al. 2505.12149). Made for points that are redrawn often. t is fixed, or found by the search of
`NaturalGradient`.
"""

from __future__ import annotations

import math

from torch import Tensor

from pinn.least_squares import LeastSquares
from pinn.optimizers.natural_gradient import descend, linearized, solvable
from pinn.optimizers.optimizer import Optimizer, Step, StepEnding, StepTimer
from pinn.optimizers.system import Buffers, held_by_squares, squares_flops, stationarity
from pinn.validation import count, fraction, positive


class SPRING(Optimizer):
    """SPRING; see the module.

    Args:
        momentum: μ in [0, 1); 0 is the natural gradient.
        damping: λ in units of tr(JᵀJ)/p, p the number of parameters.
        length: t; left out, found by a search over powers of a half.
        halvings: of that search at the most.

    Raises:
        ValueError: for numbers out of range.

    Example:
        >>> SPRING(momentum=0.9, length=0.1).redraws
        True
    """

    _state = ("_d", "length")

    def __init__(
        self, momentum: float = 0.9, damping: float = 1e-6, *, length: float | None = None, halvings: int = 30
    ) -> None:
        fraction("SPRING", zero=True, momentum=momentum)
        positive("SPRING", damping=damping, **({} if length is None else {"length": length}))
        count("SPRING", 0, halvings=halvings)
        self.momentum, self.damping, self.length, self.halvings = momentum, damping, length, halvings
        self._d: Tensor | None = None
        self._buffers = Buffers()

    def reset(self, growth: float | None = None) -> None:
        """Nothing: carrying the direction over to new points is what the method is for."""

    def retreat(self) -> bool:
        """The carried direction is forgotten, and a given length halved; see `Optimizer`."""
        if self.length is not None:
            self.length *= 0.5
        known, self._d = self._d is not None, None
        return known or self.length is not None

    def memory_of_step(self, rows: int, parameters: int, itemsize: int = 8) -> float:
        """See `Optimizer.memory_of_step`: J, its Gram matrix and the factor."""
        return held_by_squares(rows, parameters, itemsize)

    def flops(self, rows: int, parameters: int) -> float:
        """See `Optimizer.flops`."""
        return squares_flops(rows, parameters)

    def step(self, objective: LeastSquares) -> Step:
        """Take one step. `info` holds length (t), damping (λ), evaluations (of r), condition and seconds/…."""
        timer = StepTimer()
        system, loss = linearized(objective, self._buffers, timer, self.workers)
        if ending := stationarity(system.residual, system.gradient, system.trace):
            return Step(loss, False, timer.seconds, ending)
        damping, solve = solvable(system, self.damping * system.trace / objective.size, timer)
        with timer("solve"):
            if self._d is None:
                d = solve(system.residual)
            else:
                carried = self.momentum * self._d
                d = carried + solve(system.residual + system.matvec(carried))
        self._d = d
        if self.length is None:
            step = descend(objective, system, d, loss, self.halvings, damping, timer)
            if step.done and self.momentum > 0:
                # The carried part may point uphill: forget it before giving up.
                self._d = None
                d = solve(system.residual)
                return descend(objective, system, d, loss, self.halvings, damping, timer)
            return step
        objective.assign(objective.vector() + self.length * d.to(objective.dtype))
        with timer("trials"):
            value = float(objective.loss())
        info = {"length": self.length, "damping": damping, "condition": system.condition, **timer.seconds}
        finite = math.isfinite(value)
        ending = None if finite else StepEnding.NOT_FINITE
        return Step(value, finite, info, ending, "the loss is not finite; take a smaller length")
