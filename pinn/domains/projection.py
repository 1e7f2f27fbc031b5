"""Functions in the terms of a random one: the coefficients with which they are nearest, and what these leave.

    ξ = argmin Σ_q w_q (f(x_q) − m − Σ_k ξ_k ψ_k(x_q))²

x_q and w_q are Gauss's nodes and weights on the box, so that the sum is the mean square over it, or the places of
samples with equal weights. Fewer samples than terms leave ξ open; then |ξ|² is least, which is the likeliest function
through the samples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pinn.binding import names_of, on_arrays
from pinn.domains.chart import tensor_grid
from pinn.expansions import Expansion
from pinn.tables import Table

Array = NDArray[np.float64]

_NODES = (64, 64, 24)  # a coordinate, by their number; twice as many change ξ by 1e-12 for sin(20 x) on a unit
_FEWER = 8  # of four coordinates and more


@dataclass(frozen=True, eq=False)
class Projection:
    """A function in the terms of a random one.

    Attributes:
        coefficients: ξ, (K,), in standard deviations.
        error: what the terms leave of it over its size, both root mean squares over where it was read, dimensionless.
        left: what they leave of it, in its units.
    """

    coefficients: Array
    error: float
    left: float


def project(owner: str, expansion: Expansion, function: Any) -> Projection:
    """The coefficients with which a function is nearest.

    Args:
        owner: the function's name, for errors and among samples.
        expansion: the terms.
        function: called with one array a coordinate, by name (tensors, where it is written with torch's functions); a
            `Table`; a number; or samples, a dictionary with the places along each coordinate, (n,) each, and under the
            function's own name the values there.

    Raises:
        TypeError: when it is none of these.
        ValueError: when its values are not finite, or there is not one a place.

    Example:
        >>> from pinn.domains import GaussianField
        >>> terms = GaussianField(over="x", length=0.5).expand({"x": (0.0, 1.0)})
        >>> found = project("f", terms, lambda x: np.sin(3 * x))
        >>> found.coefficients.shape, found.error < 1e-3
        ((6,), True)
    """
    if isinstance(function, Mapping):
        x, values = _samples(owner, expansion, function)
        weights = torch.full_like(values, 1 / len(values))
    else:
        x, weights = _nodes(expansion)
        values = _read(owner, expansion, function, x)
    if not bool(torch.isfinite(values).all()):
        raise ValueError(f"function {owner!r}: got values that are not finite; give a function that is, everywhere")
    root = weights.sqrt()[:, None]
    terms = expansion.terms(x.unbind(1))
    # By singular values: where coefficients are open, the smallest ones.
    found = torch.linalg.lstsq(root * terms, root * (values - expansion.mean)[:, None], driver="gelsd").solution[:, 0]
    left = float((weights @ (terms @ found + expansion.mean - values) ** 2).sqrt())
    size = float((weights @ values**2).sqrt())
    return Projection(found.numpy(), left / size if size > 0 else 0.0 if left == 0 else math.inf, left)


def _nodes(expansion: Expansion) -> tuple[Tensor, Tensor]:
    """Gauss's nodes of the box (q, d), and weights (q,) whose sum is one."""
    d = len(expansion.over)
    node, weight = np.polynomial.legendre.leggauss(_NODES[d - 1] if d <= len(_NODES) else _FEWER)
    axes = [low + 0.5 * (high - low) * (torch.from_numpy(node) + 1) for low, high in expansion.bounds.values()]
    return tensor_grid(axes), tensor_grid([torch.from_numpy(0.5 * weight)] * d).prod(1)


def _samples(owner: str, expansion: Expansion, given: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    names = (*expansion.over, owner)
    if set(given) != set(names):
        raise TypeError(
            f"function {owner!r}: got samples of {sorted(map(str, given))}, expected {list(names)}; give the "
            f"places and the values there, {{{', '.join(f'{name!r}: ...' for name in names)}}}"
        )
    columns = [torch.as_tensor(np.asarray(given[name], dtype=np.float64)) for name in names]
    if columns[0].ndim != 1 or any(one.shape != columns[0].shape for one in columns) or not len(columns[0]):
        shapes = ", ".join(f"{name} {tuple(one.shape)}" for name, one in zip(names, columns, strict=True))
        raise ValueError(f"function {owner!r}: got samples of shapes {shapes}, expected (n,) each; give one a place")
    return torch.stack(columns[:-1], 1), columns[-1]


def _read(owner: str, expansion: Expansion, function: Any, x: Tensor) -> Tensor:
    columns = {name: x[:, index].numpy() for index, name in enumerate(expansion.over)}
    if isinstance(function, Table):
        function.require_fit(f"function {owner!r}", dict(expansion.bounds), ())
        values = function(*(columns[name] for name in function.axes))
    elif callable(function):
        try:
            required, _ = names_of(function)
        except ValueError as error:
            raise TypeError(f"function {owner!r}: {error}") from None
        if set(required) - set(expansion.over):
            raise TypeError(
                f"function {owner!r}: got a function of {list(required)}, expected one of {list(expansion.over)}; name "
                "its arguments after the coordinates"
            )
        taken = {key: columns[key] for keys in names_of(function) for key in keys if key in columns}
        values = on_arrays(function, taken)
    elif isinstance(function, (int, float, np.number)) and not isinstance(function, bool):
        values = float(function)
    else:
        raise TypeError(
            f"function {owner!r}: got {function!r:.60}, expected a function of {list(expansion.over)}, a Table, "
            "a number or samples; give e.g. lambda x: np.sin(x)"
        )
    array = np.asarray(values, dtype=np.float64)
    if array.shape not in ((), (len(x),)):
        raise ValueError(
            f"function {owner!r}: got values of shape {array.shape} at {len(x)} places, expected ({len(x)},); return "
            "one a place"
        )
    return torch.from_numpy(np.broadcast_to(array, (len(x),)).copy())
