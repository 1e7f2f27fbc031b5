"""Networks from the plain values in a file: a class by name, its arguments, and nothing that could run other code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from pinn.networks.activation import named


def build(
    class_name: str, arguments: Mapping[str, Any], classes: Iterable[type[nn.Module]], generator: torch.Generator
) -> nn.Module:
    """A network of the class and arguments that another one had; its weights are new ones.

    Args:
        class_name: name of one of `classes`.
        arguments: a network's `arguments`.
        classes: what may be built; of two with one name the first.
        generator: source of the initial weights.

    Raises:
        ValueError: when the class is not among `classes`, or its activation has no name.
    """
    known: dict[str, type[nn.Module]] = {}
    for made in classes:
        known.setdefault(made.__name__, made)
    if class_name not in known:
        raise ValueError(
            f"rebuild: got network {class_name!r}, expected one of {sorted(known)}; give what builds it, "
            "as classes= here or network= when a solution is loaded"
        )
    given = dict(arguments)
    if "activation" in given:
        if given["activation"] is None:
            raise ValueError(
                f"rebuild: got {class_name} with an activation that has no name, expected one of torch's; "
                "give what builds it, network=partial(...), when the solution is loaded"
            )
        given["activation"] = named(given["activation"])
    if "dtype" in given:
        given["dtype"] = getattr(torch, given["dtype"])
    return known[class_name](**given, generator=generator)
