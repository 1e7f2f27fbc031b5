"""A network's arguments: validated where they enter, and as plain values from which it can be rebuilt.

A file holds only plain values and tensors, so it can be read without running code of its own. Functions and
precisions are therefore written by name: `torch.tanh` as "tanh",
`torch.nn.functional.mish` as it reads, `torch.float64` as "float64".
"""

from __future__ import annotations

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
