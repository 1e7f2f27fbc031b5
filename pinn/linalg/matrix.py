"""Matrices whose rows may lie elsewhere: what the methods of least squares ask of J beside its entries."""

from __future__ import annotations

from typing import Protocol, TypeAlias, runtime_checkable

import torch
from torch import Tensor


class Transposed(Protocol):
    """Jᵀ of a `DistantMatrix`."""

    def __matmul__(self, w: Tensor) -> Tensor:
        """Jᵀ w (p,) for w (N,)."""


@runtime_checkable
class DistantMatrix(Protocol):
    """J (N, p) with rows in several processes: products, Gram matrices, and at a price the entries."""

    @property
    def shape(self) -> torch.Size:
        """(N, p)."""

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the entries."""

    @property
    def device(self) -> torch.device:
        """Where products are wanted."""

    @property
    def T(self) -> Transposed:
        """Jᵀ."""

    def __matmul__(self, v: Tensor) -> Tensor:
        """J v (N,) for v (p,)."""

    def gram(self, *, dual: bool, out: Tensor, workers: int) -> Tensor:
        """See `pinn.linalg.gram`."""

    def dense(self) -> Tensor:
        """All entries in this process."""


Matrix: TypeAlias = Tensor | DistantMatrix
"""A tensor (N, p), or what multiplies as one."""


def dense(J: Matrix) -> Tensor:
    """The entries of J (N, p), fetched where they lie elsewhere.

    Example:
        >>> dense(torch.eye(2)).shape
        torch.Size([2, 2])
    """
    return J if isinstance(J, Tensor) else J.dense()
