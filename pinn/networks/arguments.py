"""A network's arguments: validated where they enter, and as plain values from which it can be rebuilt.

A file holds only plain values and tensors, so it can be read without running code of its own. Functions and
precisions are therefore written by name: `torch.tanh` as "tanh", `torch.float64` as "float64".
"""

from __future__ import annotations

import math
from typing import Any

import torch

from pinn.networks.activation import name_of


def record(**arguments: Any) -> dict[str, Any]:
    """Constructor arguments as plain values; an activation without a name is written as None."""
    plain: dict[str, Any] = {}
    for key, value in arguments.items():
        if isinstance(value, torch.dtype):
            plain[key] = str(value).removeprefix("torch.")
        elif key == "activation":
            plain[key] = name_of(value)
        else:
            plain[key] = list(value) if isinstance(value, tuple) else value
    return plain


def require_positive_integers(owner: str, **given: Any) -> None:
    """Refuse what is no positive integer.

    Raises:
        TypeError: when it is no integer.
        ValueError: when it is not positive.
    """
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{owner}: {name}={value!r}; expected an integer")
        if value < 1:
            raise ValueError(f"{owner}: {name}={value}; expected a positive integer")


def require_positive(owner: str, **given: float | None) -> None:
    """Refuse a number that is not finite and positive; None passes.

    Raises:
        ValueError: naming the argument.
    """
    for name, value in given.items():
        if value is not None and not (math.isfinite(value) and value > 0):
            raise ValueError(f"{owner}: {name}={value}; expected a positive number")


def pair(owner: str, factorisation: Any) -> tuple[float, float] | None:
    """(μ, σ) of a factorisation, or None.

    Raises:
        ValueError: when it is neither.
    """
    if factorisation is None:
        return None
    if isinstance(factorisation, (bool, str)) or not hasattr(factorisation, "__len__") or len(factorisation) != 2:
        raise ValueError(f"{owner}: factorisation={factorisation!r}; give (mean, deviation), e.g. (1.0, 0.1), or None")
    mean, deviation = (float(value) for value in factorisation)
    if not (math.isfinite(mean) and math.isfinite(deviation) and deviation >= 0):
        raise ValueError(f"{owner}: factorisation=({mean}, {deviation}); expected finite numbers, deviation >= 0")
    return mean, deviation
