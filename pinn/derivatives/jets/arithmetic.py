"""Arithmetic of jets.

    sums:              entry by entry                          products:    Q_k(fg) = Σ c[k][a][b] Q_a f Q_b g
    smooth functions:  Taylor coefficients, `taylor`           comparisons: of the values, a plain tensor
    where, maximum:    the entries of the chosen branch        linear maps: every entry alike, the bias on the value

Numbers and plain tensors are constants of the coordinates. A plain tensor may be a parameter or computed from some.

Source: Hörmander, The Analysis of Linear Partial Differential Operators I (1990), sec. 1.1, for the product; the
structure constants c are those of `pinn.derivatives.jets.algebra`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives.jets import taylor
from pinn.derivatives.jets.jet import Jet, MissingRule, Part, value_of
from pinn.derivatives.jets.kernels import affine
from pinn.derivatives.jets.kernels.compose import LeibnizProduct, composed, is_constant
from pinn.derivatives.jets.kernels.compose_part import partly_composed

FEW = 4
"""Number of entries that are the same at every point, from which on it pays to use that in the backward pass."""


def compose(function: taylor.SmoothFunction, z: Jet) -> Jet:
    """φ(z) by the Taylor coefficients of φ.

    Raises:
        MissingRule: where the basis and the gradients need higher derivatives than the function has.
    """
    context, keys = z.context, z.keys
    program = context.basis.composition(keys)
    if function.highest is not None and function.highest < (needed := 2 + len(program.powers) if keys else 1):
        raise MissingRule(
            f"{function.name}: its derivative of order {needed} is needed, and its rule has {function.highest}; "
            "give rule(…, derivatives=[…]) more of them"
        )

    def make(part: Part | None) -> Tensor:
        value, tail = (z.stack, None) if z.stacked else (z.value, z.tail)
        if part is None and not (len(keys) >= FEW and is_constant(value, tail)):
            return composed(function, program, keys, value, tail, context.space)
        some = context.basis.partial(keys, part or (0, *program.keys))
        return partly_composed(function, some, value, tail, context.space)

    if context.part(program.keys) is None:
        return Jet(context, program.keys, stack=make(None))
    return Jet.deferred(context, program.keys, z.shape, make)


def _constant(jet: Jet, tensor: Any) -> Any:
    """A plain tensor that meets a jet; where rows of J are wanted, with a copy of it for each point."""
    if isinstance(tensor, Tensor):
        if tensor.ndim > jet.ndim:
            raise MissingRule(f"a jet of shape {tuple(jet.shape)} with a tensor of more axes, {tuple(tensor.shape)}")
        if jet.context.record is not None and tensor.requires_grad:
            return jet.context.record.constant(tensor, jet.ndim)
    return tensor


def _fits(jet: Jet, constant: Any) -> bool:
    """Whether the result of an operation with the constant has the jet's shape."""
    if not isinstance(constant, Tensor) or constant.ndim == 0:
        return True
    return torch.broadcast_shapes(jet.shape, constant.shape) == jet.shape


def as_jet(owner: Jet, constant: Any) -> Jet:
    """A number or plain tensor as a jet without derivatives, of the owner's rank."""
    context = owner.context
    constant = _constant(owner, constant)
    if not isinstance(constant, Tensor):
        constant = torch.full((), constant, dtype=owner.dtype, device=owner.device)
    shape = (1,) * (owner.ndim - constant.ndim) + tuple(constant.shape)
    constant = constant.reshape(shape)
    return context.constant(constant.expand(context.n, *shape[1:]))


def _same_rank(f: Jet, g: Jet, what: str) -> None:
    if f.ndim != g.ndim:
        raise MissingRule(f"{what} of jets of shapes {tuple(f.shape)} and {tuple(g.shape)}: give both the same axes")


def add(f: Any, g: Any, *, alpha: float = 1.0, out: None = None) -> Jet:
    """f + alpha g."""
    if not isinstance(g, Jet):
        return _add_constant(f, g if alpha == 1.0 else g * alpha)
    if alpha != 1.0:
        g = multiply(g, alpha)
    if not isinstance(f, Jet):
        return _add_constant(g, f)
    _same_rank(f, g, "a sum")
    if f.keys == g.keys:
        return _sum_of_same_keys(f, g, 1.0)
    value = f.value + g.value
    return Jet(f.context, *_union_of((f, g), value, lambda entries: functools.reduce(torch.add, entries)))


def _sum_of_same_keys(f: Jet, g: Jet, alpha: float) -> Jet:
    """f + alpha g of jets with the same entries."""
    if f.stacked and g.stacked and f.shape == g.shape:
        return Jet(f.context, f.keys, stack=affine.combined(f.stack, g.stack, alpha, f.context.space))
    value, tail = torch.add(f.value, g.value, alpha=alpha), torch.add(f.tail, g.tail, alpha=alpha)
    return Jet(f.context, f.keys, value, tail)


