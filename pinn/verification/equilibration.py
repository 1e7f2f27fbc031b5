"""Rows and fields brought to one size, so that neither units nor weights decide what constraints are said to determine.

    R J B C,   R, C diagonal: the largest response of each component of each constraint, and of each field, is one

J B are the constraints linearized on changes of unit size (`pinn.verification.stability`). The response of a row
component to a field is the root mean square over its rows of what smooth unit changes of that field make; fields are
balanced in the equations (Ruiz, RAL-TR-2001-034), whose terms say how large they are beside each other, and conditions
only where an equation says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pinn.objective import Objective

_ROUNDS = 12  # of the balancing, each of which halves what is left in decades


@dataclass(frozen=True, eq=False)
class Group:
    """One residual component of one constraint: J B of it, (n, K), and r, (n,)."""

    name: str
    rows: Tensor
    residual: Tensor


def groups_by_component(objective: Objective, product: Tensor, residual: Tensor) -> list[Group]:
    """Rows J B (N, K) and r (N,) of an objective by constraint and component."""
    groups, start = [], 0
    for block, q in zip(objective.blocks, objective.residuals_per_point, strict=True):
        some = slice(start, start + block.rows)
        start += block.rows
        groups += [Group(block.name, product[some][part::q], residual[some][part::q]) for part in range(q)]
    return groups


def responses_of(rows: Tensor, owners: Mapping[str, Tensor], smooth: Mapping[str, Tensor]) -> Tensor:
    """Root mean square of rows (n, K) on smooth unit changes of each field, or on those of a number; (owners,).

    Args:
        rows: of J B.
        owners: output, field or number -> the unit changes that are its own, as places among all K.
        smooth: output or field -> combinations of unit changes that are smooth ones of it, (K, probes).
    """
    found = []
    for name, places in owners.items():
        response = rows[:, places] if name not in smooth else rows[:, places] @ smooth[name][places]
        size = response.abs().max() if response.numel() else rows.new_zeros(())
        # Squares of very small rows are zero, and of very large ones infinite.
        found.append(size * (response / size).square().mean().sqrt() if size > 0 else size)
    return torch.stack(found)


@dataclass(frozen=True, eq=False)
class Equilibration:
    """What brings rows and fields to one size.

    Attributes:
        owners: output, field or number -> the unit changes that are its own, as places among all.
        fields: scale of the unit changes of each owner, the largest of those of a field is one; (owners,).
        factors: of the rows of each group, with the root of their number.
        responses: size of each group on smooth changes of every owner so scaled, (groups, owners).
    """

    owners: Mapping[str, Tensor]
    fields: Tensor
    factors: tuple[float, ...]
    responses: Tensor

    @classmethod
    def of(
        cls,
        groups: Sequence[Group],
        owners: Mapping[str, Tensor],
        smooth: Mapping[str, Tensor],
        equations: Sequence[str],
    ) -> Equilibration:
        """Measure it.

        Args:
            groups: rows by constraint and component.
            owners: see `responses_of`.
            smooth: see `responses_of`.
            equations: names of the constraints in which fields are balanced.
        """
        sizes = torch.stack([responses_of(group.rows, owners, smooth) for group in groups])
        inside = torch.tensor([group.name in equations for group in groups])[:, None]
        fields = _balanced(torch.where((sizes * inside).amax(0) > 0, sizes * inside, sizes))
        of_fields = [scale for name, scale in zip(owners, fields.tolist(), strict=True) if name in smooth]
        fields = fields / max(of_fields, default=1.0)
        factors = [
            float(1 / _nonzero((one * fields).amax())) / math.sqrt(len(group.rows))
            for one, group in zip(sizes, groups, strict=True)
        ]
        return cls(owners, fields, tuple(factors), sizes * fields)

    def columns(self, rows: Tensor) -> Tensor:
        """Rows (n, K) with the columns of every field brought to its size, owner by owner, those of none taken away."""
        parts = [rows[:, places] * scale for places, scale in zip(self.owners.values(), self.fields, strict=True)]
        return torch.cat(parts, 1)

    def rows(self, groups: Sequence[Group], which: Sequence[int] | None = None) -> Tensor:
        """R J B C of some groups, by their places; of all where none are named."""
        places = range(len(groups)) if which is None else which
        return torch.cat([self.factors[i] * self.columns(groups[i].rows) for i in places])

    def residual(self, groups: Sequence[Group], which: Sequence[int] | None = None) -> Tensor:
        """R r of some groups, by their places; of all where none are named."""
        places = range(len(groups)) if which is None else which
        return torch.cat([self.factors[i] * groups[i].residual for i in places])

    def change(self, scaled: Tensor, count: int) -> Tensor:
        """Columns as `columns` orders and scales them, as unit changes (count,)."""
        change = torch.zeros(count, dtype=torch.float64)
        start = 0
        for places, scale in zip(self.owners.values(), self.fields.tolist(), strict=True):
            change[places] = scale * scaled[start : start + len(places)]
            start += len(places)
        return change

    def response(self, rows: Tensor, smooth: Mapping[str, Tensor]) -> float:
        """The largest response of rows (n, K) to a smooth change of an owner, brought to size."""
        return float((responses_of(rows, self.owners, smooth) * self.fields).max())


def singular(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Singular values, ascending, with their right vectors as rows; those that rows are too few for are zero."""
    upper = torch.linalg.qr(rows, mode="r")[1] if rows.shape[0] > rows.shape[1] else rows
    _, values, right = torch.linalg.svd(upper, full_matrices=True)
    values = torch.cat([values, values.new_zeros(right.shape[0] - len(values))])
    return values.flip(0), right.flip(0)


def _balanced(sizes: Tensor) -> Tensor:
    """Scales of the columns of (rows, fields) that bring the largest entry of each row and column to one."""
    rows, fields = sizes.new_ones(len(sizes)), sizes.new_ones(sizes.shape[1])
    for _ in range(_ROUNDS):
        scaled = rows[:, None] * sizes * fields
        rows = rows / _nonzero(scaled.amax(1)).sqrt()
        fields = fields / _nonzero(scaled.amax(0)).sqrt()
    return fields


def _nonzero(values: Tensor) -> Tensor:
    return torch.where(values > 0, values, torch.ones_like(values))
