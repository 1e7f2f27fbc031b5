"""One network that has a solution by windows of time: in each a sum of fixed neurons of its own.

    û(x, t) = Σ_{i,k} c^w_{ik} φ_i(x̂) T_k(τ_w),    τ_w = (2 t̂ − e_w − e_{w+1}) / (e_{w+1} − e_w),    e_w ≤ t̂ < e_{w+1}

φ are Chebyshev polynomials in the coordinate of space, or sines and cosines where it is periodic; in windows that have
a map, of what it makes of the coordinate (`pinn.networks.coordinate_map`). Without a coordinate of space only φ_0 = 1
is there. The first window also answers before its start, the last one after its end. The
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
from pinn.networks.coordinate_map import CoordinateMap


class Windows(nn.Module):
    """x̂ (n, inputs) -> û (n, outputs), on tensors and on jets.

    Args:
        inputs, outputs: numbers of features; inputs after those of the layout take no part.
        layout: for each coordinate in turn 1 where it is scaled to [-1, 1], 2 where it is periodic, 3 where it is
            periodic by name and the solution has a kink at the seam: polynomials over one period.
        time: number of the coordinate that is time; one other at the most.
        edges: e_0 < … < e_W in scaled time.
        neurons: (in space, in time), the most that any window has.
        maps: of the coordinate of space, one a window, None where it is taken as it is; or places, widths and shares of
            each as plain numbers. Left out, there are none.
        generator: unused; nothing is drawn.
        dtype: precision of the coefficients.

    Attributes:
        coefficients: c (W, outputs, in space, in time), zeros at first.

    Raises:
        ValueError: when the edges do not ascend, or the layout has no time or more than one other coordinate, or the
            number of maps is another than that of windows.

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
        maps: Sequence[CoordinateMap | Sequence[Sequence[float]] | None] | None = None,
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
        given: list[Any] = [None] * (len(self.edges) - 1) if maps is None else list(maps)
        if len(given) != len(self.edges) - 1:
            raise ValueError(
                f"Windows: got {len(given)} maps for {len(self.edges) - 1} windows; give one each, or None"
            )
        around = len(self.layout) == 2 and self.layout[1 - self.time] == 2
        self.maps = tuple(
            one if one is None or isinstance(one, CoordinateMap) else CoordinateMap(one[0], one[1], one[2], around)
            for one in given
        )
        # The tables of each coordinate: only those are used, not the products.
        space, time = (count - 1 for count in self.neurons)
        self._in_time = Chebyshev([1], [(time,)])
        self._in_space = Chebyshev([2 if around else 1], [(space,)])
        shape = len(self.edges) - 1, outputs, *self.neurons
        self.coefficients = nn.Parameter(torch.zeros(shape, dtype=dtype), requires_grad=False)

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
            "maps": None if not any(self.maps) else [None if one is None else one.arguments for one in self.maps],
        }

    def forward(self, x: Any) -> Any:
        """(n, inputs) -> (n, outputs), tensors or jets."""
        place = 0 if self.time == 0 else min(self.layout[0], 2)
        z = x[..., place]
        inside = self._inside(z)
        low = torch.tensor(self.edges[:-1], dtype=z.dtype, device=z.device)[inside]
        high = torch.tensor(self.edges[1:], dtype=z.dtype, device=z.device)[inside]
        tau = (z - 0.5 * (low + high)) * (2.0 / (high - low))
        in_time = self._in_time.tables(tau[..., None])[0]
        found = self._sums(self._tables(x, set(inside.unique().tolist())), in_time, z, inside)
        return torch.stack(found, -1)

    def _tables(self, x: Any, seen: set[int]) -> dict[CoordinateMap | None, Any]:
        """By map of the windows seen: neurons in space (n, in space), None where there is one or none."""
        if len(self.layout) == 1:
            return dict.fromkeys(self.maps)
        kind = self.layout[1 - self.time]
        at = 1 if self.time == 0 else 0
        own = x[..., at : at + min(kind, 2)]
        if kind == 3:
            own = (torch.atan2(-own[..., 1], -own[..., 0]) * (1 / math.pi))[..., None]
        used = dict.fromkeys(self.maps[window] for window in sorted(seen))
        return {one: self._in_space.tables(own if one is None else one(own))[0] for one in used}

    def _inside(self, z: Any) -> Tensor:
        """The window's number at each point, (n,)."""
        number = torch.zeros(z.shape, dtype=torch.long, device=z.device)
        for edge in self.edges[1:-1]:
            number = number + (z >= edge)
        return number

    def _sums(self, in_space: dict[CoordinateMap | None, Any], in_time: Any, z: Any, inside: Tensor) -> list[Any]:
        """The outputs, (n,) each: the windows in which points lie, one after the other."""
        return [self._sum(in_space, in_time, z, inside, output) for output in range(self.coefficients.shape[1])]

    def _sum(self, in_space: dict[CoordinateMap | None, Any], in_time: Any, z: Any, inside: Tensor, output: int) -> Any:
        weights = self.coefficients[:, output]
        if not any(table is not None for table in in_space.values()):
            own = weights[inside].sum(1)  # (n, in time): one neuron in space, the constant
            return own[:, 0] + 0.0 * z if in_time is None else (in_time * own).sum(-1)
        found: Any = None
        for window in torch.unique(inside).tolist():
            here = nn.functional.linear(in_space[self.maps[window]], weights[window].T)
            masked = here * (inside == window).to(weights.dtype)[:, None]
            found = masked if found is None else found + masked
        return found[..., 0] if in_time is None else (found * in_time).sum(-1)
