"""Neurons in the coordinate of space of a window of time, Chebyshev polynomials or waves, tabulated with derivatives.

    φ_i(x) = T_i(z(x̂)),   or 1, cos z(θ), sin z(θ), cos 2z(θ), …,        z the identity or a `CoordinateMap`

The nodes are those of z: evenly spread where periodic, else Chebyshev's. Derivatives in x follow from those in z and
those of z by Faà di Bruno's formula.

Source: Boyd, Chebyshev and Fourier Spectral Methods (2001), ch. 3 and 16.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.polynomial import chebyshev
from torch import Tensor

from pinn.networks.coordinate_map import CoordinateMap


@dataclass(frozen=True)
class Space:
    """Neurons in the coordinate of space: Chebyshev polynomials, or waves where it is periodic; one without any.

    Attributes:
        axis: number of the coordinate; None where there is none.
        low, high: its ends.
        periodic: whether it is.
        count: M neurons; odd where periodic.
        map: where they are dense; None for the coordinate itself.
    """

    axis: int | None
    low: float
    high: float
    periodic: bool
    count: int
    map: CoordinateMap | None = None

    @property
    def rate(self) -> float:
        """dx̂/dx or dθ/dx, x̂ in [−1, 1] and θ in [0, 2π)."""
        return (2 * math.pi if self.periodic else 2.0) / (self.high - self.low)

    def scaled(self, x: Tensor) -> Tensor:
        """x̂ or θ of places in the problem's units."""
        return (x - (self.low if self.periodic else 0.5 * (self.low + self.high))) * self.rate

    @property
    def parts(self) -> tuple[Space]:
        """Those of each coordinate, which here is one."""
        return (self,)

    @property
    def longest(self) -> int:
        """The most neurons along a coordinate."""
        return self.count

    def orders(self, monomial: Sequence[int]) -> int:
        """The order in space of a derivative, which is given as numbers of coordinates."""
        return list(monomial).count(self.axis) if self.axis is not None else 0

    def placed(self, x: Tensor) -> dict[int, Tensor]:
        """Number of the coordinate -> places (n,); empty where there is none."""
        return {} if self.axis is None else {self.axis: x}

    def nodes(self, fewer: int = 0) -> Tensor:
        """Nodes (M − fewer,) in the problem's units, where `fewer` rows a neuron stand for conditions at the ends."""
        return self._nodes if fewer == 0 else self._placed(fewer)

    @cached_property
    def _nodes(self) -> Tensor:
        return self._placed(0)

    @cached_property
    def _at_nodes(self) -> Tensor:
        """(M, M): all neurons at the nodes."""
        return self.table(self._nodes)

    def _placed(self, fewer: int) -> Tensor:
        n = self.count - fewer
        if self.axis is None:
            return torch.zeros(1, dtype=torch.float64)
        i = torch.arange(n, dtype=torch.float64)
        if self.periodic:
            z = 2 * math.pi * i / n
        else:
            z = -torch.cos(math.pi * ((i + 1) / (n + 1) if fewer > 1 else (i + 0.5) / n))
        if self.map is not None:
            z = self.map.inverse(z)
        return z / self.rate + (self.low if self.periodic else 0.5 * (self.low + self.high))

    def between(self) -> Tensor:
        """Points between the nodes."""
        nodes = self.nodes()
        return nodes if self.axis is None else 0.5 * (nodes[1:] + nodes[:-1])

    def spacing(self) -> Tensor:
        """The length of each point between the nodes, over that of all; one where there is no coordinate."""
        if self.axis is None:
            return torch.ones(1, dtype=torch.float64)
        lengths = torch.diff(self.nodes())
        return lengths / lengths.sum()

    def last(self, size: Tensor) -> float:
        """The largest sum over K of the last coefficients' sizes (m, M, K)."""
        return 0.0 if self.axis is None else float(size[:, -max(2, self.count // 10) :].sum(2).amax())

    def wider(self, coefficients: Tensor, growth: float, most: int) -> Space:
        """More neurons, at most so many; which coefficients (m, M, K) they have is of no matter."""
        wanted = min(most, math.ceil(growth * self.count))
        return self.resized(wanted - (wanted + 1) % 2 if self.periodic else wanted)

    def extended(self, values: Tensor, after: Any) -> Tensor:
        """Coefficients (M, q) as those of more or fewer neurons with the same map."""
        return padded(values, max(after.count, self.count), 0)[: after.count]

    def trimmed(self, counting: Tensor, least: int) -> Space:
        """Without those behind the neurons that count, whose numbers (k,) are given; itself where that is little."""
        highest = int(counting[-1]) if counting.shape[0] else 0  # none counts where the solution is zero
        wanted = math.ceil(1.15 * (highest + 1)) + 2
        wanted = max(wanted + (wanted + 1) % 2 * self.periodic, least)
        return self.resized(wanted) if wanted < 0.85 * self.count else self

    def table(self, x: Tensor, order: int = 0) -> Tensor:
        """(n, M): derivatives of that order of all neurons at x (n,)."""
        if self.axis is None:
            return torch.full((x.shape[0], 1), float(order == 0), dtype=torch.float64)
        scaled = self.scaled(x)
        if self.map is None:
            return self._of_map(scaled, order) * self.rate**order
        z, *slopes = self.map.derivatives(scaled, order)
        if order == 0:
            return self._of_map(z, 0)
        terms = [self._of_map(z, k) * factor[:, None] for k, factor in enumerate(bell(slopes), 1)]
        return torch.stack(terms).sum(0) * self.rate**order

    def _of_map(self, z: Tensor, order: int) -> Tensor:
        """(n, M): derivatives by z."""
        if not self.periodic:
            return polynomials(z, self.count, order)
        k = torch.arange(1, self.count, dtype=torch.float64).add(1).div(2, rounding_mode="floor")
        phase = 0.5 * math.pi * (torch.arange(1, self.count) % 2).to(torch.float64)
        waves = torch.sin(k * z[:, None] + phase + 0.5 * math.pi * order) * k**order
        return torch.cat([torch.full((z.shape[0], 1), float(order == 0), dtype=torch.float64), waves], 1)

    def fitted(self, values: Tensor) -> Tensor:
        """Coefficients (M, q) of functions with these values (M, q) at the nodes; M odd where periodic."""
        found = self._at_nodes.T @ values * (2 / self.count)
        found[0] *= 0.5
        return found

    def size(self, coefficients: Tensor) -> float:
        """Root mean square over space of functions (m, M, K), summed over K, of the largest of the m."""
        nodes = self.nodes()
        edges = torch.cat([nodes[:1], 0.5 * (nodes[1:] + nodes[:-1]), nodes[-1:]])
        values = torch.einsum("nM,mMK->mKn", self._at_nodes, coefficients)
        return float((values.square() @ torch.diff(edges) / (nodes[-1] - nodes[0])).sqrt().sum(1).amax())

    def resized(self, count: int) -> Space:
        """The same with another number of neurons."""
        return replace(self, count=count)


def bell(slopes: list[Tensor]) -> list[Tensor]:
    """Partial Bell polynomials B_{n,1} … B_{n,n} of z', …, z⁽ⁿ⁾: φ(z)⁽ⁿ⁾ = Σ_k φ⁽ᵏ⁾(z) B_{n,k} (Faà di Bruno)."""
    one = torch.ones_like(slopes[0])
    rows = [[one]]
    for n in range(1, len(slopes) + 1):
        row = [torch.zeros_like(one)]
        for k in range(1, n + 1):
            terms = [math.comb(n - 1, i) * slopes[i] * rows[n - 1 - i][k - 1] for i in range(n - k + 1)]
            row.append(torch.stack(terms).sum(0))
        rows.append(row)
    return rows[-1][1:]


def polynomials(z: Tensor, count: int, order: int = 0) -> Tensor:
    """(n, count): derivatives of that order of T_0 … T_{count−1} at z (n,)."""
    if order >= count:
        return torch.zeros(z.shape[0], count, dtype=torch.float64)
    if order == 0:
        return torch.from_numpy(chebyshev.chebvander(z.numpy(), count - 1))
    within = chebyshev.chebder(np.eye(count), order)
    return torch.from_numpy(chebyshev.chebvander(z.numpy(), count - 1 - order) @ within)


def padded(table: Tensor, count: int, axis: int) -> Tensor:
    """A matrix with zeros behind, up to so many entries along an axis."""
    shape = list(table.shape)
    shape[axis] = count - shape[axis]
    return torch.cat([table, table.new_zeros(shape)], axis)
