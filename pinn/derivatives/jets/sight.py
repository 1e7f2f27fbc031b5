"""Integrals and values elsewhere on traced fields: what `pinn.derivatives.sight` defines on tensors.

A seen value is S(x) = Σ_q w_q f(y_q, x) over the nodes y_q = a + ξ_q (b − a) of the point x, f an expression in a trace
of its own, whose coordinates are those of the node and, beside them, those of the point. It is an atom of the equation
that sees it. Its derivatives are seen values again, by the chain rule:

    ∂S/∂x_j = Σ_k [ ∂_j a_k · Σ_q w_q ∂f/∂y_k + ∂_j(b_k − a_k) · Σ_q w_q ξ_q ∂f/∂y_k ] + Σ_q w_q ∂f/∂x_j

so that of the nodes' network only what f itself requires is carried. All values of one place are computed together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pinn.derivatives.engine import Columns, ModelFunction, ResidualFunction
from pinn.derivatives.jets.algebra import Monomial
from pinn.derivatives.jets.jet import MissingRule
from pinn.derivatives.jets.trace import Trace, TracedField
from pinn.derivatives.seen import repeated_constants
from pinn.derivatives.sight import HERE, Places, Sight


def traced_rows(
    trace: Trace,
    model: ModelFunction | None,
    equation: ResidualFunction,
    outputs: Sequence[str],
    constants: Mapping[str, Tensor] | None,
) -> Sequence[Any]:
    """The rows of an equation on traced fields.

    Args:
        trace: of the points of the rows.
        model: which the outputs elsewhere are of; None where they are known at the points alone.
        equation: (coordinates, outputs, constants) -> rows.
        outputs: their names.
        constants: by name.

    Raises:
        MissingRule: without a model, for an equation that sees other points.
    """
    fields = {name: trace.output(name) for name in outputs}

    def see(sight: Sight, number: int, expression: Any, places: Places) -> Any:
        if model is None:
            raise MissingRule("integral or at in an equation: the fields are known at its own points alone")
        return Look(model, sight, number, places).value(expression)

    sight = Sight(model or _nowhere, equation, dict(trace.coordinates), fields, constants or {}, see)
    rows: Sequence[Any] = sight.run()
    return rows


def _nowhere(columns: Columns) -> Mapping[str, Any]:
    raise MissingRule("integral or at in an equation: the fields are known at its own points alone")


class Look:
    """The nodes of one call of `integral` or `at`, and the trace of what is seen there.

    Args:
        model: evaluated at the nodes.
        sight: the run of the equation that sees.
        number: of the call in that run.
        places: where.

    Attributes:
        model: that.
        names: the coordinates of the model.
        size: Q nodes a point.
        starts, lengths: of each coordinate at ξ = 0, and what is added at ξ = 1; fields of the run, or numbers.
        xi: (Q, d), zero along coordinates that do not vary among the nodes.
        trace: of the nodes, n Q of them; its coordinates are the d of the node, then the d of the point.
    """

    def __init__(self, model: ModelFunction, sight: Sight, number: int, places: Places) -> None:
        base: Trace = next(iter(sight.columns.values())).trace
        self.model, self._sight, self._number, self._places = model, sight, number, places
        self.names = tuple(sight.columns)
        self.size = places.size
        self.starts = [places.starts.get(name, column) for name, column in sight.columns.items()]
        self.lengths = [places.lengths.get(name, 0.0) for name in self.names]
        self.xi = np.zeros((self.size, len(self.names)))
        for k, name in enumerate(places.lengths):
            self.xi[:, self.names.index(name)] = places.xi[:, k]
        like = torch.empty((), dtype=base.dtype, device=base.device)
        doubled = [*self.names, *(HERE + name for name in self.names)]
        self.trace = Trace(doubled, base.n * self.size, like, base.rules, moving=len(self.names))
        self._base = base

    def value(self, expression: Any) -> Any:
        """The seen value of an expression of the run, or a list of those of several."""
        weights = self._places.weights
        rows = self._rows(expression)
        if isinstance(rows, list):
            return [self._base.seen(SeenSum(self, row, weights)) for row in rows]
        return self._base.seen(SeenSum(self, rows, weights))

    def _rows(self, expression: Any) -> Any:
        """The expression at the nodes, times the kernel; a list of several."""
        every = self.trace.coordinates
        nodes = {name: every[name] for name in self.names}
        here = {name: every[HERE + name] for name in self.names}
        found: Any = expression
        if isinstance(expression, (TracedField, Tensor, tuple, list)):
            outputs = {name: self.trace.output(name) for name in self._sight.outputs}
            same = [name for name, output in self._sight.outputs.items() if output is expression]
            if same:
                found = outputs[same[0]]
            else:
                constants = repeated_constants(self._sight.constants, self._base.n, self.size)
                sight = self._sight
                found = Sight(
                    sight.model, sight.equation, nodes, outputs, constants, sight.see, self._number, here
                ).expression()
        factor = self._places.factor(here, nodes)

        def row(value: Any) -> TracedField:
            value = value * factor
            if isinstance(value, TracedField):
                return value
            return TracedField(self.trace, {}, value if isinstance(value, Tensor) else float(value))

        return [row(value) for value in found] if isinstance(found, (tuple, list)) else row(found)


class SeenSum:
    """Σ_q w_q f(y_q, x), the content of an atom.

    Args:
        look: the nodes.
        row: f, a field of the look's trace.
        weights: (Q,).
    """

    def __init__(self, look: Look, row: TracedField, weights: np.ndarray[Any, Any]) -> None:
        self.look, self.row, self.weights = look, row, weights

    def fields(self) -> list[Any]:
        """What the nodes are made of: fields of the run that sees, or numbers."""
        return [*self.look.starts, *self.look.lengths]

    def differentiated(self, base: Trace, monomial: Monomial) -> TracedField:
        """The derivative by the coordinates of a monomial, one after the other, as a field of the run that sees."""
        first, *others = monomial
        found = _slope_of(base, self, first)
        for j in others:
            found = found.apply({(j,): 1.0})
        return found


def _slope_of(base: Trace, seen: SeenSum, j: int) -> TracedField:
    look = seen.look
    found = TracedField(base, {}, 0.0)
    for k in range(len(look.names)):
        slope = seen.row.apply({(k,): 1.0})
        moved = [(look.starts[k], seen.weights)]
        if look.xi[:, k].any():
            moved.append((look.lengths[k], seen.weights * look.xi[:, k]))
        for place, weights in moved:
            rate = place.apply({(j,): 1.0}) if isinstance(place, TracedField) else 0.0
            if not _vanishes(rate) and not _vanishes(slope):
                found = found + base.seen(SeenSum(look, slope, weights)) * rate
    direct = seen.row.apply({(len(look.names) + j,): 1.0})
    return found if _vanishes(direct) else found + base.seen(SeenSum(look, direct, seen.weights))


def _vanishes(field: Any) -> bool:
    if not isinstance(field, TracedField):
        return not isinstance(field, Tensor) and field == 0.0
    return not field.terms and not isinstance(field.constant, Tensor) and field.constant == 0.0
