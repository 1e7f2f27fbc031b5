"""Derivatives against each other, and the assumption that they rest on.

`check_derivatives` takes every partial derivative of a function up to an order by each route that this library has,

    nested autograd | jets or another engine handed in | complex step | forward, central, extrapolated differences,

and measures its distance from the exact one, which SymPy gives where it can trace the function, and nested autograd
where it cannot. A difference scheme is held to its own error estimate, the change from step h to 2h, so the check is
as sharp as the scheme is.

`check_rows_independent` moves one row of a batch and looks at the others. The gradient of the sum is the row-wise
derivative only if they stay (see `nested`).
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from pinn.derivatives.operators import d
from pinn.derivatives.witnesses.finite_difference import (
    central_difference,
    complex_step,
    default_step,
    forward_difference,
    mixed_difference,
    richardson,
)

if TYPE_CHECKING:
    from pinn.derivatives.witnesses.symbolic import SymbolicFunction

Route = Callable[[Callable[..., Any], Sequence[Tensor], Sequence[int]], Tensor]
"""A further way to differentiate: (f, columns, axes) -> (n,), axes (0, 0, 1) meaning ∂³f/∂x²∂y."""


@dataclass(frozen=True)
class Comparison:
    """One derivative by one method.

    Args:
        derivative: the names it is taken by, such as ("x", "x").
        method: the method's name.
        value: its value at the first point; NaN where the method does not apply.
        error: largest distance from the reference over the points, NaN where it does not apply.
        tolerance: the distance that is allowed.
    """

    derivative: tuple[str, ...]
    method: str
    value: float
    error: float
    tolerance: float
    applies: bool = True

    @property
    def ok(self) -> bool:
        """Whether the method agrees, or does not apply. A NaN in a value never agrees."""
        return not self.applies or self.error <= self.tolerance


@dataclass(frozen=True)
class DerivativeTable:
    """All comparisons of one function, printed as a table of one derivative a line and one method a column.

    Args:
        title: what was differentiated.
        reference: where the true values come from, "SymPy" or "nested".
        truth: reference value of each derivative at the first point.
        rows: the comparisons.
    """

    title: str
    reference: str
    truth: Mapping[tuple[str, ...], float]
    rows: tuple[Comparison, ...]

    @property
    def ok(self) -> bool:
        """Whether every method agrees with the reference."""
        return all(row.ok for row in self.rows)

    @property
    def failures(self) -> tuple[Comparison, ...]:
        """The comparisons that do not agree."""
        return tuple(row for row in self.rows if not row.ok)

    def __str__(self) -> str:
        methods = list(dict.fromkeys(row.method for row in self.rows))
        found = {(row.derivative, row.method): row for row in self.rows}
        lines = [["derivative", "first point", *methods]]
        for by, value in self.truth.items():
            lines.append([notation(by), f"{value:.10g}", *(_cell(found.get((by, method))) for method in methods)])
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        head = f"{self.title}   (distance from {self.reference}; {'all agree' if self.ok else 'FAILED where marked !'})"
        body = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines]
        return "\n".join([head, *(line.rstrip() for line in body)])


def notation(by: Sequence[str]) -> str:
    """A derivative as it is written: ("x", "x", "y") is f_xxy."""
    return "f_" + "".join(by) if all(len(name) == 1 for name in by) else "f_" + ",".join(by)


def check_derivatives(
    f: Callable[..., Any],
    *xs: Any,
    order: int = 2,
    exact: SymbolicFunction | None = None,
    engines: Mapping[str, Route] | None = None,
    title: str = "",
) -> DerivativeTable:
    """Partial derivatives of f up to an order by every route, each against the exact one.

    Args:
        f: function of d coordinates, entry by entry, made of torch operations.
        xs: the d coordinates to compare at, tensors or arrays (n,) or numbers; all but floating-point tensors become
            float64, and the caller's own are not touched.
        order: highest total order.
        exact: f as a `SymbolicFunction` of the coordinates in the same order; left out, f itself is traced, and where
            that fails nested autograd is the reference.
        engines: further routes by name, such as jets: called (f, columns, axes), returning (n,).
        title: heading of the table.

    Returns:
        The table; `table.ok` says whether all agree, `print(table)` shows by how much.

    Raises:
        TypeError, ValueError: as `d`, where nested autograd itself refuses; ValueError without coordinates.

    Example:
        >>> check_derivatives(torch.sin, torch.tensor([0.3, 1.2], dtype=torch.float64)).ok
        True
    """
    if not xs or order < 1:
        raise ValueError(f"check_derivatives: got {len(xs)} coordinates and order={order}, expected at least 1 of each")
    xs = tuple(_column(x) for x in xs)
    exact = _traced(f, _names(f, len(xs))) if exact is None else exact
    names = _names(f, len(xs)) if exact is None else exact.names
    rows: list[Comparison] = []
    truth: dict[tuple[str, ...], float] = {}
    for total in range(1, order + 1):
        for axes in itertools.combinations_with_replacement(range(len(xs)), total):
            by = tuple(names[axis] for axis in axes)
            nested = _nested(f, xs, axes)
            true = nested if exact is None else torch.as_tensor(exact.derivative(*by)(*_fresh(xs))).detach()
            true = true.to(nested).expand_as(nested)
            truth[by] = _first(true)
            for method, (value, tolerance) in _routes(f, xs, axes, nested, true, engines or {}).items():
                rows.append(_compare(by, method, value, tolerance, true))
    return DerivativeTable(
        title or getattr(f, "__name__", "f"), "nested" if exact is None else "SymPy", truth, tuple(rows)
    )


def check_rows_independent(model: Callable[[Tensor], Any], x: Tensor) -> None:
    """Refuse a model in which one row of the batch has an influence on another.

    Args:
        model: maps (n, d) to a tensor with n rows, or to a tuple or dictionary of such.
        x: points (n, d), at least two rows; rows are moved in a copy.

    Raises:
        ValueError: where rows are coupled, naming what couples them (BatchNorm first of all); where two calls on the
            same points differ (dropout); where the number of rows changes or there are fewer than two.

    Example:
        >>> check_rows_independent(nn.Linear(2, 1), torch.rand(5, 2))
    """
    if x.ndim < 1 or x.shape[0] < 2:
        raise ValueError(f"check_rows_independent: got x of shape {tuple(x.shape)}, expected at least two rows (n, d)")
    _refuse_normalisation(model)
    x = x.detach().clone()
    # Far enough to show in a maximum or a minimum over the rows, on either side of them all.
    reach = (x.amax(dim=0) - x.amin(dim=0)).clamp_min(1.0)
    with torch.no_grad():
        before = _outputs(model, x)
        for values, again in zip(before, _outputs(model, x), strict=True):
            if not _same(values, again):
                raise ValueError(
                    "check_rows_independent: two calls on the same points gave different values, so the model is "
                    f"random{_named(model, nn.modules.dropout._DropoutNd)}; call model.eval(), or remove what draws"
                )
        for row in sorted({0, x.shape[0] // 2, x.shape[0] - 1}):
            others = torch.arange(x.shape[0], device=x.device) != row
            for target in (x.amax(dim=0) + reach, x.amin(dim=0) - reach):
                moved = x.clone()
                moved[row] = target
                for values, after in zip(before, _outputs(model, moved), strict=True):
                    if not _same(values[others], after[others]):
                        raise ValueError(
                            f"check_rows_independent: moving row {row} changed other rows of the output by "
                            f"{(values - after)[others].abs().max().item():.3g}; derivatives by the gradient of the "
                            "sum would be wrong. Remove what mixes the rows (a mean, softmax, attention or "
                            "normalisation over the batch)"
                        )


def _routes(
    f: Callable[..., Any],
    xs: Sequence[Tensor],
    axes: tuple[int, ...],
    nested: Tensor,
    true: Tensor,
    engines: Mapping[str, Route],
) -> dict[str, tuple[Tensor | None, Tensor | float]]:
    """Value (None where the method does not apply) and tolerance of each method, for one derivative."""
    columns = [x.detach() for x in xs]
    # 1e-10 in float64, and as many of the digits in any other precision.
    sharp = torch.finfo(nested.dtype).eps ** 0.64 * true.abs().max().clamp_min(1.0)
    routes: dict[str, tuple[Tensor | None, Tensor | float]] = {"nested": (nested, sharp)}
    for name, engine in engines.items():
        routes[name] = engine(f, _fresh(xs), axes).detach(), sharp
    axis, order = axes[0], len(axes)
    pure = len(set(axes)) == 1

    def along(x: Any) -> Any:
        # The coordinates that stay take the kind of the one that moves: the complex step makes it complex.
        return f(*(x if i == axis else column.to(x.dtype) for i, column in enumerate(columns)))

    routes["complex"] = (_complex(along, columns[axis]) if order == 1 else None), sharp
    if order == 1:
        step = default_step(columns[axis], method="forward")
        forward, coarse = (forward_difference(along, columns[axis], h).detach() for h in (step, 2 * step))
        routes["forward"] = forward, _allowed(forward, coarse, sharp)
    else:
        routes["forward"] = None, 0.0
    counts = [axes.count(i) for i in range(len(xs))]
    steps = [default_step(column, order=order) for column in columns]
    if pure:
        fine, coarse = (
            central_difference(along, columns[axis], h, order=order) for h in (steps[axis], 2 * steps[axis])
        )
        estimate = richardson(along, columns[axis], order=order)
        routes["richardson"] = estimate.value, 10 * estimate.error + sharp
    else:
        widest = torch.stack(steps).amax(dim=0)
        fine, coarse = (mixed_difference(f, columns, counts, h) for h in (widest, 2 * widest))
        routes["richardson"] = None, 0.0
    routes["central"] = fine.detach(), _allowed(fine.detach(), coarse.detach(), sharp, order)
    return routes


def _allowed(fine: Tensor, coarse: Tensor, sharp: Tensor, order: int = 1) -> Tensor:
    """Tolerance of a difference scheme: what doubling its step changed, and the scheme's own balanced rounding."""
    epsilon = torch.finfo(fine.dtype).eps
    rounding = 10 * epsilon ** (2 / (order + 2) if order > 1 else 0.5) * fine.abs().clamp_min(1.0)
    return 4 * (fine - coarse).abs() + rounding + sharp


