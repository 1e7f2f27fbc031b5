"""Derivatives of a batch of values by nested reverse mode: the definition that every faster engine is held to.

Row i of u depends on row i of x alone, so the gradient of the sum has the row-wise derivative as its entries,

    d/dx_i  sum_j u_j(x_j)  =  u_i'(x_i),

and with `create_graph=True` the answer is itself differentiable, which gives any order and any mixture by repetition
(`torch.autograd.grad`; Griewank, Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, sec. 3.2 and 5). That rows do not
mix is an assumption about the caller's function; `pinn.derivatives.check_rows_independent` tests it.

A derivative may run out: u = x² has u'' = 2, whose graph no longer reaches x, and autograd then says "not used". That
is a zero. A coordinate that never took part in u says the same, and that is a mistake. The two are told apart by a
note left on each derivative: the graph node of the field it was taken of. Where the graph of u does not reach x, the
search goes on through those notes, and x found in an ancestor means zero, x found nowhere means an error.

What torch's own derivatives are, these are. One of them is wrong: that of its layer normalisation, from the third order
on. The engines write it as arithmetic (`pinn.derivatives.normalisation`), and so must what is differentiated by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

# Key of the note on a derivative's graph node. Its value is the node of the differentiated field, or None for the
# derivative of a constant, which is zero in every coordinate.
_TAKEN_OF = "pinn.derivative_of"


def derivative(u: Tensor | float, *xs: Tensor, upstream: Tensor | float | None = None) -> Tensor:
    """Derivative of each entry of `u` by the matching entries of `xs`, one after the other.

    Args:
        u: values of a field, usually (n,); a Python number stands for a constant.
        xs: coordinates of u's shape, each a tensor that requires grad and was used to compute u. Repeat one for
            higher order: `derivative(u, x, x)`.
        upstream: factor on the result, a number or a tensor of u's shape (autograd's `grad_outputs`).

    Returns:
        Tensor of u's shape with a graph, so that it can be differentiated again; zero where the derivative has run out.

    Raises:
        TypeError: for anything but real floating-point tensors.
        ValueError: where a shape differs, a coordinate took no part in u, or the graph has been freed.

    Example:
        >>> x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
        >>> derivative(x**3, x, x).tolist()
        [6.0, 12.0]
    """
    if not xs:
        raise ValueError("d: got no coordinate to differentiate by; give at least one, as in d(u, x)")
    if not isinstance(u, Tensor):
        return _constant(u, xs)
    for x in xs[:-1]:
        # All coordinates are checked against the field itself, so that a stranger fails at any position.
        (u,) = partials(u, (x,))
    return partials(u, xs[-1:], upstream=upstream)[0]


def partials(u: Tensor | float, xs: Sequence[Tensor], *, upstream: Tensor | float | None = None) -> tuple[Tensor, ...]:
    """First derivatives of `u` by several coordinates in one backward pass.

    Args:
        u: values of a field, usually (n,), or a Python number.
        xs: coordinates of u's shape that took part in u.
        upstream: factor on the results, a number or a tensor of u's shape.

    Returns:
        One tensor of u's shape for each coordinate, with a graph.

    Raises:
        TypeError: for anything but real floating-point tensors.
        ValueError: where a shape differs, a coordinate took no part in u, or the graph has been freed.

    Example:
        >>> x, y = torch.tensor([[2.0], [3.0]], dtype=torch.float64, requires_grad=True).unbind(0)
        >>> [p.item() for p in partials(x**2 - y**2, (x, y))]
        [4.0, -6.0]
    """
    if not isinstance(u, Tensor):
        return tuple(_constant(u, (x, *xs)) for x in xs)
    _check(u, xs)
    if not u.requires_grad:
        raise ValueError(
            f"d: u {_shape(u)} has no graph, so it depends on no coordinate; it was detached, computed under "
            "torch.no_grad(), or computed before x.requires_grad_(). Make the coordinates require grad, then compute u"
        )
    with torch.enable_grad():
        seed = _upstream(u, upstream)
        found = _backward(u, xs, seed)
        if u.ndim > 1 and u.shape[0] != u.numel():
            _require_entries_apart(u, xs, found, seed)
        answers = []
        for position, (x, g) in enumerate(zip(xs, found, strict=True)):
            if g is None:
                if not _took_part(u, x):
                    raise ValueError(_stranger(u, x, position, len(xs)))
                g = torch.zeros_like(x)
            answers.append(_note(g, x, u.grad_fn, passed_on=upstream is not None))
    return tuple(answers)


def scalar_gradient(value: Tensor, *xs: Tensor) -> tuple[Tensor, ...]:
    """Gradient of a single number with respect to whole tensors, such as that of `values.mean()` or `values.max()`.

    Args:
        value: tensor of one entry, computed from every one of `xs`.
        xs: tensors of any shape that require grad.

    Returns:
        One tensor of x's shape for each x, with a graph; `.grad` of nothing is touched.

    Raises:
        TypeError: for anything but real floating-point tensors.
        ValueError: where `value` has more than one entry, or a tensor took no part in it.

    Example:
        >>> x = torch.arange(1.0, 5.0, dtype=torch.float64, requires_grad=True)
        >>> scalar_gradient((x**2 + 1).mean(), x)[0].tolist()
        [0.5, 1.0, 1.5, 2.0]
    """
    if isinstance(value, Tensor) and value.numel() != 1:
        raise ValueError(
            f"scalar_gradient: got values of shape {tuple(value.shape)}, expected a single number; reduce them first "
            "(values.sum()), or use d(u, x) for one derivative an entry"
        )
    _check(value, xs, same_shape=False)
    if not value.requires_grad:
        raise ValueError("scalar_gradient: the value has no graph; make x require grad, then compute the value")
    with torch.enable_grad():
        found = _backward(value, xs, None)
        answers = []
        for position, (x, g) in enumerate(zip(xs, found, strict=True)):
            if g is None:
                if not _took_part(value, x):
                    raise ValueError(_stranger(value, x, position, len(xs)))
                g = torch.zeros_like(x)
            answers.append(_note(g, x, value.grad_fn))
    return tuple(answers)


def attach(u: Any, *xs: Any) -> Any:
    """`u` as a field of all of `xs`, also of those that it does not vary with: u + 0·x.

    A coordinate that took no part in u is an error, because it is nearly always a mistake. Where it is meant, as in the
    exact solution u = 1 − y² of a flow in (x, y), this says so and makes the derivative by x zero.

    Args:
        u: a number, or a field (n,).
        xs: coordinates (n,).

    Returns:
        The same values, (n,), with a graph to every coordinate.

    Example:
        >>> x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
        >>> y = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)
        >>> derivative(attach(y**2, x, y), x).tolist()
        [0.0, 0.0]
    """
    for x in xs:
        u = u + 0 * x
    return u


def _constant(u: Any, xs: Sequence[Any]) -> Tensor:
    """Zero like the first coordinate: the derivative of a Python number."""
    if isinstance(u, bool) or not isinstance(u, (int, float)):
        raise TypeError(f"d: got u of type {type(u).__name__}, expected a tensor (n,), a number or a jet")
    for x in xs:
        _check_coordinate(x)
    zero = torch.zeros_like(xs[0])
    with torch.enable_grad():
        return _note(zero, xs[0], None) if xs[0].requires_grad else zero


def _check(u: Any, xs: Sequence[Any], *, same_shape: bool = True) -> None:
    """Refuse what cannot be differentiated, with the reason and the cure."""
    if not isinstance(u, Tensor):
        raise TypeError(f"d: got u of type {type(u).__name__}, expected a tensor (n,), a number or a jet")
    _require_recording(u, xs)
    if u.is_complex():
        raise TypeError(
            f"d: u is a tensor of {u.dtype}, expected real floating point; a complex field is two, its real and its "
            "imaginary part: differentiate u.real and u.imag"
        )
    if not u.is_floating_point():
        raise TypeError(f"d: u is a tensor of {u.dtype}, expected real floating point; compute it from x.double()")
    for x in xs:
        _check_coordinate(x)
        if same_shape and x.shape != u.shape:
            raise ValueError(f"d: got u {_shape(u)} and x {_shape(x)}, expected equal shapes; {_shape_cure(u, x)}")
        if not x.requires_grad:
            raise ValueError(
                f"d: x {_shape(x)} does not require grad (never made a leaf, or detached), so nothing recorded how u "
                "depends on it; call x.requires_grad_() first, then compute u from that same x"
            )


def _require_recording(u: Tensor, xs: Sequence[Any]) -> None:
    """Refuse where torch is told not to record what derivatives need."""
    if torch.is_inference_mode_enabled() or any(isinstance(x, Tensor) and x.is_inference() for x in (u, *xs)):
        where = "torch.inference_mode()"
    elif not torch.is_grad_enabled() and not u.requires_grad:
        where = "torch.no_grad()"
    else:
        return
    raise ValueError(
        f"d: u {_shape(u)} was computed under {where}, which records nothing to differentiate; make the coordinates, u "
        "and its derivatives outside of it, and detach() the results where no graph is wanted"
    )


def _check_coordinate(x: Any) -> None:
    if isinstance(x, int) and not isinstance(x, bool):
        raise TypeError(
            f"d: got {x} as a coordinate, expected a tensor like u; for a derivative of higher order repeat the "
            "coordinate, d(u, t, t)"
        )
    if not isinstance(x, Tensor):
        raise TypeError(
            f"d: got a coordinate of type {type(x).__name__}, expected a tensor like u; give the one that u was "
            "computed from, as in d(u, t)"
        )
    if not x.is_floating_point():
        raise TypeError(
            f"d: x is a tensor of {x.dtype}, which cannot require grad; use x.double().requires_grad_(), then compute u"
        )


def _shape(x: Tensor) -> str:
    return f"of shape {tuple(x.shape)}"


def _shape_cure(u: Tensor, x: Tensor) -> str:
    if x.ndim == 2 and x.shape[:1] == u.shape:
        return "take the coordinates apart first (x, y = points.unbind(1)) and compute u from them"
    if u.ndim == 2 and u.shape[:1] == x.shape:
        return "differentiate one component at a time (u[:, 0]): a field is (n,)"
    if u.ndim == 0:
        return "u is a single number: use scalar_gradient(u, x) for the gradient of a mean, max or min"
    return "u has one value for each entry of x, computed from that same x"


def _upstream(u: Tensor, upstream: Tensor | float | None) -> Tensor | None:
    if upstream is None:
        return None
    if not isinstance(upstream, Tensor):
        return torch.full_like(u, upstream)
    if upstream.shape != u.shape:
        raise ValueError(f"d: got upstream {_shape(upstream)} for u {_shape(u)}, expected equal shapes or a number")
    return upstream


def _backward(u: Tensor, xs: Sequence[Tensor], upstream: Tensor | None) -> tuple[Tensor | None, ...]:
    """One reverse pass, graph kept; None where x is not reached."""
    try:
        return torch.autograd.grad(
            u, list(xs), torch.ones_like(u) if upstream is None else upstream, create_graph=True, allow_unused=True
        )
    except RuntimeError as error:
        if "second time" not in str(error):
            raise
        raise ValueError(
            "d: the graph of u was freed by an earlier backward() or autograd.grad(); take derivatives before the "
            "backward pass, pass retain_graph=True to it, or compute u again"
        ) from error


def _require_entries_apart(
    u: Tensor, xs: Sequence[Tensor], found: Sequence[Tensor | None], seed: Tensor | None
) -> None:
    """Refuse tensors of several columns in which a column of u depends on another column of x.

    The gradient of the sum is then a sum over the columns of u. Entries that stand by themselves, as those of sin(x) on
    a grid, have the factors w of the columns of w·u in their derivatives; others do not.
    """
    columns = torch.linspace(1.0, 2.0, u[0].numel(), dtype=u.dtype, device=u.device).reshape(u.shape[1:])
    weights = columns.expand(u.shape)
    seeds = weights if seed is None else weights * seed
    weighted = torch.autograd.grad(u, list(xs), seeds, retain_graph=True, allow_unused=True)
    for x, slope, other in zip(xs, found, weighted, strict=True):
        if slope is None or other is None:
            continue
        slope = slope.detach()
        size = float(slope.abs().nan_to_num().max()) + float(other.abs().nan_to_num().max())
        if float((other - weights * slope).abs().nan_to_num().max()) > torch.finfo(u.dtype).eps ** 0.5 * size:
            raise ValueError(
                f"d: got u {_shape(u)} and x {_shape(x)}, in which a column of u depends on other columns of x, so "
                "that the result would be a sum over the columns of u; take both apart (x, y = points.unbind(1)), "
                "compute u from them and differentiate d(u[:, 0], x), or all at once by jacobian"
            )


def _note(g: Tensor, x: Tensor, taken_of: Any, *, passed_on: bool = False) -> Tensor:
    """`g` with a graph node that remembers which field it is the derivative of.

    A derivative without a graph (u = 2x) gets one: selecting g everywhere, and x nowhere, has zero derivative by x
    whatever the values (g + 0·x would be NaN at an infinite x). So does a factor of the caller's that came back
    unchanged (`passed_on`): the note must not land on the caller's own graph.
    """
    if g.grad_fn is None or passed_on:
        g = torch.where(torch.ones((), dtype=torch.bool, device=x.device), g, x)
    _notes(g.grad_fn)[_TAKEN_OF] = taken_of
    return g


def _took_part(u: Tensor, x: Tensor) -> bool:
    """Whether x is in the graph of u, or of a field that u was derived from."""
    start = u.grad_fn
    if start is None:
        return False
    if _notes(start).get(_TAKEN_OF, start) is None:
        return True
    edge = torch.autograd.graph.get_gradient_edge(x)
    waiting: list[Any] = [start]
    seen = {start}
    while waiting:
        node = waiting.pop()
        following = list(node.next_functions)
        origin = _notes(node).get(_TAKEN_OF)
        if origin is not None:
            following.append((origin, None))
        for other, output in following:
            if other is edge.node and output in (edge.output_nr, None):
                return True
            if other is not None and other not in seen:
                seen.add(other)
                waiting.append(other)
    return False


def _notes(node: Any) -> dict[str, Any]:
    """The dictionary that autograd keeps for its users on each node (a property, though torch's stubs say method)."""
    notes: dict[str, Any] = node.metadata
    return notes


def _stranger(u: Tensor, x: Tensor, position: int, count: int) -> str:
    which = f"coordinate {position + 1} of {count}" if count > 1 else "x"
    return (
        f"d: {which} {_shape(x)} took no part in u {_shape(u)}: u was computed from another tensor (a copy, or the "
        "points before this column was sliced from them), or does not depend on it. Slice columns first and compute u "
        "from them; where u is meant to be constant along x, say so with attach(u, x)"
    )
