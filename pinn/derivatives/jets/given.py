"""Rows of an equation as a function of the derivatives that it asks for, where the field is given by these.

    r(x; s),   s_k = Q_k(∂) N at x,        and  ∂r/∂s_k, from one backward pass a row

Where N = Σ c_i φ_i with neurons whose derivatives are tabulated once, s is linear in c, and the rows and their Jacobian
need neither the network nor its graph: ∂r/∂c_i = Σ_k ∂r/∂s_k Q_k(∂) φ_i. What lies between the network and the outputs
(sizes, forms, an ansatz) and the equation itself run on jets as ever.

Source: `pinn.derivatives.jets.program`; the chain rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pinn.derivatives.engine import ResidualFunction
from pinn.derivatives.jets.algebra import Exact
from pinn.derivatives.jets.engine import Jets
from pinn.derivatives.jets.jet import Jet, JetContext
from pinn.derivatives.jets.program import Evaluation, Program
from pinn.derivatives.jets.sight import traced_rows
from pinn.derivatives.jets.trace import Trace

OutputsOf = Callable[[Mapping[str, Any], Any], Mapping[str, Any]]
"""(columns, network's outputs (n, m)) -> outputs by name, on tensors or jets."""


class GivenField:
    """One equation on fixed points, as a function of the network's derivatives there.

    Args:
        engine: rules, and the bases that are kept.
        outputs: from the network's outputs to the problem's.
        names: of these.
        equation: (coordinates, outputs, constants) -> rows.
        points: (n, d), in the order of `coordinates`.
        coordinates: their names.
        constants: normals and the like.

    Raises:
        MissingRule: for an operation that jets do not have.

    Example:
        >>> from pinn.derivatives import d
        >>> x = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
        >>> given = GivenField(Jets(), lambda columns, inner: {"u": inner[..., 0]}, ("u",),
        ...                    lambda columns, outputs, constants: [d(outputs["u"], columns["x"]) + outputs["u"] ** 2],
        ...                    x, ("x",), {})
        >>> rows, slopes = given(torch.tensor([[[2.0], [3.0]], [[5.0], [7.0]]], dtype=torch.float64))
        >>> rows.tolist(), slopes[0, 0, :, 0].tolist()
        ([[9.0], [16.0]], [4.0, 6.0])
    """

    def __init__(
        self,
        engine: Jets,
        outputs: OutputsOf,
        names: Sequence[str],
        equation: ResidualFunction,
        points: Tensor,
        coordinates: Sequence[str],
        constants: Mapping[str, Tensor],
    ) -> None:
        self._engine, self._outputs, self._points, self._names = engine, outputs, points, tuple(coordinates)
        trace = Trace(coordinates, points.shape[0], points, engine.table)
        self._program = Program(trace, traced_rows(trace, None, equation, names, constants), engine.basis)
        self._basis = engine.basis(set().union(*self._program.required.values()))

    @property
    def operators(self) -> tuple[Exact, ...]:
        """Q_0 = 1, Q_1, …: monomials in coordinate numbers -> coefficient, in the problem's own units."""
        return self._basis.operators

    def __call__(self, stack: Tensor, slopes: bool = True) -> tuple[Tensor, Tensor]:
        """Rows (n, q), and ∂r/∂s (q, K, n, m).

        Args:
            stack: s (K, n, m).
            slopes: whether these are wanted; empty otherwise.
        """
        stack = stack.detach().requires_grad_(slopes)
        with torch.set_grad_enabled(slopes):
            context = JetContext(self._basis, stack.shape[1], self._engine.space, self._engine.table)
            columns = {name: context.coordinate(self._points[:, i], i) for i, name in enumerate(self._names)}
            outputs = self._outputs(columns, Jet(context, tuple(range(1, self._basis.size)), stack=stack))
            rows = Evaluation(self._program, context, outputs, self._points, slice(0, stack.shape[1])).rows()
            found = []
            for row in rows if slopes else ():
                (slope,) = torch.autograd.grad(row.sum(), stack, retain_graph=True, materialize_grads=True)
                found.append(slope)
        return torch.stack([row.detach() for row in rows], 1), torch.stack(found) if found else stack.new_zeros(0)
