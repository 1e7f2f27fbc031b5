"""Energy natural gradient with a line search over powers of a half.

    d = −(JᵀJ + λI)⁻¹ Jᵀr,     θ ← θ + td,   t = argmin over {1, ½, ¼, …} of f(θ + td)

For the least-squares loss of a PINN the energy metric of Müller and Zeinhofer (2302.13163, sec. 3.2, alg. 1) is JᵀJ, so
that d is the Gauss-Newton direction; λ is a fixed small number, and the line search, not λ, guards the step. With fewer
rows than parameters the dual form −Jᵀ(JJᵀ + λI)⁻¹r is the same direction (Woodbury; Guzmán-Cordero et al. 2505.12149).

A fixed λ and a search along one line is what Levenberg-Marquardt improves upon; it is here as a baseline.

Where integrals of energies are added to the rows (`pinn.energy`), their metric is added to JᵀJ, as the normal equations
give it, and f is searched in the place of |r|².
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from pinn import linalg
from pinn.least_squares import LeastSquares
from pinn.optimizers.damped_gauss_newton import Trials
from pinn.optimizers.optimizer import Optimizer, Step, StepEnding, StepTimer
from pinn.optimizers.system import (
    Buffers,
    Dual,
    Primal,
    Solve,
    System,
    held_by_squares,
    resolution,
    squares_flops,
    stationarity,
)
from pinn.validation import count, positive


class NaturalGradient(Optimizer):
    """Energy natural gradient (Gauss-Newton) with line search; see the module.

    Args:
        damping: λ in units of tr(JᵀJ)/p, p the number of parameters.
        halvings: of the step length at the most.

    Raises:
        ValueError: for numbers out of range.

    Example:
        >>> NaturalGradient().state_dict()
        {}
    """

    of_rows = False

    def __init__(self, damping: float = 1e-8, *, halvings: int = 30) -> None:
        positive("NaturalGradient", damping=damping)
        count("NaturalGradient", 0, halvings=halvings)
        self.damping, self.halvings = damping, halvings
        self._buffers = Buffers()

    def reset(self, growth: float | None = None) -> None:
        """Nothing: no step remembers the last."""

    def memory_of_step(self, rows: int, parameters: int, itemsize: int = 8) -> float:
        """See `Optimizer.memory_of_step`: J, its Gram matrix and the factor."""
        return held_by_squares(rows, parameters, itemsize)

    def flops(self, rows: int, parameters: int) -> float:
        """See `Optimizer.flops`."""
        return squares_flops(rows, parameters)

    def step(self, objective: LeastSquares) -> Step:
        """Take one step. `info` holds length (t), damping (λ), evaluations (of r), condition and seconds/…."""
        timer = StepTimer()
        if not objective.squares:
            return self._down(objective, timer)
        system, loss = linearized(objective, self._buffers, timer, self.workers)
        if ending := stationarity(system.residual, system.gradient, system.trace):
            return Step(loss, False, timer.seconds, ending)
        damping, solve = solvable(system, self.damping * system.trace / objective.size, timer)
        with timer("solve"):
            d = solve(system.residual)
        return descend(objective, system, d, loss, self.halvings, damping, timer)

    def _down(self, objective: LeastSquares, timer: StepTimer) -> Step:
        """The step where energies are added to the rows."""
        with timer("rows"):
            value, gradient, metric = (one.double() for one in objective.normal_equations())
        loss, trace = float(value), float(metric.diagonal().sum())
        if not math.isfinite(loss + trace + float(gradient.norm())):
            return Step(loss, False, timer.seconds, StepEnding.NOT_FINITE)
        if not bool((gradient != 0).any()):
            return Step(loss, False, timer.seconds, StepEnding.GRADIENT_ZERO)
        damping = max(self.damping * trace / objective.size, torch.finfo(torch.float64).tiny)
        held, factor = self._buffers.squares(objective.size, gradient.device)
        held.copy_(metric)
        with timer("system"):
            while (L := linalg.cholesky(held, damping, factor)) is None:
                damping = max(4 * damping, torch.finfo(torch.float64).eps * trace)
        with timer("solve"):
            d = -linalg.cholesky_solve(L, gradient)
        theta = objective.vector()

        def at(t: float) -> float:
            with timer("trials"):
                objective.assign(theta + (t * d).to(theta.dtype))
                value = float(objective.loss())
            return value if math.isfinite(value) else math.inf

        best, length, evaluations = searched(at, loss, self.halvings)
        objective.assign(theta + (length * d).to(theta.dtype))
        info = {
            "length": length,
            "damping": damping,
            "evaluations": float(evaluations),
            "condition": linalg.condition(L),
            **timer.seconds,
        }
        return Step(best, length > 0, info, None if length > 0 else StepEnding.NO_DESCENT)


def linearized(objective: LeastSquares, buffers: Buffers, timer: StepTimer, workers: int) -> tuple[System, float]:
    """The linearization at θ in its smaller form, and the loss; `workers` threads may share its product."""
    with timer("rows"):
        residual, J = buffers.linearize(objective)
    with timer("system"):
        system = (Primal if objective.rows >= objective.size else Dual)(residual, J, buffers, workers)
    return system, float(0.5 * system.residual.dot(system.residual))


def solvable(system: System, damping: float, timer: StepTimer) -> tuple[float, Solve]:
    """The solve for λ, raised where the matrix is not positive definite in floating point, and the λ used."""
    with timer("system"):
        while True:
            solve = system.damped(damping)
            if solve is not None:
                return damping, solve
            damping = max(4 * damping, resolution(system))


def descend(
    objective: LeastSquares, system: System, d: Tensor, loss: float, halvings: int, damping: float, timer: StepTimer
) -> Step:
    """Step along d with the best of t = 1, ½, ¼, …; halving ends when a decrease is followed by a rise."""
    trials = Trials(objective, loss, timer)
    _, length, _ = searched(lambda t: trials.loss(t * d, trials.residual(t * d)), loss, halvings)
    accepted = length > 0
    trials.settle(accepted)
    info = {
        "length": length,
        "damping": damping,
        "evaluations": float(trials.evaluations),
        "condition": system.condition,
        **timer.seconds,
    }
    return Step(trials.best, accepted, info, None if accepted else StepEnding.NO_DESCENT)


def searched(at: Callable[[float], float], loss: float, halvings: int) -> tuple[float, float, int]:
    """The best of t = 1, ½, ¼, …; halving ends when a decrease is followed by a rise.

    Args:
        at: t -> f(θ + td), infinite where it is no number.
        loss: f(θ).
        halvings: at the most.

    Returns:
        f there and t, which is 0 where none is lower; and how many were tried.
    """
    best, length, last, t, tried = loss, 0.0, math.inf, 1.0, 0
    while tried <= halvings:
        value, tried = at(t), tried + 1
        if value < loss and value <= last:
            best, length = value, t
        elif last < loss:
            break
        last, t = value, t / 2
    return best, length, tried
