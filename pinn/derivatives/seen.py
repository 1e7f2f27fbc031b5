"""What an equation sees beside its own point, on tensors: the definition that jets are held to.

    Σ_q w_q K(x, y_q) f(y_q)    by evaluating the model, and the expression f, at all n Q nodes at once

Node q of point i is row i Q + q. Every node is a tensor of its own with a graph to the point that it follows from, so
that f is differentiated by its own coordinates, and the sum by those of the point.

Source: `pinn.derivatives.sight`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives.sight import ModelFunction, Places, Sight


def rows_of(
    model: ModelFunction,
    equation: Callable[..., Any],
    columns: Mapping[str, Any],
    constants: Mapping[str, Any],
    outputs: Mapping[str, Any] | None = None,
) -> Any:
    """The rows of an equation on tensors; integrals and values elsewhere are taken of the model.

    Args:
        model: coordinates -> outputs. Its attribute `elsewhere`, where it has one, is taken at other points.
        equation: (coordinates, outputs, constants) -> rows.
        columns: coordinate -> (n,); with a graph wherever derivatives are taken.
        constants: by name, 0-d or (n,).
        outputs: those at the points, where they were computed before.
    """
    found = model(columns) if outputs is None else outputs
    return Sight(getattr(model, "elsewhere", model), equation, columns, found, constants, see_tensors).run()


class StandIn(Tensor):
    """In the place of a value seen elsewhere that is not computed yet; so is all that torch makes of one.

    Conditions and detached values are as well, which have no gradient that would tell what they depend on.

    Example:
        >>> one = torch.ones(2).as_subclass(StandIn)
        >>> isinstance(torch.where(one > 0, torch.zeros(2), torch.ones(2)), StandIn)
        True
    """


def see_tensors(sight: Sight, number: int, expression: Any, places: Places) -> Any:
    """Σ_q w_q K f at the nodes, (n,), by evaluating the model and the expression on all n Q of them."""
    like = next(iter(sight.columns.values()))
    n, size = like.shape[0], places.size
    if sight.deferring:
        # Before the call that is wanted; computed only if the expression turns out to be made of it.
        stand_in = torch.sin(functools.reduce(torch.add, sight.columns.values())).as_subclass(StandIn)
        return [stand_in] * len(expression) if isinstance(expression, (tuple, list)) else stand_in
    xi, weights = (torch.tensor(given, dtype=like.dtype, device=like.device) for given in (places.xi, places.weights))
    here = {name: _repeated(column, size) for name, column in sight.columns.items()}
    nodes = dict(here)
    for name, start in places.starts.items():
        nodes[name] = _repeated(_field(start, like), size)
        if name in places.lengths:
            ahead = xi[:, list(places.lengths).index(name)].repeat(n)
            nodes[name] = nodes[name] + _repeated(_field(places.lengths[name], like), size) * ahead
    if torch.is_grad_enabled():
        # A tensor of its own each, by which the expression is differentiated, the others held.
        nodes = {name: node * 1.0 if node.requires_grad else node.requires_grad_() for name, node in nodes.items()}
    values, factor = _expression(sight, number, expression, nodes, here, size), places.factor(here, nodes)

    def summed(value: Any) -> Tensor:
        value = value * factor
        if not isinstance(value, Tensor) or value.ndim == 0:
            value = value * torch.ones_like(here[next(iter(here))])
        found = value.view(n, size) @ weights.to(value.dtype)
        if torch.is_grad_enabled():
            for name in places.starts:  # what is replaced takes part all the same: the derivative by it is zero
                found = found + 0 * sight.columns[name]
        return found

    return [summed(value) for value in values] if isinstance(values, (tuple, list)) else summed(values)


def _field(value: Any, like: Tensor) -> Tensor:
    """A number or 0-d tensor as a field (n,)."""
    if not isinstance(value, Tensor):
        return torch.full_like(like, float(value), requires_grad=False)
    if tuple(value.shape) not in ((), tuple(like.shape)):
        raise ValueError(
            f"integral, at: got a place of shape {tuple(value.shape)}, expected a number or one entry a point, "
            f"{tuple(like.shape)}"
        )
    return value.expand(like.shape)


def _repeated(field: Tensor, size: int) -> Tensor:
    """Each point's entry Q times, a tensor of its own."""
    return field.repeat_interleave(size) if size > 1 else field.clone()


def repeated_constants(constants: Mapping[str, Any], n: int, size: int) -> dict[str, Any]:
    """Values (n,) once for each node of their point; others as they are."""
    return {
        name: value.repeat_interleave(size) if isinstance(value, Tensor) and tuple(value.shape) == (n,) else value
        for name, value in constants.items()
    }


def _expression(
    sight: Sight, number: int, expression: Any, nodes: Mapping[str, Tensor], here: Mapping[str, Tensor], size: int
) -> Any:
    """The expression of a call at its nodes, or the several of them."""
    if not isinstance(expression, (Tensor, tuple, list)):
        return float(expression)
    outputs = sight.model(nodes)
    for name, output in sight.outputs.items():
        if output is expression:
            return outputs[name]
    n = nodes[next(iter(nodes))].shape[0] // size
    constants = repeated_constants(sight.constants, n, size)

    def again(deferring: bool) -> Any:
        run = Sight(
            sight.model, sight.equation, nodes, outputs, constants, see_tensors, number, here, deferring=deferring
        )
        return run.expression()

    found = again(True)
    every = found if isinstance(found, (tuple, list)) else [found]
    return again(False) if any(isinstance(one, StandIn) for one in every) else found


def outputs_of(
    fields: Mapping[str, Callable[[Mapping[str, Tensor]], Tensor]],
) -> Callable[[Mapping[str, Tensor]], dict[str, Tensor]]:
    """Fields as a model's function: coordinates by name -> fields by name."""
    return lambda columns: {key: function(columns) for key, function in fields.items()}
