"""The linear system of a damped Gauss-Newton step, in the form that its size and conditioning ask for.

At θ the rows are r (N,) with derivative J (N, p), and a step answers a row vector e with

    d(e) = argmin |J d + e|² + λ |d|² = −(JᵀJ + λI)⁻¹ Jᵀe = −Jᵀ(JJᵀ + λI)⁻¹ e.

| form | when | cost |
|---|---|---|
| `Primal` | N ≥ p | N p² for JᵀJ (half a product), p³/3 for each λ |
| `Dual` | N < p | N² p for JJᵀ, N³/3 for each λ |
| `Primal`, `Blockwise`, refined | λ is near what JᵀJ resolves, ε tr(JᵀJ) | and a few products with J a solve |
| `Orthogonal` | all others have failed, or for reference | 2 N p² for the QR of J, then about 3 p³ for each λ |
| `Blockwise` | J does not fit into the memory allowed | JᵀJ by blocks of points, and so Jv and Jᵀw, a pass each |

All but the last hold J. They give the same step in exact arithmetic, which the tests state. Measured on p = 921 and
N = 2000 on one core: JᵀJ 33 ms, a Cholesky factor 7 ms, a solve 1 ms, a refined solve 4 ms, the QR of J 72 ms and 70 ms
for each λ. On a Poisson problem refinement let λ fall another decade and the loss five times lower in the same time;
QR gave the same steps as refinement, three times slower.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import ClassVar

import torch
from torch import Tensor

from pinn import linalg
from pinn.least_squares import LeastSquares
from pinn.linearization import Linearization
from pinn.optimizers.optimizer import StepEnding

Solve = Callable[[Tensor], Tensor]

_EPS = torch.finfo(torch.float64).eps
_REFINEMENTS = 10  # of one solve at the most
_CLOSE = 10.0  # solves are refined when λ is nearer than this to the resolution of JᵀJ


class Buffers:
    """Large arrays kept from one step to the next, so that a step allocates nothing of the size of J."""

    def __init__(self) -> None:
        self.rows: linalg.Matrix | None = None
        self.gram: Tensor | None = None
        self.factor: Tensor | None = None

    def squares(self, m: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Two m×m matrices: for the Gram matrix and for its factor."""
        if self.gram is None or self.factor is None or self.gram.shape[0] != m or self.gram.device != device:
            self.gram, self.factor = linalg.square(m, device), linalg.square(m, device)
        return self.gram, self.factor

    def linearize(self, objective: LeastSquares) -> tuple[Tensor, linalg.Matrix]:
        """r and J of an objective, J in the kept array where that fits, its rows wherever they are made."""
        kept = self.rows
        fits = (
            kept is not None
            and tuple(kept.shape) == (objective.rows, objective.size)
            and kept.dtype == objective.dtype
            and kept.device == objective.device
        )
        residual, self.rows = objective.held(out=kept if fits else None)
        return residual, self.rows


class System(ABC):
    """One linearization with its gradient and its damped solves; float64 whatever the precision of the rows.

    Attributes:
        residual: r (N,).
        gradient: Jᵀr (p,).
        trace: tr(JᵀJ), the squared size of J.
        condition: lower bound on the condition number of the last matrix factored, NaN where there is none.
        refinements: products with J and Jᵀ made so far to restore digits that JᵀJ had lost.
        unresolved: whether a solve has ended before they were restored.
        orthogonal: whether J itself is factored, not JᵀJ or JJᵀ.
    """

    orthogonal: ClassVar[bool] = False

    residual: Tensor
    gradient: Tensor
    trace: float
    condition: float = float("nan")
    refinements: int = 0
    unresolved: bool = False

    def report(self) -> dict[str, float]:
        """For the trace: condition, refinements, and 1 for orthogonal where J itself was factored."""
        return {
            "condition": self.condition,
            "refinements": float(self.refinements),
            "orthogonal": float(self.orthogonal),
        }

    @abstractmethod
    def matvec(self, v: Tensor) -> Tensor:
        """J v for v (p,); shape (N,)."""

    @abstractmethod
    def rmatvec(self, w: Tensor) -> Tensor:
        """Jᵀ w for w (N,); shape (p,)."""

    @abstractmethod
    def damped(self, damping: float) -> Solve | None:
        """The map e (N,) -> d(e) (p,), or None where the matrix is not positive definite in floating point.

        It is good until the next call of `damped`.
        """


class _Held(System):
    """Rows and J in memory."""

    def __init__(self, residual: Tensor, J: linalg.Matrix) -> None:
        self.J = J
        self.residual = residual.double()
        self.gradient = self.rmatvec(self.residual)

    def matvec(self, v: Tensor) -> Tensor:
        """See `System.matvec`."""
        return (self.J @ v.to(self.J.dtype)).double()

    def rmatvec(self, w: Tensor) -> Tensor:
        """See `System.rmatvec`."""
        return (self.J.T @ w.to(self.J.dtype)).double()


class Primal(_Held):
    """JᵀJ + λI by Cholesky.

    Args:
        residual: r (N,).
        J: (N, p).
        buffers: arrays to work in.
        workers: threads that may share the product.
    """

    def __init__(self, residual: Tensor, J: linalg.Matrix, buffers: Buffers, workers: int = 1) -> None:
        super().__init__(residual, J)
        gram, self._factor = buffers.squares(J.shape[1], J.device)
        self.gram = linalg.gram(J, out=gram, workers=workers)
        self.trace = float(self.gram.diagonal().sum())

    def damped(self, damping: float) -> Solve | None:
        """See `System.damped`."""
        return _through_squares(self, self.gram, self._factor, damping)


