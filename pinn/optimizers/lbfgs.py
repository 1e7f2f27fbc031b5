"""Limited-memory BFGS: Hg from the last m pairs (s, y), without a matrix.

    two-loop recursion, H₀ = (s·y / y·y) I           (Nocedal, Wright, Numerical Optimization, 2nd ed., alg. 7.4, eq.
    7.20;
                                                      Liu, Nocedal, Math. Prog. 45, 1989)

Works in float64 on flat vectors with a strong Wolfe search, and ends only where the search finds nothing lower or the
gradient is zero: the tolerances of 1e-7 and 1e-9 that libraries stop at by default are far above what a PINN can reach.
"""

from __future__ import annotations

from torch import Tensor

from pinn.optimizers.descent import Descent
from pinn.validation import count, fraction


class LBFGS(Descent):
    """L-BFGS with strong Wolfe line search; see the module.

    Args:
        history: number m of pairs kept.
        slope: c₂ of the strong Wolfe conditions.

    Raises:
        ValueError: for numbers out of range.

    Example:
        >>> LBFGS(history=50).redraws
        False
    """

    _state = ("_s", "_y", "_theta", "_gradient", "_loss")

    def __init__(self, history: int = 100, *, slope: float = 0.9) -> None:
        count("LBFGS", 1, history=history)
        fraction("LBFGS", slope=slope)
        self.history = history
        self._c2 = slope
        self._s: list[Tensor] = []
        self._y: list[Tensor] = []

    @property
    def _memoryless(self) -> bool:
        return not self._s

    def _forget(self) -> None:
        self._s, self._y = [], []

    def _learn(self, s: Tensor, y: Tensor, gradient: Tensor, t: float) -> None:
        self._s = [*self._s[-self.history + 1 :], s] if self.history > 1 else [s]
        self._y = [*self._y[-self.history + 1 :], y] if self.history > 1 else [y]

    def _direction(self, gradient: Tensor) -> Tensor:
        q = -gradient
        if not self._s:
            return q
        ratios = [1 / s.dot(y) for s, y in zip(self._s, self._y, strict=True)]
        weights = []
        for s, y, ratio in zip(reversed(self._s), reversed(self._y), reversed(ratios), strict=True):
            weights.append(ratio * s.dot(q))
            q = q - weights[-1] * y
        last = self._y[-1]
        q = q / (ratios[-1] * last.dot(last))
        for s, y, ratio in zip(self._s, self._y, ratios, strict=True):
            q = q + (weights.pop() - ratio * y.dot(q)) * s
        return q
