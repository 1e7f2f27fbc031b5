"""The functions that a problem may be given, as a set: one point is one function, by its coefficients.

    ξ = Φ⁻¹(Φ(−z) + u (Φ(z) − Φ(−z))),  u uniform on (0, 1)^K:    ξ_k ~ N(0, 1), |ξ_k| ≤ z

Its measure is probability: points spread evenly over `box * functions` are draws of functions and of places, and sums
over them are means over functions. It has no boundary on which anything could be prescribed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pinn.domains.boundary import Boundary
from pinn.domains.chart import Chart
from pinn.domains.domain import Bounds, Domain
from pinn.domains.implicit import Leaf, Node
from pinn.domains.points import Points
from pinn.domains.projection import Projection, project
from pinn.expansions import Expansion

DEVIATIONS = 4.0  # z: of 1e5 draws of a coefficient six lie beyond


class FunctionSpace(Domain):
    """Random functions with K coefficients `f_1` … `f_K`, the coordinates; made by `Domain.function`.

    Args:
        name: f.
        expansion: its terms.
        deviations: z, standard deviations that coefficients do not go beyond.

    Example:
        >>> from pinn.domains import Box, GaussianField
        >>> family = Box(x=(0, 1)).function(f=GaussianField(over="x", length=0.5, terms=3))
        >>> family.coordinates, family.functions["f"].dimension, family.measure
        (('x', 'f_1', 'f_2', 'f_3'), 3, 1.0)
    """

    def __init__(self, name: str, expansion: Expansion, deviations: float = DEVIATIONS) -> None:
        self.name, self.expansion, self.deviations = name, expansion, deviations
        self._names = tuple(f"{name}_{k}" for k in range(1, expansion.count + 1))

    def __repr__(self) -> str:
        return f"<{self.expansion.count} terms of {self.name}({', '.join(self.expansion.over)})>"

    @property
    def coordinates(self) -> tuple[str, ...]:
        """See `Domain.coordinates`."""
        return self._names

    @property
    def dimension(self) -> int:
        """See `Domain.dimension`."""
        return self.expansion.count

    @property
    def bounds(self) -> Bounds:
        """See `Domain.bounds`."""
        return dict.fromkeys(self._names, (-self.deviations, self.deviations))

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`."""
        low = 0.5 * math.erfc(self.deviations / math.sqrt(2.0))

        def place(unit: Tensor) -> Points:
            drawn = torch.special.ndtri(low + unit * (1 - 2 * low))
            return Points(self._names, drawn.clamp(-self.deviations, self.deviations))

        return (Chart(self.dimension, 1.0, place, closed=True),)

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`."""
        return x.abs().amax(1) / self.deviations - 1

    def implicit(self) -> Node:
        """See `Implicit.implicit`: one, since nothing vanishes at a function."""
        return Leaf(lambda columns: 1.0 + 0.0 * columns[self._names[0]])

    def boundary(self) -> Domain:
        """Nothing: see the module."""
        return Boundary(self, ())

    def field(self, columns: Mapping[str, Any]) -> Any:
        """f at points, (n,), from columns (n,) of its coordinates and coefficients by name; tensors or jets."""
        coefficients = [columns[name] for name in self._names]
        return self.expansion([columns[name] for name in self.expansion.over], coefficients)

    def member(self, coefficients: Sequence[float]) -> Callable[..., NDArray[np.float64]]:
        """One of the functions: of one array a coordinate, by place or by name, float64.

        Args:
            coefficients: its ξ, K of them.

        Raises:
            ValueError: when there are not as many.

        Example:
            >>> from pinn.domains import Box, RandomSeries
            >>> family = Box(x=(0, 1)).function(f=RandomSeries("x", [lambda x: x, lambda x: x * x]))
            >>> family.functions["f"].member([2.0, 1.0])(x=np.array([0.0, 1.0])).tolist()
            [0.0, 3.0]
        """
        if len(coefficients) != self.dimension:
            raise ValueError(
                f"function {self.name!r}: got {len(coefficients)} coefficients, expected {self.dimension}; give one a "
                "term"
            )
        over = self.expansion.over

        def function(*columns: Any, **named: Any) -> NDArray[np.float64]:
            place = dict(zip(over, columns, strict=False)) | named
            arrays = np.broadcast_arrays(*(np.asarray(place[key], dtype=np.float64) for key in over))
            flat = [torch.from_numpy(array.reshape(-1).copy()) for array in arrays]
            values: Tensor = self.expansion(flat, [float(one) for one in coefficients])
            return values.numpy().reshape(arrays[0].shape)

        return function

    def project(self, function: Any) -> Projection:
        """The coefficients with which a function is nearest; see `pinn.domains.projection.project`."""
        return project(self.name, self.expansion, function)
