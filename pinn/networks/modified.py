"""The modified multilayer perceptron: every hidden layer chooses between two encodings of the input.

    U = φ(W_u x + b_u),   V = φ(W_v x + b_v),   h₁ = φ(W₁ x + b₁)
    z = φ(Wₖ hₖ + bₖ),   hₖ₊₁ = (1 − z) ⊙ U + z ⊙ V,   y = W h + b

The gates let every layer see the input and products of its features. Source: Wang, Teng, Perdikaris, SIAM J. Sci.
Comput. 43 (2021) A3055, section 2.6.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pinn.networks.activation import Activation
from pinn.networks.arguments import record
from pinn.networks.layer import Style
from pinn.validation import count


class ModifiedMLP(nn.Module):
    """A multilayer perceptron with two gates.

    Args:
        inputs: number of features that go in, expected within about [-1, 1].
        outputs: number of features that come out.
        width: neurons a hidden layer.
        depth: number of hidden layers, the first one and the gated ones after it.
        activation: φ, any smooth function of a tensor.
        adaptive: n ≥ 1 of activations φ(n a z) with a learned slope a per layer; None for φ(z).
        factorisation: (μ, σ) of random weight factorisation, (1.0, 0.1) in its paper; None for plain weights.
        generator: source of the initial weights; they lie on its device.
        dtype: precision of the parameters.

    Raises:
        TypeError, ValueError: naming the argument that cannot be meant.

    Example:
        >>> network = ModifiedMLP(2, 1, width=8, depth=2, generator=torch.Generator().manual_seed(0))
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
        adaptive: float | None = None,
        factorisation: tuple[float, float] | None = None,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        count("ModifiedMLP", 1, inputs=inputs, outputs=outputs, width=width, depth=depth)
        style = Style("ModifiedMLP", activation, adaptive, factorisation, generator, dtype)
        self.arguments = record(
            inputs=inputs,
            outputs=outputs,
            width=width,
            depth=depth,
            activation=style.activation,
            adaptive=adaptive,
            factorisation=style.factorisation,
            dtype=dtype,
        )
        self.gate_u = style.layer(inputs, width)
        self.gate_v = style.layer(inputs, width)
        self.first = style.layer(inputs, width)
        self.hidden = nn.ModuleList(style.layer(width, width) for _ in range(depth - 1))
        self.last = style.linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        u = self.gate_u(x)
        difference = self.gate_v(x) - u
        h = self.first(x)
        for layer in self.hidden:
            h = u + layer(h) * difference
        return self.last(h)