def _complex(along: Callable[[Any], Any], x: Tensor) -> Tensor | None:
    """The complex step, or None for a function that does not take complex values."""
    try:
        return complex_step(along, x).detach()
    except (RuntimeError, TypeError, ValueError):
        # torch says "not implemented for complex" by any of these; the method then does not apply.
        return None


def _compare(
    by: tuple[str, ...], method: str, value: Tensor | None, tolerance: Tensor | float, true: Tensor
) -> Comparison:
    if value is None:
        return Comparison(by, method, float("nan"), float("nan"), 0.0, applies=False)
    distance = (value.to(true) - true).abs()
    allowed = torch.as_tensor(tolerance, dtype=true.dtype, device=true.device).expand_as(distance)
    # The entry that is worst against its own tolerance speaks for all; a NaN anywhere is the worst.
    excess = torch.nan_to_num(distance / allowed.clamp_min(torch.finfo(true.dtype).tiny), nan=float("inf"))
    worst = int(excess.reshape(-1).argmax())
    return Comparison(by, method, _first(value), distance.reshape(-1)[worst].item(), allowed.reshape(-1)[worst].item())


def _first(values: Tensor) -> float:
    return values.reshape(-1)[0].item()


def _cell(row: Comparison | None) -> str:
    if row is None or not row.applies:
        return "-"
    return f"{row.error:.1e}" + ("" if row.ok else " !")