def _multiple(f: Jet, alpha: float, beta: float) -> Jet:
    """alpha f + beta for numbers."""
    if f.stacked:
        return f.map_entries(
            lambda entries, valued: affine.multiple(entries, float(alpha), float(beta) * valued, f.context.space),
            f.shape,
        )
    return Jet(f.context, f.keys, f.value * alpha + beta if beta else f.value * alpha, f.tail * alpha)


def _union_of(jets: Sequence[Jet], value: Tensor, combine: Callable[[list[Tensor]], Tensor]) -> tuple[Any, ...]:
    """Keys, value and tail of a sum of jets that hold different entries."""
    keys = tuple(sorted(set().union(*(jet.keys for jet in jets))))
    entries = []
    for key in keys:
        entries.append(combine([entry for jet in jets if (entry := jet.entry(key)) is not None]))
    tail = stack_entries(entries, value)
    return keys, value, tail


def stack_entries(entries: list[Tensor], value: Tensor) -> Tensor:
    """Entries (n, …) or (1, …) as one tail; (K', 1, …) only where all are the same at every point."""
    if not entries:
        return value.new_empty((0, 1, *value.shape[1:]))
    constant = all(entry.shape[0] == 1 for entry in entries) and value.shape[0] != 1
    shape = (1, *value.shape[1:]) if constant else value.shape
    return torch.stack([entry.expand(shape) for entry in entries])


def _add_constant(f: Jet, constant: Any) -> Jet:
    if isinstance(constant, Real) and f.stacked:
        return _multiple(f, 1.0, float(constant))
    constant = _constant(f, constant)
    value = f.value + constant
    tail = f.tail
    if value.shape != f.shape:
        tail = tail.expand(*tail.shape[:2], *value.shape[1:])
    return Jet(f.context, f.keys, value, tail)


def subtract(f: Any, g: Any, *, alpha: float = 1.0) -> Jet:
    """f − alpha g."""
    if isinstance(f, Jet) and isinstance(g, Jet) and f.keys == g.keys and f.ndim == g.ndim:
        return _sum_of_same_keys(f, g, -alpha)
    if isinstance(f, Real):
        return _multiple(g, -alpha, float(f))
    return add(f, negative(g) if isinstance(g, Jet) else -g, alpha=alpha)


def multiply(f: Any, g: Any) -> Jet:
    """f g."""
    if not isinstance(f, Jet):
        f, g = g, f
    if isinstance(g, Real):
        return _multiple(f, float(g), 0.0)
    if not isinstance(g, Jet):
        constant = _constant(f, g)
        if _fits(f, constant) and not (isinstance(constant, Tensor) and constant.ndim == f.ndim and not f.stacked):
            return f.map_features(lambda entry, lead: entry * constant, f.shape)
        value = f.value * constant
        return Jet(f.context, f.keys, value, f.tail * constant)
    _same_rank(f, g, "a product")
    keys, terms = f.context.basis.product(f.keys, g.keys)
    left, right = f.stack, g.stack
    if left.shape[1:] != right.shape[1:]:
        shape = torch.broadcast_shapes(left.shape[1:], right.shape[1:])
        left, right = left.expand(-1, *shape), right.expand(-1, *shape)
    space = f.context.space

    def make(part: Part | None) -> Tensor:
        chosen = (0, *keys) if part is None else part
        place = {(0, *keys).index(k): at for at, k in enumerate(chosen)}
        some = terms if part is None else tuple((place[k], a, b, c) for k, a, b, c in terms if k in place)
        stack: Tensor = LeibnizProduct.apply(some, len(chosen), left, right, space)
        return stack

    # Of many features, those entries alone that the equation requires.
    if left.ndim > 2 and f.context.part(keys) is not None:
        return Jet.deferred(f.context, keys, tuple(left.shape[1:]), make)
    return Jet(f.context, keys, stack=make(None))


def negative(f: Jet) -> Jet:
    """−f."""
    return _multiple(f, -1.0, 0.0)


def divide(f: Any, g: Any, *, rounding_mode: None = None) -> Jet:
    """f / g."""
    if rounding_mode is not None:
        raise MissingRule("torch.div with a rounding mode")
    if isinstance(g, Jet):
        return multiply(compose(taylor.RECIPROCAL, g), f)
    constant = _constant(f, g)
    if not isinstance(constant, Tensor) or constant.ndim == 0:
        return f.map_features(lambda entry, lead: entry / constant, f.shape)
    return Jet(f.context, f.keys, f.value / constant, f.tail / constant)


