"""What an optimizer sees of a problem: rows r(θ) (N,) with their derivative J (N, p), and f(θ) = ½ |r(θ)|².

An optimizer knows these protocols and nothing of equations, networks or points; `pinn.objective.Objective` is what
fills them for a differential problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
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


class LeastSquares(Protocol):
    """f(θ) = ½ |r(θ)|² on fixed points and weights, with N rows and p parameters; see `pinn.objective.Objective`."""

    size: int
    dtype: torch.dtype
    device: torch.device

    @property
    def rows(self) -> int:
        """Number N of rows."""

    def vector(self) -> Tensor:
        """A copy of the parameters θ, shape (p,)."""

    def assign(self, theta: Tensor) -> None:
        """Write the parameters from θ (p,)."""

    def parameters(self) -> Sequence[torch.nn.Parameter]:
        """The parameters, in the order of the flat vector."""

    def residual(self) -> Tensor:
        """Rows r (N,), without a graph."""

    def loss(self) -> Tensor:
        """f, 0-d, without a graph."""

    def differentiable_loss(self) -> Tensor:
        """f, 0-d, with a graph to the parameters."""

    def gradient(self) -> tuple[Tensor, Tensor]:
        """f (0-d) and Jᵀr (p,)."""

    def linearize(self, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """r (N,) and J (N, p), written into `out` where given."""

    def normal_equations(self) -> tuple[Tensor, Tensor, Tensor]:
        """f (0-d), Jᵀr (p,) and JᵀJ (p, p), block by block."""

    def operator(self) -> Linearization:
        """Matrix-free products with J at the current θ."""

    def pieces(self) -> Iterator[tuple[slice, Linearization]]:
        """The same piece by piece, one held at a time: rows of r, and products with those rows of J; they add up."""