def _column(x: Any) -> Tensor:
    """A coordinate as a floating-point tensor, one entry for a number."""
    column = x.detach() if isinstance(x, Tensor) else torch.as_tensor(np.asarray(x))
    return torch.atleast_1d(column if column.is_floating_point() and isinstance(x, Tensor) else column.double())


def _fresh(xs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """New leaves with the same values, so that nothing of the caller's is touched."""
    return tuple(x.detach().clone().requires_grad_() for x in xs)


def _nested(f: Callable[..., Any], xs: Sequence[Tensor], axes: Sequence[int]) -> Tensor:
    columns = _fresh(xs)
    return d(f(*columns), *(columns[axis] for axis in axes)).detach()


def _names(f: Callable[..., Any], count: int) -> tuple[str, ...]:
    """Names for the coordinates: those of f's own arguments, else x, y, z, t, else numbered."""
    try:
        names = tuple(inspect.signature(f).parameters)
    except (TypeError, ValueError):  # builtins carry no signature
        names = ()
    if len(names) == count:
        return names
    return tuple("xyzt"[:count]) if count <= 4 else tuple(f"x{i}" for i in range(count))


def _traced(f: Callable[..., Any], names: tuple[str, ...]) -> SymbolicFunction | None:
    from pinn.derivatives.witnesses.symbolic import NoSymbolicRuleError, symbolic_function  # with all of SymPy

    try:
        return symbolic_function(f, *names)
    except (NoSymbolicRuleError, TypeError):
        # Built-in torch functions refuse a foreign object with a plain TypeError.
        return None


def _refuse_normalisation(model: Any) -> None:
    if not isinstance(model, nn.Module):
        return
    for name, module in model.named_modules():
        # At rest it has its running statistics, a linear map of each row by itself.
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and (module.training or module.running_mean is None):
            raise ValueError(
                f"check_rows_independent: the model contains BatchNorm ({name or 'itself'}: {type(module).__name__}), "
                "which normalises over the batch and so couples the points: derivatives would be silently wrong. "
                "Remove it, or call .eval() on it, which freezes its statistics; inputs and outputs that are scaled to "
                "unit size need no normalisation between the layers"
            )


def _named(model: Any, kind: type[nn.Module]) -> str:
    if not isinstance(model, nn.Module):
        return ""
    found = [f"{name}: {type(module).__name__}" for name, module in model.named_modules() if isinstance(module, kind)]
    return f" ({', '.join(found)})" if found else ""


def _outputs(model: Callable[[Tensor], Any], x: Tensor) -> list[Tensor]:
    found = model(x)
    if isinstance(found, Mapping):
        found = list(found.values())
    values = list(found) if isinstance(found, tuple | list) else [found]
    for value in values:
        if not isinstance(value, Tensor) or value.ndim < 1 or value.shape[0] != x.shape[0]:
            got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(
                f"check_rows_independent: the model returned {got} for {x.shape[0]} points, expected one row a point"
            )
    return values


def _same(a: Tensor, b: Tensor) -> bool:
    """Equal up to the rounding of differently blocked matrix products."""
    scale = 1e3 * torch.finfo(a.dtype).eps
    return torch.allclose(a, b, rtol=scale, atol=scale * _size(a), equal_nan=True)


def _size(a: Tensor) -> float:
    return torch.nan_to_num(a).abs().max().item() if a.numel() else 0.0
