"""One network that has a solution by windows of time: in each a sum of fixed neurons of its own.

    û(x, t) = Σ_{i,k} c^w_{ik} φ_i(x̂) T_k(τ_w),    τ_w = (2 t̂ − e_w − e_{w+1}) / (e_{w+1} − e_w),    e_w ≤ t̂ < e_{w+1}

φ are Chebyshev polynomials in the coordinate of space, or sines and cosines where it is periodic; without a coordinate
of space only φ_0 = 1 is there. The first window also answers before its start, the last one after its end. The
coefficients are found window by window (`pinn.features.windows`) and are not trained.

Source: Hairer, Wanner, Solving Ordinary Differential Equations II (1996), IV.8, for solutions by collocation
polynomials, window by window.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pinn.networks.chebyshev import Chebyshev


class Windows(nn.Module):
    """x̂ (n, inputs) -> û (n, outputs), on tensors and on jets.

    Args:
        inputs, outputs: numbers of features; inputs after those of the layout take no part.
        layout: for each coordinate in turn 1 where it is scaled to [-1, 1], 2 where it is periodic, 3 where it is
            periodic by name and the solution has a kink at the seam: polynomials over one period.
        time: number of the coordinate that is time; one other at the most.
        edges: e_0 < … < e_W in scaled time.
        neurons: (in space, in time), the most that any window has.
        generator: unused; nothing is drawn.
        dtype: precision of the coefficients.

    Attributes:
        coefficients: c (W, outputs, in space, in time), zeros at first.

    Raises:
        ValueError: when the edges do not ascend, or the layout has no time or more than one other coordinate.

    Example:
        >>> network = Windows(1, 1, layout=[1], time=0, edges=[-1.0, 0.0, 1.0], neurons=(1, 2))
        >>> with torch.no_grad():
        ...     _ = network.coefficients.copy_(torch.tensor([[[[0.0, 1.0]]], [[[1.0, 2.0]]]]))
        >>> network(torch.tensor([[-0.5], [-0.25], [0.0], [1.0]], dtype=torch.float64))[:, 0].tolist()
        [0.0, 0.5, -1.0, 3.0]
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        layout: Sequence[int],
        time: int,
        edges: Sequence[float],
        neurons: Sequence[int],
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        self.layout, self.time = tuple(int(kind) for kind in layout), int(time)
        self.edges = tuple(float(edge) for edge in edges)
        self.neurons = int(neurons[0]), int(neurons[1])
        if not 0 <= self.time < len(self.layout) <= 2 or self.layout[self.time] != 1:
            raise ValueError(
                f"Windows: got layout {list(layout)} and time {time}, expected time that is not periodic and at most "
                "one other coordinate; give layout=[1, 1], time=1"
            )
        if len(self.edges) < 2 or not all(a < b for a, b in itertools.pairwise(self.edges)):
            raise ValueError(f"Windows: got {len(self.edges)} edges, expected two or more that ascend; sort them")
        # The tables of both coordinates: only those are used, not the products.
        self._basis = Chebyshev([1 if kind == 3 else kind for kind in self.layout], [self._degrees()])
        shape = len(self.edges) - 1, outputs, *self.neurons
        self.coefficients = nn.Parameter(torch.zeros(shape, dtype=dtype), requires_grad=False)

    def _degrees(self) -> list[int]:
        space, time = (count - 1 for count in self.neurons)
        return [time if i == self.time else space for i in range(len(self.layout))]

    @property
    def count(self) -> int:
        """Neurons of all windows."""
        return (len(self.edges) - 1) * self.neurons[0] * self.neurons[1]

    @property
    def arguments(self) -> dict[str, Any]:
        """What it was made with, as plain values."""
        return {
            "layout": list(self.layout),
            "time": self.time,
            "edges": list(self.edges),
            "neurons": list(self.neurons),
        }

    def forward(self, x: Any) -> Any:
        """(n, inputs) -> (n, outputs), tensors or jets."""
        columns, at = [], 0
        inside, z = torch.zeros(0), x[..., 0]
        for axis, kind in enumerate(self.layout):
            if axis == self.time:
                z = x[..., at]
                inside = self._inside(z)
                low = torch.tensor(self.edges[:-1], dtype=z.dtype, device=z.device)[inside]
                high = torch.tensor(self.edges[1:], dtype=z.dtype, device=z.device)[inside]
                columns.append((z - 0.5 * (low + high)) * (2.0 / (high - low)))
            elif kind == 3:
                columns.append(torch.atan2(-x[..., at + 1], -x[..., at]) * (1 / math.pi))
            else:
                columns += [x[..., at + i] for i in range(kind)]
            at += min(kind, 2)
        tables = self._basis.tables(torch.stack(columns, -1))
        in_time = tables[self.time]
        in_space = tables[1 - self.time] if len(self.layout) == 2 else None
        found = [self._sum(in_space, in_time, z, inside, output) for output in range(self.coefficients.shape[1])]
        return torch.stack(found, -1)

    def _inside(self, z: Any) -> Tensor:
        """The window's number at each point, (n,)."""
        number = torch.zeros(z.shape, dtype=torch.long, device=z.device)
        for edge in self.edges[1:-1]:
            number = number + (z >= edge)
        return number

    def _sum(self, in_space: Any, in_time: Any, z: Any, inside: Tensor, output: int) -> Any:
        """One output, (n,): the windows in which points lie, one after the other."""
        weights = self.coefficients[:, output]
        if in_space is None:
            own = weights[inside].sum(1)  # (n, in time): one neuron in space, the constant
            return own[:, 0] + 0.0 * z if in_time is None else (in_time * own).sum(-1)
        found: Any = None
        for window in torch.unique(inside).tolist():
            here = nn.functional.linear(in_space, weights[window].T)
            masked = here * (inside == window).to(weights.dtype)[:, None]
            found = masked if found is None else found + masked
        return found[..., 0] if in_time is None else (found * in_time).sum(-1)
