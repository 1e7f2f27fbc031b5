"""Networks from the plain values in a file: a class by name, its arguments, and nothing that could run other code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from pinn.networks.activation import named
from pinn.networks.fourier import FourierFeatures
from pinn.networks.mlp import MLP
from pinn.networks.modified import ModifiedMLP
from pinn.networks.pirate import PirateNet
from pinn.networks.siren import SIREN

_LIBRARY: tuple[type[nn.Module], ...] = (MLP, SIREN, FourierFeatures, ModifiedMLP, PirateNet)


def rebuild(
    class_name: str,
    arguments: Mapping[str, Any],
    *,
    classes: Sequence[type[nn.Module]] = (),
    generator: torch.Generator | None = None,
) -> nn.Module:
    """A network of the class and arguments that another one had; its weights are new ones.

    Args:
        class_name: name of a network of the library, or of one of `classes`.
        arguments: a network's `arguments`.
        classes: further classes that may be built.
        generator: source of the initial weights; left out, a fixed one, since they are about to be replaced.

    Raises:
        ValueError: when the class is neither the library's nor among `classes`, or its activation has no name.

    Example:
        >>> network = MLP(2, 1, width=8, depth=2, generator=torch.Generator().manual_seed(0))
        >>> again = rebuild("MLP", network.arguments)
        >>> again.load_state_dict(network.state_dict())
        <All keys matched successfully>
    """
    known = {made.__name__: made for made in (*classes, *_LIBRARY)}
    if class_name not in known:
        raise ValueError(
            f"rebuild: network {class_name!r} is not one of {sorted(known)}; pass what builds it, "
            "as classes= here or network= when a solution is loaded"
        )
    given = dict(arguments)
    if "activation" in given:
        if given["activation"] is None:
            raise ValueError(
                f"rebuild: {class_name} was made with an activation that has no name; "
                "pass what builds it, network=partial(...), when the solution is loaded"
            )
        given["activation"] = named(given["activation"])
    if "dtype" in given:
        given["dtype"] = getattr(torch, given["dtype"])
    return known[class_name](**given, generator=torch.Generator().manual_seed(0) if generator is None else generator)
