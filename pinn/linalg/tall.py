"""Least squares with a tall dense J of any conditioning: min_c |J c + r|, J (N, p) with columns of any size.

Matrices of random features are numerically rank deficient: half of the singular values and more lie under ε of the
largest, and what is wanted is a small residual with coefficients of moderate size. `TallQR` reduces J and r to the
triangle of J = QR and to Qᵀr, and each damped problem

    min_c |J c + r|² + μ² |D c|²,    D = diag |J e_j|,    μ = rcond √p,

is then a QR of the triangle above μD (Björck, Numerical Methods for Least Squares Problems, SIAM 1996, sec. 2.7.2 and
5.3.2), made by LAPACK's `tpqrt`, which keeps zeros zero. Householder QR is stable column by column (Higham, Accuracy
and Stability of Numerical Algorithms, SIAM 2002, thm. 19.4), so that columns need no scaling beforehand, and Q is not
kept: r is one more column of J. Triangles of two sets of rows join to that of both (TSQR; Demmel, Grigori, Hoemmen,
Langou, SIAM J. Sci. Comput. 34 (2012) A206), so that J can come in blocks of rows.
"""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

_PANEL = 128  # columns of a panel: 64 to 192 take the same time within a tenth
_TILE = 256  # columns that a panel is applied to at a time
_INNER = 64  # of tpqrt
_LARGE = 3e8  # multiplications, about 10 ms, under which a factorisation is not worth sharing
# Of ε: on four matrices of random features the least residual was had at 0.5 to 1.5 ε σ₁, with √p about 2.4 σ₁.
_RCOND = 0.25


@dataclass(frozen=True, eq=False)
class TallQR:
    """The triangle R and Qᵀr of J = QR: everything about min |J c + r| that does not depend on the damping.

    Attributes:
        triangle: [[R, Qᵀr], [0, ρ]] (p + k, p + k), upper, of the QR of [J, r].
        columns: p.

    Example:
        >>> J = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
        >>> r = -J @ torch.tensor([3.0, 2e-4], dtype=torch.float64)
        >>> [round(c, 9) for c in TallQR.of(J, r).solve().tolist()]
        [3.0, 0.0002]
    """

    triangle: Tensor
    columns: int

    @classmethod
    def of(cls, J: Tensor, r: Tensor, *, workers: int = 1) -> TallQR:
        """The reduction of J (N, p) and r (N,) or (N, k), float32 or float64; 2 N p² − ⅔ p³ operations.

        Args:
            J: rows; zero columns, and fewer rows than columns, are no difficulty.
            r: right sides.
            workers: threads that may share the work on the CPU; they change no bit.

        Raises:
            ValueError: where the shapes disagree or an entry is not finite.
        """
        r = r if r.ndim == 2 else r[:, None]
        (n, p), k = J.shape, r.shape[1]
        if r.shape[0] != n:
            raise ValueError(
                f"least_squares: got {n} rows of J and {r.shape[0]} of r, expected as many; give one residual a row"
            )
        both = torch.empty(p + k, n, dtype=torch.float64, device=J.device).T
        both[:, :p], both[:, p:] = J, r
        reduced = triangle(both, workers)
        if not bool(torch.isfinite(reduced).all()):
            raise ValueError("least_squares: got a matrix that is not finite; give finite rows")
        return cls(reduced, p)

    def joined(self, other: TallQR) -> TallQR:
        """The reduction of the rows of both; ⅔ p³ operations.

        Example:
            >>> J, r = torch.eye(3, 2, dtype=torch.float64) + 1, torch.ones(3, dtype=torch.float64)
            >>> parts = TallQR.of(J[:2], r[:2]).joined(TallQR.of(J[2:], r[2:]))
            >>> bool(torch.allclose(parts.solve(), TallQR.of(J, r).solve()))
            True
        """
        if (other.columns, other.triangle.shape) != (self.columns, self.triangle.shape):
            raise ValueError(
                f"TallQR.joined: got triangles of {self.triangle.shape[0]} and {other.triangle.shape[0]} columns, "
                "expected as many; give rows of the same matrix"
            )
        return TallQR(_stacked(self.triangle, other.triangle), self.columns)

    @cached_property
    def sizes(self) -> Tensor:
        """|J e_j| (p,), with 1 for columns of zeros."""
        sizes = self.triangle[:, : self.columns].norm(dim=0)
        return torch.where(sizes > 0, sizes, torch.ones_like(sizes))

    def solve(self, rcond: float | None = None) -> Tensor:
        """c (p,), or (p, k) for more right sides than one; ⅔ p³ operations.

        A direction of coefficients with singular value σ is damped by σ² / (σ² + μ²), μ = `rcond` √p in columns of
        size one. The least that makes sense is about ε, the error of the rows themselves: below it, coefficients
        grow and the residual does not fall.

        Args:
            rcond: what of the root of p counts as zero, 0 or more; a quarter of ε where left out.
        """
        p = self.columns
        scaled = self.triangle[:p].clone()
        scaled[:, :p] /= self.sizes
        mu = (default_rcond(torch.float64) if rcond is None else rcond) * p**0.5
        if mu > 0:
            below = torch.zeros_like(scaled)
            below[:, :p].diagonal().fill_(mu)
            square = scaled.new_zeros(scaled.shape[1] - p, scaled.shape[1])
            scaled = _stacked(torch.cat([scaled, square]), torch.cat([below, square]))[:p]
        c = -torch.linalg.solve_triangular(scaled[:, :p], scaled[:, p:], upper=True) / self.sizes[:, None]
        return c if c.shape[1] > 1 else c[:, 0]