class Dual(_Held):
    """JJᵀ + λI by Cholesky; arguments as for `Primal`."""

    def __init__(self, residual: Tensor, J: linalg.Matrix, buffers: Buffers, workers: int = 1) -> None:
        super().__init__(residual, J)
        gram, self._factor = buffers.squares(J.shape[0], J.device)
        self.gram = linalg.gram(J, dual=True, out=gram, workers=workers)
        self.trace = float(self.gram.diagonal().sum())

    def damped(self, damping: float) -> Solve | None:
        """See `System.damped`."""
        L = linalg.cholesky(self.gram, damping, self._factor)
        if L is None:
            return None
        self.condition = linalg.condition(L)
        return lambda e: -self.rmatvec(linalg.cholesky_solve(L, e))


class Orthogonal(_Held):
    """QR of J.

    Args:
        residual: r (N,).
        J: (N, p).
    """

    orthogonal = True

    def __init__(self, residual: Tensor, J: linalg.Matrix) -> None:
        J = linalg.dense(J)
        super().__init__(residual, J)
        self.trace = float(J.double().square().sum()) if J.dtype != torch.float64 else float(J.norm() ** 2)
        self._qr = linalg.DampedQR(J)
        pivots = self._qr.core.diagonal().abs()
        self._largest, self._smallest = float(pivots.max()), float(pivots.min())

    def damped(self, damping: float) -> Solve:
        """See `System.damped`."""
        self.condition = (self._largest**2 + damping) / (self._smallest**2 + damping)
        return self._qr.damped(damping)


class Blockwise(System):
    """JᵀJ + λI accumulated in blocks of points; neither J nor what its products need is ever held for all of them.

    Args:
        objective: at θ now. Products with J put it back to θ: after them its parameters are those of θ.
        buffers: arrays to work in.
    """

    def __init__(self, objective: LeastSquares, buffers: Buffers) -> None:
        self._objective = objective
        self._theta = objective.vector()
        self.residual = objective.residual().double()
        gram, self._factor = buffers.squares(objective.size, objective.device)
        _, gradient, C = objective.normal_equations()
        self.gram = gram.copy_(C)
        self.gradient = gradient.double()
        self.trace = float(self.gram.diagonal().sum())

    def matvec(self, v: Tensor) -> Tensor:
        """See `System.matvec`."""
        out, v = torch.zeros_like(self.residual), v.to(self._theta.dtype)
        for rows, piece in self._pieces():
            out[rows] += piece.jvp(v)
            del piece  # before the next one is made
        return out

    def rmatvec(self, w: Tensor) -> Tensor:
        """See `System.rmatvec`."""
        out, w = torch.zeros_like(self.gradient), w.to(self._theta.dtype)
        for rows, piece in self._pieces():
            out += piece.vjp(w[rows])
            del piece
        return out

    def _pieces(self) -> Iterator[tuple[slice, Linearization]]:
        self._objective.assign(self._theta)
        return self._objective.pieces()

    def damped(self, damping: float) -> Solve | None:
        """See `System.damped`."""
        return _through_squares(self, self.gram, self._factor, damping)


def _through_squares(system: System, gram: Tensor, factor: Tensor, damping: float) -> Solve | None:
    """`System.damped` by Cholesky of JᵀJ + λI, refined with products of J where λ is near what JᵀJ resolves."""
    limit = resolution(system)
    close, shift = damping < _CLOSE * limit, max(damping, limit)
    L = linalg.cholesky(gram, shift, factor)
    for _ in range(20 if close and L is None else 0):
        shift *= 4
        L = linalg.cholesky(gram, shift, factor)
        if L is not None:
            break
    if L is None:
        return None
    factored = L
    system.condition = linalg.condition(L) * shift / damping
    if not close:
        return lambda e: (
            -linalg.cholesky_solve(factored, system.gradient if e is system.residual else system.rmatvec(e))
        )

    def solve(e: Tensor) -> Tensor:
        d, made = linalg.refined(
            system.matvec,
            system.rmatvec,
            lambda s: linalg.cholesky_solve(factored, s),
            e,
            damping,
            iterations=_REFINEMENTS,
        )
        system.refinements += made
        system.unresolved = system.unresolved or made == _REFINEMENTS
        return d

    return solve


def held_by_squares(rows: int, parameters: int, itemsize: int) -> float:
    """Bytes of J (N, p), of JᵀJ or JJᵀ, whichever is smaller, and of its factor."""
    return float(rows * parameters * itemsize) + 16.0 * min(rows, parameters) ** 2


def squares_flops(rows: int, parameters: int) -> float:
    """Operations of forming the smaller of JᵀJ and JJᵀ, half a product, and of two factors of it."""
    m = min(rows, parameters)
    return max(rows, parameters) * m**2 + 2 * m**3 / 3


def resolution(system: System) -> float:
    """The damping ε tr(JᵀJ) below which a matrix of squares no longer tells small singular values from rounding."""
    return max(_EPS * system.trace, torch.finfo(torch.float64).tiny)


def stationarity(residual: Tensor, gradient: Tensor, trace: float) -> StepEnding | None:
    """Why no step can be made of r, Jᵀr and tr(JᵀJ), or None where one can.

    NOT_FINITE where one of them is not, GRADIENT_ZERO where |Jᵀr| ≤ ε |r| √tr(JᵀJ), the rounding of that product.
    """
    slope, size = float(gradient.norm()), float(residual.norm()) * math.sqrt(max(trace, 0.0))
    if not math.isfinite(slope + size + trace):
        return StepEnding.NOT_FINITE
    return StepEnding.GRADIENT_ZERO if slope <= _EPS * size else None
