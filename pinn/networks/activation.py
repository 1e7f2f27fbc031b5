"""Activations: which have names in files, and one with a slope that is learned.

An activation is any smooth function of a tensor. Those of torch have a name, so that a network with them can be rebuilt
from its file alone. Layer-wise adaptive activations replace φ(z) by φ(n a z) with a fixed n ≥ 1 and one learned a per
layer, n a = 1 at first; training then sets the slopes (Jagtap, Kawaguchi, Karniadakis, Proc. R. Soc. A 476 (2020)
20200334).
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import get_overridable_functions

Activation = Callable[[Any], Any]

# Names as files have had them from the first; every other function of torch goes by its dotted name.
_SHORT: tuple[tuple[str, Activation], ...] = (
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
_MODULES: tuple[tuple[type[nn.Module], Activation], ...] = (
    (nn.Tanh, torch.tanh),
    (nn.Sigmoid, torch.sigmoid),
    (nn.SiLU, F.silu),
    (nn.GELU, F.gelu),
    (nn.Softplus, F.softplus),
    (nn.Mish, F.mish),
    (nn.Softsign, F.softsign),
    (nn.LogSigmoid, F.logsigmoid),
    (nn.Tanhshrink, F.tanhshrink),
    (nn.ELU, F.elu),
    (nn.CELU, F.celu),
    (nn.SELU, F.selu),
)


def name_of(activation: Activation) -> str | None:
    """The name of an activation in files; None for one that is not torch's.

    Args:
        activation: a function of a tensor.

    Example:
        >>> name_of(torch.tanh), name_of(F.mish), name_of(lambda z: z)
        ('tanh', 'torch.nn.functional.mish', None)
    """
    short = next((name for name, function in _SHORT if function is activation), None)
    if short is not None:
        return short
    return next((name for name, function in _functions() if function is activation), None)


def named(name: str) -> Activation:
    """The activation of a name.

    Only functions of tensors that torch documents as such, in `torch` and `torch.nn.functional`, have names: a file
    cannot have anything else called.

    Args:
        name: such as "tanh" or "torch.nn.functional.mish".

    Raises:
        ValueError: when there is none of that name.
    """
    for known, function in (*_SHORT, *_functions()):
        if known == name:
            return function
    raise ValueError(
        f"activation: got {name!r}, expected a function of tensors in torch or torch.nn.functional; give its dotted "
        f"name, such as 'torch.nn.functional.mish', or one of {[known for known, _ in _SHORT]}"
    )


def _functions() -> list[tuple[str, Activation]]:
    """Dotted names of the functions of tensors in torch and in torch.nn.functional, without private ones.

    Several names may stand for one function; the first of them is the one that is written.
    """
    overridable = get_overridable_functions()
    tensors = {*overridable[torch], *overridable[F]}
    return [
        (f"{module.__name__}.{name}", value)
        for module in (torch, F)
        for name, value in sorted(vars(module).items())
        if not name.startswith("_") and callable(value) and (value in tensors or _written_in(F, value))
    ]


def _written_in(module: ModuleType, value: Any) -> bool:
    return isinstance(value, FunctionType) and value.__module__ == module.__name__


def checked(owner: str, activation: Activation) -> Activation:
    """The activation as a function; torch's modules with default options become the functions they call.

    Raises:
        TypeError: when it cannot be called with a tensor, e.g. a name or a class.
    """
    if isinstance(activation, type) or not callable(activation):
        raise TypeError(
            f"{owner}: got activation={activation!r}, expected a function of a tensor; give one such as torch.tanh"
        )
    for module, function in _MODULES:
        if type(activation) is module and activation.extra_repr() == module().extra_repr():
            return function
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
