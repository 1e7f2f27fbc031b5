"""The least-squares solver that a matrix asks for."""

from __future__ import annotations

from torch import Tensor

from pinn.linalg.blocks import BlockMatrix, solve_blocks
from pinn.linalg.tall import TallQR, default_rcond


def least_squares(J: Tensor | BlockMatrix, r: Tensor, *, rcond: float | None = None, workers: int = 1) -> Tensor:
    """c that makes |J c + r| as small as float64 lets it, with coefficients no larger than that takes.

    Args:
        J: (N, p), float32 or float64, on any device; columns of any size, zeros among them.
        r: (N,) or (N, k).
        rcond: see `TallQR.solve`; where left out, a quarter of the ε of J's precision.
        workers: threads that may share the work on the CPU; they change no bit.

    Returns:
        c (p,) or (p, k), of r's precision.

    Example:
        >>> import torch
        >>> J = torch.tensor([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
        >>> least_squares(J, torch.tensor([-1.0, -2.0, -3.0])).tolist()
        [1.0, 1.0]
    """
    if isinstance(J, BlockMatrix):
        return solve_blocks(J, r, rcond=rcond, workers=workers)
    rcond = default_rcond(J.dtype) if rcond is None else rcond
    return TallQR.of(J, r, workers=workers).solve(rcond).to(r.dtype)
