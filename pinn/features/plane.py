"""Neurons in two coordinates of space of a window of time: products of those of each, tabulated with derivatives.

    φ_ij(x, y) = φ_i(x) φ_j(y),    i < M_1, j < M_2, in the order i M_2 + j

Each coordinate has polynomials or waves of its own number (`pinn.features.space`), so that scales that differ from one
to the other are no matter. With Chebyshev nodes inside, and those of the faces that a condition holds at, there are as
many rows as neurons.

Source: Boyd, Chebyshev and Fourier Spectral Methods (2001), ch. 3; Trefethen, Spectral Methods in MATLAB (2000), ch. 7.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pinn.features.space import Space

_BEHIND = 0.1  # of the largest of the last coefficients along either coordinate, below which that one has enough

_LITTLE = 1.1  # times as many neurons, up to which more are not worth another solve


@dataclass(frozen=True)
class Plane:
    """Products of neurons in two coordinates of space; the interface is that of `Space`.

    Attributes:
        first, second: neurons in each, without a map.
    """

    first: Space
    second: Space

    axis, map, periodic = None, None, False  # of no single coordinate: no map is sought

    @property
    def parts(self) -> tuple[Space, Space]:
        """Those of each coordinate."""
        return self.first, self.second

    @property
    def count(self) -> int:
        """M = M_1 M_2."""
        return self.first.count * self.second.count

    @property
    def longest(self) -> int:
        """The most neurons along a coordinate."""
        return max(self.first.count, self.second.count)

    @property
    def counts(self) -> tuple[int, int]:
        """Neurons along each coordinate."""
        return self.first.count, self.second.count

    def orders(self, monomial: Sequence[int]) -> tuple[int, int]:
        """The orders in space of a derivative, which is given as numbers of coordinates."""
        return self.first.orders(monomial), self.second.orders(monomial)

    def placed(self, x: Tensor) -> dict[int, Tensor]:
        """Number of coordinate -> (n,), of places (n, 2)."""
        return self.first.placed(x[:, 0]) | self.second.placed(x[:, 1])

    def nodes(self, fewer: Sequence[int] = (0, 0)) -> Tensor:
        """Nodes (n, 2), with so many fewer along each coordinate."""
        return _grid(*(one.nodes(less) for one, less in zip(self.parts, fewer, strict=True)))

    def between(self) -> Tensor:
        """Points between the nodes, (n, 2)."""
        return _grid(*(one.between() for one in self.parts))

    def face(self, axis: int, end: float, fewer: Sequence[int], held: Sequence[Sequence[float]]) -> Tensor:
        """Nodes (n, 2) on a face; the first coordinate's have the corners.

        Args:
            axis: number of the coordinate that is constant there.
            end: its value.
            fewer: nodes along each coordinate that conditions stand for.
            held: ends of each coordinate that conditions hold at.
        """
        along = 1 if axis == self.first.axis else 0
        places = self.parts[along].nodes(fewer[along])
        if along == 1:
            low, high = self.second.low, self.second.high
            ends = [torch.tensor([one], dtype=torch.float64) for one in held[1]]
            lower, upper = (one for one in ends if float(one) == low), (one for one in ends if float(one) == high)
            places = torch.cat([*lower, places, *upper])
        fixed = torch.tensor([end], dtype=torch.float64)
        return _grid(fixed, places) if along == 1 else _grid(places, fixed)

    def spacing(self) -> Tensor:
        """The area of each point between the nodes, over that of all."""
        first, second = (one.spacing() for one in self.parts)
        return torch.outer(first, second).reshape(-1)

    def table(self, x: Tensor, orders: tuple[int, int] = (0, 0)) -> Tensor:
        """(n, M): derivatives of these orders of all neurons at x (n, 2)."""
        first, second = (one.table(x[:, i], orders[i]) for i, one in enumerate(self.parts))
        return (first[:, :, None] * second[:, None, :]).reshape(x.shape[0], -1)

    def last(self, size: Tensor) -> float:
        """The largest sum over K of the last coefficients' sizes (m, M, K) along either coordinate."""
        return max(self._last(size))

    def _last(self, size: Tensor) -> tuple[float, float]:
        table = size.sum(2).reshape(-1, *self.counts)
        behind = [max(2, n // 10) for n in self.counts]
        return float(table[:, -behind[0] :].amax()), float(table[:, :, -behind[1] :].amax())

    def wider(self, coefficients: Tensor, growth: float, most: int) -> Plane:
        """More neurons along the coordinates whose last coefficients (m, M, K) are largest, at most so many in all."""
        last = self._last(coefficients.abs())
        grows = [one >= _BEHIND * max(last) for one in last]
        factor = min(growth, (most / self.count) ** (1 / sum(grows)))
        counts = [
            max(one.count, _odd(math.floor(factor * one.count), one)) if more else one.count
            for one, more in zip(self.parts, grows, strict=True)
        ]
        more = Plane(*(one.resized(count) for one, count in zip(self.parts, counts, strict=True)))
        return more if more.count > _LITTLE * self.count else self

    def extended(self, values: Tensor, after: Any) -> Tensor:
        """Coefficients (M, q) as those of more or fewer neurons along each coordinate."""
        found = values.new_zeros(*after.counts, values.shape[1])
        rows, columns = (min(a, b) for a, b in zip(self.counts, after.counts, strict=True))
        found[:rows, :columns] = values.reshape(*self.counts, -1)[:rows, :columns]
        return found.reshape(after.count, -1)

    def trimmed(self, counting: Tensor, least: int) -> Plane:
        """Without those behind the neurons that count, whose numbers (k,) are given; itself where that is little.

        Args:
            counting: numbers of neurons, ascending.
            least: neurons along each coordinate.
        """
        if not counting.shape[0]:
            return self
        highest = int((counting // self.second.count).max()), int((counting % self.second.count).max())
        wanted = [
            min(one.count, _odd(max(least, math.ceil(1.15 * (high + 1)) + 2), one))
            for one, high in zip(self.parts, highest, strict=True)
        ]
        smaller = Plane(*(one.resized(count) for one, count in zip(self.parts, wanted, strict=True)))
        return smaller if smaller.count < 0.85 * self.count else self


Neurons = Space | Plane
"""Neurons in one coordinate of space, or in two."""


def _odd(count: int, space: Space) -> int:
    """The number itself, or an odd one where the coordinate is periodic."""
    return count - (count + 1) % 2 if space.periodic else count


def _grid(first: Tensor, second: Tensor) -> Tensor:
    """All pairs (n_1 n_2, 2), the second running fastest."""
    return torch.cartesian_prod(first, second).reshape(-1, 2)