def default_rcond(dtype: torch.dtype) -> float:
    """What counts as zero in rows of this precision, relative to the size of the matrix."""
    return _RCOND * torch.finfo(dtype).eps


def triangle(A: Tensor, workers: int = 1) -> Tensor:
    """R (m, m) of the QR of A (N, m), with rows of zeros where N < m.

    Args:
        A: float64, column-major; on the CPU it is overwritten.
        workers: threads that may share the work on the CPU; they change no bit.
    """
    if A.device.type == "cpu":
        return torch.from_numpy(_householder(A.numpy(), workers))
    R, m = torch.linalg.qr(A, mode="r")[1], A.shape[1]
    return torch.cat([R, R.new_zeros(m - R.shape[0], m)]) if R.shape[0] < m else R


def _stacked(upper: Tensor, lower: Tensor) -> Tensor:
    """The triangle of one above the other, both upper, (m, m)."""
    if upper.device.type != "cpu":
        return torch.linalg.qr(torch.cat([upper, lower]), mode="r")[1]
    from scipy.linalg import lapack  # loaded when used, as all of SciPy here

    m = upper.shape[0]
    columns = [np.array(one.numpy(), order="F") for one in (upper, lower)]
    return torch.from_numpy(lapack.dtpqrt(m, min(_INNER, m), *columns, overwrite_a=1, overwrite_b=1)[0])


def _householder(A: Any, workers: int) -> Any:
    """R (m, m) of the QR of A (N, m), which is overwritten; column-major.

    The blocked algorithm of LAPACK's `geqrt` (Golub, Van Loan, Matrix Computations, alg. 5.2.3) with the update cut
    into tiles of columns: 6 500 × 2 000 takes 1.17 s on one thread in place of 1.07 s, and the tiles are shared.
    """
    from scipy.linalg import lapack

    n, m = A.shape
    buffers = threading.local()

    def apply(j: int, start: int, v: Any, t: Any) -> None:
        C = A[j:, start : start + _TILE]
        if getattr(buffers, "flat", None) is None:
            buffers.flat = np.empty(n * _TILE)
        product = buffers.flat[: C.size].reshape(C.shape[1], n - j).T  # a new array each time would cost a quarter
        np.matmul(v, t.T @ (v.T @ C), out=product)
        C -= product

    with ExitStack() as stack:
        share: Any = map
        if n * m**2 > _LARGE:  # looking for libraries to limit takes some milliseconds
            stack.enter_context(threadpool_limits(limits=1, user_api="blas"))
            if workers > 1:
                share = stack.enter_context(ThreadPoolExecutor(workers)).map
        for j in range(0, min(n, m), _PANEL):
            width = min(_PANEL, m - j, n - j)
            v, t, _ = lapack.dgeqrt(width, np.array(A[j:, j : j + width], order="F"), overwrite_a=1)
            A[j : j + width, j : j + width] = np.triu(v[:width])
            v[:width][np.triu_indices(width)] = 0.0
            v[np.arange(width), np.arange(width)] = 1.0
            starts = range(j + width, m, _TILE)
            list(share(apply, itertools.repeat(j), starts, itertools.repeat(v), itertools.repeat(np.triu(t))))
    out = np.zeros((m, m), order="F")
    out[: min(n, m)] = np.triu(A[: min(n, m)])
    return out
