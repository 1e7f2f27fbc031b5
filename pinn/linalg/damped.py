"""Dense and randomized linear algebra of damped least-squares steps.

The step of a Gauss-Newton method with damping λ solves

    min_d |J d + e|² + λ |d|²,     d = −(JᵀJ + λI)⁻¹ Jᵀ e = −Jᵀ (JJᵀ + λI)⁻¹ e,

the first form being p×p, the second (Woodbury) N×N. `gram` forms the smaller matrix as a symmetric rank-k update,
which is half the work of a product, and `cholesky` factors it. That loses every singular value under √ε of the
largest, since squares are formed; `DampedQR` works on J itself and does not (Björck, Numerical Methods for Least
Squares Problems, SIAM 1996, sec. 2.4 and 2.7.2). `nystrom` builds a low-rank approximation of a matrix known through
its products only, and from it a preconditioner (Frangella, Tropp, Udell, Randomized Nyström preconditioning, SIMAX
44(2), 2023, alg. 2.1 and eq. 1.3); `conjugate_gradients` uses it.

Matrices live in float64 whatever the precision of the rows. On the CPU, BLAS and LAPACK are called in place through
SciPy.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from pinn.linalg.matrix import Matrix

_CHUNK = 1024  # rows converted to float64 at a time
_TILE = 256  # of a product that is shared
_LARGE = 3e8  # multiplications, about 10 ms, under which a product is not worth sharing


def square(m: int, device: torch.device | None = None) -> Tensor:
    """An uninitialised float64 m×m matrix in column-major order, as LAPACK wants it.

    Example:
        >>> square(3).stride()
        (1, 3)
    """
    return torch.empty(m, m, dtype=torch.float64, device=device).T


def gram(J: Matrix, *, dual: bool = False, out: Tensor | None = None, workers: int = 1) -> Tensor:
    """Lower triangle of JᵀJ (p, p), or of JJᵀ (N, N) when `dual`, in float64.

    Several workers share a large product tile by tile, each on one thread of BLAS: whoever is free takes the next
    tile, so that a busy core costs no more than its share. BLAS's own threads wait for each other instead, and on a
    shared machine were measured four times slower than one. The result does not depend on the number of workers.

    Args:
        J: rows (N, p), float32 or float64, row- or column-major, or in several processes.
        dual: which of the two.
        out: column-major buffer from `square`, overwritten.
        workers: threads that may share the product.

    Returns:
        The matrix; on the CPU only its lower triangle is meaningful.

    Example:
        >>> J = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
        >>> gram(J).tril().tolist()
        [[10.0, 0.0], [14.0, 20.0]]
    """
    m = J.shape[0] if dual else J.shape[1]
    out = square(m, J.device) if out is None else out
    if not isinstance(J, Tensor):
        return J.gram(dual=dual, out=out, workers=workers)
    if J.device.type != "cpu":
        rows = J.double()
        return torch.mm(rows, rows.T, out=out) if dual else torch.mm(rows.T, rows, out=out)
    if J.dtype == torch.float64:
        if J.numel() * m > _LARGE:
            return _tiled(J if dual else J.T, out, workers)
        return _rank_k(J, dual, 0.0, out)
    if dual:
        return _rank_k(J.double(), True, 0.0, out)
    for start in range(0, J.shape[0], _CHUNK):
        _rank_k(J[start : start + _CHUNK].double(), False, float(start > 0), out)
    return out


def _rank_k(J: Tensor, dual: bool, beta: float, out: Tensor) -> Tensor:
    from scipy.linalg import blas  # loaded when used: a third of what this library takes to start

    # BLAS reads columns: a row-major matrix is handed over as its transpose, so that neither layout is copied.
    if J.stride(0) == 1 and J.stride(1) >= max(1, J.shape[0]):
        matrix, trans = J.numpy(), not dual
    else:
        matrix, trans = J.contiguous().numpy().T, dual
    blas.dsyrk(1.0, matrix, trans=trans, lower=1, beta=beta, c=out.numpy(), overwrite_c=1)
    return out


def _tiled(A: Tensor, out: Tensor, workers: int) -> Tensor:
    """Tiles of A Aᵀ on and below the diagonal, by so many workers; one takes as long as BLAS's rank-k update."""
    left, whole, m = A.numpy(), out.T.numpy(), A.shape[0]
    cuts = [*range(0, m, _TILE), m]
    waiting = itertools.combinations_with_replacement(itertools.pairwise(cuts), 2)
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                tile = next(waiting, None)
            if tile is None:
                return
            (a, b), (c, d) = tile
            # BLAS leaves the interpreter free; the buffer is column-major, so its lower triangle is written as upper.
            np.matmul(left[a:b], left[c:d].T, out=whole[a:b, c:d])

    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(max(1, workers - 1)) as others:
        helping = [others.submit(work) for _ in range(workers - 1)]
        work()
        for one in helping:
            one.result()
    return out


