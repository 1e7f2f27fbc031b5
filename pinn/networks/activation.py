"""Activations: which have names in files, and one with a slope that is learned.

An activation is any smooth function of a tensor. Those below have a name, so that a network with them can be rebuilt
from its file alone. Layer-wise adaptive activations replace φ(z) by φ(n a z) with a fixed n ≥ 1 and one learned a per
layer, n a = 1 at first; training then sets the slopes (Jagtap, Kawaguchi, Karniadakis, Proc. R. Soc. A 476 (2020)
20200334).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Activation = Callable[[Any], Any]

_NAMED: tuple[tuple[str, Activation], ...] = (
    ("tanh", torch.tanh),
    ("sin", torch.sin),
    ("cos", torch.cos),
    ("sigmoid", torch.sigmoid),
    ("silu", F.silu),
    ("gelu", F.gelu),
    ("softplus", F.softplus),
    ("exp", torch.exp),
    ("erf", torch.erf),
    ("atan", torch.atan),
)
_MODULES: tuple[tuple[type[nn.Module], str], ...] = (
    (nn.Tanh, "tanh"),
    (nn.Sigmoid, "sigmoid"),
    (nn.SiLU, "silu"),
    (nn.GELU, "gelu"),
    (nn.Softplus, "softplus"),
)


def name_of(activation: Activation) -> str | None:
    """The name of an activation in files; None for one of the user's own."""
    return next((name for name, function in _NAMED if function is activation), None)


def named(name: str) -> Activation:
    """The activation of a name.

    Raises:
        ValueError: when there is none of that name.
    """
    for known, function in _NAMED:
        if known == name:
            return function
    raise ValueError(f"activation {name!r} is unknown; choose among {[known for known, _ in _NAMED]}")


def checked(owner: str, activation: Activation) -> Activation:
    """The activation as a function; torch's modules with default options become the functions they call.

    Raises:
        TypeError: when it cannot be called with a tensor, e.g. a name or a class.
    """
    if isinstance(activation, type) or not callable(activation):
        raise TypeError(f"{owner}: activation={activation!r}; give a function such as torch.tanh")
    for module, name in _MODULES:
        if type(activation) is module and activation.extra_repr() == module().extra_repr():
            return named(name)
    return activation


class Adaptive(nn.Module):
    """z -> φ(n a z) with one learned a.

    Args:
        activation: φ.
        factor: n ≥ 1, fixed; a larger one lets the slope change faster.
        dtype, device: of the parameter.
    """

    def __init__(self, activation: Activation, factor: float, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        self.activation = activation
        self.factor = factor
        self.slope = nn.Parameter(torch.tensor(1 / factor, dtype=dtype, device=device))

    def forward(self, z: Tensor) -> Tensor:
        """(..., width) -> (..., width)."""
        return self.activation(z * (self.factor * self.slope))
