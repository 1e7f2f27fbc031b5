"""Linear layers with reproducible initial weights, plain or factorised.

Glorot's initial weights keep the size of signals and of gradients from layer to layer (Glorot, Bengio, AISTATS 9
(2010) 249, eq. (12), normal variates):

    W ~ N(0, 2 / (inputs + outputs)),   b = 0

Random weight factorisation gives every neuron a scale of its own, W = diag(exp s) V with s ~ N(μ, σ²) and the same
product at first; it shortens the way to good minima (Wang, Wang, Seidman, Perdikaris, arXiv:2210.01274).

Weights are drawn in float64 from the passed generator and then rounded, so that every precision starts alike and the
global generator is never touched.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class FactorisedLinear(nn.Module):
    """x -> diag(exp s) V x + b.

    Args:
        weight: the initial product diag(exp s) V, shape (outputs, inputs).
        scale: the initial s, shape (outputs,).

    Raises:
        ValueError: when the shapes contradict each other.
    """

    def __init__(self, weight: Tensor, scale: Tensor) -> None:
        super().__init__()
        if weight.ndim != 2 or scale.shape != weight.shape[:1]:
            raise ValueError(
                f"FactorisedLinear: got weight {tuple(weight.shape)} and scale {tuple(scale.shape)}, "
                "expected (outputs, inputs) and (outputs,); give one scale an output"
            )
        self.direction = nn.Parameter(weight / scale.exp()[:, None])
        self.scale = nn.Parameter(scale.clone())
        self.bias = nn.Parameter(torch.zeros_like(scale))

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        return F.linear(x, self.scale.exp()[:, None] * self.direction, self.bias)


def dense(
    inputs: int,
    outputs: int,
    *,
    generator: torch.Generator,
    dtype: torch.dtype,
    factorisation: tuple[float, float] | None = None,
) -> nn.Linear | FactorisedLinear:
    """A linear layer with Glorot's initial weights and no bias at first.

    Args:
        inputs, outputs: numbers of features.
        generator: source of the weights; they lie on its device.
        dtype: precision of the parameters.
        factorisation: (μ, σ) of the scales s for a factorised layer; None for a plain one.
    """
    weight = torch.empty(outputs, inputs, dtype=torch.float64, device=generator.device)
    weight.normal_(0, math.sqrt(2 / (inputs + outputs)), generator=generator)
    if factorisation is not None:
        mean, deviation = factorisation
        scale = torch.empty(outputs, dtype=torch.float64, device=generator.device)
        scale.normal_(mean, deviation, generator=generator)
        return FactorisedLinear(weight, scale).to(dtype)
    return linear(weight, torch.zeros(outputs, dtype=torch.float64, device=weight.device), dtype)


def linear(weight: Tensor, bias: Tensor, dtype: torch.dtype) -> nn.Linear:
    """A linear layer with these parameters, (outputs, inputs) and (outputs,), rounded to a precision."""
    layer = nn.utils.skip_init(nn.Linear, weight.shape[1], weight.shape[0], dtype=dtype, device=weight.device)
    assert isinstance(layer, nn.Linear)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return layer
