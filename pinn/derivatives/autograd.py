"""The reference engine: nested reverse mode for the equation's derivatives, one backward pass a row of J."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives.engine import (
    BoundEquation,
    Columns,
    Constants,
    Engine,
    EngineChoice,
    ModelFunction,
    ResidualFunction,
    flat_gradient,
    scaled,
)
from pinn.derivatives.normalisation import ArithmeticNormalisation
from pinn.derivatives.seen import rows_of
from pinn.linearization import Linearization


class Autograd(Engine):
    """The reference: nested reverse mode, of layer normalisation as arithmetic (`pinn.derivatives.normalisation`).

    Args:
        chunk: points whose rows of J are taken from a graph of their own. A backward pass of a row goes through all
            points of its graph, so that rows from one graph of n points cost n²; 1000 rows of a network of 1031
            Chebyshev neurons took 1.2 s by 16 points and 6.9 s by 64, of perceptrons of 50 × 4 neurons 0.5 and 0.9 s.

    Example:
        >>> from pinn.derivatives import d
        >>> net = torch.nn.Linear(1, 1, dtype=torch.float64)
        >>> x = torch.linspace(0, 1, 3, dtype=torch.float64)[:, None]
        >>> slope = Autograd().bind(
        ...     lambda columns: {"u": net(columns["x"][:, None])[:, 0]},
        ...     lambda columns, outputs, constants: [d(outputs["u"], columns["x"])], ("x",))
        >>> bool((slope.residual(x) == net.weight.item()).all())
        True
    """

    def __init__(self, chunk: int = 16) -> None:
        self.chunk = chunk

    def bind(self, model: ModelFunction, equation: ResidualFunction, names: Sequence[str]) -> BoundEquation:
        """See `Engine.bind`."""
        return _BoundAutograd(self.chunk, model, equation, names)


class _BoundAutograd(BoundEquation):
    """One equation by nested reverse mode."""

    def __init__(self, chunk: int, model: ModelFunction, equation: ResidualFunction, names: Sequence[str]) -> None:
        self._chunk, self._model, self._equation, self._names = chunk, model, equation, tuple(names)

    @property
    def choice(self) -> EngineChoice:
        """Nested autograd, which can compute whatever torch can."""
        return EngineChoice("autograd")

    def residual(self, points: Tensor, constants: Constants | None = None) -> Tensor:
        """Rows (n, q)."""
        wanted = torch.is_grad_enabled()
        with torch.enable_grad(), ArithmeticNormalisation():
            columns: Columns = {
                name: points[:, i].detach().clone().requires_grad_() for i, name in enumerate(self._names)
            }
            rows = rows_of(self._model, self._equation, columns, constants or {})
            found = torch.stack([_row(row, points) for row in rows], 1)
        return found if wanted else found.detach()

    def linearize(
        self,
        points: Tensor,
        parameters: Sequence[Tensor],
        constants: Constants | None = None,
        out: Tensor | None = None,
        scale: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Rows (n, q) and J (n q, p), one backward pass a row, each through the graph of a few points only."""
        n, count = points.shape[0], sum(parameter.numel() for parameter in parameters)
        pieces: list[Tensor] = []
        jacobian = out
        for start in range(0, max(n, 1), self._chunk):
            some = slice(start, start + self._chunk)
            with torch.enable_grad():
                rows = scaled(
                    self.residual(points[some], _some(constants or {}, some, n)), None if scale is None else scale[some]
                )
            if jacobian is None:
                jacobian = points.new_empty(count, n * rows.shape[1]).T
            width = rows.shape[1]
            _fill(rows.reshape(-1), parameters, jacobian[start * width : start * width + rows.numel()])
            pieces.append(rows.detach())
        assert jacobian is not None
        return torch.cat(pieces), jacobian

    def gradient(
        self,
        points: Tensor,
        parameters: Sequence[Tensor],
        constants: Constants | None = None,
        scale: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """½|s r|² and its gradient (p,)."""
        with torch.enable_grad():
            loss = 0.5 * scaled(self.residual(points, constants), scale).pow(2).sum()
        return loss.detach(), flat_gradient(loss, parameters)

    def gram(
        self,
        points: Tensor,
        parameters: Sequence[Tensor],
        constants: Constants | None = None,
        scale: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """½|s r|², Jᵀ r and Jᵀ J; the reference does hold J."""
        rows, jacobian = self.linearize(points, parameters, constants, scale=scale)
        flat = rows.detach().reshape(-1)
        return 0.5 * flat.dot(flat), jacobian.T @ flat, jacobian.T @ jacobian

    def operator(
        self,
        points: Tensor,
        parameters: Sequence[Tensor],
        constants: Constants | None = None,
        scale: Tensor | None = None,
    ) -> Linearization:
        """r and products with J from one graph; J v as the derivative of w ↦ Jᵀ w."""
        with torch.enable_grad():
            rows = scaled(self.residual(points, constants), scale).reshape(-1)
        return _GraphLinearization(rows, parameters)


class _GraphLinearization:
    """Products with J from a graph that is kept."""

    def __init__(self, rows: Tensor, parameters: Sequence[Tensor]) -> None:
        self.residual = rows.detach()
        self._rows, self._parameters = rows, list(parameters)

    def jvp(self, v: Tensor) -> Tensor:
        """J v, shape (N,)."""
        if not self._rows.requires_grad:
            return torch.zeros_like(self.residual)
        pieces = v.split([parameter.numel() for parameter in self._parameters])
        moving = [(p, piece) for p, piece in zip(self._parameters, pieces, strict=True) if p.requires_grad]
        with torch.enable_grad():
            zero = torch.zeros_like(self.residual, requires_grad=True)
            back = torch.autograd.grad(self._rows, [p for p, _ in moving], zero, create_graph=True, allow_unused=True)
            used = [
                (slope, piece.view_as(slope))
                for slope, (_, piece) in zip(back, moving, strict=True)
                if slope is not None and slope.requires_grad
            ]
            if not used:
                return torch.zeros_like(self.residual)
            slopes, steps = zip(*used, strict=True)
            (found,) = torch.autograd.grad(slopes, zero, steps, allow_unused=True)
        return torch.zeros_like(self.residual) if found is None else found

    def vjp(self, w: Tensor) -> Tensor:
        """Jᵀ w, shape (p,)."""
        return flat_gradient(self._rows, self._parameters, w, retain_graph=True)


def _some(constants: Constants, some: slice, n: int) -> Constants:
    """The constants of some of n points: those with an entry a point, cut; the others as they are."""
    return {
        name: value[some] if isinstance(value, Tensor) and value.ndim and value.shape[0] == n else value
        for name, value in constants.items()
    }


def _fill(flat: Tensor, parameters: Sequence[Tensor], jacobian: Tensor) -> None:
    """Write the slopes of a few rows (k,) into their part of J (k, p)."""
    if not flat.requires_grad or not flat.numel():
        jacobian.zero_()
        return
    moving = [parameter for parameter in parameters if parameter.requires_grad]
    seeds = torch.eye(flat.numel(), dtype=flat.dtype, device=flat.device)
    slopes = iter(torch.autograd.grad(flat, moving, seeds, retain_graph=True, allow_unused=True, is_grads_batched=True))
    place = 0
    for parameter in parameters:
        slope = next(slopes) if parameter.requires_grad else None
        block = jacobian[:, place : place + parameter.numel()]
        block.copy_(slope.reshape(flat.numel(), -1)) if slope is not None else block.zero_()
        place += parameter.numel()


def _row(row: Any, points: Tensor) -> Tensor:
    """A row as a tensor (n,)."""
    n = points.shape[0]
    if not isinstance(row, Tensor):
        return torch.full((n,), float(row), dtype=points.dtype, device=points.device)
    if tuple(row.shape) not in ((), (n,)):
        raise ValueError(f"equation: a row of shape {tuple(row.shape)}, expected ({n},), one entry a point")
    return row.expand(n)
