"""Rows of several blocks, one below the other, and everything that is made of them.

    r = [r_1; r_2; …],    f = ½ |r|² = Σ ½ |r_c|²,    Jᵀr = Σ J_cᵀ r_c,    JᵀJ = Σ J_cᵀ J_c

A block is a constraint at its points, or at those that one of several processes has: sums over blocks and sums over
processes are the same sums, so that what holds for one holds for the other (`pinn.ranks`). An energy has no rows: it
adds its integral to f, the gradient of that to Jᵀr, and its metric to JᵀJ (`pinn.ritz`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from pinn.least_squares import PIECE, StackedLinearization
from pinn.linalg import Matrix
from pinn.linearization import Linearization


class Block(Protocol):
    """A part of the rows, r_c with its derivative J_c."""

    @property
    def name(self) -> str:
        """Of the constraint."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    def residual(self) -> Tensor:
        """r_c, with a graph where grad mode is on."""

    def potential(self) -> Tensor | None:
        """What it adds to f beside ½ |r_c|², 0-d, with a graph where grad mode is on; None where it adds nothing."""

    def gradient(self) -> tuple[Tensor, Tensor]:
        """½ |r_c|², 0-d, and J_cᵀ r_c (p,)."""

    def linearize(self, out: Tensor) -> Tensor:
        """r_c; J_c is written into `out`."""

    def gram(self) -> tuple[Tensor, Tensor, Tensor]:
        """½ |r_c|², 0-d, J_cᵀ r_c (p,) and J_cᵀ J_c (p, p)."""

    def operator(self) -> Linearization:
        """r_c, and products with J_c."""

    def pieces(self, size: int) -> Iterator[tuple[slice, Linearization]]:
        """The same for at most `size` points at a time: which rows, and their part of it."""


class RowAnswers(Protocol):
    """What can be asked of rows r (N,) with derivative J (N, p) at the present parameters, wherever they are made."""

    def residual(self) -> Tensor:
        """r (N,), without a graph."""

    def loss(self) -> Tensor:
        """½ |r|², 0-d, without a graph."""

    def losses(self) -> Mapping[str, float]:
        """Each block's part of the loss."""

    def gradient(self) -> tuple[Tensor, Tensor]:
        """Loss (0-d) and Jᵀr (p,)."""

    def gradients(self) -> Mapping[str, Tensor]:
        """Each block's part of Jᵀr, (p,)."""

    def linearize(self, out: Tensor | None) -> tuple[Tensor, Tensor]:
        """r (N,) and J (N, p), written into `out` where given."""

    def held(self, out: Matrix | None) -> tuple[Tensor, Matrix]:
        """r (N,), and J (N, p) to multiply with; `out` is a J of the same shape that may be overwritten."""

    def normal_equations(self) -> tuple[Tensor, Tensor, Tensor]:
        """Loss (0-d), Jᵀr (p,) and JᵀJ (p, p)."""

    def operator(self) -> Linearization:
        """r (N,) and products with J, without J."""

    def pieces(self, size: int) -> Iterator[tuple[slice, Linearization]]:
        """The same piece by piece."""


class Blocks:
    """Blocks of one least-squares problem.

    Args:
        blocks: in the order of their rows; none are no rows.
        size: number p of parameters.
        dtype: precision of the rows.
        device: where they are made.
    """

    def __init__(self, blocks: Sequence[Block], size: int, dtype: torch.dtype, device: torch.device) -> None:
        self.blocks, self.size, self.dtype, self.device = list(blocks), size, dtype, device

    @property
    def rows(self) -> int:
        """Number N of rows."""
        return sum(block.rows for block in self.blocks)

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=self.dtype, device=self.device)

    def residual(self) -> Tensor:
        """See `RowAnswers.residual`."""
        with torch.no_grad():
            parts = [block.residual() for block in self.blocks]
        return torch.cat(parts).detach() if parts else self._zeros(0)

    def loss(self) -> Tensor:
        """See `RowAnswers.loss`."""
        residual = self.residual()
        return 0.5 * residual.dot(residual) + sum(self._potentials().values())

    def losses(self) -> dict[str, float]:
        """See `RowAnswers.losses`."""
        with torch.no_grad():
            rows = {block.name: 0.5 * float(block.residual().detach().pow(2).sum()) for block in self.blocks}
        return rows | {name: float(value) for name, value in self._potentials().items()}

    def _potentials(self) -> dict[str, Tensor]:
        """What blocks add to f beside their rows."""
        with torch.no_grad():
            found = {block.name: block.potential() for block in self.blocks}
        return {name: value.detach() for name, value in found.items() if value is not None}

    def gradient(self) -> tuple[Tensor, Tensor]:
        """See `RowAnswers.gradient`."""
        loss, total = self._zeros(), self._zeros(self.size)
        for block in self.blocks:
            value, slope = block.gradient()
            loss = loss + value
            total += slope
        return loss, total

    def gradients(self) -> dict[str, Tensor]:
        """See `RowAnswers.gradients`."""
        return {block.name: block.gradient()[1] for block in self.blocks}

    def linearize(self, out: Tensor | None) -> tuple[Tensor, Tensor]:
        """See `RowAnswers.linearize`."""
        count = self.rows
        jacobian = torch.empty(self.size, count, dtype=self.dtype, device=self.device).T if out is None else out
        if tuple(jacobian.shape) != (count, self.size):
            raise ValueError(f"linearize: out has shape {tuple(jacobian.shape)}, expected {(count, self.size)}")
        if not self.blocks:
            return self._zeros(0), jacobian
        parts = zip(self.blocks, jacobian.split([block.rows for block in self.blocks]), strict=True)
        return torch.cat([block.linearize(part) for block, part in parts]), jacobian

    def held(self, out: Matrix | None) -> tuple[Tensor, Matrix]:
        """See `RowAnswers.held`."""
        return self.linearize(out if isinstance(out, Tensor) else None)

    def normal_equations(self) -> tuple[Tensor, Tensor, Tensor]:
        """See `RowAnswers.normal_equations`; accumulated over blocks of points without holding J."""
        loss, slope, gram = self._zeros(), self._zeros(self.size), self._zeros(self.size, self.size)
        for block in self.blocks:
            one, two, three = block.gram()
            loss, slope, gram = loss + one, slope.add_(two), gram.add_(three)
        return loss, slope, gram

    def operator(self) -> Linearization:
        """See `RowAnswers.operator`."""
        return StackedLinearization([block.operator() for block in self.blocks])

    def pieces(self, size: int = PIECE) -> Iterator[tuple[slice, Linearization]]:
        """See `RowAnswers.pieces`."""
        start = 0
        for block in self.blocks:
            yield from map(partial(_offset, start), block.pieces(size))
            start += block.rows


def _offset(start: int, piece: tuple[slice, Linearization]) -> tuple[slice, Linearization]:
    """A piece of one block as one of all, whose rows there begin at `start`."""
    rows, products = piece
    return slice(start + rows.start, start + rows.stop), products
