"""The multilayer perceptron.

    h₁ = φ(W₁ x + b₁),   hₖ = φ(Wₖ hₖ₋₁ + bₖ),   y = W h + b

with hₖ = hₖ₋₁ + φ(Wₖ hₖ₋₁ + bₖ) where `residual` (He, Zhang, Ren, Sun, CVPR (2016) 770, eq. (1)). A smooth φ makes
y smooth, as the derivatives in an equation ask. Source: Rumelhart, Hinton, Williams, Nature 323 (1986) 533; as ansatz
for differential equations Lagaris, Likas, Fotiadis, IEEE Trans. Neural Networks 9 (1998) 987.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pinn.networks.activation import Activation
from pinn.networks.arguments import record, require_positive_integers
from pinn.networks.layer import Style


class MLP(nn.Module):
    """A multilayer perceptron.

    Args:
        inputs, outputs: numbers of features; inputs are expected within about [-1, 1].
        width: neurons a hidden layer.
        depth: number of hidden layers.
        activation: φ, any smooth function of a tensor.
        residual: add each hidden layer's input, from the second layer on.
        adaptive: n ≥ 1 of activations φ(n a z) with a learned slope a per layer; None for φ(z).
        factorisation: (μ, σ) of random weight factorisation, (1.0, 0.1) in its paper; None for plain weights.
        generator: source of the initial weights; they lie on its device.
        dtype: precision of the parameters.

    Raises:
        TypeError, ValueError: naming the argument that cannot be meant.

    Example:
        >>> network = MLP(2, 1, width=8, depth=2, generator=torch.Generator().manual_seed(0))
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
        activation: Activation = torch.tanh,
        residual: bool = False,
        adaptive: float | None = None,
        factorisation: tuple[float, float] | None = None,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        require_positive_integers("MLP", inputs=inputs, outputs=outputs, width=width, depth=depth)
        style = Style("MLP", activation, adaptive, factorisation, generator, dtype)
        self.arguments = record(
            inputs=inputs,
            outputs=outputs,
            width=width,
            depth=depth,
            activation=style.activation,
            residual=residual,
            adaptive=adaptive,
            factorisation=style.factorisation,
            dtype=dtype,
        )
        self.residual = residual
        self.first = style.layer(inputs, width)
        self.hidden = nn.ModuleList(style.layer(width, width) for _ in range(depth - 1))
        self.last = style.linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        h = self.first(x)
        for layer in self.hidden:
            h = h + layer(h) if self.residual else layer(h)
        return self.last(h)
