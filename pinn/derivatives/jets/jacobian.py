"""Rows of ∂r/∂θ from one backward pass.

Row i of r depends on point i alone. So one backward pass of Σᵢ rᵢ gives, at the output z of every linear layer, the
sensitivity δ = ∂(Σr)/∂z of each row by itself, and the row's derivative by the layer's weights is an outer product over
the entries of the jet,

    ∂rᵢ/∂W = Σ_k δ_k[i] a_k[i]ᵀ,     ∂rᵢ/∂b = δ₀[i].

Any other constant that meets a jet (an activation's scale, an unknown coefficient) is given one copy a point, whose
gradient is its row. What was computed from parameters (a factorised weight) passes its rows on through its own graph.
Products with a vector need no rows:  (J v)ᵢ = Σ_k δ_k[i] · (V a_k[i] + [k = 0] v_b),   Jᵀw = Σ_k (w δ_k)ᵀ a_k.

Rows are written as Jᵀ (p, N), in which every layer's block lies in memory as it is computed.

Source: Goodfellow, "Efficient per-example gradient computations", arXiv:1510.01799, for K = 1; the sum over a jet's
entries follows from the chain rule, as written above.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

Fill = Callable[[Tensor, bool], None]
"""Fills or adds to a block of Jᵀ."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One linear layer as it was met: its weights, what went in, and what came out, split where it is a leaf."""

    weight: Tensor
    bias: Tensor | None
    value: Tensor
    tail: Tensor
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class Copies:
    """A constant, and one copy of it for each point; or a tensor (n, …) made of parameters, as it is."""

    tensor: Tensor
    leaf: Tensor
    pointwise: bool