def power(f: Any, exponent: Any) -> Jet:
    """f to a power; the exponent a number, a constant tensor or a jet, the latter two over a positive base."""
    if isinstance(f, Jet) and isinstance(exponent, Real):
        if exponent == 1:
            return f
        if exponent == 2:
            return multiply(f, f)
        return compose(taylor.power(float(exponent)), f)
    if isinstance(f, Jet):
        if isinstance(exponent, Tensor) and exponent.ndim == 0 and not exponent.requires_grad:
            return power(f, float(exponent))
        return compose(taylor.EXP, multiply(compose(taylor.LOG, f), exponent))
    logarithm = math.log(f) if isinstance(f, Real) else torch.log(f)
    return compose(taylor.EXP, multiply(exponent, logarithm))


def linear(a: Any, weight: Any, bias: Any = None) -> Jet:
    """a Wᵀ + b on the last axis."""
    if not isinstance(a, Jet) or isinstance(weight, Jet) or isinstance(bias, Jet):
        raise MissingRule("torch.nn.functional.linear with a weight that depends on the coordinates")
    if a.context.record is not None and (weight.requires_grad or (bias is not None and bias.requires_grad)):
        return a.context.record.linear(a, weight, bias)
    if a.stacked:
        return a.map_entries(
            lambda entries, valued: affine.linear(entries, weight, bias if valued else None, a.context.space),
            (*a.shape[:-1], weight.shape[0]),
        )
    return Jet(a.context, a.keys, affine.affine(a.value, weight, bias), a.tail @ weight.T)


def matmul(a: Any, b: Any) -> Jet:
    """a @ b for a jet a of features and a constant matrix or vector b."""
    if not isinstance(a, Jet) or isinstance(b, Jet) or not isinstance(b, Tensor):
        raise MissingRule("torch.matmul of two jets, or with the jet on the right: write it as products and sums")
    if b.ndim == 1:
        return linear(a, b.unsqueeze(0)).map_features(lambda entry, lead: entry.squeeze(-1))
    if b.ndim != 2:
        raise MissingRule("torch.matmul with a batch of matrices")
    return linear(a, b.T)


# -- choices and comparisons ------------------------------------------------------------------------------------


def compare(function: Callable[..., Tensor]) -> Callable[[Any, Any], Tensor]:
    """A rule for a comparison: that of the values."""

    def rule(f: Any, g: Any) -> Tensor:
        return function(detached_value(f), detached_value(g))

    return rule


def detached_value(x: Any) -> Any:
    """The value of a jet without a graph; anything else as it is."""
    x = value_of(x)
    return x.detach() if isinstance(x, Tensor) else x


def where(condition: Any, f: Any, g: Any) -> Any:
    """f where the condition holds, else g; derivatives are those of the branch."""
    condition = value_of(condition)
    jet = f if isinstance(f, Jet) else g
    if not isinstance(jet, Jet):
        return torch.where(condition, f, g)
    f, g = (x if isinstance(x, Jet) else as_jet(jet, x) for x in (f, g))
    _same_rank(f, g, "torch.where")
    keys = tuple(sorted({*f.keys, *g.keys}))
    shape = torch.broadcast_shapes(condition.shape, f.shape, g.shape)
    left, right = (widened(x, keys, shape) for x in (f, g))
    return Jet(f.context, keys, stack=torch.where(condition, left, right))


def widened(f: Jet, keys: tuple[int, ...], shape: torch.Size) -> Tensor:
    """The stack of f (1 + len(keys), *shape) with these entries, zeros where f has none."""
    if f.keys == keys:
        return f.stack.expand(-1, *shape)
    zero = f.value.new_zeros(()).expand(shape)
    entries = (f.entry(key) for key in keys)
    return torch.stack([f.value.expand(shape), *(zero if e is None else e.expand(shape) for e in entries)])


def maximum(f: Any, g: Any) -> Any:
    """The larger of two, entry by entry; where they are equal, their mean, as torch has it."""
    return _choice(detached_value(f) > detached_value(g), detached_value(f) < detached_value(g), f, g)


def minimum(f: Any, g: Any) -> Any:
    """The smaller of two, entry by entry; where they are equal, their mean, as torch has it."""
    return _choice(detached_value(f) < detached_value(g), detached_value(f) > detached_value(g), f, g)


def _choice(first: Any, second: Any, f: Any, g: Any) -> Any:
    """f at the first condition, g at the second, else their mean."""
    tied = ~(first | second)
    return where(tied, 0.5 * (f + g), where(first, f, g)) if bool(tied.any()) else where(first, f, g)


def clamp(f: Any, min: Any = None, max: Any = None) -> Any:
    """f held between two bounds; where it meets one it is f, as torch has it."""
    if min is not None:
        f = where(detached_value(f) >= detached_value(min), f, min)
    return f if max is None else where(detached_value(f) <= detached_value(max), f, max)
