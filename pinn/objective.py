"""The residual rows of a problem on its current points, and everything an optimizer asks of them.

    f(theta) = 1/2 |r(theta)|^2,    row i of constraint c scaled by sqrt(lambda_i w_c / n_c)

w_c is the constraint's weight, lambda_i a point's weight, n_c the number of its points, so that f is half the sum over
constraints of w_c * mean(lambda r^2). This one definition serves every optimizer, weighting and sampler: J^T r is
the gradient, and causal or attention weights are scales of rows. An integral constraint is the row
measure * mean(r), one row a returned field.

Rows are ordered by constraint, then by point, then by the constraint's returned fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives.engine import Engine, Operator
from pinn.domains import Points
from pinn.model import Model
from pinn.problem import Problem

_PIECE = 2048  # points whose activations and sensitivities are held at once

Arguments = tuple[
    Callable[..., Any], Callable[..., Any], Tensor, tuple[str, ...], list[torch.nn.Parameter], dict[str, Tensor]
]
"""What every method of an engine takes: model, equation, points, names, parameters, constants."""


@dataclass(frozen=True, eq=False)
class Block:
    """One constraint on its points: the equation, where, and the scale of its rows."""

    name: str
    equation: Callable[..., Any]
    points: Points
    weight: float
    attention: Tensor | None
    measure: float | None

    @property
    def integral(self) -> bool:
        """Whether the rows are integrated into one."""
        return self.measure is not None

    def scale(self, like: Tensor) -> Tensor:
        """Scale of each point's rows, shape (n,)."""
        n = self.points.n
        if self.measure is not None:
            return torch.full((n,), self.measure * self.weight**0.5 / n, dtype=like.dtype, device=like.device)
        scale = torch.full((n,), (self.weight / n) ** 0.5, dtype=like.dtype, device=like.device)
        return scale if self.attention is None else scale * self.attention.to(like).sqrt()


class Equations:
    """A problem's constraints and model seen through one derivative engine.

    Args:
        model: network and unknown coefficients.
        engine: what differentiates.

    The equations are bound once, so that an engine may keep what it learned of each (a plan of derivatives).

    Raises:
        ValueError: when the model has no parameter.
    """

    def __init__(self, model: Model, engine: Engine) -> None:
        if next(model.parameters(), None) is None:
            raise ValueError(
                f"the network {type(model.network).__name__} has no parameters, so there is nothing to train; give one "
                "that registers them as torch.nn.Parameter or holds modules that do"
            )
        self.model = model
        self.engine = engine
        self.problem: Problem = model.problem
        self.bound = {name: self.problem.equation(name) for name in self.problem.constraints}

    def constants(self, points: Points) -> dict[str, Tensor]:
        """Unknown numbers, normals and observed values, by name."""
        return {**self.model.coefficients(), **points.constants()}

    def residual(self, name: str, points: Points) -> Tensor:
        """Rows (n, q) of a constraint at points, without weights and without a graph."""
        with torch.no_grad():
            return self.rows(name, points).detach()

    def rows(self, name: str, points: Points) -> Tensor:
        """Rows (n, q) of a constraint at points, without weights, with a graph to the parameters where grad is on."""
        like = next(self.model.parameters())
        points = points.to(like.dtype, like.device)
        return self.engine.residual(
            self.model.outputs, self.bound[name], points.x, points.names, self.constants(points)
        )


