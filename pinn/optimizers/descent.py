"""One step of a line-search method: d from the gradients seen so far, t from a strong Wolfe search, then the memory.

    d = −H g,   θ ← θ + td,   s = td,   y = g(θ + s) − g(θ),   H ← update(H, s, y)

What H is and how it learns is the method's (`LBFGS`, `BFGS`, `SSBFGS`, `SSBroyden`). When the search along d fails, H
is dropped and the step is tried once more along −g; when that fails too, the method is done.
"""

from __future__ import annotations

import math
import weakref
from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from pinn.least_squares import LeastSquares
from pinn.optimizers.line_search import Search, Trial, strong_wolfe
from pinn.optimizers.optimizer import Optimizer, Step, StepEnding, StepTimer

_EPS = torch.finfo(torch.float64).eps


class Descent(Optimizer):
    """A method that steps along −Hg; see the module.

    Its curvature is made of differences of gradients, which new points would spoil: `redraws` is False.
    """

    redraws: ClassVar[bool] = False
    of_rows: ClassVar[bool] = False
    of_metric: ClassVar[bool] = False
    _c2: float = 0.9
    _theta: Tensor | None = None
    _gradient: Tensor | None = None
    _loss: float = math.inf
    _seen: weakref.ref[LeastSquares] | None = None

    @abstractmethod
    def _direction(self, gradient: Tensor) -> Tensor:
        """d = −Hg, shape (p,)."""

    @abstractmethod
    def _learn(self, s: Tensor, y: Tensor, gradient: Tensor, t: float) -> None:
        """Update H with s = td and y, given g at the start of the step."""

    @abstractmethod
    def _forget(self) -> None:
        """Drop H."""

    @property
    @abstractmethod
    def _memoryless(self) -> bool:
        """Whether nothing has been learned, so that d = −g."""

    def reset(self, growth: float | None = None) -> None:
        """New points: drop the curvature, for it belongs to the old ones; see `Optimizer.reset`."""
        self._theta = self._gradient = None
        self._forget()

    def recognise(self, objective: LeastSquares) -> None:
        """The gradient loaded is that of this objective; see `Optimizer.recognise`."""
        self._seen = weakref.ref(objective)

    def retreat(self) -> bool:
        """The curvature is forgotten; see `Optimizer`."""
        known = not self._memoryless
        self.reset()
        return known

    def step(self, objective: LeastSquares) -> Step:
        """Take one step; see `Optimizer.step`.

        `info` holds length (t), evaluations (of f and its gradient), slope (|g·d|), gradient (|g|), wolfe (1 where the
        strong Wolfe conditions hold), and seconds/rows (g at θ, where the last step has not left it), /system (update
        of H), /solve (d) and /trials (the search).
        """
        timer = StepTimer()
        with timer("rows"):
            loss, gradient = self._here(objective)
        theta, size = objective.vector(), float(gradient.norm())
        info = {"evaluations": 0.0, "gradient": size}

        def stop(ending: StepEnding, detail: str = "") -> Step:
            objective.assign(theta)
            return Step(loss, False, {**info, **timer.seconds}, ending, detail)

        if not (math.isfinite(loss) and math.isfinite(size)):
            return stop(StepEnding.NOT_FINITE)
        if size == 0.0:
            return stop(StepEnding.GRADIENT_ZERO, "the gradient is zero")
        while True:
            memoryless = self._memoryless
            with timer("solve"):
                d = self._direction(gradient)
                slope = float(gradient.dot(d))
            info["slope"] = -slope
            if abs(slope) <= _EPS * abs(loss):
                return stop(StepEnding.NO_DESCENT, "the decrease left is below rounding")
            lower = False
            if slope < 0:
                start = Trial(0.0, loss, slope, gradient)
                with timer("trials"):
                    found = self._search(objective, theta, start, d, min(1.0, 1 / size) if memoryless else 1.0)
                info["evaluations"] += found.evaluations
                # Without the Wolfe conditions a decrease within rounding is no progress.
                lower = found.wolfe or found.point.value < loss * (1 - 1e-14)
            if lower:
                break
            if memoryless:
                return stop(StepEnding.NO_DESCENT, "the line search finds no lower point, along the gradient either")
            self._forget()
        point = found.point
        objective.assign(theta + point.t * d.to(theta.dtype))
        s, y = point.t * d, point.gradient - gradient
        with timer("system"):
            if float(s.dot(y)) > 1e-16 * float(s.norm() * y.norm()):
                self._learn(s, y, gradient, point.t)
        self._theta, self._gradient, self._loss = objective.vector(), point.gradient, point.value
        info |= {"length": point.t, "wolfe": float(found.wolfe)}
        return Step(point.value, True, {**info, **timer.seconds})

    def _here(self, objective: LeastSquares) -> tuple[float, Tensor]:
        """f and g at the present parameters, from the last step where neither these nor the objective have changed."""
        last = None if self._seen is None else self._seen()
        self._seen = weakref.ref(objective)
        known = self._theta is not None and torch.equal(self._theta, objective.vector())
        if last is objective and known and self._gradient is not None:
            return self._loss, self._gradient
        loss, gradient = objective.gradient()
        return float(loss), gradient.double()

    def _search(self, objective: LeastSquares, theta: Tensor, start: Trial, d: Tensor, first: float) -> Search:
        def along(t: float) -> tuple[float, Tensor]:
            objective.assign(theta + t * d.to(theta.dtype))
            loss, gradient = objective.gradient()
            return float(loss), gradient.double()

        return strong_wolfe(along, start, d, first=first, c2=self._c2)