class BlockLinearization:
    """∂r/∂θ of a block of points, as sensitivities and activations; q rows a point, row i q + j for field j.

    Args:
        n: number of points.
        q: number of fields; those of a point lie side by side, as its rows do.
        layers: linear layers met, and δ (1 + K', n q, …, out) of each.
        copies: other constants met, and the rows' gradients (n q, …) by the points' copies of each.
    """

    def __init__(self, n: int, q: int, layers: list[tuple[Layer, Tensor]], copies: list[tuple[Copies, Tensor]]) -> None:
        self.n, self.q = n, q
        self._layers, self._copies = layers, copies

    def write(self, parameters: Sequence[Tensor], out: Tensor) -> None:
        """Write Jᵀ into `out` (p, n q), every entry of it."""
        places = _places(parameters)
        written: set[int] = set()
        derived: dict[int, tuple[Tensor, Tensor]] = {}

        def into(tensor: Tensor, fill: Fill) -> None:
            """Hand the tensor's block to `fill`, saying whether something is there already."""
            if id(tensor) in places:
                start, _ = places[id(tensor)]
                fill(out[start : start + tensor.numel()], id(tensor) in written)
                written.add(id(tensor))
            elif tensor.requires_grad and not tensor.is_leaf:
                if id(tensor) not in derived:
                    derived[id(tensor)] = tensor, out.new_zeros(tensor.numel(), out.shape[1])
                fill(derived[id(tensor)][1], True)

        for layer, delta in self._layers:
            if layer.weight.requires_grad:
                into(layer.weight, partial(_outer, layer, delta, self.q))
            if layer.bias is not None and layer.bias.requires_grad:
                into(layer.bias, partial(_put, _point_sum(delta[0])))
        for copies, slope in self._copies:
            if copies.pointwise:
                self._pass_on(copies.tensor, _diagonal(slope, self.n), into)
            else:
                into(copies.tensor, partial(_put, slope))
        for tensor, rows in list(derived.values()):
            self._pass_on(tensor, rows.T.reshape(-1, *tensor.shape), into)
        for key, (start, parameter) in places.items():
            if key not in written:
                out[start : start + parameter.numel()].zero_()

    def _pass_on(self, tensor: Tensor, rows: Tensor, into: Callable[[Tensor, Fill], None]) -> None:
        """Rows by a tensor that was computed from parameters, as rows by those."""
        leaves = leaves_of(tensor)
        found = torch.autograd.grad(tensor, leaves, rows, retain_graph=True, allow_unused=True, is_grads_batched=True)
        for leaf, slope in zip(leaves, found, strict=True):
            if slope is not None:
                into(leaf, partial(_put, slope))

    def jvp(self, parameters: Sequence[Tensor], vector: Tensor) -> Tensor:
        """J v, shape (n q,), for v of shape (p,)."""
        places = _places(parameters)
        known: dict[int, Tensor | None] = {}

        def direction(tensor: Tensor | None) -> Tensor | None:
            if tensor is None:
                return None
            if id(tensor) not in known:
                known[id(tensor)] = _direction(tensor, places, vector)
            return known[id(tensor)]

        out = vector.new_zeros(self.n * self.q)
        for layer, delta in self._layers:
            weight, bias = direction(layer.weight), direction(layer.bias)
            if weight is not None:
                out += _dot(delta[0], _repeated(layer.value @ weight.T, self.q, 0))
                if len(layer.tail):
                    moved = _repeated(layer.tail @ weight.T, self.q, 1)
                    out += (delta[1:] * moved).sum(0).reshape(out.shape[0], -1).sum(1)
            if bias is not None:
                out += _dot(delta[0], bias)
        for copies, slope in self._copies:
            step = direction(copies.tensor)
            if step is not None:
                out += _dot(slope, _repeated(step, self.q, 0) if copies.pointwise else step)
        return out

    def vjp(self, parameters: Sequence[Tensor], vector: Tensor) -> Tensor:
        """Jᵀ w, shape (p,), for w of shape (n q,)."""
        places = _places(parameters)
        total = vector.new_zeros(sum(parameter.numel() for parameter in parameters))
        derived: dict[int, tuple[Tensor, Tensor]] = {}

        def put(tensor: Tensor, value: Tensor) -> None:
            if id(tensor) in places:
                start, _ = places[id(tensor)]
                total[start : start + tensor.numel()] += value.reshape(-1)
            elif tensor.requires_grad and not tensor.is_leaf:
                held = derived.get(id(tensor))
                derived[id(tensor)] = tensor, value if held is None else held[1] + value

        for layer, delta in self._layers:
            scaled = _weighted(delta, vector, self.q, 1)
            if layer.weight.requires_grad:
                value = scaled[0].flatten(0, -2).T @ layer.value.flatten(0, -2)
                if len(layer.tail):
                    tail = layer.tail.expand(-1, *layer.value.shape)
                    value = value + scaled[1:].flatten(0, -2).T @ tail.flatten(0, -2)
                put(layer.weight, value)
            if layer.bias is not None and layer.bias.requires_grad:
                put(layer.bias, scaled[0].flatten(0, -2).sum(0))
        for copies, slope in self._copies:
            value = _weighted(slope, vector, self.q, 0)
            put(copies.tensor, value if copies.pointwise else value.sum(0))
        for tensor, value in list(derived.values()):
            leaves = leaves_of(tensor)
            found = torch.autograd.grad(tensor, leaves, value, retain_graph=True, allow_unused=True)
            for leaf, slope in zip(leaves, found, strict=True):
                if slope is not None:
                    put(leaf, slope)
        return total


def _repeated(tensor: Tensor, q: int, axis: int) -> Tensor:
    """Each point's entry once for each of its q rows; what is the same at all points stays as it is."""
    return tensor if q == 1 or tensor.shape[axis] == 1 else tensor.repeat_interleave(q, axis)


def _weighted(tensor: Tensor, vector: Tensor, q: int, axis: int) -> Tensor:
    """Entries of rows times a weight for each row, summed over a point's rows."""
    found = tensor * vector.reshape(-1, *(1,) * (tensor.ndim - axis - 1))
    return found if q == 1 else found.unflatten(axis, (-1, q)).sum(axis + 1)


def _places(parameters: Sequence[Tensor]) -> dict[int, tuple[int, Tensor]]:
    """Where each parameter starts in the flat vector."""
    places = {}
    start = 0
    for parameter in parameters:
        places[id(parameter)] = start, parameter
        start += parameter.numel()
    return places


