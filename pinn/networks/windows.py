"""One network that has a solution by windows of time: in each a sum of fixed neurons of its own.

    û(x, t) = Σ_{i,k} c^w_{ik} φ_i(x̂) T_k(τ_w),    τ_w = (2 t̂ − e_w − e_{w+1}) / (e_{w+1} − e_w),    e_w ≤ t̂ < e_{w+1}

φ are Chebyshev polynomials in the coordinate of space, or sines and cosines where it is periodic; in two coordinates
products φ_i(x̂) φ_j(ŷ) of these; in windows that have a map, of what it makes of the coordinate
(`pinn.networks.coordinate_map`). Without a coordinate of space only φ_0 = 1 is there. The first window also answers
before its start, the last one after its end. The coefficients are found window by window (`pinn.features.windows`) and
are not trained.

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

from pinn.derivatives.jets import Jet, MissingRule, by_group
from pinn.networks.chebyshev import polynomials, waves
from pinn.networks.coordinate_map import CoordinateMap


class Windows(nn.Module):
    """x̂ (n, inputs) -> û (n, outputs), on tensors and on jets.

    Args:
        inputs, outputs: numbers of features; inputs after those of the layout take no part.
        layout: for each coordinate in turn 1 where it is scaled to [-1, 1], 2 where it is periodic, 3 where it is
            periodic by name and the solution has a kink at the seam: polynomials over one period.
        time: number of the coordinate that is time; two others at the most.
        edges: e_0 < … < e_W in scaled time.
        neurons: along each coordinate of space, one where there is none, and in time: the most that any window has.
        maps: of the coordinate of space, one a window, None where it is taken as it is; or places, widths and shares of
            each as plain numbers. Left out, there are none.
        generator: unused; nothing is drawn.
        dtype: precision of the coefficients.

    Attributes:
        coefficients: c (W, outputs, in space, in time), zeros at first; (W, outputs, M_1, M_2, in time) in a plane.

    Raises:
        ValueError: when the edges do not ascend, or the layout has no time or more than two other coordinates, or the
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
        self.neurons = tuple(int(one) for one in neurons)
        if not 0 <= self.time < len(self.layout) <= 3 or self.layout[self.time] != 1:
            raise ValueError(
                f"Windows: got layout {list(layout)} and time {time}, expected time that is not periodic and at most "
                "two other coordinates; give layout=[1, 1], time=1"
            )
        if len(self.neurons) != max(2, len(self.layout)):
            raise ValueError(
                f"Windows: got neurons {list(neurons)} for {len(self.layout)} coordinates; give those along each "
                "coordinate of space, and in time"
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
        shape = len(self.edges) - 1, outputs, *self.neurons
        self.coefficients = nn.Parameter(torch.zeros(shape, dtype=dtype), requires_grad=False)

    @property
    def count(self) -> int:
        """Neurons of all windows."""
        return (len(self.edges) - 1) * math.prod(self.neurons)

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
        if isinstance(x, Jet) and x.context.record is not None and self.coefficients.requires_grad:
            raise MissingRule("rows of J by the coefficients of windows, which are not trained")
        return by_group(self._in_window, x, self._inside(x[..., self._place]))

    @property
    def _place(self) -> int:
        """Number of the input that is time."""
        return sum(min(kind, 2) for kind in self.layout[: self.time])

    def _inside(self, z: Any) -> Tensor:
        """The window's number at each point, (n,)."""
        number = torch.zeros(z.shape, dtype=torch.long, device=z.device)
        for edge in self.edges[1:-1]:
            number = number + (z >= edge)
        return number

    def _in_window(self, x: Any, window: int) -> Any:
        """The outputs of one window, (n, outputs)."""
        weights, (low, high) = self.coefficients[window], self.edges[window : window + 2]
        z = x[..., self._place]
        tau = (z - 0.5 * (low + high)) * (2.0 / (high - low))
        in_time = polynomials(tau, max(1, self.neurons[-1] - 1))
        weights = nn.functional.pad(weights, (0, int(self.neurons[-1] == 1)))
        if len(self.neurons) == 3:
            return self._in_plane(x, in_time, weights)
        if self.neurons[0] == 1:
            return nn.functional.linear(in_time, weights[:, 0])
        # Neurons behind the last that has a weight are those that other windows have.
        used = max(2, 1 + int(torch.nonzero(weights.detach().abs().amax((0, 2)))[-1:].sum()))
        in_space = self._in_space(x, 1 - self.time, self.maps[window], used - 1)
        found = [(nn.functional.linear(in_space, one[:used].T) * in_time).sum(-1) for one in weights]
        return torch.stack(found, -1)

    def _in_plane(self, x: Any, in_time: Any, weights: Tensor) -> Any:
        """The outputs where coordinates of space are two, (n, outputs)."""
        of_space = [axis for axis in range(3) if axis != self.time]
        first, second = (
            self._in_space(x, axis, None, max(1, n - 1)) for axis, n in zip(of_space, self.neurons, strict=False)
        )
        rows, columns = (torch.arange(n) for n in (second.shape[-1], in_time.shape[-1]))
        both = second[..., rows.repeat_interleave(len(columns))] * in_time[..., columns.repeat(len(rows))]
        return torch.stack([(nn.functional.linear(first, one.flatten(1).T) * both).sum(-1) for one in weights], -1)

    def _in_space(self, x: Any, axis: int, map: CoordinateMap | None, degree: int) -> Any:
        """Neurons in a coordinate of space, (n, degree + 1)."""
        kind = self.layout[axis]
        at = sum(min(one, 2) for one in self.layout[:axis])
        own = x[..., at : at + min(kind, 2)]
        if kind == 3:
            own = (torch.atan2(-own[..., 1], -own[..., 0]) * (1 / math.pi))[..., None]
        own = own if map is None else map(own)
        return waves(own[..., 0], own[..., 1], degree) if kind == 2 else polynomials(own[..., 0], degree)
