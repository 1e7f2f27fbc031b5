"""Derivatives from values alone: forward and central differences, the complex step, Richardson extrapolation.

    forward       (f(x+h) − f(x)) / h                        error  h/2 |f''|,   rounding 2ε|f|/h
    central       δᵏf / hᵏ,  δf = f(x+h/2) − f(x−h/2)        error  k h²/24 |f⁽ᵏ⁺²⁾|,  rounding 2ᵏ⁻¹ε|f|/hᵏ
    complex step  Im f(x+ih) / h                             error  h²/6 |f'''|, no rounding: nothing is subtracted

The default step makes error and rounding equal in size for a function whose derivatives are about as large as itself,

    forward  h = 2 √ε,      central  h = (6·2ᵏ ε)^(1/(k+2)),

times max(1, |x|), rounded to a power of two so that x ± h/2 is exact (Press et al., Numerical Recipes, 3rd ed., sec.
5.7; complex step: Squire, Trapp, SIAM Review 40 (1998) 110). Richardson extrapolation cancels the powers of h² one by
one and takes, entry by entry, the value of the table that agrees best with its neighbours (Ridders, Adv. Eng. Software
4 (1982) 75). ε is the machine epsilon of x's dtype. Integers are promoted to float64: in float32 cancellation shows.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

COMPLEX_STEP = 1e-20
"""Step of the complex step, relative to max(1, |x|): its square is below every ε, and it does not underflow."""


@dataclass(frozen=True)
class Estimate:
    """A value with an estimate of its error, both of the argument's shape.

    Args:
        value: the derivative.
        error: estimated absolute error, of the value's units.
    """

    value: Any
    error: Any


def forward_difference(f: Callable[[Any], Any], x: Any, h: Any = None) -> Any:
    """Forward difference (f(x+h) − f(x)) / h, accurate to first order in h.

    Args:
        f: function of one variable, entry by entry; called with x's own kind (float, array or tensor).
        x: number, array or tensor of any shape; integers become float64.
        h: step, in x's units, a number or of x's shape; left out, the error-balanced one.

    Returns:
        The derivative's approximation, of x's kind and shape.

    Raises:
        TypeError: for an x that is not real.
        ValueError: for a step that is not positive, or an f whose values have another shape than x.

    Example:
        >>> forward_difference(lambda x: (x**2 + 2 * x) * math.log(x), 1, h=0.5)
        4.257383635135726
    """
    x = _promote(x)
    h = default_step(x, method="forward") if h is None else _positive(h, x)
    return (_values(f, x + h, x) - _values(f, x, x)) / h


def central_difference(f: Callable[[Any], Any], x: Any, h: Any = None, *, order: int = 1) -> Any:
    """Central difference of any order, accurate to second order in h; order 1 is (f(x+h/2) − f(x−h/2)) / h.

    Args:
        f: function of one variable, entry by entry; called with x's own kind.
        x: number, array or tensor of any shape; integers become float64.
        h: distance of neighbouring points, in x's units; left out, the error-balanced one.
        order: order k of the derivative; f is called k + 1 times.

    Returns:
        The derivative's approximation, of x's kind and shape.

    Raises:
        TypeError: for an x that is not real.
        ValueError: for a step that is not positive, an order below 1, or values of another shape than x.

    Example:
        >>> round(central_difference(lambda x: (x**2 + 2 * x) * math.log(x), 1, h=0.5), 12)
        2.999729903292
    """
    x = _promote(x)
    h = default_step(x, order=order) if h is None else _positive(h, x)
    _order(order)
    total = 0.0
    for j in range(order + 1):
        total = total + (-1) ** j * math.comb(order, j) * _values(f, x + (order / 2 - j) * h, x)
    return total / h**order


def complex_step(f: Callable[[Any], Any], x: Any, h: Any = None) -> Any:
    """First derivative Im f(x+ih)/h of a real analytic function, to machine precision.

    Args:
        f: function of one variable that takes complex x and uses only analytic operations (no abs, no max, no .real).
        x: number, array or tensor of any shape; integers become float64.
        h: imaginary step, in x's units; left out, 1e-20 max(1, |x|).

    Returns:
        The derivative, of x's kind and shape.

    Raises:
        TypeError: for an x that is not real.
        ValueError: where f returns real values, having lost the imaginary part.

    Example:
        >>> complex_step(lambda x: x**3, 2)
        12.0
    """
    x = _promote(x)
    h = _like(COMPLEX_STEP * np.maximum(1.0, np.abs(_array(x))), x) if h is None else _positive(h, x)
    z = torch.complex(x, h if isinstance(h, Tensor) else torch.full_like(x, h)) if isinstance(x, Tensor) else x + 1j * h
    values = _values(f, z, x)
    if not (values.is_complex() if isinstance(values, Tensor) else np.iscomplexobj(values)):
        raise ValueError(
            "complex_step: f returned real values for a complex argument, so the derivative was lost (abs, max, .real "
            "or a cast inside f); use central_difference, or write f with analytic operations"
        )
    return values.imag / h


def richardson(f: Callable[[Any], Any], x: Any, h: Any = None, *, order: int = 1, levels: int = 7) -> Estimate:
    """Central differences with steps h, h/2, h/4, … extrapolated to h = 0, with an estimate of the error.

    Args:
        f: function of one variable, entry by entry; called with x's own kind.
        x: number, array or tensor of any shape; integers become float64.
        h: largest step, in x's units; left out, max(1, |x|)/4.
        order: order k of the derivative.
        levels: number of steps, at least 2.

    Returns:
        Estimate of value and error, each of x's kind and shape. Steps that leave f's domain (NaN) are passed over.

    Raises:
        TypeError: for an x that is not real.
        ValueError: for fewer than two levels, a step that is not positive, or values of another shape than x.

    Example:
        >>> estimate = richardson(math.exp, 0.0)
        >>> abs(estimate.value - 1) < 1e-11, estimate.error < 1e-10
        (True, True)
    """
    x = _promote(x)
    _order(order)
    if levels < 2:
        raise ValueError(f"richardson: got levels={levels}, expected at least 2: one value cannot be extrapolated")
    scale = np.maximum(1.0, np.abs(_array(x)))
    h = _like(_power_of_two(scale / 4), x) if h is None else _positive(h, x)
    rounding = 2.0 ** (order - 1) * _epsilon(x) * np.maximum(np.abs(_array(_values(f, x, x))), 1e-300)
    previous: list[np.ndarray] = []
    best = np.full(_array(x).shape, np.nan)
    error = np.full(_array(x).shape, np.inf)
    for level in range(levels):
        step = h / 2**level
        row = [_array(central_difference(f, x, step, order=order))]
        for j, above in enumerate(previous, start=1):
            row.append(row[-1] + (row[-1] - above) / (4.0**j - 1))
            # The two entries that this one was made of, and the rounding that the smallest step has brought in.
            distance = np.maximum(np.abs(row[-1] - row[-2]), np.abs(row[-1] - above))
            distance = distance + rounding / _array(step) ** order
            better = distance < error
            best, error = np.where(better, row[-1], best), np.where(better, distance, error)
        previous = row
    return Estimate(_like(best, x), _like(error, x))


def mixed_difference(f: Callable[..., Any], xs: Sequence[Any], orders: Sequence[int], h: Any = None) -> Any:
    """Central difference of a partial derivative of several variables, one variable after the other.

    Args:
        f: function of the coordinates, called f(x, y, …) with each of the same shape.
        xs: the d coordinates, each a number, array or tensor.
        orders: how often to differentiate by each, such as (1, 1) for ∂²f/∂x∂y.
        h: step for every coordinate; left out, the error-balanced one of the total order.

    Returns:
        The derivative's approximation, of the coordinates' kind and shape.

    Raises:
        ValueError: where the numbers differ or no derivative is asked for; else as `central_difference`.

    Example:
        >>> round(mixed_difference(lambda x, y: x**2 * y**2, (1.0, 2.0), (1, 1)), 5)
        8.0
    """
    if len(xs) != len(orders) or sum(orders) < 1 or min(orders) < 0:
        raise ValueError(f"mixed_difference: got orders {tuple(orders)} for {len(xs)} coordinates, expected one each")
    columns = [_promote(x) for x in xs]

    def differentiated(axis: int, at: list[Any]) -> Any:
        if axis == len(columns):
            return f(*at)
        if orders[axis] == 0:
            return differentiated(axis + 1, at)
        step = default_step(columns[axis], order=sum(orders)) if h is None else h
        return central_difference(
            lambda x: differentiated(axis + 1, [*at[:axis], x, *at[axis + 1 :]]), at[axis], step, order=orders[axis]
        )

    return differentiated(0, columns)


def numerical_gradient(
    f: Callable[..., Any],
    points: Any,
    h: Any = None,
    *,
    scheme: Callable[[Callable[[Any], Any], Any, Any], Any] = central_difference,
) -> Any:
    """Gradient from values alone, one coordinate at a time, at one point or at a batch with one point a row.

    Args:
        f: function of d coordinates, called f(x₁, …, x_d) with numbers for one point and with (n,) columns for a batch.
        points: (d,) or (n, d); integers become float64.
        h: step in the coordinates' units; left out, the scheme's own.
        scheme: `central_difference`, `forward_difference` or `complex_step`.

    Returns:
        Array or tensor of the points' shape.

    Raises:
        ValueError: where the points have another shape than f's coordinates ask for, or f's values another than (n,).

    Example:
        >>> numerical_gradient(lambda x, y: x**2 + y**2, np.array([3, 4])).round(9).tolist()
        [6.0, 8.0]
    """
    points = _promote(points)
    _check_points(f, points)
    columns = [points[..., i] for i in range(points.shape[-1])]
    parts = [
        scheme(lambda x, i=i: f(*columns[:i], x, *columns[i + 1 :]), column, h)  # type: ignore[misc]
        for i, column in enumerate(columns)
    ]
    return torch.stack(parts, dim=-1) if isinstance(points, Tensor) else np.stack(parts, axis=-1)


def default_step(x: Any, *, order: int = 1, method: str = "central") -> Any:
    """Step that balances truncation against rounding (see the module's head), a power of two for each entry of x.

    Args:
        x: number, array or tensor; integers count as float64.
        order: order k of a central difference.
        method: "central" or "forward" (order 1).

    Returns:
        Positive steps of x's kind and shape, in x's units.

    Raises:
        ValueError: for another method, an order below 1 or a forward difference above order 1.

    Example:
        >>> default_step(1.0) == 2.0**-16
        True
    """
    x = _promote(x)
    _order(order)
    if method not in ("central", "forward") or (method == "forward" and order > 1):
        raise ValueError(f"default_step: got method={method!r}, order={order}; give 'central', or 'forward' of order 1")
    epsilon = _epsilon(x)
    base = 2 * epsilon**0.5 if method == "forward" else (6 * 2.0**order * epsilon) ** (1 / (order + 2))
    return _like(_power_of_two(base * np.maximum(1.0, np.abs(_array(x)))), x)


def _power_of_two(size: Any) -> np.ndarray:
    return np.asarray(np.exp2(np.round(np.log2(size))))


def _promote(x: Any) -> Any:
    """`x` as a real floating-point number, array or detached tensor; the caller's own is left alone."""
    if isinstance(x, Tensor):
        if x.is_complex():
            raise TypeError(f"finite difference: x is a tensor of {x.dtype}, expected real values")
        return x.detach() if x.is_floating_point() else x.detach().double()
    if isinstance(x, int | float) and not isinstance(x, bool):
        return float(x)
    array = np.asarray(x)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"finite difference: got x of {array.dtype}, expected real numbers, an array or a tensor")
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _array(x: Any) -> np.ndarray:
    return np.asarray(x.detach().cpu().numpy() if isinstance(x, Tensor) else x, dtype=np.float64)


