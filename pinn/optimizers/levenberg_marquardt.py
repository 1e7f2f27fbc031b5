"""Levenberg-Marquardt: the step of `pinn.optimizers.damped_gauss_newton`, its system factored by dense algebra.

    d = −(JᵀJ + λI)⁻¹Jᵀr  with N ≥ p,     d = −Jᵀ(JJᵀ + λI)⁻¹r  with N < p          (Levenberg 1944, Marquardt 1963)

followed by geodesic acceleration and up to three stale-Jacobian corrections. Each new λ costs a Cholesky factorisation,
and each correction two triangular solves and one evaluation of r; J is formed once a step.

When λ comes near what JᵀJ resolves, solves are refined with products of J itself (`refinements` in the trace counts
them). When these do not get there and a step takes less than 1 % off the loss, or no step can be found at all, J is
factored by QR, and from then on until the points change (`orthogonal` in the trace), unless the first such step gains
less than five times as much: then digits were not what was missing. The forms and their costs are in
`pinn.optimizers.system`.
"""

from __future__ import annotations

import torch

from pinn.least_squares import LeastSquares
from pinn.optimizers.damped_gauss_newton import DampedGaussNewton, StepOptions
from pinn.optimizers.optimizer import StepTimer
from pinn.optimizers.system import Blockwise, Buffers, Dual, Orthogonal, Primal, System, held_by_squares, squares_flops


class LevenbergMarquardt(DampedGaussNewton):
    """Levenberg-Marquardt with geodesic acceleration and corrections; see the module.

    Args:
        damping: start of λ in units of tr(JᵀJ)/p.
        corrections: stale-Jacobian corrections at the most.
        geodesic: whether to take the geodesic acceleration.
        correction_damping: λ'/λ.
        accept: smallest ratio ρ of actual to promised decrease.
        shrink: smallest factor on λ after a good step.
        retries: times that a step is solved again with a larger λ.
        orthogonal: factor J by QR from the first step on; otherwise only when no step can be found without.
        memory: bytes that J may take; beyond, JᵀJ is accumulated in blocks of points where it and its factor fit.

    Raises:
        ValueError: for numbers out of range.

    Example:
        >>> LevenbergMarquardt(corrections=2).state_dict()["growth"]
        2.0
    """

    _state = ("damping", "growth", "scale", "orthogonal", "refinement_disabled")

    def __init__(
        self,
        damping: float = 1e-2,
        *,
        corrections: int = 3,
        geodesic: bool = True,
        correction_damping: float = 100.0,
        accept: float = 1e-4,
        shrink: float = 1 / 3,
        retries: int = 12,
        orthogonal: bool = False,
        memory: float = 5e8,
    ) -> None:
        super().__init__(StepOptions(damping, corrections, geodesic, correction_damping, accept, shrink, retries))
        self.memory = memory
        self.always = orthogonal
        self.orthogonal = orthogonal
        self._buffers = Buffers()

    def most_rows(self, parameters: int, itemsize: int = 8) -> int | None:
        """Rows that a step can take: None where JᵀJ and its factor fit into the memory, for then J need not.

        Args:
            parameters: p.
            itemsize: bytes of a number of J.

        Example:
            >>> LevenbergMarquardt(memory=5e8).most_rows(921), LevenbergMarquardt(memory=5e8).most_rows(31_250)
            (None, 2000)
        """
        return None if 16 * parameters**2 <= self.memory else int(self.memory / (parameters * itemsize))

    def memory_of_step(self, rows: int, parameters: int, itemsize: int = 8) -> float:
        """See `Optimizer.memory_of_step`: J, its Gram matrix and the factor, or these alone where J is not held."""
        if rows * parameters * itemsize > self.memory:
            return 16.0 * parameters**2
        return held_by_squares(rows, parameters, itemsize)

    def flops(self, rows: int, parameters: int) -> float:
        """See `Optimizer.flops`."""
        return squares_flops(rows, parameters)

    def _renew(self) -> None:
        self.orthogonal = self.always

    def _system(self, objective: LeastSquares, timer: StepTimer) -> System:
        """The linearization at θ in the form that fits; see `pinn.optimizers.system`."""
        itemsize = torch.finfo(objective.dtype).bits // 8
        if objective.rows * objective.size * itemsize > self.memory:
            most = self.most_rows(objective.size, itemsize)
            if self.always or most is not None:
                raise ValueError(
                    f"LevenbergMarquardt: {objective.rows} rows of {objective.size} parameters exceed "
                    f"memory={self.memory:.1e} bytes; take at most {int(self.memory / (objective.size * itemsize))} "
                    "rows, allow more memory, or use MatrixFree()"
                )
            with timer("rows"):
                return Blockwise(objective, self._buffers)
        with timer("rows"):
            residual, J = self._buffers.linearize(objective)
        with timer("system"):
            if self.orthogonal:
                return Orthogonal(residual, J)
            form = Primal if objective.rows >= objective.size else Dual
            return form(residual, J, self._buffers, self.workers)

    def _refined_system(self, system: System, timer: StepTimer) -> System | None:
        # Before giving up, make sure that it was not rounding in JᵀJ that spoilt the steps.
        if not isinstance(system, Primal | Dual):
            return None
        self.orthogonal = True
        with timer("system"):
            return Orthogonal(system.residual, system.J)
