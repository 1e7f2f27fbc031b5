"""The linear system of a large window by GMRES, preconditioned by space and time apart.

    J = Σ_b (W_b) (A_b ⊗ Ψ_b),    J̄ = A_q ⊗ Ψ_q + A_0 ⊗ Ψ_0,    A_b at coefficients that are averaged over the window

With Ψ_q Ψ_0⁻¹ = V Λ V⁻¹, q the order in time, the system J̄ falls into P systems λ A_q + A_0 of the size of space alone,
conjugate ones in pairs: 2 P M³ multiplications where J takes P³ M³. J itself is applied by products of small matrices
and never formed. Windows in turn whose systems are alike share their factors.

Source: Butcher, BIT 16 (1976) 237, for the transformation; Hairer, Wanner, Solving Ordinary Differential Equations II
(1996), IV.8; Saad, Schultz, SIAM J. Sci. Stat. Comput. 7 (1986) 856, for GMRES.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pinn.features.window import Linear

LARGE = 500  # columns of J from which on it is split
_ITERATIONS = 150  # of GMRES at the most, without a restart
_REDUCED = 1e-3  # of the right side that one solve leaves
_ALIKE = 1e-6  # relative distance of systems that share their factors
_APPLIED = 100.0  # operations for each entry of A and node in time, of the iterations


def splits(parts: Sequence[Linear], free: Sequence[Tensor]) -> bool:
    """Whether a window's system is square, of the same order in time in every output, and large."""
    space = parts[0].neurons
    columns = sum(psi.shape[0] * space for psi in free)
    rows = sum(part.rows for part in parts)
    same = all(torch.equal(psi, free[0]) for psi in free)
    return columns == rows and columns >= LARGE and same


@dataclass(eq=False)
class Factors:
    """Those of the window before: Λ, A_0 and A_q, and the factors of λ A_q + A_0; none at first."""

    values: Any = None
    in_space: tuple[Tensor, ...] = ()
    lu: list[Any] = field(default_factory=list)

    def serve(self, values: Any, in_space: Sequence[Tensor]) -> bool:
        """Whether they are those of these Λ and A."""
        if self.values is None or self.values.shape != values.shape or not np.allclose(values, self.values, _ALIKE, 0):
            return False
        pairs = zip(in_space, self.in_space, strict=True)
        return all(a.shape == b.shape and bool((a - b).norm() <= _ALIKE * a.norm()) for a, b in pairs)


def split_solver(
    parts: Sequence[Linear], free: Sequence[Tensor], known: Factors | None = None
) -> tuple[Callable[[Tensor], Tensor | None], float]:
    """r -> J⁻¹ r, None where GMRES does not converge; and the operations of its factorisations.

    Args:
        parts: the constraints of a window, linearized; all at the same times.
        free: neurons in time of each output, which are the same.
        known: factors of the window before, which are taken where they serve, else written over.
    """
    from scipy.sparse.linalg import LinearOperator, gmres  # takes a while to load

    psi = free[0]
    P, m, M = psi.shape[0], len(free), parts[0].neurons
    q = max(part.order for part in parts)
    in_time = [parts[0].times[b] @ psi.T for b in (0, q)]
    in_space = [torch.cat([part.averaged(b) for part in parts]) for b in (0, q)]
    values, vectors = np.linalg.eig(np.linalg.solve(in_time[0].numpy().T, in_time[1].numpy().T).T)
    inverse = np.linalg.inv(vectors)
    kept = [i for i, value in enumerate(values) if value.imag >= 0]
    known, work = Factors() if known is None else known, 0.0
    if not known.serve(values, in_space):
        lu = [torch.linalg.lu_factor(complex(values[i]) * in_space[1].to(torch.complex128) + in_space[0]) for i in kept]
        known.values, known.in_space, known.lu = values, tuple(in_space), lu
        work = 2.0 * P * (m * M) ** 3
    factors = known.lu
    back = np.linalg.inv(in_time[0].numpy())
    sizes = [part.rows // P for part in parts]

    def arranged(r: Tensor) -> Tensor:
        """(Σ rows of space, P) from the rows of all parts, each in the order (space, time, component)."""
        pieces = r.split([part.rows for part in parts])
        return torch.cat(
            [
                piece.reshape(-1, P, part.components).permute(2, 0, 1).reshape(size, P)
                for piece, part, size in zip(pieces, parts, sizes, strict=True)
            ]
        )

    def preconditioned(r: np.ndarray) -> np.ndarray:
        right = torch.from_numpy(arranged(torch.from_numpy(r)).numpy() @ inverse.T)
        solved = np.zeros((m * M, P))
        for i, (lu, pivots) in zip(kept, factors, strict=True):
            one = torch.linalg.lu_solve(lu, pivots, right[:, i : i + 1].contiguous())[:, 0].numpy()
            part = np.outer(one, vectors[:, i]).real
            solved += part if values[i].imag == 0 else 2 * part
        return (solved @ back.T).reshape(-1)

    def applied(weights: np.ndarray) -> np.ndarray:
        own = torch.from_numpy(weights).reshape(m, M, P) @ psi
        return torch.cat([part.applied(own) for part in parts]).numpy()

    def solve(r: Tensor) -> Tensor | None:
        n = r.shape[0]
        shape = (n, n)
        size = float(r.norm())
        if size == 0.0:
            return torch.zeros_like(r)
        operator = LinearOperator(shape, matvec=lambda y: applied(preconditioned(y)), dtype=np.float64)
        found, wrong = gmres(operator, r.numpy() / size, rtol=_REDUCED, atol=0.0, restart=_ITERATIONS, maxiter=1)
        return None if wrong else torch.from_numpy(preconditioned(found)) * size

    return solve, work + _APPLIED * P * (m * M) ** 2
