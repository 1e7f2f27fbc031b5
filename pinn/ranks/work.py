"""What one rank computes: the answers of its part, by the number of the objective, or of the J that it holds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pinn import linalg
from pinn.domains import Points
from pinn.least_squares import PIECE
from pinn.linearization import Linearization
from pinn.objective import Equations
from pinn.ranks.part import Part, share


@dataclass(frozen=True, eq=False)
class Held:
    """A rank's rows of J, as they are, as products with them, or to be made piece by piece at each product."""

    part: Part
    J: Tensor | None = None
    operator: Linearization | None = None

    def jvp(self, v: Tensor) -> Tensor:
        """Its rows of J v."""
        if self.J is not None:
            return self.J @ v
        if self.operator is not None:
            return self.operator.jvp(v)
        out = v.new_zeros(self.part.own.numel())
        for rows, piece in self.part.blocks.pieces(PIECE):
            out[rows] += piece.jvp(v)
            del piece  # before the next one is made
        return out

    def vjp(self, w: Tensor) -> Tensor:
        """Its part of Jᵀw, w with its rows alone."""
        if self.J is not None:
            return self.J.T @ w
        if self.operator is not None:
            return self.operator.vjp(w)
        out = w.new_zeros(self.part.blocks.size)
        for rows, piece in self.part.blocks.pieces(PIECE):
            out += piece.vjp(w[rows])
            del piece
        return out


class Work:
    """The parts of one rank, and what it makes of them; the answer is the sum of what all ranks return.

    Args:
        rank: of this process.
        size: number of processes.

    Attributes:
        parts: number of an objective -> this rank's part of it.
        held: number of a J -> this rank's rows of it.
    """

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size
        self.parts: dict[int, Part] = {}
        self.held: dict[int, Held] = {}

    def drop(self, numbers: list[int]) -> None:
        """Forget these objectives and matrices."""
        for number in numbers:
            self.parts.pop(number, None)
            self.held.pop(number, None)

    def residual(self, number: int) -> list[Tensor]:
        """Rows (N,)."""
        part = self.parts[number]
        return [part.placed(part.blocks.residual())]

    def loss(self, number: int) -> list[Tensor]:
        """½ |r|² (1,)."""
        return [self.parts[number].blocks.loss().reshape(1)]

    def losses(self, number: int) -> list[Tensor]:
        """½ |r_c|² of each constraint."""
        part = self.parts[number]
        found = part.blocks.losses()
        like = part.blocks
        return [torch.tensor([found.get(name, 0.0) for name in part.names], dtype=like.dtype, device=like.device)]

    def gradient(self, number: int) -> list[Tensor]:
        """½ |r|² and Jᵀr (1 + p,)."""
        loss, slope = self.parts[number].blocks.gradient()
        return [torch.cat([loss.reshape(1), slope])]

    def gradients(self, number: int) -> list[Tensor]:
        """J_cᵀ r_c of each constraint, one below the other."""
        part = self.parts[number]
        found, like = part.blocks.gradients(), part.blocks
        none = torch.zeros(like.size, dtype=like.dtype, device=like.device)
        return [torch.stack([found.get(name, none) for name in part.names])]

    def normal_equations(self, number: int) -> list[Tensor]:
        """½ |r|² and Jᵀr (1 + p,), JᵀJ (p, p)."""
        loss, slope, gram = self.parts[number].blocks.normal_equations()
        return [torch.cat([loss.reshape(1), slope]), gram]

    def linearize(self, number: int, made: int) -> list[Tensor]:
        """Rows (N,); those of J are held, in the place of those that had the same number."""
        part, before = self.parts[number], self.held.pop(made, None)
        kept = None if before is None or before.J is None else before.J
        fits = kept is not None and kept.shape == (part.own.numel(), part.blocks.size)
        residual, J = part.blocks.linearize(kept if fits else None)
        self.held[made] = Held(part, J)
        return [part.placed(residual)]

    def operator(self, number: int, made: int) -> list[Tensor]:
        """Rows (N,); products with those of J are held."""
        part = self.parts[number]
        if not part.own.numel():
            self.held[made] = Held(part)  # no piece at all
            return [part.placed(part.blocks.residual())]
        operator = part.blocks.operator()
        self.held[made] = Held(part, operator=operator)
        return [part.placed(operator.residual.detach())]

    def pieces(self, number: int, made: int) -> list[Tensor]:
        """Rows (N,); products with J are made piece by piece when they are asked for."""
        self.held[made] = Held(self.parts[number])
        return self.residual(number)

    def jvp(self, made: int, v: Tensor) -> list[Tensor]:
        """J v (N,)."""
        held = self.held[made]
        return [held.part.placed(held.jvp(v))]

    def vjp(self, made: int, w: Tensor) -> list[Tensor]:
        """Jᵀ w (p,)."""
        held = self.held[made]
        return [held.vjp(w[held.part.own]).contiguous()]

    def gram(self, made: int, workers: int) -> list[Tensor]:
        """JᵀJ (p, p), its transpose in the upper triangle: what `pinn.linalg.gram` gives is column-major."""
        J = self._rows(made)
        if not len(J):
            return [J.new_zeros(J.shape[1], J.shape[1], dtype=torch.float64)]
        return [linalg.gram(J, workers=workers).T.contiguous()]

    def dual_gram(self, made: int, whole: Tensor, workers: int) -> list[Tensor]:
        """JJᵀ (N, N) likewise, from all of J (N, p): each rank sums over a part of the parameters."""
        some = share(whole.shape[1], self.rank, self.size)
        if some.start == some.stop:
            return [whole.new_zeros(len(whole), len(whole), dtype=torch.float64)]
        return [linalg.gram(whole[:, some], dual=True, workers=workers).T.contiguous()]

    def entries(self, made: int) -> list[Tensor]:
        """J (N, p)."""
        return [self.held[made].part.placed(self._rows(made))]

    def rows(self, equations: Equations, name: str, points: Points) -> list[Tensor]:
        """Residuals (n, q) of a constraint at points, unweighted."""
        some = share(points.n, self.rank, self.size)
        like = next(equations.model.parameters())
        q = equations.residuals_per_point(name, points)
        found = torch.zeros(points.n, q, dtype=like.dtype, device=like.device)
        if some.stop > some.start:
            found[some] = equations.residual_here(name, points.take(torch.arange(some.start, some.stop)))
        return [found]

    def _rows(self, made: int) -> Tensor:
        J = self.held[made].J
        assert J is not None
        return J