def cholesky(C: Tensor, damping: float, out: Tensor | None = None) -> Tensor | None:
    """Lower Cholesky factor L of C + λI = LLᵀ, or None where that is not positive definite in floating point.

    Args:
        C: symmetric (m, m), lower triangle, column-major (from `gram`).
        damping: λ.
        out: column-major buffer from `square`, overwritten.

    Returns:
        L in the lower triangle of `out`; the rest holds leftovers.
    """
    out = square(C.shape[0], C.device) if out is None else out
    out.copy_(C)
    out.diagonal().add_(damping)
    if C.device.type == "cpu":
        from scipy.linalg import lapack

        failed = lapack.dpotrf(out.numpy(), lower=1, clean=0, overwrite_a=1)[1] != 0
    else:
        factor, info = torch.linalg.cholesky_ex(out)
        out.copy_(factor)
        failed = bool(info)
    # A matrix of NaN passes some LAPACK builds: look at the pivots too.
    return None if failed or not bool(torch.isfinite(out.diagonal()).all()) else out


def cholesky_solve(L: Tensor, b: Tensor) -> Tensor:
    """(LLᵀ)⁻¹ b for a factor L from `cholesky` and b (m,)."""
    if L.device.type == "cpu":
        from scipy.linalg import lapack

        return torch.from_numpy(lapack.dpotrs(L.numpy(), b.numpy(), lower=1)[0]).reshape(-1)
    return torch.cholesky_solve(b[:, None], L)[:, 0]


def condition(L: Tensor) -> float:
    """Lower bound on the condition number of LLᵀ: the ratio of its extreme pivots (free, usually within a factor p)."""
    pivots = L.diagonal()
    return float((pivots.max() / pivots.min()) ** 2)


def refined(
    matvec: Callable[[Tensor], Tensor],
    rmatvec: Callable[[Tensor], Tensor],
    precondition: Callable[[Tensor], Tensor],
    e: Tensor,
    damping: float,
    *,
    tolerance: float = 1e-3,
    iterations: int = 10,
) -> tuple[Tensor, int]:
    """min_d |J d + e|² + λ|d|² by preconditioned conjugate gradients on J itself (CGLS; Björck 1996, alg. 7.4.1).

    With a Cholesky factor of JᵀJ + μI, μ a little above λ, as preconditioner, the condition number left is at most
    μ/λ and a few products with J restore the digits that forming JᵀJ has lost, at a hundredth of the cost of a QR.

    Args:
        matvec: v (p,) -> J v (N,).
        rmatvec: w (N,) -> Jᵀ w (p,).
        precondition: s (p,) -> (JᵀJ + μI)⁻¹ s.
        e: right side (N,).
        damping: λ.
        tolerance: on the preconditioned gradient, relative to its start.
        iterations: at most.

    Returns:
        d (p,) and the iterations made.
    """
    r, s = -e, -rmatvec(e)
    z = precondition(s)
    d, direction = torch.zeros_like(s), z
    first = size = float(s.dot(z))
    made = 0
    while made < iterations and tolerance**2 * first < size:
        made += 1
        image = matvec(direction)
        alpha = size / float(image.dot(image) + damping * direction.dot(direction))
        d = d + alpha * direction
        r = r - alpha * image
        s = rmatvec(r) - damping * d
        z = precondition(s)
        last, size = size, float(s.dot(z))
        direction = z + (size / last) * direction
    return d, made


class DampedQR:
    """min_d |J d + e|² + λ|d|² from a QR factorisation of J, accurate where JᵀJ has lost the digits.

    With N ≥ p, J = QR and the step solves min |[R; √λ I] d + [Qᵀe; 0]|; with N < p, Jᵀ = QR and d = Qy with
    min |Rᵀy + e|² + λ|y|². Either way one more QR, of a matrix 2m × m with m = min(N, p), is made for each λ.

    Args:
        J: rows (N, p).

    Example:
        >>> J = torch.eye(2, dtype=torch.float64)
        >>> e = torch.tensor([2.0, 4.0], dtype=torch.float64)
        >>> [round(x, 12) for x in DampedQR(J).damped(1.0)(e).tolist()]
        [-1.0, -2.0]
    """

    def __init__(self, J: Tensor) -> None:
        self.wide = J.shape[0] < J.shape[1]
        matrix = J.double()
        self.factor, self.tau = torch.geqrf(matrix.T if self.wide else matrix)
        m = self.factor.shape[1]
        R = self.factor[:m].triu()
        self.core = R.T if self.wide else R

    def damped(self, damping: float) -> Callable[[Tensor], Tensor]:
        """The map e (N,) -> d (p,) for one λ."""
        m = self.core.shape[0]
        eye = torch.eye(m, dtype=torch.float64, device=self.core.device)
        inner, tau = torch.geqrf(torch.cat([self.core, damping**0.5 * eye]))
        upper = inner[:m].triu()

        def solve(e: Tensor) -> Tensor:
            head = e if self.wide else torch.ormqr(self.factor, self.tau, e[:, None], transpose=True)[:m, 0]
            right = torch.cat([head, torch.zeros_like(head)])
            rotated = torch.ormqr(inner, tau, right[:, None], transpose=True)[:m]
            y = -torch.linalg.solve_triangular(upper, rotated, upper=True)
            if not self.wide:
                return y[:, 0]
            padded = torch.cat([y, y.new_zeros(self.factor.shape[0] - m, 1)])
            return torch.ormqr(self.factor, self.tau, padded)[:, 0]

        return solve


