"""A step length t along d for which the strong Wolfe conditions hold,

    f(θ + td) ≤ f(θ) + c₁ t g·d      (enough decrease),
    |∇f(θ + td)·d| ≤ c₂ |g·d|        (the slope has flattened),

found by bracketing and then narrowing the bracket with cubics that match value and slope at both of its ends (Nocedal,
Wright, Numerical Optimization, 2nd ed., alg. 3.5 and 3.6, eq. 3.59). Quasi-Newton updates need the second condition: it
makes y·s > 0.

Near a minimum the decrease asked for falls below the rounding of f. The first condition then allows for that rounding,
so that float64 runs end at float64's limit and not earlier.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

Along = Callable[[float], tuple[float, Tensor]]
"""t -> f(θ + td) and its gradient (p,)."""

_ROUNDING = 4e-15  # relative error granted to f, a few units of float64 rounding over a sum of squares


@dataclass(frozen=True, eq=False)
class Trial:
    """A point on the line: step length t, value, slope ∇f·d and gradient (p,)."""

    t: float
    value: float
    slope: float
    gradient: Tensor


@dataclass(frozen=True, eq=False)
class Search:
    """The end of a search.

    Args:
        point: the best point found; t = 0 where there is none better than the start.
        evaluations: of f and its gradient.
        wolfe: whether both conditions hold there.
    """

    point: Trial
    evaluations: int
    wolfe: bool


def strong_wolfe(
    along: Along,
    start: Trial,
    direction: Tensor,
    *,
    first: float = 1.0,
    c1: float = 1e-4,
    c2: float = 0.9,
    evaluations: int = 20,
) -> Search:
    """Search along a descent direction.

    Args:
        along: t -> (value, gradient); values that are not finite count as infinitely high.
        start: the point at t = 0, slope negative.
        direction: d (p,).
        first: first step length tried.
        c1: of the decrease condition.
        c2: of the slope condition.
        evaluations: at the most.

    Raises:
        ValueError: when d does not descend.

    Example:
        >>> import torch
        >>> d = torch.tensor([-1.0])
        >>> along = lambda t: ((2 - t) ** 2, torch.tensor([2 * (2 - t)]))
        >>> strong_wolfe(along, Trial(0.0, 4.0, -4.0, torch.tensor([4.0])), d, c2=0.1).point.t
        2.0
    """
    if not start.slope < 0:
        raise ValueError(
            f"strong_wolfe: got a slope of {start.slope:.3g} at the start, expected a descent direction; give slope < 0"
        )
    line = _Line(along, start, direction, c1, c2)
    low, high = start, None
    trial = line.at(first)
    while line.count < evaluations:
        if not line.enough(trial) or (trial.value >= low.value and low is not start):
            high = trial
            break
        if line.flat(trial):
            return Search(trial, line.count, True)
        if trial.slope >= 0:
            low, high = trial, low
            break
        # Still going down steeply: go on to where a cubic through the last two points turns, at most ten times as far.
        t = _cubic(low, trial)
        low, trial = trial, line.at(min(max(t, 2 * trial.t), 10 * trial.t) if math.isfinite(t) else 10 * trial.t)
    while high is not None and line.count < evaluations:
        width = high.t - low.t
        if abs(width) <= 1e-14 * max(abs(high.t), abs(low.t)):
            break
        t = _cubic(low, high)
        inset = 0.1 * abs(width)
        left, right = min(low.t, high.t) + inset, max(low.t, high.t) - inset
        trial = line.at(min(max(t, left), right) if math.isfinite(t) else low.t + 0.5 * width)
        if not line.enough(trial) or trial.value >= low.value + _ROUNDING * max(abs(start.value), abs(low.value)):
            high = trial
        elif line.flat(trial):
            return Search(trial, line.count, True)
        else:
            if trial.slope * (high.t - low.t) >= 0:
                high = low
            low = trial
    return Search(low if low.value <= start.value else start, line.count, False)


class _Line:
    """f along d, the two conditions, and the number of evaluations so far."""

    def __init__(self, along: Along, start: Trial, direction: Tensor, c1: float, c2: float) -> None:
        self.along, self.start, self.direction = along, start, direction
        self.c1, self.c2 = c1, c2
        self.count = 0

    def at(self, t: float) -> Trial:
        """The point at t, infinitely high where it is not finite."""
        self.count += 1
        value, gradient = self.along(t)
        slope = float(gradient.dot(self.direction))
        return Trial(t, value if math.isfinite(value) and math.isfinite(slope) else math.inf, slope, gradient)

    def enough(self, trial: Trial) -> bool:
        """The decrease condition, with allowance for rounding."""
        limit = self.start.value + self.c1 * trial.t * self.start.slope
        return trial.value <= limit + _ROUNDING * abs(self.start.value)

    def flat(self, trial: Trial) -> bool:
        """The slope condition."""
        return abs(trial.slope) <= -self.c2 * self.start.slope


def _cubic(a: Trial, b: Trial) -> float:
    """Minimiser of the cubic that matches values and slopes at a and b; NaN where there is none."""
    if not (math.isfinite(a.value) and math.isfinite(b.value)) or a.t == b.t:
        return math.nan
    d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if square < 0:
        return math.nan
    d2 = math.copysign(math.sqrt(square), b.t - a.t)
    bottom = b.slope - a.slope + 2 * d2
    return b.t - (b.t - a.t) * (b.slope + d2 - d1) / bottom if bottom != 0 else math.nan
