"""An equation's residual for a training loop of one's own: any module, any optimizer, the library's derivatives.

    r = residual(points),    loss = mean r²,    loss.backward()

The equation is written as in a `Problem`, with arguments matched by name, and computed by jets, with nested autograd
behind them where an operation has no rule; see `pinn.derivatives.jets`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from pinn.binding import bind, names_of
from pinn.derivatives.engine import BoundEquation, Engine, EngineChoice
from pinn.derivatives.jets.engine import Jets
from pinn.tables import Table


class Residual:
    """The residual of one equation for one model, a function of points; made by `residual_function`.

    Attributes:
        bound: the equation under its engine, which also gives rows of ∂r/∂θ: `residual.bound.linearize(...)`.
    """

    def __init__(self, bound: BoundEquation, width: int, coordinates: Sequence[str]) -> None:
        self.bound = bound
        self._width, self._coordinates = width, tuple(coordinates)

    @property
    def engine(self) -> EngineChoice | None:
        """Which engine computes it, and why where that is not the one asked for; None before the first call."""
        return self.bound.choice

    def __call__(self, points: Tensor, **values: Tensor) -> Tensor:
        """Rows (n, q), with a graph to the model's parameters where gradients are on.

        Args:
            points: (n, d), columns in the order of the coordinates; it need not require grad.
            values: further arguments of the equation by name: numbers that are found along with the model, such as
                `nu=log_nu.exp()`, tensors () with a graph of their own, or what is known at the points, (n,).

        Raises:
            ValueError: for points of another shape; naming the equation, where it fails.
        """
        if points.ndim != 2 or points.shape[1] != self._width:
            raise ValueError(
                f"residual: got points of shape {tuple(points.shape)}, expected (n, {self._width}), a column for each "
                f"of {list(self._coordinates)}; torch.stack([{', '.join(self._coordinates)}], 1) makes them"
            )
        return self.bound.residual(points, values)


def residual_function(
    model: Callable[[Tensor], Tensor],
    equation: Callable[..., Any],
    coordinates: Sequence[str],
    outputs: Sequence[str] = ("u",),
    coefficients: Mapping[str, float | Table] = MappingProxyType({}),
    engine: Engine | None = None,
) -> Residual:
    """The residual of an equation, computed by jets, for a training loop of one's own.

    Args:
        model: maps points (n, d) to outputs (n, m): your own `nn.Module`.
        equation: function of coordinates, outputs and coefficients by name; returns a row (n,), or a tuple of q.
        coordinates: names of the d columns of the points.
        outputs: names of the m columns of the model's output.
        coefficients: name -> number or `Table`. What is trained is passed at each call.
        engine: left out, `Jets()`; `Autograd()` is nested autograd, the definition.

    Returns:
        A function of points (n, d) that returns rows (n, q).

    Raises:
        ValueError: for arguments of the equation that have no name to match, or none of the names given.

    Example:
        >>> from pinn.derivatives import d
        >>> def heat(u, x, t):
        ...     return d(u, t) - d(u, x, x)
        >>> _ = torch.manual_seed(0)
        >>> net = torch.nn.Sequential(torch.nn.Linear(2, 20), torch.nn.Tanh(), torch.nn.Linear(20, 1))
        >>> residual = residual_function(net, heat, ("x", "t"))
        >>> optimizer = torch.optim.Adam(net.parameters(), 1e-2)
        >>> points = torch.rand(100, 2)
        >>> for step in range(20):
        ...     optimizer.zero_grad()
        ...     loss = residual(points).square().mean()
        ...     loss.backward()
        ...     optimizer.step()
        >>> residual.engine.engine, bool(loss < 1e-2)
        ('jets', True)
    """
    names, fields = _names("coordinates", coordinates), _names("outputs", outputs)
    tables = {name: value.field for name, value in coefficients.items() if isinstance(value, Table)}
    known = {name: float(value) for name, value in coefficients.items() if not isinstance(value, Table)}
    used = {*names_of(equation)[0], *names_of(equation)[1]}
    if not used & set(fields):
        raise ValueError(
            f"residual_function: the equation takes {sorted(used)} and no output among {list(fields)}; name an "
            "argument like the output, or the outputs like the arguments"
        )

    def evaluate(columns: Mapping[str, Any]) -> dict[str, Any]:
        values = model(torch.stack([columns[name] for name in names], -1))
        if values.ndim != 2 or values.shape[1] != len(fields):
            raise ValueError(
                f"residual_function: the model returned shape {tuple(values.shape)}, expected (n, {len(fields)}), a "
                f"column for each of outputs={list(fields)}"
            )
        return {name: values[:, i] for i, name in enumerate(fields)}

    bound = (Jets() if engine is None else engine).bind(
        evaluate, bind(equation, known, tables, owner="residual_function: the equation"), names
    )
    return Residual(bound, len(names), names)


def _names(what: str, given: Any) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given)
    if not names or not all(isinstance(name, str) and name.isidentifier() for name in names):
        raise ValueError(f"residual_function: got {what}={given!r}, expected names; give a tuple such as ('x', 't')")
    return names