def _put(rows: Tensor, block: Tensor, add: bool) -> None:
    """Rows (n q, …) into a block (…, n q)."""
    columns = rows.reshape(rows.shape[0], -1).T
    if add:
        block += columns
    else:
        block.copy_(columns)


def _point_sum(delta: Tensor) -> Tensor:
    """(n q, …, out) summed over the axes between."""
    return delta if delta.ndim == 2 else delta.flatten(1, -2).sum(1)


def _outer(layer: Layer, delta: Tensor, q: int, block: Tensor, add: bool) -> None:
    """Σ_k δ_k a_kᵀ of every row into a block (out · in, n q)."""
    if delta.ndim > 3:
        inner = _repeated(torch.cat([layer.value[None], layer.tail.expand(-1, *layer.value.shape)]), q, 1)
        rows = torch.einsum("knso,knsi->noi", delta.flatten(2, -2), inner.flatten(2, -2))
        _put(rows, block, add)
        return
    left = _points_last(delta)
    first = _points_last(_repeated(layer.value, q, 0))
    rest = _points_last(_repeated(layer.tail, q, 1))
    whole = block.view(left.shape[1], first.shape[0], -1)
    # As many of the layer's outputs together as stay in the cache through the passes over k.
    step = max(1, (1 << 19) // max(1, whole[0].numel() * whole.element_size()))
    for start in range(0, whole.shape[0], step):
        target, factors = whole[start : start + step], left[:, start : start + step, None]
        if add:
            target.addcmul_(factors[0], first)
        else:
            torch.mul(factors[0], first, out=target)
        for k in range(rest.shape[0]):
            target.addcmul_(factors[k + 1], rest[k])


def _points_last(tensor: Tensor) -> Tensor:
    """(…, n, features) as (…, features, n), a feature's points side by side in memory."""
    found = tensor.transpose(-1, -2)
    return found if found.stride(-1) == 1 else found.contiguous()


def _diagonal(slope: Tensor, n: int) -> Tensor:
    """Rows (n q, n, …) by a tensor (n, …) whose entry i has an influence on the rows of point i alone."""
    count = slope.shape[0]
    rows = slope.new_zeros(count, n, *slope.shape[1:])
    every = torch.arange(count, device=slope.device)
    rows[every, every // (count // n)] = slope
    return rows


def _dot(delta: Tensor, moved: Tensor) -> Tensor:
    return (delta * moved).reshape(delta.shape[0], -1).sum(1)


def leaves_of(tensor: Tensor) -> list[Tensor]:
    """The leaves that a tensor was computed from."""
    found: dict[int, Tensor] = {}
    waiting = [tensor.grad_fn]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        if node is None:
            continue
        leaf = getattr(node, "variable", None)
        if leaf is not None:
            found[id(leaf)] = leaf
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                waiting.append(following)
    return list(found.values())


def _direction(tensor: Tensor, places: dict[int, tuple[int, Tensor]], vector: Tensor) -> Tensor | None:
    """The change of a tensor for a step of the parameters; None where it takes no part."""
    if id(tensor) in places:
        start, _ = places[id(tensor)]
        return vector[start : start + tensor.numel()].view_as(tensor)
    if not tensor.requires_grad or tensor.is_leaf:
        return None
    leaves = [leaf for leaf in leaves_of(tensor) if id(leaf) in places]
    if not leaves:
        return None
    # The derivative of u ↦ (∂tensor/∂leaves)ᵀ u, which is linear in u, along the step.
    with torch.enable_grad():
        u = torch.zeros_like(tensor, requires_grad=True)
        back = torch.autograd.grad(tensor, leaves, u, create_graph=True, retain_graph=True, allow_unused=True)
        pairs = [(slope, leaf) for slope, leaf in zip(back, leaves, strict=True) if slope is not None]
        steps = [vector[places[id(leaf)][0] :][: leaf.numel()].view_as(leaf) for _, leaf in pairs]
        (forward,) = torch.autograd.grad([slope for slope, _ in pairs], u, steps, allow_unused=True, retain_graph=True)
    return forward
