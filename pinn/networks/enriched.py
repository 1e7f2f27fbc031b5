"""Networks made of others: fixed neurons beside one, and several side by side, each for outputs of its own.

A layer of fixed neurons, alone or beside a network: only the weights out of it are trained.

    û(x) = N(x) + C φ(x) + c₀,    φ(x) ∈ R^M fixed,    C (outputs, M) parameters like any other

φ is one or several of `Chebyshev`, `CornerFunctions`, `CornerProducts`, `HoleFunctions`, `HoleProducts`,
`HarmonicFunctions`, `RandomNeurons`, or any module of one's own that maps (n, inputs) to (n, M) and says its `count`.
N is absent, frozen, or trained beside them. C is zero at first, so that û is N. c₀ is left out where 1 is among the
neurons. An equation that is affine in û is a linear least-squares problem in C.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from pinn.networks.chebyshev import Chebyshev
from pinn.networks.lifted import BENEATH, Lifted
from pinn.networks.random_features import RandomNeurons
from pinn.networks.rebuild import build
from pinn.networks.singular import CornerFunctions, CornerProducts, HarmonicFunctions, HoleFunctions, HoleProducts
from pinn.networks.windows import Windows

BASES = (
    Chebyshev,
    CornerFunctions,
    CornerProducts,
    HoleFunctions,
    HoleProducts,
    HarmonicFunctions,
    RandomNeurons,
    Lifted,
)
"""The fixed layers that a file can name."""

_NETWORKS = (*BENEATH, Windows)
"""Those beneath fixed neurons, and side by side; `ByOutput` and `Enriched` too, which are made of them."""


class Enriched(nn.Module):
    """Fixed neurons, alone or beside a network.

    Args:
        inputs, outputs: numbers of features.
        bases: fixed layers, one or more: modules (n, inputs) -> (n, M_i) with a `count`, or what `arguments` of another
            `Enriched` says of them.
        network: a module (n, inputs) -> (n, outputs) beside them, which is kept as it is; or what `arguments` says.
        frozen: whether the network's parameters stay as they are.
        mean, size: (outputs,), with which neurons of more inputs than the network's see its outputs, (N − mean) / size;
            zeros and ones where left out.
        generator: source of the weights of a network that is given by its arguments.
        dtype: precision of the weights out of the layer.

    Raises:
        ValueError: when there is no basis, or one is unknown.

    Example:
        >>> network = Enriched(1, 1, bases=[Chebyshev([1], [(0,), (1,), (2,)])])
        >>> with torch.no_grad():
        ...     _ = network.last.weight.copy_(torch.tensor([[1.0, 0.0, 1.0]]))
        >>> network(torch.tensor([[0.5]], dtype=torch.float64)).tolist()
        [[0.5]]
    """

    mean: Tensor
    size: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bases: Sequence[nn.Module | Mapping[str, Any]],
        network: nn.Module | Mapping[str, Any] | None = None,
        frozen: bool = True,
        mean: Tensor | None = None,
        size: Tensor | None = None,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        if not bases:
            raise ValueError("Enriched: got no basis, expected at least one; give bases=[Chebyshev(...)]")
        self.bases = nn.ModuleList(_basis(one) for one in bases)
        self.network = _network(network, inputs, outputs, generator)
        self.frozen = frozen
        self.register_buffer("mean", torch.zeros(outputs, dtype=dtype) if mean is None else mean.to(dtype))
        self.register_buffer("size", torch.ones(outputs, dtype=dtype) if size is None else size.to(dtype))
        if self.network is not None and frozen:
            self.network.requires_grad_(False)
        self.count = neurons(self.bases)
        constant = any(isinstance(basis, Chebyshev) and (0,) * len(basis.layout) in basis.index for basis in self.bases)
        # Made without torch's own first values, which would be drawn from its global generator.
        self.last = nn.Linear(self.count, outputs, bias=not constant, dtype=dtype, device="meta").to_empty(device="cpu")
        nn.init.zeros_(self.last.weight)
        if self.last.bias is not None:
            nn.init.zeros_(self.last.bias)

    @property
    def arguments(self) -> dict[str, Any]:
        """What it was made with, as plain values; bases of one's own by their class alone."""
        network = self.network
        return {
            "bases": [{"basis": type(one).__name__, **getattr(one, "arguments", {})} for one in self.bases],
            "network": None
            if network is None
            else {"network": type(network).__name__, "arguments": dict(getattr(network, "arguments", {}))},
            "frozen": self.frozen,
        }

    def parts(self, x: Any) -> tuple[Any, Any]:
        """The network's outputs (n, outputs), None without one, and the neurons (n, M)."""
        raw = None if self.network is None else self.network(x)
        found = [basis(self._seen(basis, x, raw)) for basis in self.bases]
        return raw, found[0] if len(found) == 1 else torch.cat(found, -1)

    def forward(self, x: Any) -> Any:
        """(n, inputs) -> (n, outputs), tensors or jets."""
        if torch.is_grad_enabled():
            raw, basis = self.parts(x)
            found = self.last(basis)
        else:
            raw = None if self.network is None else self.network(x)
            found = self._combined(x, raw)
        return found if raw is None else raw + found

    def _seen(self, basis: nn.Module, x: Any, raw: Any) -> Any:
        """What a basis is made of: the inputs, and the network's outputs where it takes more."""
        if getattr(basis, "inputs", x.shape[-1]) == x.shape[-1]:
            return x
        return torch.cat([x, (raw - self.mean) * (1 / self.size)], -1)

    def _combined(self, x: Any, raw: Any) -> Any:
        """C φ + c₀ without a graph, where polynomials need not be multiplied one by one."""
        weights = self.last.weight.detach().split([neurons([basis]) for basis in self.bases], 1)
        parts = [
            basis.combined(x, weight)
            if isinstance(basis, Chebyshev)
            else nn.functional.linear(basis(self._seen(basis, x, raw)), weight)
            for basis, weight in zip(self.bases, weights, strict=True)
        ]
        found = parts[0]
        for part in parts[1:]:
            found = found + part
        return found if self.last.bias is None else found + self.last.bias.detach()


