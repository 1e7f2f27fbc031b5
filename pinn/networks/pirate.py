"""Physics-informed residual adaptive networks: deep, yet a linear combination of Fourier features at the start.

    Φ = (cos Bx, sin Bx),   U = φ(W_u Φ + b_u),   V = φ(W_v Φ + b_v),   h₁ = Φ
    z₁ = f ⊙ U + (1 − f) ⊙ V,   f = φ(W₁ hₖ + b₁)
    z₂ = g ⊙ U + (1 − g) ⊙ V,   g = φ(W₂ z₁ + b₂)
    hₖ₊₁ = αₖ φ(W₃ z₂ + b₃) + (1 − αₖ) hₖ,   y = W h

With αₖ = 0 at first every block is the identity; training lets each in as far as it helps. Source: Wang, Li, Chen,
Perdikaris, J. Mach. Learn. Res. 25 (2024) 402 (arXiv:2402.00326), section 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pinn.networks.activation import Activation
from pinn.networks.arguments import record
from pinn.networks.fourier import FourierEmbedding, scale_list
from pinn.networks.layer import Style
from pinn.validation import count, finite


class PirateNet(nn.Module):
    """A residual network whose blocks begin as the identity.

    Args:
        inputs: number of features that go in, expected within about [-1, 1].
        outputs: number of features that come out.
        width: neurons a layer; even, since half of them are cosines of the embedding and half sines.
        depth: number of blocks, of three layers each.
        scale: σ of the embedding's frequencies, radians a unit of the input, or several, which divide width / 2.
        nonlinearity: α of every block at first.
        activation: φ, any smooth function of a tensor.
        adaptive: n ≥ 1 of activations φ(n a z) with a learned slope a per layer; None for φ(z).
        factorisation: (μ, σ) of random weight factorisation, (1.0, 0.1) in its paper; None for plain weights.
        generator: source of the initial weights; they lie on its device.
        dtype: precision of the parameters.

    Raises:
        TypeError, ValueError: naming the argument that cannot be meant.

    Example:
        >>> network = PirateNet(2, 1, width=8, depth=1, generator=torch.Generator().manual_seed(0))
        >>> network(torch.zeros(5, 2, dtype=torch.float64)).shape
        torch.Size([5, 1])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        width: int = 50,
        depth: int = 3,
        scale: float | Sequence[float] = 2.0,
        nonlinearity: float = 0.0,
        activation: Activation = torch.tanh,
        adaptive: float | None = None,
        factorisation: tuple[float, float] | None = None,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        count("PirateNet", 1, inputs=inputs, outputs=outputs, width=width, depth=depth)
        style = Style("PirateNet", activation, adaptive, factorisation, generator, dtype)
        scales = scale_list("PirateNet", scale)
        if width % (2 * len(scales)) != 0:
            raise ValueError(
                f"PirateNet: got width={width}, expected a multiple of {2 * len(scales)}, two for each scale; "
                f"give {width + -width % (2 * len(scales))}"
            )
        finite("PirateNet", nonlinearity=nonlinearity)
        self.arguments = record(
            inputs=inputs,
            outputs=outputs,
            width=width,
            depth=depth,
            scale=scales,
            nonlinearity=nonlinearity,
            activation=style.activation,
            adaptive=adaptive,
            factorisation=style.factorisation,
            dtype=dtype,
        )
        self.embedding = FourierEmbedding(inputs, width // (2 * len(scales)), scales, False, generator, dtype)
        self.gate_u = style.layer(width, width)
        self.gate_v = style.layer(width, width)
        self.blocks = nn.ModuleList(GatedBlock(style, width, nonlinearity) for _ in range(depth))
        self.last = style.linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        h = self.embedding(x)
        v = self.gate_v(h)
        difference = self.gate_u(h) - v
        for block in self.blocks:
            h = block(h, v, difference)
        return self.last(h)


class GatedBlock(nn.Module):
    """Three layers, two of them gated, let in by α.

    Args:
        style: how its layers are made.
        width: neurons a layer.
        nonlinearity: α at first.
    """

    def __init__(self, style: Style, width: int, nonlinearity: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(style.layer(width, width) for _ in range(3))
        self.alpha = nn.Parameter(torch.tensor(nonlinearity, dtype=style.dtype, device=style.generator.device))

    def forward(self, h: Tensor, v: Tensor, difference: Tensor) -> Tensor:
        """(..., width) -> (..., width), with V and U − V of the same shape."""
        one, two, three = self.layers
        z = v + one(h) * difference
        z = v + two(z) * difference
        return h + (three(z) - h) * self.alpha
