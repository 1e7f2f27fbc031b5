"""Sinusoidal representation networks.

    h₁ = sin(ω₁ (W₁ x + b₁)),   hₖ = sin(ωₖ (Wₖ hₖ₋₁ + bₖ)),   y = W h + b

with W₁ ~ U(−1/inputs, 1/inputs) and further weights U(−√(6/width)/ω, √(6/width)/ω), which keeps the size of
h through the layers; biases U(−1/√inputs, 1/√inputs) of each layer. ω₁ sets the highest frequency at the start: 30
in the paper, for images on [-1, 1]; a solution with few waves wants less. Source: Sitzmann, Martel, Bergman, Lindell,
Wetzstein, NeurIPS 33 (2020) 7462, section 3.2.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pinn.networks.arguments import record
from pinn.networks.dense import linear
from pinn.networks.layer import require_source
from pinn.validation import count, positive


class SIREN(nn.Module):
    """A network of sines.

    Args:
        inputs: number of features that go in, expected within about [-1, 1].
        outputs: number of features that come out.
        width: neurons a hidden layer.
        depth: number of hidden layers.
        first: ω₁ of the first layer, radians a unit of the input at weight one.
        hidden: ω of the others; it scales their gradients and leaves the initial function alone.
        learned: whether the ω are parameters, one a layer, or fixed.
        generator: source of the initial weights; they lie on its device.
        dtype: precision of the parameters.

    Raises:
        TypeError, ValueError: naming the argument that cannot be meant.

    Example:
        >>> network = SIREN(2, 1, width=8, depth=2, generator=torch.Generator().manual_seed(0))
        >>> network(torch.zeros(5, 2, dtype=torch.float64)).shape
        torch.Size([5, 1])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        width: int = 50,
        depth: int = 4,
        first: float = 5.0,
        hidden: float = 1.0,
        learned: bool = False,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        count("SIREN", 1, inputs=inputs, outputs=outputs, width=width, depth=depth)
        positive("SIREN", first=first, hidden=hidden)
        require_source("SIREN", generator, dtype)
        self.arguments = record(
            inputs=inputs,
            outputs=outputs,
            width=width,
            depth=depth,
            first=first,
            hidden=hidden,
            learned=learned,
            dtype=dtype,
        )
        widths = [inputs, *[width] * depth]
        limits = [1 / inputs, *[math.sqrt(6 / width) / hidden] * depth]
        self.linears = nn.ModuleList(
            _uniform(fan, made, limit, generator, dtype)
            for fan, made, limit in zip(widths, [*widths[1:], outputs], limits, strict=True)
        )
        frequencies = torch.tensor([first, *[hidden] * (depth - 1)], dtype=dtype, device=generator.device)
        self.frequencies = nn.ParameterList(nn.Parameter(omega.clone(), requires_grad=learned) for omega in frequencies)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        *inner, last = self.linears
        h = x
        for layer, omega in zip(inner, self.frequencies, strict=True):
            h = torch.sin(layer(h) * omega)
        return last(h)


def _uniform(inputs: int, outputs: int, limit: float, generator: torch.Generator, dtype: torch.dtype) -> nn.Linear:
    device = generator.device
    weight = torch.empty(outputs, inputs, dtype=torch.float64, device=device)
    bias = torch.empty(outputs, dtype=torch.float64, device=device)
    weight.uniform_(-limit, limit, generator=generator)
    bias.uniform_(-1 / math.sqrt(inputs), 1 / math.sqrt(inputs), generator=generator)
    return linear(weight, bias, dtype)