@dataclass(frozen=True, eq=False)
class Nystrom:
    """A ≈ U diag(s) Uᵀ with orthonormal U (p, k) and eigenvalues s (k,), largest first."""

    U: Tensor
    s: Tensor

    def solve(self, damping: float, b: Tensor) -> Tensor:
        """(U diag(s) Uᵀ + λI)⁻¹ b, exact for the approximation; b (p,)."""
        coefficients = self.U.T @ b
        return self.U @ (coefficients / (self.s + damping)) + (b - self.U @ coefficients) / damping

    def precondition(self, damping: float, b: Tensor) -> Tensor:
        """P⁻¹ b with P = U (diag(s) + λI) Uᵀ / (s_k + λ) + (I − UUᵀ), eq. 1.3 of Frangella, Tropp, Udell."""
        coefficients = self.U.T @ b
        scaled = coefficients * ((self.s[-1] + damping) / (self.s + damping))
        return self.U @ scaled + (b - self.U @ coefficients)


def nystrom(
    apply: Callable[[Tensor], Tensor],
    size: int,
    rank: int,
    generator: torch.Generator,
    device: torch.device | None = None,
) -> Nystrom:
    """Randomized Nyström approximation of a positive semidefinite A from `rank` products.

    Args:
        apply: Ω (p, k) -> A Ω (p, k), float64.
        size: p.
        rank: k, at most p.
        generator: draws the Gaussian test matrix.
        device: of the matrices.

    Example:
        >>> A = torch.diag(torch.tensor([9.0, 4.0, 0.0, 0.0], dtype=torch.float64))
        >>> near = nystrom(lambda X: A @ X, 4, 2, torch.Generator().manual_seed(0))
        >>> [round(s, 6) for s in near.s.tolist()]
        [9.0, 4.0]
    """
    rank = min(rank, size)
    test = torch.randn(size, rank, generator=generator, dtype=torch.float64).to(device or "cpu")
    test = torch.linalg.qr(test)[0]
    product = apply(test)
    # The shift keeps the Cholesky factorisation below possible; it is taken off the eigenvalues again.
    shift = torch.finfo(torch.float64).eps * float(product.norm())
    product = product + shift * test
    middle = test.T @ product
    middle = 0.5 * (middle + middle.T)
    values, vectors = torch.linalg.eigh(middle)
    least = shift * 0.1 + torch.finfo(torch.float64).tiny
    root = product @ (vectors / values.clamp(min=least).sqrt())
    U, sigma, _ = torch.linalg.svd(root, full_matrices=False)
    return Nystrom(U, (sigma.square() - shift).clamp(min=0.0))


def conjugate_gradients(
    apply: Callable[[Tensor], Tensor],
    b: Tensor,
    *,
    precondition: Callable[[Tensor], Tensor] = lambda v: v,
    tolerance: float = 1e-3,
    iterations: int = 100,
    start: Tensor | None = None,
) -> tuple[Tensor, int, float]:
    """Preconditioned conjugate gradients for A x = b (Hestenes, Stiefel 1952; Saad, Iterative Methods, alg. 9.1).

    Args:
        apply: v (p,) -> A v, A positive definite.
        b: right side (p,).
        precondition: v -> P⁻¹ v.
        tolerance: stop when |b − Ax| ≤ tolerance · |b|.
        iterations: at most.
        start: first x; zero where left out.

    Returns:
        x (p,), the iterations made, and |b − Ax|/|b|.

    Example:
        >>> x, made, _ = conjugate_gradients(lambda v: 2 * v, torch.ones(3, dtype=torch.float64))
        >>> x.tolist(), made
        ([0.5, 0.5, 0.5], 1)
    """
    x = torch.zeros_like(b) if start is None else start.clone()
    r = b.clone() if start is None else b - apply(x)
    goal = tolerance * float(b.norm())
    z = precondition(r)
    direction = z.clone()
    rz = r.dot(z)
    for made in range(iterations):
        size = float(r.norm())
        if size <= goal or float(rz) <= 0:
            return x, made, size / max(float(b.norm()), torch.finfo(b.dtype).tiny)
        product = apply(direction)
        curvature = direction.dot(product)
        if float(curvature) <= 0:
            return x, made, size / float(b.norm())
        alpha = rz / curvature
        x = x.add(direction * alpha)
        r = r.sub(product * alpha)
        z = precondition(r)
        last, rz = rz, r.dot(z)
        direction = z + (rz / last) * direction
    return x, iterations, float(r.norm()) / max(float(b.norm()), torch.finfo(b.dtype).tiny)
