"""Least squares with a block-sparse J: local features, whose columns meet the rows of their own patch alone.

`BlockMatrix` holds dense blocks with the rows and columns that they occupy. `solve_blocks` is the multifrontal sparse
QR (Duff, Reid, ACM Trans. Math. Softw. 9 (1983) 302; Davis, ACM Trans. Math. Softw. 38 (2011) 8, SuiteSparseQR; Björck,
Numerical Methods for Least Squares Problems, SIAM 1996, sec. 6.6.4) with the blocks' own structure in place of an
analysis of single entries:

1. Columns that occur in the same blocks form a group, rows that do a cell; a cell is dense in its groups' columns.
2. A group is eliminated: the rows in which it occurs, and μD for its columns, are stacked as one dense front whose QR
   gives the group's rows of R; the rows below are those of the groups left. The group whose front is narrowest is next.
3. Back substitution in the reverse order.

Damping is that of `pinn.linalg.tall`, with μ = rcond √w, w the most columns that one row meets, and so is what is
resolved: everything down to the rounding of the rows, which sparse normal equations would lose at √ε, and local
features, rank deficient within a patch, need. A chain of m patches of q columns takes O(m q³), a square of m patches
O(m^1.5 q³).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from pinn.linalg.tall import default_rcond, triangle

Groups = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Block:
    """A dense part of a matrix.

    Args:
        rows: which, (n,), int64, none twice.
        columns: which, (m,), int64, none twice.
        values: (n, m), float32 or float64.
    """

    rows: Tensor
    columns: Tensor
    values: Tensor

    def __post_init__(self) -> None:
        expected = (*self.rows.shape, *self.columns.shape)
        if tuple(self.values.shape) != expected:
            raise ValueError(
                f"Block: got values of shape {tuple(self.values.shape)}, expected {expected}; "
                "give one value for each of its rows and columns"
            )


@dataclass(frozen=True, eq=False)
class BlockMatrix:
    """J (N, p) as the sum of dense blocks.

    Args:
        blocks: which may overlap.
        shape: (N, p).

    Example:
        >>> one, two = torch.tensor([0, 1]), torch.tensor([1, 2])
        >>> ones = torch.ones(2, 2, dtype=torch.float64)
        >>> J = BlockMatrix((Block(one, one, ones), Block(two, two, ones)), (3, 3))
        >>> J.matvec(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)).tolist()
        [3.0, 8.0, 5.0]
    """

    blocks: tuple[Block, ...]
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        for what, limit in (("rows", self.shape[0]), ("columns", self.shape[1])):
            for block in self.blocks:
                index = getattr(block, what)
                if index.numel() and not 0 <= int(index.min()) <= int(index.max()) < limit:
                    raise ValueError(
                        f"BlockMatrix: got a block in {what} {int(index.min())} to {int(index.max())}, expected "
                        f"0 to {limit - 1}; give a shape that holds every block"
                    )

    def matvec(self, v: Tensor) -> Tensor:
        """J v (N,) or (N, k), float64, for v (p,) or (p, k)."""
        out = torch.zeros(self.shape[0], *v.shape[1:], dtype=torch.float64, device=v.device)
        for block in self.blocks:
            out.index_add_(0, block.rows, block.values.double() @ v.double()[block.columns])
        return out

    def rmatvec(self, w: Tensor) -> Tensor:
        """Jᵀ w (p,) or (p, k), float64, for w (N,) or (N, k)."""
        out = torch.zeros(self.shape[1], *w.shape[1:], dtype=torch.float64, device=w.device)
        for block in self.blocks:
            out.index_add_(0, block.columns, block.values.double().T @ w.double()[block.rows])
        return out

    def dense(self) -> Tensor:
        """J (N, p), float64."""
        device = self.blocks[0].values.device if self.blocks else None
        out = torch.zeros(self.shape, dtype=torch.float64, device=device)
        for block in self.blocks:
            out[block.rows[:, None], block.columns] += block.values.double()
        return out

    @cached_property
    def groups(self) -> tuple[Tensor, ...]:
        """Columns (m,) of each group: those which occur in the same blocks, in one at least."""
        return _classes((block.columns for block in self.blocks), self.shape[1])

    @cached_property
    def cells(self) -> tuple[Tensor, ...]:
        """Rows (n,) of each cell: those which occur in the same blocks, in one at least."""
        return _classes((block.rows for block in self.blocks), self.shape[0])

    @cached_property
    def meetings(self) -> tuple[Groups, ...]:
        """The groups that each cell meets, in ascending order."""
        of_column = torch.full((self.shape[1],), -1)
        for g, columns in enumerate(self.groups):
            of_column[columns.cpu()] = g
        of_row = torch.full((self.shape[0],), -1)
        for i, rows in enumerate(self.cells):
            of_row[rows.cpu()] = i
        met: list[set[int]] = [set() for _ in self.cells]
        for block in self.blocks:
            groups = of_column[block.columns.cpu()].unique().tolist()
            for i in of_row[block.rows.cpu()].unique().tolist():
                met[i].update(groups)
        return tuple(tuple(sorted(one)) for one in met)

    @cached_property
    def order(self) -> tuple[tuple[int, Groups], ...]:
        """Each group in the order of elimination, with the other groups of its front: least width first."""
        widths = [columns.numel() for columns in self.groups]
        beside: dict[int, set[int]] = {g: {g} for g in range(len(widths))}
        for groups in self.meetings:
            for g in groups:
                beside[g].update(groups)
        order = []
        while beside:
            g = min(beside, key=lambda one: (sum(widths[other] for other in beside[one]), one))
            others = beside.pop(g) - {g}
            for other in others:
                beside[other] = (beside[other] | others) - {g}
            order.append((g, tuple(sorted(others))))
        return tuple(order)

    @cached_property
    def operations(self) -> float:
        """Of `solve_blocks`, without doing it: 2 n m² for each cell and front of n rows and m columns."""
        widths = [columns.numel() for columns in self.groups]
        total, parts = 0.0, []
        for rows, groups in zip(self.cells, self.meetings, strict=True):
            m = sum(widths[g] for g in groups)
            n = rows.numel()
            total += 2.0 * n * m**2 if n > m else 0.0
            parts.append((set(groups), min(n, m)))
        for g, others in self.order:
            m = widths[g] + sum(widths[other] for other in others)
            n = widths[g] + sum(size for groups, size in parts if g in groups)
            total += 2.0 * n * m**2
            parts = [part for part in parts if g not in part[0]] + [(set(others), max(0, min(n, m) - widths[g]))]
        return total


def solve_blocks(J: BlockMatrix, r: Tensor, *, rcond: float | None = None, workers: int = 1) -> Tensor:
    """c (p,) or (p, k) that makes |J c + r|² + μ² |D c|² least, by multifrontal QR.

    Args:
        J: rows.
        r: right sides, (N,) or (N, k).
        rcond: what of √w counts as zero, above 0; as in `pinn.linalg.least_squares`.
        workers: threads that may share the work of a front on the CPU; they change no bit.

    Example:
        >>> one, two = torch.tensor([0, 1]), torch.tensor([1, 2])
        >>> blocks = Block(one, one, torch.eye(2)), Block(two, two, 2 * torch.eye(2))
        >>> solve_blocks(BlockMatrix(blocks, (3, 3)), torch.tensor([-1.0, -3.0, -4.0])).tolist()
        [1.0, 1.0, 2.0]
    """
    right = (r if r.ndim == 2 else r[:, None]).double()
    if right.shape[0] != J.shape[0]:
        raise ValueError(
            f"least_squares: got {J.shape[0]} rows of J and {right.shape[0]} of r, expected as many; "
            "give one residual a row"
        )
    c = right.new_zeros(J.shape[1], right.shape[1])
    if not J.blocks:
        return c if r.ndim == 2 else c[:, 0]
    widths = [columns.numel() for columns in J.groups]
    most = max(sum(widths[g] for g in groups) for groups in J.meetings)
    rcond = default_rcond(J.blocks[0].values.dtype) if rcond is None else rcond
    sizes = _sizes(J)
    parts = _cells(J, right, workers)
    solved: list[tuple[int, Groups, Tensor]] = []
    for g, others in J.order:
        front = (g, *others)
        meant = [part for part in parts if g in part[0]]
        parts = [part for part in parts if g not in part[0]]
        damping = (rcond * most**0.5) * sizes[J.groups[g]].diag()
        R = triangle(
            _stacked(front, widths, [*meant, ((g,), torch.nn.functional.pad(damping, (0, right.shape[1])))]), workers
        )
        if not bool(torch.isfinite(R).all()):
            raise ValueError("least_squares: got a matrix that is not finite; give finite rows")
        m = sum(widths[one] for one in front)
        solved.append((g, others, R[: widths[g]]))
        if others:
            parts.append((others, R[widths[g] : m, widths[g] :]))
    for g, others, R in reversed(solved):
        at, known = widths[g], R[:, widths[g] + sum(widths[other] for other in others) :]
        for other in others:
            known = known + R[:, at : at + widths[other]] @ c[J.groups[other]]
            at += widths[other]
        c[J.groups[g]] = -torch.linalg.solve_triangular(R[:, : widths[g]], known, upper=True)
    return (c if r.ndim == 2 else c[:, 0]).to(r.dtype)


def _cells(J: BlockMatrix, right: Tensor, workers: int) -> list[tuple[Groups, Tensor]]:
    """Of each cell its groups, and [J, r] in their columns, as a triangle where it has more rows than columns."""
    place = torch.zeros(J.shape[1], dtype=torch.int64, device=right.device)
    within = torch.full((J.shape[0],), -1, dtype=torch.int64, device=right.device)
    parts = []
    for rows, groups in zip(J.cells, J.meetings, strict=True):
        columns = torch.cat([J.groups[g] for g in groups])
        m = columns.numel()
        place[columns] = torch.arange(m, device=right.device)
        within[rows] = torch.arange(rows.numel(), device=right.device)
        both = right.new_zeros(m + right.shape[1], rows.numel()).T
        both[:, m:] = right[rows]
        for block in J.blocks:
            inside = (within[block.rows] >= 0).nonzero()[:, 0]
            if inside.numel():
                both[within[block.rows[inside]][:, None], place[block.columns]] += block.values[inside].double()
        within[rows] = -1
        parts.append((groups, triangle(both, workers)[:m] if both.shape[0] > m else both))
    return parts


def _stacked(front: Groups, widths: Sequence[int], parts: Sequence[tuple[Groups, Tensor]]) -> Tensor:
    """Rows of parts, each with columns of its own groups and of r, in the columns of a front and of r."""
    starts, m = {}, 0
    for g in front:
        starts[g], m = m, m + widths[g]
    like = parts[0][1]
    right = like.shape[1] - sum(widths[g] for g in parts[0][0])
    out = like.new_zeros(m + right, sum(rows.shape[0] for _, rows in parts)).T
    top = 0
    for groups, rows in parts:
        end, at = top + rows.shape[0], 0
        for g in groups:
            out[top:end, starts[g] : starts[g] + widths[g]] = rows[:, at : at + widths[g]]
            at += widths[g]
        out[top:end, m:] = rows[:, at:]
        top = end
    return out


def _sizes(J: BlockMatrix) -> Tensor:
    """|J e_j| (p,) where no entry lies in two blocks, and 1 for columns of zeros."""
    squares = torch.zeros(J.shape[1], dtype=torch.float64, device=J.blocks[0].values.device)
    for block in J.blocks:
        squares.index_add_(0, block.columns, block.values.double().square().sum(0))
    return torch.where(squares > 0, squares.sqrt(), torch.ones_like(squares))


def _classes(sets: Iterable[Tensor], size: int) -> tuple[Tensor, ...]:
    """The indices below a size that lie in the same of these sets, and in one at least, class by class."""
    label, fresh, device = torch.zeros(size, dtype=torch.int64), 1, None
    for one in sets:
        device = one.device
        old, which = label[one.cpu()].unique(return_inverse=True)
        label[one.cpu()] = fresh + which
        fresh += old.numel()
    return tuple((label == one).nonzero()[:, 0].to(device or "cpu") for one in label.unique().tolist() if one > 0)
