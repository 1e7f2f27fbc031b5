"""What a model is made of, as plain values, and the model again from them.

A file holds values only, so a network is written as the name of its class and the arguments that it was made with, and
built again by the library's own constructors; networks that are made of others, such as one with features beside it,
hold theirs. A network of one's own is built by what built it first, which is then compared with what the file says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from pinn import networks
from pinn.model import Model, NetworkFactory, Widenable, as_one, by_region
from pinn.problem import Problem
from pinn.scales import Scales, unit_scales

Structure = dict[str, Any]
"""A network's class, arguments and inner networks."""

_PLAIN = (bool, int, float, str, type(None))


def structure_of(network: nn.Module) -> Structure:
    """The structure of a network: enough to build it again, where its class is the library's.

    Example:
        >>> network = networks.MLP(2, 1, width=8, depth=2, generator=torch.Generator())
        >>> structure_of(network)["class"], structure_of(network)["arguments"]["width"]
        ('MLP', 8)
    """
    name = type(network).__name__
    arguments = getattr(network, "arguments", {})
    plain = dict(arguments) if isinstance(arguments, Mapping) and _is_plain(arguments) else {}
    width = network.width if isinstance(network, Widenable) else None
    return {
        "class": name,
        "arguments": plain,
        "own": getattr(networks, name, None) is not type(network),
        "width": width,
    }


def described(model: Model) -> dict[str, Any]:
    """Everything of a model but its problem, as plain values and tensors: structures, scales and state."""
    return {
        "network": structure_of(model.network),
        "fields": {name: structure_of(network) for name, network in model.fields.items()},
        "dtype": str(next(model.parameters()).dtype).removeprefix("torch."),
        "scales": {
            "outputs": {name: list(pair) for name, pair in model.scales.outputs.items()},
            "rows": {name: list(sizes) for name, sizes in model.scales.rows.items()},
            "unknowns": dict(model.scales.unknowns),
        },
        "frozen": [name for name, parameter in model.named_parameters() if not parameter.requires_grad],
        "state": {name: value.detach().clone() for name, value in model.state_dict().items()},
    }


def rebuilt(owner: str, problem: Problem, plain: Mapping[str, Any], network: NetworkFactory | None = None) -> Model:
    """The model that `described` made plain.

    Args:
        owner: what to name in errors, such as a file.
        problem: that it solves.
        plain: its description.
        network: what builds a network of one's own; may be left out for the library's, and is compared where given.

    Raises:
        ValueError: naming everything that does not fit: another network, other parameters, numbers that are not finite.
    """
    if network is not None:
        network = as_one(problem, by_region(problem, network))
    dtype = getattr(torch, str(plain["dtype"]), None)
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"{owner}: got precision {plain['dtype']!r}, expected float32 or float64")
    stored = plain["scales"]
    rows = {name: tuple(sizes) for name, sizes in stored["rows"].items()}
    if set(rows) != set(problem.constraints):  # another problem's, which was asked for
        rows = {name: rows.get(name, ones) for name, ones in unit_scales(problem).rows.items()}
    scales = Scales(
        {name: (pair[0], pair[1]) for name, pair in stored["outputs"].items()},
        rows,
        dict(stored["unknowns"]),
    )
    model = Model(
        problem,
        factory_of(owner, plain["network"], network),
        generator=torch.Generator().manual_seed(0),
        dtype=dtype,
        scales=scales,
        fields={name: factory_of(owner, one, network) for name, one in plain["fields"].items()},
    )
    load_state(owner, model, plain["state"])
    frozen = set(plain.get("frozen", ()))
    for name, parameter in model.named_parameters():
        if name in frozen:
            parameter.requires_grad_(False)
    return model


def factory_of(owner: str, structure: Structure, network: NetworkFactory | None = None) -> NetworkFactory:
    """What builds a network of this structure; its weights are to be loaded.

    Args:
        owner: what to name in errors.
        structure: of the network.
        network: what builds one's own; the library's are built without it.
    """

    def build(inputs: int, outputs: int, generator: torch.Generator, dtype: torch.dtype) -> nn.Module:
        sizes = {"inputs": inputs, "outputs": outputs}
        if network is None:
            return _library(owner, structure, sizes).to(dtype)
        return _own(owner, structure, sizes, partial(network, **sizes, generator=generator, dtype=dtype)).to(dtype)

    return build


def _own(owner: str, structure: Structure, sizes: Mapping[str, int], network: Callable[[], nn.Module]) -> nn.Module:
    """A network of what the caller gave, widened where the stored one is wider, and compared with it."""
    made = network()
    width = structure.get("width")
    if width is not None and isinstance(made, Widenable) and made.width is not None and made.width < width:
        made = made.widened(width, torch.Generator().manual_seed(0))
    found = structure_of(made)
    inner = structure["arguments"].get("network")
    if isinstance(inner, Mapping) and found["class"] != structure["class"]:  # what was added beside one's own
        made = _own(owner, {"class": inner["network"], "arguments": inner["arguments"]}, sizes, network)
        return networks.rebuild(structure["class"], {**structure["arguments"], **sizes, "network": made})
    if found["class"] != structure["class"]:
        wrong = [f"{found['class']} for {structure['class']} in the file"]
    else:
        own, its = found["arguments"], structure["arguments"]
        wrong = [
            f"{name}={own.get(name)!r} for {its.get(name)!r} in the file"
            for name in {**own, **its}
            if name != "dtype" and own.get(name) != its.get(name)  # the model sets the precision
        ]
    if wrong:
        raise ValueError(f"{owner}: its network is another one: {', '.join(wrong)}; give the one it was made with")
    return made


def _library(owner: str, structure: Structure, sizes: Mapping[str, int]) -> nn.Module:
    name = structure["class"]
    if structure.get("own"):
        raise ValueError(f"{owner}: its network {name} is not the library's; give what builds it as network=")
    try:
        return networks.rebuild(name, {**structure["arguments"], **sizes})
    except (TypeError, ValueError) as error:
        raise ValueError(f"{owner}: its network cannot be built ({error})") from None


def load_state(owner: str, module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Write a state into a module, where every name, shape and precision is that of the module and all is finite.

    Args:
        owner: what to name in errors.
        module: with its own state, which is replaced.
        state: name -> tensor.

    Raises:
        ValueError: naming all that does not fit.
    """
    present, parameters = module.state_dict(), dict(module.named_parameters())
    wrong = [f"{name} is missing" for name in present if name not in state]
    wrong += [f"{name} is unknown" for name in state if name not in present]
    for name, value in state.items():
        expected = present.get(name)
        if expected is None:
            continue
        # Buffers follow the precision of the model that they were moved with, or keep their own.
        right = value.dtype == expected.dtype or (name not in parameters and value.is_floating_point())
        if not right:
            wrong.append(f"{name} has {value.dtype}, expected {expected.dtype}")
        elif value.shape != expected.shape:
            wrong.append(f"{name} has shape {tuple(value.shape)}, expected {tuple(expected.shape)}")
        elif value.is_floating_point() and not bool(value.isfinite().all()):
            wrong.append(f"{name} has {int((~value.isfinite()).sum())} numbers that are not finite")
    if wrong:
        said = "; ".join(wrong[:6]) + (f"; and {len(wrong) - 6} more" if len(wrong) > 6 else "")
        raise ValueError(
            f"{owner}: its parameters do not fit this problem and network: {said}; give the problem and network= that "
            "it was made with"
        )
    module.load_state_dict(dict(state))


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(entry) for key, entry in value.items())
    if isinstance(value, (list, tuple)):
        return all(_is_plain(entry) for entry in value)
    return type(value) in _PLAIN
