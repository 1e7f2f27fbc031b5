"""The record of what a forward pass on jets met: linear layers and constants, with their sensitivities once it is over.

One backward pass of Σᵢ rᵢ gives them for every row by itself, since row i depends on point i alone
(`pinn.derivatives.jets.jacobian`). Where a row sees Q nodes elsewhere, their pass has a record of its own, inside that
of the points: its n Q values are an axis of nodes more, over which the rows of J are summed.

Source: as `pinn.derivatives.jets.jacobian`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from pinn.derivatives.jets.jacobian import BlockLinearization, Copies, Layer
from pinn.derivatives.jets.jet import Jet
from pinn.derivatives.jets.kernels.affine import Linear, affine
from pinn.derivatives.jets.kernels.workspace import Workspace


class LayerRecord:
    """Records each linear layer's input (1 + K', n, in) and output of one forward pass over a block of points.

    One backward pass a field then gives the rows of J. Other constants that meet a jet are recorded with one copy a
    point, whose gradients are the rows by them.

    Args:
        n: number of points.
        space: where stacks are allocated.
    """

    def __init__(self, n: int, space: Workspace) -> None:
        self.n, self.space = n, space
        self.layers: list[Layer] = []
        self.copies: dict[int, Copies] = {}
        self._own: dict[int, Tensor] = {}
        self._inner: list[tuple[int, LayerRecord]] = []

    def inner(self, size: int) -> LayerRecord:
        """The record of what `size` nodes a point tell; its rows are summed over the nodes of each point."""
        found = LayerRecord(self.n * size, self.space)
        self._inner.append((size, found))
        return found

    def constant(self, tensor: Tensor, rank: int) -> Tensor:
        """Copies (n, 1, …, *shape) of a constant that meets a jet of the given rank."""
        if id(tensor) in self._own:
            return tensor
        found = self.copies.get(id(tensor))
        if found is None:
            pointwise = tensor.ndim == rank and tensor.shape[0] == self.n and self.n > 1
            once = tensor.detach()
            if pointwise:
                leaf = once.requires_grad_()
            else:
                leaf = once.expand(self.n, *once.shape).contiguous().requires_grad_()
            found = self.copies[id(tensor)] = Copies(tensor, leaf, pointwise)
        given = found.leaf
        if not found.pointwise:
            shape = tensor.shape[1:] if tensor.ndim == rank else tensor.shape
            given = given.reshape(self.n, *(1,) * (rank - 1 - len(shape)), *shape)
        # What was handed out may come back, from the value of a field into a jet.
        self._own[id(given)] = given
        return given

    def linear(self, a: Jet, weight: Tensor, bias: Tensor | None) -> Jet:
        """The layer's output, recorded together with its input."""
        fixed, shift = weight.detach(), None if bias is None else bias.detach()
        if a.stacked or a.requires_grad:

            def layer(inner: Tensor, valued: bool) -> Tensor:
                # Without the value the bias takes no part; to the weights all entries are alike.
                z = Linear.apply(inner, fixed, shift if valued else None, self.space)
                if not z.requires_grad:
                    z.requires_grad_()
                inner = inner.detach()
                self.layers.append(Layer(weight, bias if valued else None, inner[0], inner[1:], (z,)))
                return z

            return a.map_entries(layer, (*a.shape[:-1], weight.shape[0]))
        value = affine(a.value, fixed, shift).requires_grad_()
        tail = a.tail @ fixed.T
        if len(a.keys):
            tail = tail.expand(tail.shape[0], *value.shape).detach().requires_grad_()
        outputs = (value, tail) if len(a.keys) else (value,)
        self.layers.append(Layer(weight, bias, a.value.detach(), a.tail.detach(), outputs))
        return Jet(a.context, a.keys, value, tail)

    def targets(self) -> list[Tensor]:
        """The tensors whose gradient the backward pass must give."""
        return [z for layer in self.layers for z in layer.outputs] + [copy.leaf for copy in self.copies.values()]

    def linearization(self, rows: Sequence[Tensor], scales: Sequence[Tensor | None]) -> BlockLinearization:
        """The rows' derivatives, scaled, from one backward pass for each of the q fields."""
        records = self._all()
        targets = [tensor for _, record in records for tensor in record.targets()]
        gradients: list[list[Tensor | None]] = []
        alive = [row.requires_grad for row in rows]
        for j, (row, scale) in enumerate(zip(rows, scales, strict=True)):
            if not alive[j] or not targets:
                gradients.append([None] * len(targets))
                continue
            seed = torch.ones_like(row) if scale is None else scale
            found = torch.autograd.grad(row, targets, seed, retain_graph=any(alive[j + 1 :]), allow_unused=True)
            gradients.append(list(found))
        layers: list[tuple[Layer, Tensor]] = []
        copies: list[tuple[Copies, Tensor]] = []
        start = 0
        for size, record in records:
            stop = start + len(record.targets())
            record._collect(self.n, size, [given[start:stop] for given in gradients], layers, copies)
            start = stop
        return BlockLinearization(self.n, len(rows), layers, copies)

    def _all(self) -> list[tuple[int, LayerRecord]]:
        """This record and all inner ones, with the number of nodes that each has for a point of this one."""
        found = [(1, self)]
        for size, record in self._inner:
            found += [(size * more, one) for more, one in record._all()]
        return found

    def _collect(
        self,
        n: int,
        size: int,
        gradients: list[list[Tensor | None]],
        layers: list[tuple[Layer, Tensor]],
        copies: list[tuple[Copies, Tensor]],
    ) -> None:
        """Add the layers and constants met, with their sensitivities, `size` nodes a point as an axis of their own."""
        found_deltas = (_deltas(self.layers, given, self.space) for given in gradients)
        for layer, *deltas in zip(self.layers, *found_deltas, strict=True):
            # Without its outputs, which hold the graph.
            layer = replace(layer, outputs=())
            if size > 1:
                layer = replace(layer, value=_nodes(layer.value, n, size, 0), tail=_nodes(layer.tail, n, size, 1))
                deltas = [None if delta is None else _nodes(delta, n, size, 1) for delta in deltas]
            if (delta := _side_by_side(deltas, 2)) is not None:
                layers.append((layer, delta))
        start = sum(len(layer.outputs) for layer in self.layers)
        for one, *slopes in zip(self.copies.values(), *(given[start:] for given in gradients), strict=True):
            if size > 1:
                slopes = [None if slope is None else _nodes(slope, n, size, 0) for slope in slopes]
                if one.pointwise:
                    one = replace(one, tensor=_nodes(one.tensor, n, size, 0))
                else:
                    slopes = [None if slope is None else slope.sum(1) for slope in slopes]
            if (slope := _side_by_side(slopes, 1)) is not None:
                copies.append((one, slope))


