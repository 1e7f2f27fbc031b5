"""A function that is another one at each group of points: every group is computed by itself, and all put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives.jets.jet import Jet, JetContext


def by_group(function: Callable[[Any, int], Any], x: Any, group: Tensor) -> Any:
    """f_g(x) at the points of each group g, (n, outputs).

    Nothing in the function is recorded for rows of J: it has no parameters that are trained.

    Args:
        function: (x of some points, the group's number) -> (points, outputs), the same number of outputs for all.
        x: (n, inputs), a tensor or a jet.
        group: number of each point's group (n,).

    Example:
        >>> x = torch.tensor([[1.0], [2.0], [3.0]])
        >>> by_group(lambda part, g: part * (10.0 if g else 1.0), x, torch.tensor([0, 1, 0])).flatten().tolist()
        [1.0, 20.0, 3.0]
    """
    numbers = group.unique().tolist() or [0]  # of no points, outputs of the right width all the same
    places = [torch.nonzero(group == number)[:, 0] for number in numbers]
    if not isinstance(x, Jet):
        parts = [function(x[place], number) for place, number in zip(places, numbers, strict=True)]
        return _joined(parts, places, 0)
    found: list[Jet] = []
    for place, number in zip(places, numbers, strict=True):
        context = x.context
        own = JetContext(context.basis, place.shape[0], context.space, context.rules, None, context.required)
        found.append(function(Jet(own, x.keys, stack=x.stack[:, place]), number))
    keys = tuple(sorted(set().union(*(part.keys for part in found))))
    return Jet(x.context, keys, stack=_joined([_with(part, keys) for part in found], places, 1))


def _joined(parts: list[Tensor], places: list[Tensor], axis: int) -> Tensor:
    return torch.cat(parts, axis).index_select(axis, torch.cat(places).argsort())


def _with(part: Jet, keys: tuple[int, ...]) -> Tensor:
    """The stack of a jet with these entries, zeros where it has none."""
    if part.keys == keys:
        return part.stack
    stack = part.stack.new_zeros((1 + len(keys), *part.stack.shape[1:]))
    stack[[0, *(1 + keys.index(key) for key in part.keys)]] = part.stack
    return stack