def neurons(bases: Iterable[nn.Module]) -> int:
    """How many neurons some fixed layers have together."""
    return sum(int(cast(Any, basis).count) for basis in bases)


def _basis(given: nn.Module | Mapping[str, Any]) -> nn.Module:
    if isinstance(given, nn.Module):
        return given
    known = {kind.__name__: kind for kind in BASES}
    options = dict(given)
    name = options.pop("basis", None)
    if name not in known:
        raise ValueError(
            f"Enriched: got basis {name!r}, expected one of {sorted(known)}; give what builds the network, "
            "network=partial(...), when the solution is loaded"
        )
    if name == "Lifted" and options["network"]["network"] == "ByOutput":
        options["network"] = _built("ByOutput", options["network"]["arguments"], None)
    return known[name](**options)


class ByOutput(nn.Module):
    """Networks side by side, each with outputs of its own, none with a weight of another's.

    Args:
        inputs, outputs: numbers of features.
        parts: one a network: `outputs`, the places of its outputs; `network`, what builds it, `arguments` beside the
            name of its class, or a module; and `centre` and `half`, (inputs,), of the inputs as it sees them,
            (x − centre) / half, which are left out where it sees them as they are.
        generator: source of the weights.
        dtype: precision of the weights.

    Raises:
        ValueError: when an output belongs to no network, or to several.

    Example:
        >>> from pinn.networks import MLP
        >>> source = torch.Generator().manual_seed(0)
        >>> parts = [{"outputs": [1], "network": MLP}, {"outputs": [0, 2], "network": MLP}]
        >>> network = ByOutput(2, 3, parts=parts, generator=source)
        >>> x = torch.zeros(5, 2, dtype=torch.float64)
        >>> network(x).shape, bool((network.columns(x, [2])[2] == network(x)[:, 2]).all())
        (torch.Size([5, 3]), True)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        parts: Sequence[Mapping[str, Any]],
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        self.places = [list(map(int, part["outputs"])) for part in parts]
        if sorted(place for places in self.places for place in places) != list(range(outputs)):
            raise ValueError(f"ByOutput: got outputs {self.places}, expected each of {list(range(outputs))} once")
        self.frames = [
            None if part.get("centre") is None else (list(part["centre"]), list(part["half"])) for part in parts
        ]
        self.networks = nn.ModuleList(
            _part(part, inputs, len(places), generator, dtype) for part, places in zip(parts, self.places, strict=True)
        )

    @property
    def arguments(self) -> dict[str, Any]:
        """What it was made with, as plain values."""
        parts = []
        for places, frame, network in zip(self.places, self.frames, self.networks, strict=True):
            centre, half = (None, None) if frame is None else frame
            parts.append(
                {
                    "outputs": places,
                    "network": type(network).__name__,
                    "arguments": dict(getattr(network, "arguments", {})),
                    "centre": centre,
                    "half": half,
                }
            )
        return {"parts": parts}

    @property
    def width(self) -> int | None:
        """Neurons a hidden layer of the narrowest network; None where one cannot be widened."""
        widths = [getattr(network, "width", None) for network in self.networks]
        return None if None in widths else min(width for width in widths if width is not None)

    def widened(self, width: int, generator: torch.Generator) -> ByOutput:
        """The same function with every network as much wider as the narrowest.

        Args:
            width: neurons a hidden layer of the narrowest, more than now.
            generator: source of the new weights.
        """
        least = self.width
        if least is None:
            raise ValueError("ByOutput.widened: got a network that cannot be widened; take MLP without factorisation")
        parts = []
        for part, network in zip(self.arguments["parts"], self.networks, strict=True):
            module = cast(Any, network)
            parts.append({**part, "network": module.widened(module.width + width - least, generator)})
        inputs = getattr(cast(Any, self.networks[0]), "arguments", {}).get("inputs", 1)
        return ByOutput(inputs, sum(map(len, self.places)), parts=parts)

    def _seen(self, number: int, x: Any) -> Any:
        frame = self.frames[number]
        if frame is None:
            return x
        centre, half = (torch.tensor(one, dtype=x.dtype, device=x.device) for one in frame)
        return (x - centre) * (1 / half)

    def columns(self, x: Any, wanted: Iterable[int]) -> dict[int, Any]:
        """Some of the outputs, place -> (n,); networks that have none of them are not evaluated."""
        asked: set[int] = set(wanted)
        found: dict[int, Any] = {}
        for number, (places, network) in enumerate(zip(self.places, self.networks, strict=True)):
            if asked & set(places):
                value = network(self._seen(number, x))
                found |= {place: value[..., i] for i, place in enumerate(places) if place in asked}
        return found

    def represent(self, x: Any) -> Any:
        """The last hidden layers of all networks, or outputs of those that do not say theirs, (n, inputs) -> (n, k)."""
        hidden = []
        for number, network in enumerate(self.networks):
            seen, says = self._seen(number, x), getattr(network, "represent", None)
            hidden.append(network(seen) if says is None else says(seen))
        return torch.cat(hidden, -1)

    def forward(self, x: Any) -> Any:
        """(n, inputs) -> (n, outputs), tensors or jets."""
        found = torch.cat([network(self._seen(number, x)) for number, network in enumerate(self.networks)], -1)
        order = [place for places in self.places for place in places]
        if order == sorted(order):
            return found
        return torch.stack([found[..., order.index(place)] for place in range(len(order))], -1)


def _part(
    part: Mapping[str, Any], inputs: int, outputs: int, generator: torch.Generator | None, dtype: torch.dtype
) -> nn.Module:
    given = part["network"]
    if isinstance(given, nn.Module):
        return given
    if isinstance(given, str):
        return _built(given, {**part["arguments"], "inputs": inputs, "outputs": outputs}, generator)
    made: nn.Module = given(inputs=inputs, outputs=outputs, generator=generator, dtype=dtype)
    return made


def _network(
    given: nn.Module | Mapping[str, Any] | None, inputs: int, outputs: int, generator: torch.Generator | None
) -> nn.Module | None:
    if given is None or isinstance(given, nn.Module):
        return given
    # A network that was enriched twice lies within another of this class.
    arguments = {**given["arguments"], "inputs": inputs, "outputs": outputs}
    return _built(given["network"], arguments, generator)


def _built(name: str, arguments: Mapping[str, Any], generator: torch.Generator | None) -> nn.Module:
    classes = (*_NETWORKS, Enriched, ByOutput)
    return build(name, arguments, classes, generator or torch.Generator().manual_seed(0))
