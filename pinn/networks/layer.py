"""One layer, φ(W x + b), with the options that every network of the library shares.

`Style` gathers them: the activation, a learned slope of it (see `activation`) and factorised weights (see `dense`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pinn.networks.activation import Activation, Adaptive, checked
from pinn.networks.dense import FactorisedLinear, dense
from pinn.validation import pair, require_positive


class Layer(nn.Module):
    """x -> φ(W x + b).

    Args:
        linear: the affine map.
        activation: φ, any smooth function of a tensor.
    """

    def __init__(self, linear: nn.Linear | FactorisedLinear, activation: Activation) -> None:
        super().__init__()
        self.linear = linear
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        return self.activation(self.linear(x))


def require_source(owner: str, generator: torch.Generator, dtype: torch.dtype) -> None:
    """Refuse what is no generator of weights or no precision of parameters.

    Raises:
        TypeError: naming the argument.
    """
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"{owner}: generator={generator!r}; give a torch.Generator().manual_seed(0)")
    if not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise TypeError(f"{owner}: dtype={dtype!r}; expected a floating torch.dtype such as torch.float64")


@dataclass(frozen=True, eq=False)
class Style:
    """How the layers of a network are made.

    Args:
        owner: the network's name, for errors.
        activation: φ, any smooth function of a tensor, e.g. `torch.tanh`.
        adaptive: n ≥ 1 of φ(n a z) with a learned a per layer; None for φ(z).
        factorisation: (μ, σ) of random weight factorisation; None for plain weights.
        generator: source of the weights; they lie on its device.
        dtype: precision of the parameters.

    Raises:
        TypeError, ValueError: naming the argument that cannot be meant.
    """

    owner: str
    activation: Activation
    adaptive: float | None
    factorisation: Any
    generator: torch.Generator
    dtype: torch.dtype

    def __post_init__(self) -> None:
        require_source(self.owner, self.generator, self.dtype)
        require_positive(self.owner, adaptive=self.adaptive)
        object.__setattr__(self, "activation", checked(self.owner, self.activation))
        object.__setattr__(self, "factorisation", pair(self.owner, self.factorisation))

    def linear(self, inputs: int, outputs: int) -> nn.Linear | FactorisedLinear:
        """An affine map."""
        return dense(inputs, outputs, generator=self.generator, dtype=self.dtype, factorisation=self.factorisation)

    def layer(self, inputs: int, outputs: int) -> Layer:
        """An affine map and its activation."""
        activation = self.activation
        if self.adaptive is not None:
            activation = Adaptive(activation, self.adaptive, self.dtype, self.generator.device)
        return Layer(self.linear(inputs, outputs), activation)
