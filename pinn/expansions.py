"""Functions given by coefficients, as values that equations compute with: f(x; ξ) = m + Σ_k ξ_k ψ_k(x).

ψ_k are fixed functions of some coordinates, and x and ξ_k columns of points, so that every point may have a function of
its own. `evaluate` is one operation for jets and recorded fields, as that of a table is (`pinn.tables`), whatever ψ is
made of. The laws of ξ are in `pinn.domains.random_function`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function


@dataclass(frozen=True, eq=False)
class Expansion:
    """A function on a box by K coefficients; made by `pinn.GaussianField` and its like.

    Args:
        over: the d coordinates that it is a function of.
        bounds: of these.
        count: number K of terms.
        terms: columns (n,) a coordinate, tensors or jets -> ψ (n, K), in units of the function.
        mean: m, in the same.
        left: root mean square of what further terms of its law would add, in the same; 0 where there are none.
    """

    over: tuple[str, ...]
    bounds: Mapping[str, tuple[float, float]]
    count: int
    terms: Callable[[Sequence[Any]], Any]
    mean: float
    left: float

    def __call__(self, columns: Sequence[Any], coefficients: Sequence[Any]) -> Any:
        """f at points, (n,).

        Args:
            columns: (n,) a coordinate of `over`, tensors or jets.
            coefficients: ξ, K columns (n,) or numbers.
        """
        return evaluate(self, *columns, *coefficients)

    def combined(self, columns: Sequence[Any]) -> Any:
        """The same from d + K columns (n,), all tensors or all jets."""
        place, coefficients = columns[: len(self.over)], columns[len(self.over) :]
        return (self.terms(place) * torch.stack(list(coefficients), -1)).sum(-1) + self.mean


def evaluate(expansion: Expansion, *columns: Any) -> Any:
    """The values of a function by coefficients at points; the one operation that jets have a rule for.

    Args:
        expansion: the function.
        columns: (n,) each, tensors or jets, numbers beside them: its coordinates, then its coefficients.

    Returns:
        (n,), differentiable by the columns as often as one likes.
    """
    if has_torch_function(columns):
        return handle_torch_function(evaluate, columns, expansion, *columns)
    like = next((x for x in columns if isinstance(x, Tensor)), torch.zeros((), dtype=torch.float64))
    given = [x if isinstance(x, Tensor) else like.new_tensor(float(x)) for x in columns]
    return expansion.combined(torch.broadcast_tensors(*given))
