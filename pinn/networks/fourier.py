"""Random Fourier features before a multilayer perceptron.

    γ(x) = (cos Bx, sin Bx),   B (features, inputs) with entries N(0, σ²),   y = MLP(γ(x))

σ is the typical frequency, radians a unit of the input: networks learn low frequencies first, and features of the
solution's own frequency bring it within reach. Several σ give one block of features each, for solutions of several
scales. Source: Tancik et al., NeurIPS 33 (2020) 7537 (with 2πB for B); Wang, Wang, Perdikaris, Comput. Methods Appl.
Mech. Engrg. 384 (2021) 113938 (for differential equations).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pinn.networks.activation import Activation
from pinn.networks.arguments import record
from pinn.networks.layer import require_source
from pinn.networks.mlp import MLP
from pinn.validation import count, positive


class FourierEmbedding(nn.Module):
    """x -> (cos Bx, sin Bx).

    Args:
        inputs: number of features of x.
        features: rows of B for each σ; the result has twice as many features for each.
        scales: the σ, radians a unit of the input.
        learned: whether B is a parameter or fixed.
        generator: source of B; it lies on its device.
        dtype: precision of B.
    """

    def __init__(
        self,
        inputs: int,
        features: int,
        scales: Sequence[float],
        learned: bool,
        generator: torch.Generator,
        dtype: torch.dtype,
    ) -> None:
        super().__init__()
        draw = torch.empty(len(scales) * features, inputs, dtype=torch.float64, device=generator.device)
        draw.normal_(generator=generator)
        sigma = torch.tensor(scales, dtype=torch.float64, device=generator.device).repeat_interleave(features)
        self.frequencies = nn.Parameter((draw * sigma[:, None]).to(dtype), requires_grad=learned)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., 2 * features * scales)."""
        angle = nn.functional.linear(x, self.frequencies)
        return torch.cat([torch.cos(angle), torch.sin(angle)], -1)


class FourierFeatures(nn.Module):
    """A multilayer perceptron on random Fourier features.

    Args:
        inputs: number of features that go in, expected within about [-1, 1].
        outputs: number of features that come out.
        width: neurons a hidden layer.
        depth: number of hidden layers.
        features: frequencies for each scale.
        scale: σ, radians a unit of the input, or several of them.
        learned: whether the frequencies are parameters or fixed.
        activation: φ, any smooth function of a tensor.
        adaptive: n ≥ 1 of activations φ(n a z) with a learned slope a per layer; None for φ(z).
        factorisation: (μ, σ) of random weight factorisation, (1.0, 0.1) in its paper; None for plain weights.
        generator: source of the initial weights; they lie on its device.
        dtype: precision of the parameters.

    Raises:
        TypeError, ValueError: naming the argument that cannot be meant.

    Example:
        >>> network = FourierFeatures(2, 1, width=8, scale=(1, 10), generator=torch.Generator().manual_seed(0))
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
        features: int = 25,
        scale: float | Sequence[float] = 2.0,
        learned: bool = False,
        activation: Activation = torch.tanh,
        adaptive: float | None = None,
        factorisation: tuple[float, float] | None = None,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        count("FourierFeatures", 1, inputs=inputs, outputs=outputs, width=width, depth=depth, features=features)
        require_source("FourierFeatures", generator, dtype)
        scales = scale_list("FourierFeatures", scale)
        self.embedding = FourierEmbedding(inputs, features, scales, learned, generator, dtype)
        self.trunk = MLP(
            2 * features * len(scales),
            outputs,
            width=width,
            depth=depth,
            activation=activation,
            adaptive=adaptive,
            factorisation=factorisation,
            generator=generator,
            dtype=dtype,
        )
        self.arguments = {
            **{key: value for key, value in self.trunk.arguments.items() if key != "residual"},
            **record(inputs=inputs, features=features, scale=scales, learned=learned),
        }

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        return self.trunk(self.embedding(x))


def scale_list(owner: str, scale: float | Sequence[float]) -> list[float]:
    """One or several σ as a list.

    Raises:
        ValueError: when there is none, or one is not positive.
    """
    scales = [float(scale)] if isinstance(scale, (int, float)) else [float(value) for value in scale]
    if not scales:
        raise ValueError(f"{owner}: got scale={scale!r}, expected a positive number or several; give one such as 2.0")
    for value in scales:
        positive(owner, scale=value)
    return scales
