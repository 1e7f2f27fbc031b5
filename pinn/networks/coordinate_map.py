"""A monotone map of one coordinate that spreads thin layers: a layer of arctangents, or of their periodic kin.

    z(x̂) = w₀ x̂ + Σ_j w_j A_j(x̂),          A_j ∝ arctan((x̂ − c_j) / ε_j) from −1 to 1 on [−1, 1]
    z(θ) = θ + Σ_j w_j (G_j(θ) − G_j(0)),   G_j = 2 arctan(r sin φ / (1 − r cos φ)),  φ = θ − c_j,  r = exp(−ε_j)

The density of neurons dz/dx̂ is a sum of Lorentzians, or of Poisson kernels, of the shares w_j over an even one of the
share w₀ = 1 − Σ w_j, so that z has the range of x̂. A layer of the width ε at c gets one of each of the widths ε, 2.5 ε,
2.5² ε, … with equal shares: together they fall off as 1 / √((x̂ − c)² + ε²), which is what a pole at c ± iε wants. Of
Burgers' layer (ν = 0.01/π at t = 0.5) 2 356 Chebyshev polynomials of x̂ leave 1e-10, 120 of z with ε = 0.01 and a share
of 0.85; from 0.005 to 0.01, and for ratios from 1.7 to 4, their number is within a tenth of that.

Source: Bayliss, Turkel, J. Comput. Phys. 101 (1992) 349, for one arctangent; Tee, Trefethen, SIAM J. Sci. Comput. 28
(2006) 1798, for the density that a pole wants.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

_RATIO = 2.5  # of one width to the next
_WIDEST = 1.0  # of them, in units of x̂ and of θ
_STEPS = 8  # of Newton's method at the most: the grid it begins on resolves every arctangent
_SMALL = 1e-9  # of its steps, after which the next would be rounding
_OFFSETS = torch.cat([-torch.logspace(1, -1, 9), torch.zeros(1), torch.logspace(-1, 1, 9)]).double()


@dataclass(frozen=True)
class CoordinateMap:
    """Where neurons are dense along one coordinate.

    Args:
        places: c_j; in [−1, 1], or angles in [0, 2π) where the coordinate is periodic.
        widths: ε_j > 0 in the same units.
        shares: w_j > 0, their sum below 1.
        periodic: whether the coordinate is an angle.

    Raises:
        ValueError: when their numbers differ, a width or share is not positive, or the shares reach 1.

    Example:
        >>> map = CoordinateMap.about([(0.0, 0.01)], share=0.5)
        >>> x = torch.tensor([-1.0, 0.0, 0.1, 1.0], dtype=torch.float64)
        >>> [round(z, 3) for z in map(x[:, None])[:, 0].tolist()]
        [-1.0, 0.0, 0.318, 1.0]
        >>> torch.allclose(map.inverse(map.derivatives(x, 0)[0]), x, atol=1e-14)
        True
    """

    places: tuple[float, ...]
    widths: tuple[float, ...]
    shares: tuple[float, ...]
    periodic: bool = False

    def __post_init__(self) -> None:
        for name in ("places", "widths", "shares"):
            object.__setattr__(self, name, tuple(float(value) for value in getattr(self, name)))
        alike = len(self.places) == len(self.widths) == len(self.shares) > 0
        if not alike or not all(value > 0 for value in (*self.widths, *self.shares)) or not sum(self.shares) < 1:
            raise ValueError(
                f"CoordinateMap: got {len(self.places)} places, widths {list(self.widths)} and shares "
                f"{list(self.shares)}, expected as many of each, positive widths and shares, and shares whose sum is "
                "below 1"
            )

    @classmethod
    def about(cls, layers: Sequence[tuple[float, float]], share: float, periodic: bool = False) -> CoordinateMap:
        """The map for layers, each a place and a width ε.

        Args:
            layers: (c, ε), one or more.
            share: of the neurons that they get, between 0 and 1.
            periodic: whether the coordinate is an angle.

        Raises:
            ValueError: for no layer, a width that is not positive, or another share.
        """
        places, widths = [], []
        for place, width in layers:
            more = math.ceil(math.log(_WIDEST / width) / math.log(_RATIO)) if width > 0 else 1  # else it is refused
            for k in range(max(1, more)):
                places.append(place)
                widths.append(width * _RATIO**k)
        return cls(tuple(places), tuple(widths), (share / max(1, len(places)),) * len(places), periodic)

    @property
    def arguments(self) -> list[list[float]]:
        """Places, widths and shares as plain numbers."""
        return [list(self.places), list(self.widths), list(self.shares)]

    @cached_property
    def _tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        c, e, w = (torch.tensor(values, dtype=torch.float64) for values in (self.places, self.widths, self.shares))
        return c, e, w

    @cached_property
    def _spans(self) -> tuple[Tensor, float]:
        """Factors of the arctangents (K,), and the constant of the sum."""
        c, e, w = self._tensors
        if self.periodic:
            return 2 * w, -float((2 * w * self._angles(torch.zeros(1, dtype=torch.float64))).sum())
        low, high = torch.atan((-1 - c) / e), torch.atan((1 - c) / e)
        factors = 2 * w / (high - low)
        return factors, -float((factors * low + w).sum())

    def _angles(self, theta: Tensor) -> Tensor:
        """Arctangents at angles (n,), (n, K)."""
        c, e, _ = self._tensors
        phi = theta[:, None] - c
        r = torch.exp(-e)
        return torch.atan(r * torch.sin(phi) / (-torch.expm1(-e) + 2 * r * torch.sin(0.5 * phi).square()))

    def __call__(self, x: Any) -> Any:
        """x̂ (n, 1) -> z (n, 1); where periodic, cos θ and sin θ (n, 2) -> those of z. On tensors and on jets."""
        like = {"dtype": x.dtype, "device": x.device}
        c, e, _ = self._tensors
        factors, constant = self._spans
        if not self.periodic:
            bent = torch.atan((x - c.to(**like)) * (1 / e).to(**like))
            return (bent * factors.to(**like)).sum(-1)[..., None] + x * (1 - sum(self.shares)) + constant
        cosine, sine, r = x[..., 0:1], x[..., 1:2], torch.exp(-e)
        cosines = cosine * torch.cos(c).to(**like) + sine * torch.sin(c).to(**like)
        sines = sine * torch.cos(c).to(**like) - cosine * torch.sin(c).to(**like)
        bent = torch.atan(sines * r.to(**like) / (1.0 - cosines * r.to(**like)))
        turn = (bent * factors.to(**like)).sum(-1)[..., None] + constant
        turned_cosine, turned_sine = torch.cos(turn), torch.sin(turn)
        return torch.cat([cosine * turned_cosine - sine * turned_sine, sine * turned_cosine + cosine * turned_sine], -1)

    def derivatives(self, x: Tensor, order: int) -> list[Tensor]:
        """z and its derivatives to this order at x̂, or at the angle θ, (n,) each, in float64."""
        c, e, w = self._tensors
        factors, constant = self._spans
        if self.periodic:
            found = [x + self._angles(x) @ factors + constant]
            exponent = torch.complex(-e.expand(x.shape[0], -1), x[:, None] - c)
            q, rest = torch.exp(exponent), -torch.expm1(exponent)
            for m in range(order):  # (q d/dq)^m of 2 q / (1 − q), whose real part is the kernel less 1
                term = 2 * q * _eulerian(m, q) / rest ** (m + 1) * 1j**m
                found.append((term.real @ w) + float(m == 0))
            return found
        found = [torch.atan((x[:, None] - c) / e) @ factors + x * (1 - sum(self.shares)) + constant]
        pole = 1 / torch.complex(x[:, None] - c, -e.expand(x.shape[0], -1))
        for m in range(order):  # 1/(1 + y²) is the imaginary part of 1/(y − i)
            term = (-1.0) ** m * math.factorial(m) * pole ** (m + 1)
            found.append(term.imag @ factors + (1 - sum(self.shares)) * float(m == 0))
        return found

    def inverse(self, z: Tensor) -> Tensor:
        """x̂ or θ at which the map has these values (n,), by Newton's method within brackets."""
        c, e, _ = self._tensors
        low, high = (0.0, 2 * math.pi) if self.periodic else (-1.0, 1.0)
        near = (c[:, None] + e[:, None] * _OFFSETS).flatten()
        near = torch.cat([near, near + high, near - high]) if self.periodic else near
        even = torch.linspace(low, high, 33, dtype=torch.float64)
        grid = torch.cat([even, near[(near > low) & (near < high)]]).unique()
        at = self.derivatives(grid, 0)[0]
        place = torch.searchsorted(at, z).clamp(1, grid.shape[0] - 1)
        below, above = grid[place - 1], grid[place]
        share = ((z - at[place - 1]) / (at[place] - at[place - 1]).clamp_min(1e-300)).clamp(0, 1)
        x = below + share * (above - below)
        for _ in range(_STEPS):
            value, slope = self.derivatives(x, 1)
            step = (value - z) / slope
            x = torch.maximum(torch.minimum(x - step, above), below)
            if float(step.abs().max()) < _SMALL:
                break
        return x


def _eulerian(m: int, q: Tensor) -> Tensor:
    """The Eulerian polynomial A_m(q): Σ_{n≥1} n^m qⁿ = q A_m(q) / (1 − q)^{m+1}."""
    row = [1]
    for n in range(2, m + 1):
        padded = [0, *row, 0]
        row = [(k + 1) * padded[k + 1] + (n - k) * padded[k] for k in range(n)]
    found = torch.zeros_like(q)
    for coefficient in reversed(row):
        found = found * q + coefficient
    return found
