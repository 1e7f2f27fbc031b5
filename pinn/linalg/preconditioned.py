"""Least squares with a tall J by conjugate gradients on J, preconditioned by a factor that is cheaper than its QR.

`solve_normal` takes the Cholesky factor of JᵀJ, half the operations of a QR, and gives back what squaring loses by a
few products with J (Björck, Numerical Methods for Least Squares Problems, SIAM 1996, sec. 7.4.1). That is as good as
a QR up to condition 1e5 of J with columns of size one; from 1e7 on directions under 1e-8 of the largest would be left
out, 1e-8 of r on a spectrum of even decades and all that matters on random features, so that it declines there.

`solve_sketched` takes the triangle of SJ, where S mixes the N rows to 3 p, each row of J being added to two of them
with random signs (a sparse sign embedding: Clarkson, Woodruff, J. ACM 63 (2017) 54; Martinsson, Tropp, Acta Numerica 29
(2020) 403, sec. 9.2). It makes the columns of J nearly orthonormal whatever their conditioning, so that a digit takes
about four products, from the solution of the sketched problem on (Blendenpik: Avron, Maymounkov, Toledo, SIAM J. Sci.
Comput. 32 (2010) 1217; the start: Epperly, SIAM J. Matrix Anal. Appl. 45 (2024) 1735). Damping does for matrices
without full rank what a truncated SVD does in LSRN (Meng, Saunders, Mahoney, SIAM J. Sci. Comput. 36 (2014) C95).
Products know J to ε |J| only: where r is not in the range of a J of condition 1e12 and more, what is left over is a
tenth larger than that of a QR.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from pinn.linalg.damped import cholesky, cholesky_solve, condition, gram, refined
from pinn.linalg.tall import TallQR

_SHIFT = 4.0  # times ε tr(JᵀJ), added to JᵀJ so that rounding does not make it indefinite
_WORST = 1e8  # ratio of squared pivots up to which squares are trusted; the condition of JᵀJ is within a factor p
_STEPS = 10  # of conjugate gradients; where they converge they need three, and where rounding rules more are no use
_ROWS = 3  # of the sketch for each column
_PLACES = 2  # rows of the sketch to which a row is added
_COLUMNS = 256  # of J that are sketched at a time
# Of ε. At 4, 20 and 100 features of wave_1d keep 0.97, 1.05 and 1.14 times the residual of a QR, and features with
# noise of 1e-3 in r, on 20 000 rows, 1.14 times it at 4 and 1.001 times it at 100.
_RCOND = 20.0
_TOLERANCE = 1e-7  # on the gradient: the residual is then within 1e-14 of the least, relative to it
_SKETCH_STEPS = 40  # at a factor 1/√3 each, 30 meet the tolerance


def solve_normal(J: Tensor, r: Tensor, *, workers: int = 1) -> Tensor | None:
    """c (p,) that makes |J c + r| least, or None where the squares of J have lost what that takes.

    Args:
        J: (N, p) with N ≥ p, float32 or float64; columns of any size.
        r: (N,).
        workers: threads that may share the product JᵀJ.

    Example:
        >>> J = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
        >>> [round(c, 12) for c in solve_normal(J, -J.sum(1)).tolist()]
        [1.0, 1.0]
    """
    right, (scaled, sizes) = r.double(), _scaled(J)
    lower = _trusted(scaled, workers)
    if lower is None:
        return None
    factor = lower
    c, _ = refined(
        lambda v: scaled @ v,
        lambda w: scaled.T @ w,
        lambda s: cholesky_solve(factor, s),
        right,
        0.0,
        tolerance=1e-14,
        iterations=_STEPS,
    )
    return (c / sizes).to(r.dtype)


def may_be_squared(J: Tensor, *, workers: int = 1) -> bool:
    """Whether every fourth column alone is conditioned well enough for `solve_normal`; a sixteenth of its time.

    Example:
        >>> may_be_squared(torch.eye(8)), may_be_squared(torch.ones(8, 8))
        (True, False)
    """
    return J.shape[0] >= J.shape[1] and _trusted(_scaled(J[:, ::4])[0], workers) is not None


def _scaled(J: Tensor) -> tuple[Tensor, Tensor]:
    """J with columns of size one, float64, and their sizes, 1 for columns of zeros."""
    sizes = J.double().norm(dim=0)
    sizes = torch.where(sizes > 0, sizes, torch.ones_like(sizes))
    return J.double() / sizes, sizes


def _trusted(scaled: Tensor, workers: int) -> Tensor | None:
    squares = gram(scaled, workers=workers)
    shift = _SHIFT * torch.finfo(torch.float64).eps * float(squares.diagonal().sum())
    lower = cholesky(squares, shift)
    return lower if lower is not None and condition(lower) <= _WORST else None


def solve_sketched(J: Tensor, r: Tensor, generator: torch.Generator, *, rcond: float | None = None) -> Tensor:
    """c (p,) that makes |J c + r| least, by a sketch of the rows; for N of 40 p and more.

    Args:
        J: (N, p), float32 or float64; columns of any size, zeros among them.
        r: (N,).
        generator: draws the sketch.
        rcond: as in `TallQR.solve`; four ε of J's precision where left out.

    Example:
        >>> generator = torch.Generator().manual_seed(0)
        >>> J = torch.randn(500, 5, generator=generator, dtype=torch.float64)
        >>> [round(c, 12) for c in solve_sketched(J, -J.sum(1), generator).tolist()]
        [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    rcond = _RCOND * torch.finfo(J.dtype).eps if rcond is None else rcond
    right, p = r.double(), J.shape[1]
    mixed = _sketch(J, right, generator)
    reduced = TallQR.of(mixed[:, :p], mixed[:, p])
    matvec, rmatvec = _products(J)
    start = reduced.solve(rcond)
    left = matvec(start) + right
    step, _ = refined(
        matvec, rmatvec, _two_solves(reduced, rcond), left, 0.0, tolerance=_TOLERANCE, iterations=_SKETCH_STEPS
    )
    better = float((left + matvec(step)).norm()) < float(left.norm())
    return (start + step if better else start).to(r.dtype)


def _products(J: Tensor) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    return lambda v: (J @ v.to(J.dtype)).double(), lambda w: (J.T @ w.to(J.dtype)).double()


def _two_solves(reduced: TallQR, rcond: float) -> Callable[[Tensor], Tensor]:
    S, sizes = reduced.damped(rcond)[:, : reduced.columns], reduced.sizes

    def precondition(s: Tensor) -> Tensor:
        y = torch.linalg.solve_triangular(S.T, (s / sizes)[:, None], upper=False)
        return torch.linalg.solve_triangular(S, y, upper=True)[:, 0] / sizes

    return precondition


def _sketch(J: Tensor, r: Tensor, generator: torch.Generator) -> Tensor:
    """S [J, r], (3 p, p + 1), float64, column-major."""
    n, p = J.shape
    places = torch.randint(0, _ROWS * p, (_PLACES, n), generator=generator).to(J.device)
    signs = (2.0 * torch.randint(0, 2, (_PLACES, n), generator=generator) - 1.0).double().to(J.device)
    out = torch.zeros(p + 1, _ROWS * p, dtype=torch.float64, device=J.device)
    for start in range(0, p, _COLUMNS):
        part = J[:, start : start + _COLUMNS].T.double()
        for place, sign in zip(places, signs, strict=True):
            out[start : start + part.shape[0]].index_add_(1, place, part * sign)
    for place, sign in zip(places, signs, strict=True):
        out[p].index_add_(0, place, r * sign)
    return out.T
