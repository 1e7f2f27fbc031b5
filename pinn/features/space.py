"""Neurons in the coordinate of space of a window of time, tabulated with their derivatives: Chebyshev polynomials, waves.

Source: Boyd, Chebyshev and Fourier Spectral Methods (2001), ch. 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.polynomial import chebyshev
from torch import Tensor


@dataclass(frozen=True)
class Space:
    """Neurons in the coordinate of space: Chebyshev polynomials, or waves where it is periodic; one without any.

    Attributes:
        axis: number of the coordinate; None where there is none.
        low, high: its ends.
        periodic: whether it is.
        count: M neurons; odd where periodic.
    """

    axis: int | None
    low: float
    high: float
    periodic: bool
    count: int

    def nodes(self, fewer: int = 0) -> Tensor:
        """Nodes (M − fewer,) in the problem's units, where `fewer` rows a neuron stand for conditions at the ends."""
        n = self.count - fewer
        if self.axis is None:
            return torch.zeros(1, dtype=torch.float64)
        if self.periodic:
            return self.low + (self.high - self.low) * torch.arange(n, dtype=torch.float64) / n
        i = torch.arange(n, dtype=torch.float64)
        angle = math.pi * ((i + 1) / (n + 1) if fewer > 1 else (i + 0.5) / n)
        return 0.5 * (self.low + self.high) - 0.5 * (self.high - self.low) * torch.cos(angle)

    def between(self) -> Tensor:
        """Points between the nodes."""
        nodes = self.nodes()
        return nodes if self.axis is None else 0.5 * (nodes[1:] + nodes[:-1])

    def table(self, x: Tensor, order: int = 0) -> Tensor:
        """(n, M): derivatives of that order of all neurons at x (n,)."""
        if self.axis is None:
            return torch.full((x.shape[0], 1), float(order == 0), dtype=torch.float64)
        extent = self.high - self.low
        if not self.periodic:
            z = (x - 0.5 * (self.low + self.high)) * (2 / extent)
            return polynomials(z, self.count, order) * (2 / extent) ** order
        rate = 2 * math.pi / extent
        k = torch.arange(1, self.count, dtype=torch.float64).add(1).div(2, rounding_mode="floor")
        phase = 0.5 * math.pi * (torch.arange(1, self.count) % 2).to(torch.float64)
        waves = torch.sin(k * (x - self.low)[:, None] * rate + phase + 0.5 * math.pi * order) * (k * rate) ** order
        return torch.cat([torch.full((x.shape[0], 1), float(order == 0), dtype=torch.float64), waves], 1)

    def resized(self, count: int) -> Space:
        """The same with another number of neurons."""
        return Space(self.axis, self.low, self.high, self.periodic, count)


def polynomials(z: Tensor, count: int, order: int = 0) -> Tensor:
    """(n, count): derivatives of that order of T_0 … T_{count−1} at z (n,)."""
    if order >= count:
        return torch.zeros(z.shape[0], count, dtype=torch.float64)
    within = chebyshev.chebder(np.eye(count), order) if order else np.eye(count)
    return torch.from_numpy(chebyshev.chebvander(z.numpy(), count - 1 - order) @ within)
