"""What a run was made with, in words: network, optimizer, sampling and weighting, with the options they were given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast

from torch import nn

from pinn.networks import (
    ByOutput,
    Chebyshev,
    CornerFunctions,
    CornerProducts,
    Enriched,
    HarmonicFunctions,
    HoleFunctions,
    HoleProducts,
    Lifted,
    Windows,
)
from pinn.networks.chebyshev import degrees_text
from pinn.networks.random_features import RandomNeurons
from pinn.optimizers import FirstOrder, Optimizer
from pinn.training.stage import Stage

_PLAIN = (bool, int, float, str)
_SHORT = 4  # numbers of a list that are told one by one
_FIXED: Mapping[type[nn.Module], str] = {
    Chebyshev: "polynomials",
    CornerFunctions: "functions of corners",
    CornerProducts: "functions of corners",
    HoleFunctions: "functions of holes",
    HoleProducts: "functions of holes",
    HarmonicFunctions: "harmonic polynomials",
    RandomNeurons: "fixed neurons",
    Lifted: "fixed neurons over its last layer",
}
"""What the functions of a fixed layer are called."""


def chosen(
    network: nn.Module, stages: Sequence[Stage], trained: bool = True, outputs: Sequence[str] = ()
) -> dict[str, str]:
    """Network, optimizer, sampling and weighting of a run; stages that follow each other are joined by "then".

    Args:
        network: as it is at the end of the run.
        stages: of the run.
        trained: whether a step was taken; otherwise linear solves are all that there was, whatever the stages are.
        outputs: names of the outputs, by which networks side by side are told; left out, their numbers.

    Example:
        >>> import torch
        >>> from pinn.networks import MLP
        >>> from pinn.optimizers import LevenbergMarquardt
        >>> network = MLP(1, 1, width=8, depth=2, generator=torch.Generator())
        >>> chosen(network, [Stage(LevenbergMarquardt())])["optimizer"]
        'LevenbergMarquardt'
    """
    if not trained:
        solved = isinstance(network, Enriched | Windows)
        how = "linear least squares; nothing was trained" if solved else "no step was taken"
        return {"network": in_words(network, outputs), "optimizer": how}
    parts = {
        "network": [in_words(network, outputs)],
        "optimizer": [_method(stage.optimizer) for stage in stages],
        "sampling": [described(stage.sampler) for stage in stages],
        "weighting": ["constant" if stage.weighting is None else described(stage.weighting) for stage in stages],
    }
    return {name: ", then ".join(dict.fromkeys(said)) for name, said in parts.items()}


def _method(optimizer: Optimizer) -> str:
    """The optimizer's class, and of torch's what was wrapped."""
    if not isinstance(optimizer, FirstOrder):
        return type(optimizer).__name__
    made = [optimizer.factory, *([] if optimizer.schedule is None else [optimizer.schedule])]
    return f"FirstOrder({', '.join(map(described, made))})"


def in_words(network: nn.Module, outputs: Sequence[str] = ()) -> str:
    """A network in a line: its class and options, and in words what fixed functions are in it or beside it.

    Args:
        network: any.
        outputs: their names; left out, their numbers.

    Example:
        >>> in_words(Enriched(1, 1, bases=[Chebyshev([1], [(0,), (1,), (2,)])]))
        'a sum of 3 polynomials to degree 2'
    """
    if isinstance(network, Windows):
        windows, time = len(network.edges) - 1, network.neurons[-1]
        kinds = "functions of time" if len(network.layout) == 1 else "products of functions of space and time"
        most = f"{time}" if len(network.layout) == 1 else " × ".join(map(str, network.neurons))
        return f"{windows} window{'s' * (windows > 1)} of time, in each a sum of at most {most} {kinds}"
    if isinstance(network, ByOutput):
        said = []
        for places, one in zip(network.places, network.networks, strict=True):
            names = [outputs[place] if outputs else f"output {place + 1}" for place in places]
            said.append(f"{', '.join(names)}: {in_words(one, names)}")
        return "; ".join(said)
    if not isinstance(network, Enriched):
        return described(network)
    if network.network is None:
        return f"a sum of {_fixed(network.bases)}"
    beneath = in_words(network.network, outputs)
    if network.frozen:
        return f"{beneath}, corrected by a sum of {_fixed(network.bases)}"
    return f"{beneath} beside a sum of {_fixed(network.bases)}"


def _fixed(bases: nn.ModuleList) -> str:
    """How many functions fixed layers have of which kind, such as "275 polynomials to degree 20 × 16"."""
    counts: dict[str, int] = {}
    degrees = ""
    for basis in bases:
        kind = _FIXED.get(type(basis), f"functions of {type(basis).__name__}")
        if isinstance(basis, Lifted) and not hasattr(basis.network, "represent"):
            kind = "fixed neurons over its outputs"
        counts[kind] = counts.get(kind, 0) + int(cast(Any, basis).count)
        if isinstance(basis, Chebyshev):
            degrees = f" to degree {degrees_text(basis.degrees)}"
    return " and ".join(f"{n} {kind}{degrees if kind == _FIXED[Chebyshev] else ''}" for kind, n in counts.items())


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
    if isinstance(options, Mapping):
        options = {name: value for name, value in options.items() if name != "dtype"}  # the whole run's
    else:
        options = {} if isinstance(thing, nn.Module) else vars(thing)
    said = []
    for name, value in options.items():
        if name.startswith("_") or value is None:
            continue
        if isinstance(value, _PLAIN):
            said.append(f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}")
        elif isinstance(value, list | tuple) and all(isinstance(one, _PLAIN) for one in value):
            said.append(f"{name}={list(value)}" if len(value) <= _SHORT else f"{name}=[{len(value)} values]")
        elif isinstance(value, partial | type) or _package(value) == _package(thing):
            said.append(described(value))
    return type(thing).__name__ + (f"({', '.join(said)})" if said else "")


def _package(thing: Any) -> str:
    """The package that a thing's class comes from."""
    return type(thing).__module__.partition(".")[0]
