"""Gauss-Newton without J, for networks of 10⁴ to 10⁵ parameters.

It takes the damped step of `pinn.optimizers.damped_gauss_newton`, solved by preconditioned conjugate gradients on

    (JᵀJ + λI) d = −Jᵀe

through products Jv and Jᵀw alone (truncated Gauss-Newton: Nash, SIAM J. Numer. Anal. 21, 1984; Martens, ICML 2010).
The singular values of J fall exponentially for a PINN, so that a low-rank approximation of JᵀJ is almost all of it. A
randomized Nyström approximation U diag(s) Uᵀ from `rank` products gives the preconditioner

    P⁻¹ = (s_k + λ) U (diag(s) + λI)⁻¹ Uᵀ + (I − UUᵀ)

(Frangella, Tropp, Udell, SIMAX 44(2), 2023; for PINNs: Rathore et al. 2402.01868, whose NNCG refreshes it every few
steps; Jnini and Vella 2505.21404). JᵀJ changes slowly: it is kept for `refresh` steps. The memory needed is that of
`rank` vectors of parameters.

The solves are inexact: conjugate gradients stop at a residual of `tolerance` or after `iterations`. Every iterate
started from zero lowers the linear model, so that an early stop costs progress and never descent.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pinn import linalg
from pinn.least_squares import LeastSquares
from pinn.linearization import Linearization
from pinn.optimizers.damped_gauss_newton import DampedGaussNewton, StepOptions
from pinn.optimizers.optimizer import StepTimer
from pinn.optimizers.system import Solve, System
from pinn.validation import count, fraction


class Products(System):
    """JᵀJ + λI known by products with J at θ; solved by conjugate gradients.

    Args:
        objective: at θ now. Products put its parameters back to θ.
        tolerance: relative residual at which conjugate gradients stop.
        iterations: of conjugate gradients at the most.
    """

    def __init__(self, objective: LeastSquares, tolerance: float, iterations: int) -> None:
        self._objective, self._theta = objective, objective.vector()
        self._operator: Linearization = objective.operator()
        self._tolerance, self._iterations = tolerance, iterations
        self.products = 0
        self.residual = self._operator.residual.double()
        self.gradient = self.rmatvec(self.residual)
        self.preconditioner: linalg.Nystrom | None = None

    def _here(self) -> Linearization:
        # A trial has moved the parameters in place, and products made from them would be of another θ.
        if not torch.equal(self._objective.vector(), self._theta):
            self._objective.assign(self._theta)
            self._operator = self._objective.operator()
        self.products += 1
        return self._operator

    def matvec(self, v: Tensor) -> Tensor:
        """See `System.matvec`."""
        return self._here().jvp(v.to(self._theta.dtype)).double()

    def rmatvec(self, w: Tensor) -> Tensor:
        """See `System.rmatvec`."""
        return self._here().vjp(w.to(self._theta.dtype)).double()

    def gram(self, v: Tensor) -> Tensor:
        """JᵀJ v for v (p,)."""
        return self.rmatvec(self.matvec(v))

    def damped(self, damping: float) -> Solve:
        """See `System.damped`."""
        near = self.preconditioner

        def solve(e: Tensor) -> Tensor:
            gradient = self.gradient if e is self.residual else self.rmatvec(e)
            d, made, _ = linalg.conjugate_gradients(
                lambda v: self.gram(v) + damping * v,
                -gradient,
                precondition=(lambda v: v) if near is None else (lambda v: near.precondition(damping, v)),
                tolerance=self._tolerance,
                iterations=self._iterations,
            )
            self.refinements += made
            return d

        return solve

    def report(self) -> dict[str, float]:
        """For the trace: products with J and Jᵀ, iterations of conjugate gradients, size of the preconditioner."""
        rank = 0 if self.preconditioner is None else self.preconditioner.s.numel()
        return {"products": float(self.products), "iterations": float(self.refinements), "rank": float(rank)}


class MatrixFree(DampedGaussNewton):
    """Damped Gauss-Newton by Nyström-preconditioned conjugate gradients; see the module.

    Args:
        damping: start of λ in units of tr(JᵀJ)/p.
        rank: of the Nyström approximation; 0 for none.
        refresh: steps that it is kept.
        tolerance: of conjugate gradients, relative.
        iterations: of conjugate gradients at the most.
        corrections: stale-Jacobian corrections at the most; each is a solve here.
        geodesic: whether to take the geodesic acceleration; one more solve.
        seed: of the test matrices.

    Raises:
        ValueError: for numbers out of range.

    Example:
        >>> MatrixFree(rank=50).redraws
        True
    """

    _state = ("damping", "growth", "scale", "_age", "_U", "_s", "_draws")

    def __init__(
        self,
        damping: float = 1e-2,
        *,
        rank: int = 40,
        refresh: int = 20,
        tolerance: float = 0.1,
        iterations: int = 30,
        corrections: int = 1,
        geodesic: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__(StepOptions(damping, corrections, geodesic, retries=8))
        count("MatrixFree", 0, rank=rank)
        count("MatrixFree", 1, refresh=refresh, iterations=iterations)
        fraction("MatrixFree", tolerance=tolerance)
        self.rank, self.refresh, self.seed = rank, refresh, seed
        self.tolerance, self.iterations = tolerance, iterations
        self._age = 0
        self._draws = 0
        self._U: Tensor | None = None
        self._s: Tensor | None = None

    def _renew(self) -> None:
        """Nothing: JᵀJ is an average over points, and its approximation only has to be near."""

    def _system(self, objective: LeastSquares, timer: StepTimer) -> System:
        with timer("rows"):
            system = Products(objective, self.tolerance, self.iterations)
        with timer("system"):
            system.trace = self._trace(system, objective)
            if self.rank and (self._U is None or self._age >= self.refresh):
                near = linalg.nystrom(
                    lambda X: torch.stack([system.gram(x) for x in X.T], dim=1),
                    objective.size,
                    self.rank,
                    self._generator(),
                    objective.device,
                )
                self._U, self._s, self._age = near.U, near.s, 0
            self._age += 1
            if self._U is not None and self._s is not None:
                system.preconditioner = linalg.Nystrom(self._U, self._s)
        return system

    def _trace(self, system: Products, objective: LeastSquares) -> float:
        # Hutchinson's estimate from one random sign vector; it sets the unit of λ once and guards against NaN.
        if self.scale > 0:
            return self.scale * objective.size
        signs = torch.randint(0, 2, (objective.size,), generator=self._generator()).double().mul_(2).sub_(1)
        return float(system.matvec(signs.to(objective.device)).square().sum())

    def _generator(self) -> torch.Generator:
        self._draws += 1
        return torch.Generator().manual_seed(self.seed + self._draws)

    def _refined_system(self, system: System, timer: StepTimer) -> System | None:
        # An old preconditioner may be what spoils the solves: the next step makes a new one.
        self._age = self.refresh
        return None
