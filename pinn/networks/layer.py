"""One layer, φ(W x + b), with the options that every network of the library shares.

`Style` gathers them: the activation, a learned slope of it (see `activation`) and factorised weights (see `dense`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pinn.networks.activation import Activation, Adaptive, checked
from pinn.networks.dense import FactorisedLinear, dense
from pinn.validation import finite, not_negative, positive


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
        raise TypeError(
            f"{owner}: got generator={generator!r}, expected a torch.Generator; give torch.Generator().manual_seed(0)"
        )
    if not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise TypeError(
            f"{owner}: got dtype={dtype!r}, expected a floating torch.dtype; give one such as torch.float64"
        )


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
        if self.adaptive is not None:
            positive(self.owner, adaptive=self.adaptive)
        object.__setattr__(self, "activation", checked(self.owner, self.activation))
        object.__setattr__(self, "factorisation", _factorisation(self.owner, self.factorisation))

    def linear(self, inputs: int, outputs: int) -> nn.Linear | FactorisedLinear:
        """An affine map."""
        return dense(inputs, outputs, generator=self.generator, dtype=self.dtype, factorisation=self.factorisation)

    def layer(self, inputs: int, outputs: int) -> Layer:
        """An affine map and its activation."""
        activation = self.activation
        if self.adaptive is not None:
            activation = Adaptive(activation, self.adaptive, self.dtype, self.generator.device)
        return Layer(self.linear(inputs, outputs), activation)


def _factorisation(owner: str, given: Any) -> tuple[float, float] | None:
    """(μ, σ) of a factorisation, or None.

    Raises:
        ValueError: when it is neither.
    """
    if given is None:
        return None
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
        raise ValueError(
            f"{owner}: got factorisation={given!r}, expected (mean, deviation) or None; give a pair such as (1.0, 0.1)"
        )
    mean, deviation = given
    finite(owner, **{"factorisation[0]": mean})
    not_negative(owner, **{"factorisation[1]": deviation})
    return float(mean), float(deviation)
