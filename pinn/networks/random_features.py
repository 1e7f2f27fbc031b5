"""Frozen random neurons: tanh and sin of random planes.

    φⱼ(z) = φ(wⱼ · (z − aⱼ)),    z = (x̂, (N(x) − mean) / size),    φ = tanh or sin

wⱼ ~ N(0, s²I) with s from a few scales, and aⱼ at given places. The second part of z, which neurons of the inputs alone
leave out, is the answer N of a network beside them (`pinn.networks.enriched`): where it has a layer, neurons of it vary
within the layer. Source: Rahimi, Recht, NeurIPS 20 (2007) 1177; for differential equations Dong, Li, Comput. Methods
Appl. Mech. Engrg. 387 (2021) 114129, and as a stage on top of a trained network Wang, Lai, J. Comput. Phys. 504 (2024)
112865.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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


class RandomNeurons(nn.Module):
    """z (n, k) -> φ(z) (n, M), nothing in it trained.

    Args:
        inputs: k, those of the network or these and its outputs.
        count: M.
        sines: how many of them, the last ones, are sines; the others are hyperbolic tangents.

    Example:
        >>> draw = draw_features(torch.zeros(8, 2, dtype=torch.float64), (1.0,), torch.Generator().manual_seed(0))
        >>> RandomNeurons.of(draw)(torch.ones(3, 2, dtype=torch.float64)).shape
        torch.Size([3, 8])
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, inputs: int, count: int, sines: int) -> None:
        super().__init__()
        self.inputs, self.count, self.sines = int(inputs), int(count), int(sines)
        self.register_buffer("weight", torch.zeros(self.count, self.inputs, dtype=torch.float64))
        self.register_buffer("bias", torch.zeros(self.count, dtype=torch.float64))

    @classmethod
    def of(cls, draw: FeatureDraw) -> RandomNeurons:
        """Those of a draw."""
        made = cls(draw.weight.shape[1], draw.count, draw.sines)
        made.weight.copy_(draw.weight)
        made.bias.copy_(draw.bias)
        return made

    @property
    def arguments(self) -> dict[str, Any]:
        """What it was made with, as plain values."""
        return {"inputs": self.inputs, "count": self.count, "sines": self.sines}

    def forward(self, z: Any) -> Any:
        """(n, k) -> (n, M), tensors or jets."""
        angle = nn.functional.linear(z, self.weight, self.bias)
        tanhs = self.count - self.sines
        return torch.cat([torch.tanh(angle[..., :tanhs]), torch.sin(angle[..., tanhs:])], -1)