def _like(array: Any, x: Any) -> Any:
    """`array` as x's kind and dtype."""
    if isinstance(x, Tensor):
        return torch.as_tensor(array, dtype=x.dtype, device=x.device)
    return float(array) if isinstance(x, float) else np.asarray(array, dtype=x.dtype)


def _epsilon(x: Any) -> float:
    if isinstance(x, Tensor):
        return torch.finfo(x.dtype).eps
    return float(np.finfo(np.asarray(x).dtype).eps)


def _positive(h: Any, x: Any) -> Any:
    """A caller's step as x's kind, refused unless positive."""
    steps = _array(h)
    if not (np.all(steps > 0) and np.all(np.isfinite(steps))):
        raise ValueError(f"finite difference: got step h={h}, expected h > 0; leave it out for the balanced step")
    return _like(steps, x)


def _order(order: int) -> None:
    if order < 1:
        raise ValueError(f"finite difference: got order={order}, expected 1 or more")


def _values(f: Callable[[Any], Any], at: Any, x: Any) -> Any:
    values = f(at)
    if np.shape(values) != np.shape(x):
        raise ValueError(
            f"finite difference: f returned shape {tuple(np.shape(values))} for x of shape {tuple(np.shape(x))}, "
            "expected one value an entry; give a function that works entry by entry (numerical_gradient for points)"
        )
    return values


def _check_points(f: Callable[..., Any], points: Any) -> None:
    if points is None or isinstance(points, float) or points.ndim not in (1, 2):
        raise ValueError(
            f"numerical_gradient: got points of shape {tuple(np.shape(points))}, expected one point (d,) or a batch "
            "(n, d), one point a row"
        )
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # builtins carry no signature
        return
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = sum(p.default is p.empty for p in positional)
    d = points.shape[-1]
    if not required <= d <= len(positional):
        raise ValueError(
            f"numerical_gradient: got points of shape {tuple(points.shape)}, so {d} coordinates, but f takes "
            f"{required}; give one point a row, (n, {required}) (transpose an array that holds one coordinate a row)"
        )
