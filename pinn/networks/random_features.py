"""Frozen random features with a linear layer of zeros, alone or beside a frozen network.

    û(x) = N(x) + Σⱼ cⱼ φ(wⱼ · (z − aⱼ)) + c₀,    z = (x̂, (N(x) − mean) / size),    φ = tanh or sin

N is any network, frozen; only c is trained, zero at first, so that û is N. wⱼ ~ N(0, s²I) with s from a few scales, and
aⱼ at given places. The second part of z, which features of the inputs alone leave out, is the network's own answer:
where it has a layer, features of it vary within the layer. A linear problem in û is a linear least-squares problem
in c. Source: Rahimi, Recht, NeurIPS 20 (2007) 1177; for differential equations Dong, Li, Comput. Methods Appl. Mech.
Engrg. 387 (2021) 114129, and as a stage on top of a trained network Wang, Lai, J. Comput. Phys. 504 (2024) 112865.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class FeatureDraw:
    """The numbers that fix a set of features φ(w · z + b).

    Args:
        weight: w, shape (M, k).
        bias: b, shape (M,).
        sines: how many of them, the last ones, are sines; the others are hyperbolic tangents.
    """

    weight: Tensor
    bias: Tensor
    sines: int

    @property
    def count(self) -> int:
        """Number M of features."""
        return int(self.weight.shape[0])

    def padded(self, further: int) -> FeatureDraw:
        """The same features of as many more inputs, which they do not depend on."""
        return FeatureDraw(torch.nn.functional.pad(self.weight, (0, further)), self.bias, self.sines)

    def __add__(self, other: FeatureDraw) -> FeatureDraw:
        """All features of both."""
        first, second = self.count - self.sines, other.count - other.sines

        def joined(a: Tensor, b: Tensor) -> Tensor:
            return torch.cat([a[:first], b[:second], a[first:], b[second:]])

        return FeatureDraw(joined(self.weight, other.weight), joined(self.bias, other.bias), self.sines + other.sines)


def draw_features(centres: Tensor, scales: Sequence[float], generator: torch.Generator) -> FeatureDraw:
    """Features about given places, half of them sines.

    Args:
        centres: a, one a feature, shape (M, k), float64.
        scales: s, radians a unit of z, taken in turn.
        generator: source of the weights.
    """
    count, inputs = centres.shape
    size = torch.tensor([float(scales[j % len(scales)]) for j in range(count)], dtype=torch.float64)
    weight = torch.randn(count, inputs, generator=generator, dtype=torch.float64) * size[:, None]
    # Every scale has its share of both functions.
    order = torch.argsort(torch.arange(count) // len(scales) % 2, stable=True)
    weight, centres = weight[order], centres[order]
    sines = int((torch.arange(count) // len(scales) % 2).sum())
    return FeatureDraw(weight, -(weight * centres).sum(1), sines)


class RandomFeatures(nn.Module):
    """z -> Σⱼ cⱼ φ(wⱼ · z + bⱼ) + c₀ with frozen w and b, and c of zeros.

    Args:
        draw: the features.
        outputs: columns of c.
        dtype: precision of everything.
        device: where it lies.

    Example:
        >>> source = torch.Generator().manual_seed(0)
        >>> features = RandomFeatures(draw_features(torch.zeros(8, 2, dtype=torch.float64), (1.0,), source), 1)
        >>> features(torch.ones(3, 2, dtype=torch.float64)).tolist()
        [[0.0], [0.0], [0.0]]
    """

    def __init__(
        self,
        draw: FeatureDraw,
        outputs: int,
        *,
        dtype: torch.dtype = torch.float64,
        device: torch.device | None = None,
    ) -> None:
        super().__init__()
        count, inputs = draw.weight.shape
        self.tanhs = count - draw.sines
        self.inner = nn.Linear(inputs, count, dtype=dtype, device="meta").to_empty(device=device or "cpu")
        self.last = nn.Linear(count, outputs, dtype=dtype, device="meta").to_empty(device=device or "cpu")
        with torch.no_grad():
            self.inner.weight.copy_(draw.weight)
            self.inner.bias.copy_(draw.bias)
            self.last.weight.zero_()
            self.last.bias.zero_()
        self.inner.requires_grad_(False)

    def basis(self, z: Tensor) -> Tensor:
        """The features themselves, (..., k) -> (..., M)."""
        angle = self.inner(z)
        return torch.cat([torch.tanh(angle[..., : self.tanhs]), torch.sin(angle[..., self.tanhs :])], -1)

    def forward(self, z: Tensor) -> Tensor:
        """(..., k) -> (..., outputs)."""
        return self.last(self.basis(z))


class WithFeatures(nn.Module):
    """A frozen network plus features of its inputs, and of its own outputs where the features take them.

    Args:
        network: any module (n, inputs) -> (n, outputs); a frozen copy of it is kept.
        features: of (n, inputs) or of (n, inputs + outputs).
        mean: of each output of the network, shape (outputs,), taken off before it is a feature's input.
        size: of each, what it is divided by.
    """

    mean: Tensor
    size: Tensor

    def __init__(self, network: nn.Module, features: RandomFeatures, mean: Tensor, size: Tensor) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.features = features
        like = features.inner.weight
        self.register_buffer("mean", mean.to(like))
        self.register_buffer("size", size.to(like))

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The network's outputs (n, outputs), and what the features are taken of (n, k)."""
        raw = self.network(x)
        if self.features.inner.in_features == x.shape[-1]:
            return raw, x
        return raw, torch.cat([x, (raw - self.mean) * (1 / self.size)], -1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs)."""
        raw, z = self.split(x)
        return raw + self.features(z)