class Objective:
    """f(theta) = 1/2 |r|^2 on fixed points and weights.

    Args:
        equations: the problem's constraints, its model and engine.
        points: constraint name -> points.
        weights: constraint name -> weight; left out, the problem's.
        attention: constraint name -> weight lambda of each point, shape (n,); left out, ones.

    Raises:
        ValueError: when no parameter requires grad; when points, weights or attention are missing, unknown, negative
            or of another length.
    """

    def __init__(
        self,
        equations: Equations,
        points: Mapping[str, Points],
        *,
        weights: Mapping[str, float] | None = None,
        attention: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.equations = equations
        self.model = equations.model
        self.engine = equations.engine
        self._parameters = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        if not self._parameters:
            raise ValueError(
                f"none of the {len(list(self.model.parameters()))} parameter tensors of the model requires grad, so "
                "there is nothing to train; call requires_grad_(True) on those that are to be trained"
            )
        first = self._parameters[0]
        self.dtype, self.device = first.dtype, first.device
        problem = equations.problem
        _same_names("points", points, problem)
        given = {name: problem.weight(name) for name in problem.constraints} | dict(weights or {})
        _same_names("weights", given, problem)
        for name, weight in given.items():
            if weight < 0:
                raise ValueError(f"weights {name!r}: got {weight}, expected a number of at least zero")
        attention = dict(attention or {})
        self.blocks: list[Block] = []
        for name, constraint in problem.constraints.items():
            lam = attention.pop(name, None)
            if lam is not None and tuple(lam.shape) != (points[name].n,):
                raise ValueError(
                    f"attention {name!r}: shape {tuple(lam.shape)}, expected ({points[name].n},), one weight a point"
                )
            measure = float(constraint.on.measure) if constraint.integral else None
            place = points[name].to(self.dtype, self.device)
            self.blocks.append(Block(name, equations.bound[name], place, float(given[name]), lam, measure))
        if attention:
            raise ValueError(f"attention: unknown constraints {sorted(attention)}; the problem has {list(points)}")
        self._scales = [block.scale(first.detach()) for block in self.blocks]
        self.size = sum(parameter.numel() for parameter in self._parameters)
        self._widths: list[int] | None = None

    @property
    def points(self) -> dict[str, Points]:
        """The points of each constraint."""
        return {block.name: block.points for block in self.blocks}

    @property
    def rows(self) -> int:
        """Number N of residual rows."""
        return sum(
            width * (1 if block.integral else block.points.n)
            for block, width in zip(self.blocks, self.widths, strict=True)
        )

    @property
    def widths(self) -> list[int]:
        """Number q of fields that each constraint returns."""
        if self._widths is None:
            self._widths = [
                self.equations.residual(block.name, block.points.take(torch.arange(min(2, block.points.n)))).shape[1]
                for block in self.blocks
            ]
        return self._widths

    def parameters(self) -> list[torch.nn.Parameter]:
        """The parameters, in the order of the flat vector."""
        return self._parameters

    def vector(self) -> Tensor:
        """A copy of the parameters as one vector (p,)."""
        return torch.cat([parameter.detach().reshape(-1) for parameter in self._parameters])

    def assign(self, theta: Tensor) -> None:
        """Write the parameters from a vector (p,). Only an optimizer's step does this."""
        if tuple(theta.shape) != (self.size,):
            raise ValueError(f"assign: got shape {tuple(theta.shape)}, expected ({self.size},)")
        offset = 0
        with torch.no_grad():
            for parameter in self._parameters:
                count = parameter.numel()
                parameter.copy_(theta[offset : offset + count].view_as(parameter))
                offset += count

    def _scaled(self, block: Block, scale: Tensor, rows: Tensor) -> Tensor:
        scaled = rows * scale[:, None]
        return scaled.sum(0) if block.integral else scaled.reshape(-1)

    def _residual(self) -> list[Tensor]:
        return [
            self._scaled(block, scale, self.equations.rows(block.name, block.points))
            for block, scale in zip(self.blocks, self._scales, strict=True)
        ]

    def residual(self) -> Tensor:
        """Scaled rows r, shape (N,), without a graph."""
        with torch.no_grad():
            return torch.cat(self._residual()).detach()

    def loss(self) -> Tensor:
        """f = 1/2 |r|^2, 0-d, without a graph."""
        residual = self.residual()
        return 0.5 * residual.dot(residual)

    def losses(self) -> dict[str, float]:
        """Each constraint's share of the loss."""
        with torch.no_grad():
            return {
                block.name: 0.5 * float(part.detach().pow(2).sum())
                for block, part in zip(self.blocks, self._residual(), strict=True)
            }

    def differentiable_loss(self) -> Tensor:
        """f = 1/2 |r|^2, 0-d, with a graph to the parameters, for closures of `torch.optim`."""
        parts = [part.pow(2).sum() for part in self._residual()]
        return 0.5 * torch.stack(parts).sum()

    def gradient(self) -> tuple[Tensor, Tensor]:
        """Loss (0-d) and its gradient (p,)."""
        loss = torch.zeros((), dtype=self.dtype, device=self.device)
        total = torch.zeros(self.size, dtype=self.dtype, device=self.device)
        for block, scale in zip(self.blocks, self._scales, strict=True):
            value, slope = self._block_gradient(block, scale)
            loss = loss + value
            total += slope
        return loss, total

    def gradient_norms(self) -> dict[str, float]:
        """Length of the gradient of each constraint's loss, taken without its weight."""
        return {
            block.name: float(self._block_gradient(block, scale)[1].norm()) / block.weight
            for block, scale in zip(self.blocks, self._scales, strict=True)
        }

    def _block_gradient(self, block: Block, scale: Tensor) -> tuple[Tensor, Tensor]:
        if not block.integral:
            return self.engine.gradient(*self._arguments(block), scale=scale)
        part = 0.5 * self._scaled(block, scale, self.equations.rows(block.name, block.points)).pow(2).sum()
        slopes = torch.autograd.grad(part, self._parameters, allow_unused=True)
        flat = [
            torch.zeros_like(parameter).reshape(-1) if slope is None else slope.reshape(-1)
            for slope, parameter in zip(slopes, self._parameters, strict=True)
        ]
        return part.detach(), torch.cat(flat)

    def _arguments(self, block: Block) -> Arguments:
        return (
            self.model.outputs,
            block.equation,
            block.points.x,
            block.points.names,
            self._parameters,
            self.equations.constants(block.points),
        )

    def linearize(self, out: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Scaled rows r (N,) and their derivatives J (N, p).

        Args:
            out: optional buffer (N, p) that J is written into.
        """
        count = self.rows
        jacobian = torch.empty(self.size, count, dtype=self.dtype, device=self.device).T if out is None else out
        if tuple(jacobian.shape) != (count, self.size):
            raise ValueError(f"linearize: out has shape {tuple(jacobian.shape)}, expected {(count, self.size)}")
        rows = []
        start = 0
        for block, scale, width in zip(self.blocks, self._scales, self.widths, strict=True):
            if block.integral:
                row, jacobian[start : start + width] = self._integral(block, scale, width)
                rows.append(row)
                start += width
                continue
            stop = start + block.points.n * width
            values, _ = self.engine.linearize(*self._arguments(block), out=jacobian[start:stop], scale=scale)
            rows.append(values.reshape(-1))
            start = stop
        return torch.cat(rows), jacobian

    def normal_equations(self) -> tuple[Tensor, Tensor, Tensor]:
        """Loss (0-d), J^T r (p,) and J^T J (p, p), accumulated over blocks of points without holding J."""
        loss = torch.zeros((), dtype=self.dtype, device=self.device)
        slope = torch.zeros(self.size, dtype=self.dtype, device=self.device)
        gram = torch.zeros(self.size, self.size, dtype=self.dtype, device=self.device)
        for block, scale, width in zip(self.blocks, self._scales, self.widths, strict=True):
            if block.integral:
                row, matrix = self._integral(block, scale, width)
                one, two, three = 0.5 * row.dot(row), matrix.T @ row, matrix.T @ matrix
            else:
                one, two, three = self.engine.gram(*self._arguments(block), scale=scale)
            loss, slope, gram = loss + one, slope.add_(two), gram.add_(three)
        return loss, slope, gram

    def _integral(self, block: Block, scale: Tensor, width: int) -> tuple[Tensor, Tensor]:
        """The rows (width,) of an integral constraint and their derivatives (width, p), by pieces of its points."""
        row = torch.zeros(width, dtype=self.dtype, device=self.device)
        matrix = torch.zeros(width, self.size, dtype=self.dtype, device=self.device)
        for _, piece in self._pieces(block, scale, width, _PIECE, 0):
            row += piece.residual
            matrix += torch.stack([piece.vjp(one) for one in torch.eye(width, dtype=self.dtype, device=self.device)])
        return row, matrix

    def _pieces(
        self, block: Block, scale: Tensor, width: int, size: int, start: int
    ) -> Iterator[tuple[slice, Linearization]]:
        """Pieces of one constraint, whose rows begin at `start`."""
        for first in range(0, block.points.n, size):
            last = min(first + size, block.points.n)
            points = block.points.take(torch.arange(first, last, device=self.device))
            part = self._arguments(replace(block, points=points))
            where = (0, width) if block.integral else (first * width, last * width)
            fold = width if block.integral else None
            yield (
                slice(start + where[0], start + where[1]),
                Linearization([self.engine.operator(*part, scale=scale[first:last])], [fold]),
            )

    def pieces(self, size: int = _PIECE) -> Iterator[tuple[slice, Linearization]]:
        """J at the current parameters, piece by piece: rows of r, and products with those rows of J, without J.

        The next piece is made when it is asked for: who drops the last one first holds no more than one. The rows of an
        integral constraint are sums over its points, to which each piece adds its own.

        Args:
            size: points of a piece at the most.

        Raises:
            ValueError: when that is less than one.
        """
        if size < 1:
            raise ValueError(f"pieces: got size={size}; expected at least 1 point")
        start = 0
        for block, scale, width in zip(self.blocks, self._scales, self.widths, strict=True):
            yield from self._pieces(block, scale, width, size, start)
            start += width * (1 if block.integral else block.points.n)

    def operator(self) -> Linearization:
        """Rows r (N,) and products with J at the current parameters, without J."""
        operators = [
            self.engine.operator(*self._arguments(block), scale=scale)
            for block, scale in zip(self.blocks, self._scales, strict=True)
        ]
        folds = [width if block.integral else None for block, width in zip(self.blocks, self.widths, strict=True)]
        return Linearization(operators, folds)


class Linearization:
    """r (N,), J v and J^T w over all constraints; an integral constraint's rows are sums over its points.

    Args:
        operators: one a constraint.
        folds: number of returned fields where the constraint is an integral, else None.
    """

    def __init__(self, operators: list[Operator], folds: list[int | None]) -> None:
        self._operators = operators
        self._folds = folds
        self.residual = torch.cat(
            [self._fold(operator.residual, fold) for operator, fold in zip(operators, folds, strict=True)]
        )

    @staticmethod
    def _fold(rows: Tensor, fold: int | None) -> Tensor:
        return rows if fold is None else rows.view(-1, fold).sum(0)

    def jvp(self, v: Tensor) -> Tensor:
        """J v, shape (N,), for v of shape (p,)."""
        return torch.cat(
            [self._fold(operator.jvp(v), fold) for operator, fold in zip(self._operators, self._folds, strict=True)]
        )

    def vjp(self, w: Tensor) -> Tensor:
        """J^T w, shape (p,), for w of shape (N,)."""
        total, start = None, 0
        for operator, fold in zip(self._operators, self._folds, strict=True):
            count = operator.residual.numel()
            part = w[start : start + (count if fold is None else fold)]
            start += part.numel()
            product = operator.vjp(part if fold is None else part.repeat(count // fold))
            total = product if total is None else total + product
        assert total is not None
        return total


def _same_names(what: str, given: Mapping[str, Any], problem: Problem) -> None:
    missing, unknown = set(problem.constraints) - set(given), set(given) - set(problem.constraints)
    if missing or unknown:
        raise ValueError(
            f"{what}: expected one entry for each of {list(problem.constraints)}; "
            f"missing {sorted(missing)}, unknown {sorted(unknown)}"
        )
