"""Rows r(θ) and their Jacobian J(θ) as products with vectors: what engines give, and what optimizers take.

    r (N,),    J v (N,) for v (p,),    Jᵀ w (p,) for w (N,)

Whatever has these three is one; nothing need be inherited.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Linearization(Protocol):
    """Rows at one θ and products with their derivative J (N, p), without J."""

    @property
    def residual(self) -> Tensor:
        """Rows r (N,)."""

    def jvp(self, v: Tensor) -> Tensor:
        """J v for v (p,); shape (N,)."""

    def vjp(self, w: Tensor) -> Tensor:
        """Jᵀ w for w (N,); shape (p,)."""