def _nodes(tensor: Tensor, n: int, size: int, axis: int) -> Tensor:
    """The axis of n·size nodes as one of points and one of nodes; of what is the same at all, as two of one."""
    return tensor.unflatten(axis, (n, size) if tensor.shape[axis] == n * size else (1, 1))


def _side_by_side(found: Sequence[Tensor | None], axis: int) -> Tensor | None:
    """The q fields' tensors (…, n, …) as one (…, n q, …), a point's fields together; `axis` follows that of points."""
    like = next((tensor for tensor in found if tensor is not None), None)
    if like is None or len(found) == 1:
        return like
    parts = [torch.zeros_like(like) if tensor is None else tensor for tensor in found]
    return torch.stack(parts, axis).flatten(axis - 1, axis)


def _deltas(layers: list[Layer], gradients: list[Tensor | None], space: Workspace) -> list[Tensor | None]:
    """δ (1 + K', n, …, out) of each layer; None where r does not depend on it."""
    found: list[Tensor | None] = []
    waiting = iter(gradients)
    for layer in layers:
        parts = [next(waiting) for _ in layer.outputs]
        if all(part is None for part in parts):
            found.append(None)
        elif len(parts) == 1:
            (part,) = parts
            assert part is not None
            found.append(part if part.ndim > layer.value.ndim else part[None])
        else:
            value, tail = (
                torch.zeros_like(z) if part is None else part for part, z in zip(parts, layer.outputs, strict=True)
            )
            delta = space.stack(1 + tail.shape[0], value)
            delta[0].copy_(value)
            delta[1:].copy_(tail)
            found.append(delta)
    return found
