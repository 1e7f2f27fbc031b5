"""The separable network: a sum of products of functions of one input each.

    y = W (f₁(x₁) ⊙ f₂(x₂) ⊙ … ⊙ f_d(x_d)) + b,    fᵢ : ℝ → ℝʳ a multilayer perceptron

It is a tensor decomposition of rank r: what is a short sum of products, such as waves and modes of a box, needs few
parameters in many dimensions. Source: Cho, Nam, Yang, Yun, Hong, Park, NeurIPS 36 (2023), arXiv:2306.15969, eq. (4).
The paper gives every output its own r products, and evaluates them on grids; here outputs are linear combinations of
the same products, at any points.

At first the constant of every fᵢ is one, so that the network begins as a sum of functions of one input each and its
size does not fall with the number of inputs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pinn.networks.activation import Activation
from pinn.networks.arguments import record
from pinn.networks.layer import Style
from pinn.validation import count


class Separable(nn.Module):
    """A sum of `rank` products of functions of one input.

    Args:
        inputs: number of features that go in, expected within about [-1, 1]; each has a perceptron of its own.
        outputs: number of features that come out.
        rank: number r of products.
        width: neurons a hidden layer of each perceptron.
        depth: number of hidden layers of each perceptron.
        activation: φ, any smooth function of a tensor.
        adaptive: n ≥ 1 of activations φ(n a z) with a learned slope a per layer; None for φ(z).
        factorisation: (μ, σ) of random weight factorisation, (1.0, 0.1) in its paper; None for plain weights.
        generator: source of the initial weights; they lie on its device.
        dtype: precision of the parameters.

    Raises:
        TypeError, ValueError: naming the argument that cannot be meant.

    Example:
        >>> network = Separable(3, 1, rank=4, width=8, depth=2, generator=torch.Generator().manual_seed(0))
        >>> network(torch.zeros(5, 3, dtype=torch.float64)).shape
        torch.Size([5, 1])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        rank: int = 20,
        width: int = 20,
        depth: int = 2,
        activation: Activation = torch.tanh,
        adaptive: float | None = None,
        factorisation: tuple[float, float] | None = None,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        count("Separable", 1, inputs=inputs, outputs=outputs, rank=rank, width=width, depth=depth)
        style = Style("Separable", activation, adaptive, factorisation, generator, dtype)
        self.arguments = record(
            inputs=inputs,
            outputs=outputs,
            rank=rank,
            width=width,
            depth=depth,
            activation=style.activation,
            adaptive=adaptive,
            factorisation=style.factorisation,
            dtype=dtype,
        )
        self.factors = nn.ModuleList(_factor(style, rank, width, depth) for _ in range(inputs))
        self.last = style.linear(rank, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        product = self.factors[0](x[..., 0:1])
        for i, factor in enumerate(self.factors[1:], 1):
            product = product * factor(x[..., i : i + 1])
        return self.last(product)


def _factor(style: Style, rank: int, width: int, depth: int) -> nn.Sequential:
    """fᵢ, one input to `rank` values near one."""
    end = style.linear(width, rank)
    with torch.no_grad():
        end.bias.fill_(1.0)
    return nn.Sequential(style.layer(1, width), *(style.layer(width, width) for _ in range(depth - 1)), end)
