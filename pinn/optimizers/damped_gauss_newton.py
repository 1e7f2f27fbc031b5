"""One damped Gauss-Newton step: direction, acceleration, corrections, acceptance, and what becomes of the damping.

At θ with rows r and derivative J, for the damping λ,

    d      = argmin |r + J d|² + λ|d|²                                        (Levenberg 1944, Marquardt 1963)
    s      = d + ½ a,   a = argmin |r_dd + J a|² + λ|a|²,                     geodesic acceleration,
             r_dd = (2/h) ((r(θ + hd) − r)/h − J d)                           (Transtrum, Sethna 1201.5885, eq. 8)
    s      ← s + argmin |r(θ + s) − (r + Jd) + J δ|² + λ'|δ|²,   λ' = 100 λ   up to three times.

The last line is a chord (modified Newton) iteration with the old J toward the target r + Jd that the linear model
promised; its fixed point is a θ + s where the promise is kept. One correction costs one evaluation of r and one solve
with a matrix already factored, far less than a new J, and lets λ be ten to a thousand times smaller. They stop when f
− f_lin has fallen under 2 % of the promised decrease, or a correction no longer halves it; the best point seen counts.

The step is taken when ρ = (decrease)/(promised decrease) > 1e-4, and then λ ← λ max(⅓, 1 − (2ρ − 1)³), ν ← 2; otherwise
λ ← νλ, ν ← 2ν, and the system is solved again with the same J (Nielsen, Damping parameter in Marquardt's method,
IMM-REP-1999-05, eq. 2.4). λ starts at a multiple of tr(JᵀJ)/p, so that the unit of r does not matter.

How the system is solved is left to the methods built on this: `LevenbergMarquardt` factors it, `MatrixFree` iterates.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from pinn.least_squares import LeastSquares
from pinn.optimizers.optimizer import Optimizer, Step, StepEnding, StepTimer
from pinn.optimizers.system import Solve, System, resolution, stationarity
from pinn.validation import count, fraction, positive

_EPS = torch.finfo(torch.float64).eps
_H = 0.1  # h of the geodesic acceleration: large enough for float32 rows
_LEAST_DECREASE = 0.01  # a step with inaccurate solves that lowers the loss by a smaller part than this has stalled
_LEAST_GAIN = 5.0  # accurate solves must multiply the decrease of a stalled step by this, or they are not tried again
_RETREAT = 100.0  # times the damping after a step to where the loss is no number
_KEPT = 0.02  # the part of the promised decrease that may be missing when corrections end


class Trials:
    """Evaluates r at θ + s and remembers the best s.

    Args:
        objective: at θ now.
        loss: f(θ); only smaller values count as better.
        timer: takes the time.
    """

    def __init__(self, objective: LeastSquares, loss: float, timer: StepTimer) -> None:
        self.objective, self.timer = objective, timer
        self.theta = objective.vector()
        self.best, self.step = loss, torch.zeros_like(self.theta)
        self.evaluations = 0

    def residual(self, s: Tensor) -> Tensor:
        """r(θ + s) (N,) in float64."""
        with self.timer("trials"):
            self.objective.assign(self.theta + s.to(self.theta.dtype))
            self.evaluations += 1
            return self.objective.residual().double()

    def loss(self, s: Tensor, residual: Tensor) -> float:
        """f(θ + s) from its rows; infinite where they are not finite."""
        value = float(0.5 * residual.dot(residual))
        if not math.isfinite(value):
            return math.inf
        if value < self.best:
            self.best, self.step = value, s
        return value

    def settle(self, accepted: bool) -> None:
        """Leave the parameters at the best point, or where they were."""
        self.objective.assign(self.theta + self.step.to(self.theta.dtype) if accepted else self.theta)


@dataclass(frozen=True)
class _Attempt:
    """One solve for one λ: the decrease promised by the damped linear model, and the corrections used."""

    promised: float
    corrections: int


@dataclass(frozen=True)
class StepOptions:
    """The numbers of the step; see the module.

    Args:
        damping: start of λ in units of tr(JᵀJ)/p.
        corrections: stale-Jacobian corrections at the most.
        geodesic: whether to take the geodesic acceleration.
        correction_damping: λ'/λ.
        accept: smallest ratio ρ of actual to promised decrease.
        shrink: smallest factor on λ after a good step.
        retries: times that a step is solved again with a larger λ.

    Raises:
        ValueError: for numbers out of range.

    Example:
        >>> StepOptions(corrections=2).accept
        0.0001
    """

    damping: float = 1e-2
    corrections: int = 3
    geodesic: bool = True
    correction_damping: float = 100.0
    accept: float = 1e-4
    shrink: float = 1 / 3
    retries: int = 12

    def __post_init__(self) -> None:
        positive("StepOptions", damping=self.damping, correction_damping=self.correction_damping)
        count("StepOptions", 0, corrections=self.corrections)
        fraction("StepOptions", accept=self.accept, shrink=self.shrink)
        count("StepOptions", 1, retries=self.retries)


class DampedGaussNewton(Optimizer):
    """Takes the step of the module; a method built on it says how the system is formed and solved.

    Args:
        options: the numbers of the step.
    """

    def __init__(self, options: StepOptions) -> None:
        self.options = options
        self.damping = 0.0  # λ; the first step sets it from `scale`
        self.growth = 2.0  # ν
        self.scale = 0.0  # tr(JᵀJ)/p of the first step
        self.refinement_disabled = False  # True once more accurate solves were tried on a stalled step in vain

    @abstractmethod
    def _system(self, objective: LeastSquares, timer: StepTimer) -> System:
        """The linearization at θ in the form that fits."""

    @abstractmethod
    def _refined_system(self, system: System, timer: StepTimer) -> System | None:
        """The same linearization in a form that solves more accurately, or None where there is none.

        It is asked for when no step lowers the loss, or one with inaccurate solves has stalled.
        """

    @abstractmethod
    def _renew(self) -> None:
        """Drop what belongs to the old points."""

    def reset(self, growth: float | None = None) -> None:
        """New points: λ ← λ √growth, at most tr(JᵀJ)/p or its starting value; see `Optimizer.reset`."""
        self.growth = 2.0
        self._renew()
        raised = self.damping * math.sqrt(growth) if growth is not None and growth > 0 else self.damping
        self.damping = min(raised, max(1.0, self.options.damping) * self.scale)

    def retreat(self) -> bool:
        """λ ← 100 λ; see `Optimizer.retreat`."""
        self.damping, self.growth = _RETREAT * self.damping, 2.0
        self._renew()
        return self.damping > 0

    def step(self, objective: LeastSquares) -> Step:
        """Take one step; see the module and `Optimizer.step`. `info` holds

        damping (λ), ratio (ρ), corrections, evaluations (of r), solves (values of λ tried), what the system says of
        itself (`System.report`), and seconds/rows, /system, /solve, /trials.
        """
        timer = StepTimer()
        system = self._system(objective, timer)
        loss = float(0.5 * system.residual.dot(system.residual))
        if ending := stationarity(system.residual, system.gradient, system.trace):
            return Step(loss, False, timer.seconds, ending)
        if self.scale == 0.0:
            self.scale = system.trace / objective.size
            self.damping = self.options.damping * self.scale
        trials = Trials(objective, loss, timer)
        solves, began, stalled_decrease = 0, self.damping, 0.0
        while True:
            attempt = self._attempt(system, trials, timer)
            solves += 1
            used = self.damping
            ratio = (loss - trials.best) / attempt.promised if attempt.promised > 0 else 0.0
            accepted = ratio > self.options.accept
            # Solves that end before they are accurate still descend a little, and would go on so for ever.
            inaccurate = system.unresolved and not self.refinement_disabled
            stalled = accepted and inaccurate and loss - trials.best < _LEAST_DECREASE * loss
            if accepted and not stalled:
                break
            stalled_decrease = loss - trials.best if stalled else 0.0
            if not accepted:
                self.damping *= self.growth
                self.growth *= 2
            if stalled or solves % self.options.retries == 0 or attempt.promised <= _EPS * loss:
                refined = self._refined_system(system, timer)
                if refined is None and accepted:
                    break
                # λ has been driven to where the step vanishes: neither the next system nor new points want that one.
                self.damping, self.growth = began, 2.0
                if refined is None:
                    break
                system = refined
        if accepted and stalled_decrease > 0 and loss - trials.best < _LEAST_GAIN * stalled_decrease:
            # The curvature of r, not a lack of digits, kept the steps short.
            self.refinement_disabled = True
            self._renew()
        if accepted:
            self.damping *= max(self.options.shrink, 1 - (2 * ratio - 1) ** 3)
            # A smaller λ changes no digit of a step, even one computed from J itself, and would at last underflow.
            self.damping = max(self.damping, _EPS**2 * system.trace)
            self.growth = 2.0
        trials.settle(accepted)
        info = {
            "damping": used,
            "ratio": ratio,
            "corrections": float(attempt.corrections),
            "evaluations": float(trials.evaluations),
            "solves": float(solves),
            **system.report(),
            **timer.seconds,
        }
        if accepted:
            return Step(trials.best, True, info)
        return Step(loss, False, info, StepEnding.NO_DESCENT, f"no step lowers the loss, with damping up to {used:.1e}")

    def _damped(self, system: System, factor: float, timer: StepTimer) -> Solve:
        """Solves with `factor` λ; λ is raised until the matrix is positive definite in floating point."""
        with timer("system"):
            while True:
                solve = system.damped(factor * self.damping)
                if solve is not None:
                    return solve
                self.damping = max(4 * self.damping, resolution(system))

    def _attempt(self, system: System, trials: Trials, timer: StepTimer) -> _Attempt:
        """One step for the present λ: direction, acceleration, corrections. The best point seen is in `trials`."""
        r, loss = system.residual, float(0.5 * system.residual.dot(system.residual))
        solve = self._damped(system, 1.0, timer)
        with timer("solve"):
            d = solve(r)
            promise = system.matvec(d)
        # f − f_lin without cancellation, and right for an inexact d too.
        promised = -float(promise.dot(r + 0.5 * promise))
        if not math.isfinite(promised):
            return _Attempt(0.0, 0)
        target = r + promise
        lowest = float(0.5 * target.dot(target))
        s = d
        if self.options.geodesic:
            second = (2 / _H) * ((trials.residual(_H * d) - r) / _H - promise)
            with timer("solve"):
                s = d + 0.5 * solve(second)
        now = trials.residual(s)
        gap = trials.loss(s, now) - lowest
        used = 0
        if self.options.corrections and gap > _KEPT * (loss - lowest):
            solve = self._damped(system, self.options.correction_damping, timer)
        while used < self.options.corrections and gap > _KEPT * (loss - lowest) and math.isfinite(gap):
            with timer("solve"):
                s = s + solve(now - target)
            now = trials.residual(s)
            used += 1
            last, gap = gap, trials.loss(s, now) - lowest
            if gap > 0.5 * last:
                break
        return _Attempt(promised, used)
