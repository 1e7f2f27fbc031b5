"""What a run was made with, in words: network, optimizer, sampling and weighting, with the options they were given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from torch import nn

from pinn.training.stage import Stage

_PLAIN = (bool, int, float, str)


def chosen(network: nn.Module, stages: Sequence[Stage]) -> dict[str, str]:
    """Network, optimizer, sampling and weighting of a run; stages that follow each other are joined by "then".

    Args:
        network: as it is at the end of the run.
        stages: of the run.

    Example:
        >>> import torch
        >>> from pinn.networks import MLP
        >>> from pinn.optimizers import LevenbergMarquardt
        >>> network = MLP(1, 1, width=8, depth=2, generator=torch.Generator())
        >>> chosen(network, [Stage(LevenbergMarquardt())])["optimizer"]
        'LevenbergMarquardt'
    """
    parts = {
        "network": [described(network)],
        "optimizer": [type(stage.optimizer).__name__ for stage in stages],
        "sampling": [described(stage.sampler) for stage in stages],
        "weighting": ["constant" if stage.weighting is None else described(stage.weighting) for stage in stages],
    }
    return {name: ", then ".join(dict.fromkeys(said)) for name, said in parts.items()}


def described(thing: Any) -> str:
    """A class and those of its options that are numbers, names, or such things themselves: `Growing(RAD(size=500))`.

    Args:
        thing: an object of the library or of one's own; a network says its `arguments`, and what builds something, a
            class or a partial call of one, its name and keywords.
    """
    if isinstance(thing, partial):
        keywords = [f"{name}={described(value)}" for name, value in thing.keywords.items()]
        return f"{described(thing.func)}({', '.join([*map(described, thing.args), *keywords])})"
    if isinstance(thing, _PLAIN):
        return repr(thing)
    if hasattr(thing, "__qualname__"):
        return str(thing.__qualname__)
    if not hasattr(thing, "__dict__"):
        return type(thing).__name__
    options = getattr(thing, "arguments", None)
    if not isinstance(options, Mapping):
        options = {} if isinstance(thing, nn.Module) else vars(thing)
    said = []
    for name, value in options.items():
        if name.startswith("_") or value is None:
            continue
        if isinstance(value, _PLAIN):
            said.append(f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}")
        elif isinstance(value, partial | type) or _package(value) == _package(thing):
            said.append(described(value))
    return type(thing).__name__ + (f"({', '.join(said)})" if said else "")


def _package(thing: Any) -> str:
    """The package that a thing's class comes from."""
    return type(thing).__module__.partition(".")[0]
