"""Neurons that are products of Chebyshev polynomials, and of sines and cosines along periodic coordinates.

    φ_k(x̂) = Π_i T_{k_i}(x̂_i),   T_k(cos θ) = cos kθ;    1, cos θ, sin θ, cos 2θ, … where coordinate i is periodic

Along a coordinate with a map they are polynomials, or waves, of z(x̂) (`pinn.networks.coordinate_map`), which is dense
about a thin layer. Each has size one on the box [-1, 1]^d. For a smooth function the coefficients fall geometrically
with the degree, so that a few hundred of them reach rounding where random features, whose columns are nearly dependent,
end at 1e-8 to 1e-12 with thousands; `pinn.features` has both measured. T_k and the sines and cosines of kθ are made by
addition theorems, so that jets pass through.

Source: Trefethen, Approximation Theory and Approximation Practice (2013), ch. 3 and 8; sets of multi-indices that are
closed downwards: Chkifa, Cohen, Schwab, Found. Comput. Math. 14 (2014) 601.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pinn.networks.coordinate_map import CoordinateMap

_SHOWN = 5  # equal degrees in a row that are written one by one

Index = tuple[int, ...]
"""A multi-index: one degree a coordinate."""


class Chebyshev(nn.Module):
    """x̂ (n, inputs) -> products (n, M), one a multi-index; nothing in it is trained.

    Args:
        layout: 1 for a coordinate scaled to [-1, 1], 2 for a periodic one, whose cosine and sine are two inputs. Inputs
            that come after those of the layout take no part.
        index: multi-indices, each with one degree a coordinate; along a periodic one 0, 1, 2, 3, … stand for 1, cos θ,
            sin θ, cos 2θ, …
        maps: of the coordinates, each None where it is taken as it is; or places, widths and shares of each. Left out,
            all are taken as they are.

    Raises:
        ValueError: when there is no multi-index, or one has another length than the layout or a negative degree, or the
            maps are others than there are coordinates.

    Example:
        >>> basis = Chebyshev([1, 1], [(0, 0), (2, 0), (1, 1)])
        >>> basis(torch.tensor([[0.5, -1.0]], dtype=torch.float64)).tolist()
        [[1.0, -0.5, -0.5]]
    """

    places: Tensor

    def __init__(
        self,
        layout: Sequence[int],
        index: Sequence[Sequence[int]],
        maps: Sequence[CoordinateMap | Sequence[Sequence[float]] | None] | None = None,
    ) -> None:
        super().__init__()
        self.layout = tuple(int(kind) for kind in layout)
        self.index: tuple[Index, ...] = tuple(tuple(int(degree) for degree in one) for one in index)
        if not self.index or not set(self.layout) <= {1, 2}:
            raise ValueError(
                f"Chebyshev: got layout {layout} and {len(index)} multi-indices; give 1 or 2 and at least one"
            )
        for one in self.index:
            if len(one) != len(self.layout) or min(one) < 0:
                raise ValueError(
                    f"Chebyshev: got multi-index {one}, expected {len(self.layout)} degrees of at least zero"
                )
        given: list[Any] = [None] * len(self.layout) if maps is None else list(maps)
        if len(given) != len(self.layout):
            raise ValueError(f"Chebyshev: got {len(given)} maps, expected {len(self.layout)}; give one a coordinate")
        self.maps = tuple(
            one if one is None or isinstance(one, CoordinateMap) else CoordinateMap(one[0], one[1], one[2], kind == 2)
            for one, kind in zip(given, self.layout, strict=True)
        )
        self.degrees = tuple(max(one[i] for one in self.index) for i in range(len(self.layout)))
        self.register_buffer("places", torch.tensor(self.index), persistent=False)

    @property
    def count(self) -> int:
        """Number M of neurons."""
        return len(self.index)

    @property
    def arguments(self) -> dict[str, Any]:
        """What it was made with, as plain values."""
        plain: dict[str, Any] = {"layout": list(self.layout), "index": [list(one) for one in self.index]}
        if any(self.maps):
            plain["maps"] = [None if one is None else one.arguments for one in self.maps]
        return plain

    def forward(self, x: Any) -> Any:
        """(n, inputs) -> (n, M), tensors or jets."""
        product = None
        for i, table in enumerate(self.tables(x)):
            if table is not None:
                factor = table[..., self.places[:, i]]
                product = factor if product is None else product * factor
        if product is None:
            return x[..., 0:1] * 0.0 + torch.ones(self.count, dtype=x.dtype, device=x.device)
        return product

    def combined(self, x: Any, weight: Tensor) -> Any:
        """Their sums Σ_k weight_{ok} φ_k, (n, inputs) -> (n, outputs), without the products where coordinates are two.

        For two, Σ_ij c_ij T_i(x) T_j(y) is a product of matrices and a sum: a tenth of the time of n M products.

        Args:
            x: tensors or jets.
            weight: (outputs, M), without a graph.
        """
        first, *others = self.tables(x)
        if len(others) != 1 or first is None or others[0] is None:
            return nn.functional.linear(self(x), weight)
        shape = tuple(degree + 1 for degree in self.degrees)
        dense = weight.new_zeros(weight.shape[0], *shape)
        dense[:, self.places[:, 0], self.places[:, 1]] = weight
        return torch.stack([(nn.functional.linear(first, one.T) * others[0]).sum(-1) for one in dense], -1)

    def tables(self, x: Any) -> list[Any]:
        """For each coordinate all its degrees, (n, degree + 1); None where the degree is zero."""
        found, at = [], 0
        for kind, degree, map in zip(self.layout, self.degrees, self.maps, strict=True):
            table = None
            if degree > 0:
                own = x[..., at : at + kind] if map is None else map(x[..., at : at + kind])
                table = polynomials(own[..., 0], degree) if kind == 1 else waves(own[..., 0], own[..., 1], degree)
            found.append(table)
            at += kind
        return found


def degrees_text(degrees: Sequence[int]) -> str:
    """Degrees as text, many equal ones in a row as one.

    Example:
        >>> degrees_text((20, 16)), degrees_text((40, *(1,) * 11))
        ('20 × 16', '40 × 1 (11 times)')
    """
    found = []
    for degree, same in itertools.groupby(degrees):
        number = len(list(same))
        found += [str(degree)] * number if number <= _SHOWN else [f"{degree} ({number} times)"]
    return " × ".join(found)


def polynomials(z: Any, degree: int) -> Any:
    """T_0 … T_degree at z (n, …) along a new last axis: T_{m+k} = 2 T_m T_k − T_{m−k} gives twice as many each time."""
    found = torch.stack([torch.ones_like(z), z], -1)
    m = 1
    while m < degree:
        k = min(m, degree - m)
        below = torch.arange(m - 1, m - k - 1, -1, device=z.device)
        further = 2.0 * (found[..., m : m + 1] * found[..., 1 : k + 1]) - found[..., below]
        found = torch.cat([found, further], -1)
        m += k
    return found


def waves(cosine: Any, sine: Any, degree: int) -> Any:
    """1, cos θ, sin θ, cos 2θ, …, as many as the degree and one, from cos θ and sin θ (n,): twice as many each time."""
    one = torch.ones_like(cosine)
    cosines, sines = torch.stack([one, cosine], -1), torch.stack([0.0 * one, sine], -1)
    highest, m = (degree + 1) // 2, 1
    while m < highest:
        k = min(m, highest - m)
        c, s = cosines[..., m : m + 1], sines[..., m : m + 1]
        first, second = cosines[..., 1 : k + 1], sines[..., 1 : k + 1]
        further = c * first - s * second, s * first + c * second
        cosines, sines = torch.cat([cosines, further[0]], -1), torch.cat([sines, further[1]], -1)
        m += k
    pairs = torch.stack([cosines[..., 1:], sines[..., 1:]], -1)
    return torch.cat([cosines[..., :1], pairs.flatten(1)[..., :degree]], -1)
