"""Which rows of an objective are whose.

Constraint c with n points, whose rows are residuals at one point each, has them in order: rank k computes those from
⌊nk/K⌋ up to ⌊n(k+1)/K⌋. Rows that are made of all points of a constraint, such as an integral, are computed whole by
one rank, c mod K. So every row is computed once, and loss, gradient and JᵀJ are sums over ranks:

    f = Σ_k ½|r_k|²,    Jᵀr = Σ_k J_kᵀ r_k,    JᵀJ = Σ_k J_kᵀ J_k
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pinn.blocks import Blocks
from pinn.constraint_rows import ConstraintBlock


def share(n: int, rank: int, size: int, pointwise: bool = True, index: int = 0) -> slice:
    """The points of a constraint that a rank has.

    Args:
        n: points of the constraint.
        rank: whose.
        size: number of ranks.
        pointwise: whether each row is made of one point.
        index: of the constraint.

    Example:
        >>> share(5, 0, 2), share(5, 1, 2), share(5, 1, 2, pointwise=False)
        (slice(0, 2, None), slice(2, 5, None), slice(0, 0, None))
    """
    if pointwise:
        return slice(n * rank // size, n * (rank + 1) // size)
    return slice(0, n if index % size == rank else 0)


@dataclass(frozen=True, eq=False)
class Part:
    """The rows of one rank.

    Attributes:
        blocks: what computes them.
        names: of all constraints.
        rows: number N of all rows.
        where: rank -> numbers of its rows among all, in the order in which it computes them.
        rank: whose part it is.
    """

    blocks: Blocks
    names: tuple[str, ...]
    rows: int
    where: tuple[Tensor, ...]
    rank: int

    @classmethod
    def of(cls, blocks: Sequence[ConstraintBlock], like: Blocks, rank: int, size: int) -> Part:
        """The part of a rank in blocks with all points.

        Args:
            blocks: one a constraint.
            like: says size, precision and place.
            rank, size: this one's, and how many.
        """
        mine: list[ConstraintBlock] = []
        where: list[list[Tensor]] = [[torch.zeros(0, dtype=torch.int64)] for _ in range(size)]
        start = 0
        for index, block in enumerate(blocks):
            reduction, q, n = block.reduction, block.residuals.per_point, block.points.n
            for one in range(size):
                points = share(n, one, size, reduction.pointwise, index)
                if points.start == points.stop:
                    continue
                rows = reduction.touched(points, q)
                where[one].append(torch.arange(start + rows.start, start + rows.stop))
                if one == rank:
                    mine.append(_taken(block, points))
            start += reduction.count(n, q)
        numbers = tuple(torch.cat(one).to(like.device) for one in where)
        names = tuple(block.name for block in blocks)
        return cls(Blocks(mine, like.size, like.dtype, like.device), names, start, numbers, rank)

    @property
    def own(self) -> Tensor:
        """Numbers of this rank's rows among all."""
        return self.where[self.rank]

    def placed(self, rows: Tensor) -> Tensor:
        """This rank's rows (n_k, …) in the place of theirs among all (N, …), zeros elsewhere."""
        return rows.new_zeros(self.rows, *rows.shape[1:]).index_copy_(0, self.own, rows)


def _taken(block: ConstraintBlock, points: slice) -> ConstraintBlock:
    """The block at some of its points, with the scales that these have among all."""
    if points == slice(0, block.points.n):
        return block
    residuals = block.residuals
    some = residuals.points.take(torch.arange(points.start, points.stop, device=residuals.scale.device))
    return replace(block, residuals=replace(residuals, points=some, scale=residuals.scale[points]))
