"""Features of jets joined, split and reshaped: linear maps, which treat every entry alike.

    Q_k(∂) A(f) = A(Q_k(∂) f)   for a linear map A of features

The axis of the points stays first: an operation that would move, mix or remove it has no rule.

Source: Q_k(∂) is linear and A constant, so that they commute.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives.jets.arithmetic import widened
from pinn.derivatives.jets.jet import Jet, MissingRule, context_of


def _axis(f: Jet, axis: int, what: str, extra: int = 0) -> int:
    """An axis of features counted from the end."""
    rank = f.ndim + extra
    at = axis if axis >= 0 else axis + rank
    if at == 0 or not 0 < at < rank:
        raise MissingRule(f"{what} over axis {axis} of a jet of shape {tuple(f.shape)}: axis 0 is that of the points")
    return at - rank


def _joined(jets: Sequence[Any], what: str) -> tuple[list[Jet], tuple[int, ...]]:
    context = context_of(jets)
    found = []
    for jet in jets:
        if not isinstance(jet, Jet):
            if jet.ndim == 0 or jet.shape[0] != context.n:
                raise MissingRule(
                    f"{what} of a jet and a tensor of shape {tuple(jet.shape)}, expected ({context.n}, …)"
                )
            if context.record is not None and jet.requires_grad:
                jet = context.record.constant(jet, jet.ndim)
            jet = context.constant(jet)
        found.append(jet)
    return found, tuple(sorted(set().union(*(jet.keys for jet in found))))


def _join(function: Callable[..., Tensor], jets: Sequence[Any], axis: int, what: str) -> Jet:
    found, keys = _joined(jets, what)
    if all(jet.keys == keys and jet.stacked for jet in found):
        return Jet(found[0].context, keys, stack=function([jet.stack for jet in found], axis))
    if all(jet.tail.shape[1] == 1 for jet in found) and found[0].context.n != 1:
        # Coordinates, above all, have constant tails: they are joined without being expanded to the points.
        value = function([jet.value for jet in found], axis)
        return Jet(found[0].context, keys, value, function([_constant_tail(jet, keys) for jet in found], axis))
    return Jet(found[0].context, keys, stack=function([widened(jet, keys, jet.shape) for jet in found], axis))


def _constant_tail(jet: Jet, keys: tuple[int, ...]) -> Tensor:
    """The constant tail of a jet with these entries, zeros where it has none."""
    if jet.keys == keys:
        return jet.tail
    tail = jet.tail.new_zeros((len(keys), *jet.tail.shape[1:]))
    for place, key in enumerate(jet.keys):
        tail[keys.index(key)] = jet.tail[place]
    return tail


def cat(tensors: Sequence[Any], dim: int = 0, *, axis: int | None = None) -> Jet:
    """Features side by side."""
    first = next(jet for jet in tensors if isinstance(jet, Jet))
    return _join(torch.cat, tensors, _axis(first, dim if axis is None else axis, "torch.cat"), "torch.cat")


def stack(tensors: Sequence[Any], dim: int = 0) -> Jet:
    """Features along a new axis."""
    first = next(jet for jet in tensors if isinstance(jet, Jet))
    return _join(torch.stack, tensors, _axis(first, dim, "torch.stack", 1), "torch.stack")


def getitem(f: Jet, index: Any) -> Jet:
    """Features by index; the points stay as they are."""
    index = index if isinstance(index, tuple) else (index,)
    if len(index) == 2 and index[0] in (Ellipsis, slice(None)) and isinstance(index[1], int) and f.ndim == 2:
        return f.column(index[1])
    if index and index[0] is Ellipsis:
        used = sum(1 for i in index if i is not None) - 1
        index = (slice(None),) * (f.ndim - used) + index[1:]
    if not index or index[0] != slice(None) or any(isinstance(i, Tensor) and i.dtype == torch.bool for i in index):
        raise MissingRule(f"indexing the points of a jet with {index}: only features can be indexed")
    return f.map_features(lambda entry, lead: entry[(slice(None),) * lead + index])


def reshape(f: Jet, *shape: Any) -> Jet:
    """Features in another shape."""
    new = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list, torch.Size)) else shape
    if not new or new[0] not in (f.context.n, -1) or (new[0] == -1 and math.prod(new[1:]) != math.prod(f.shape[1:])):
        raise MissingRule(f"reshaping a jet of shape {tuple(f.shape)} to {new}: axis 0 must stay that of the points")
    return f.map_features(lambda entry, lead: entry.reshape(*entry.shape[: 1 + lead], *new[1:]))


def flatten(f: Jet, start_dim: int = 0, end_dim: int = -1) -> Jet:
    """Some axes of features made one."""
    start, end = _axis(f, start_dim, "torch.flatten"), _axis(f, end_dim, "torch.flatten")
    return f.map_features(lambda entry, lead: entry.flatten(start, end))


def unsqueeze(f: Jet, dim: int) -> Jet:
    """A new axis of features."""
    at = _axis(f, dim, "torch.unsqueeze", 1)
    return f.map_features(lambda entry, lead: entry.unsqueeze(at))


def squeeze(f: Jet, dim: int | None = None) -> Jet:
    """Axes of one feature removed: the named one, or all."""
    if dim is None:
        keep = [size for size in f.shape[1:] if size != 1]
        return reshape(f, f.context.n, *keep)
    at = _axis(f, dim, "torch.squeeze")
    return f.map_features(lambda entry, lead: entry.squeeze(at))


def transpose(f: Jet, dim0: int, dim1: int) -> Jet:
    """Two axes of features exchanged."""
    a, b = _axis(f, dim0, "torch.transpose"), _axis(f, dim1, "torch.transpose")
    return f.map_features(lambda entry, lead: entry.transpose(a, b))


def expand(f: Jet, *shape: Any) -> Jet:
    """Axes of one feature repeated without copies."""
    new = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list, torch.Size)) else shape
    if len(new) != f.ndim or new[0] not in (f.context.n, -1):
        raise MissingRule(f"expanding a jet of shape {tuple(f.shape)} to {new}: only features can be expanded")
    return f.map_features(lambda entry, lead: entry.expand(*entry.shape[: 1 + lead], *new[1:]))


def pieces(function: Callable[..., Sequence[Tensor]], what: str) -> Callable[..., tuple[Jet, ...]]:
    """A rule for torch.chunk, split or unbind along an axis of features."""

    def rule(f: Jet, *args: Any, dim: int = 0) -> tuple[Jet, ...]:
        *sizes, axis = args if len(args) == (2 if what != "unbind" else 1) else (*args, dim)
        at = _axis(f, axis, f"torch.{what}")
        if what == "unbind" and at == -1:
            found: Sequence[Tensor] = f.columns()
        else:
            found = function(f.stack, *sizes, at)
        return tuple(Jet(f.context, f.keys, stack=piece) for piece in found)

    return rule


def _axes(f: Jet, dim: Any, what: str) -> tuple[int, ...]:
    if dim is None:
        raise MissingRule(f"{what} over the points of a jet: name the axis of features, dim=-1")
    return tuple(_axis(f, axis, what) for axis in (dim if isinstance(dim, (tuple, list)) else (dim,)))


def total(f: Jet, dim: Any = None, keepdim: bool = False, *, axis: Any = None, dtype: None = None) -> Jet:
    """Sum over features."""
    axes = _axes(f, dim if axis is None else axis, "torch.sum")
    return f.map_features(lambda entry, lead: entry.sum(axes, keepdim=keepdim))


def mean(f: Jet, dim: Any = None, keepdim: bool = False, *, axis: Any = None, dtype: None = None) -> Jet:
    """Mean over features."""
    axes = _axes(f, dim if axis is None else axis, "torch.mean")
    return f.map_features(lambda entry, lead: entry.mean(axes, keepdim=keepdim))
