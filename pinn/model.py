"""What solves it: a network on scaled inputs, its ansatz, and the unknown coefficients, as one `nn.Module`.

    x -> x̂ in [-1, 1]  (or cos, sin of 2 pi x / L where periodic)  ->  N(x̂)  ->  size * N + shift  ->  ansatz(u, x)

Inputs are scaled to the box [-1, 1], outputs start at their shift and have their size, unknowns theirs
(`pinn.scales`), so that the units of a problem do not decide whether training works. Periodic coordinates enter
through their first harmonic, which makes every output periodic with all its derivatives (Dong, Ni, J. Comput. Phys. 435
(2021) 110242, sec. 2.2).
A problem's features are further inputs as they are (for corners: Hu, Jin, Zhou, arXiv:2308.16429, who enrich a network
by the singular functions of the domain).
The model runs unchanged on tensors and on jets: it uses only operations that both know.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from pinn.binding import bind, names_of
from pinn.networks import ByOutput
from pinn.problem import Problem, Unknown
from pinn.regions import membership
from pinn.scales import Scales, embedded, formed, measure_scales
from pinn.validation import choices

NetworkFactory = Callable[..., nn.Module]


@runtime_checkable
class Widenable(Protocol):
    """A network that can be replaced by a wider one of the same function, as `MLP` is; its class is of no matter."""

    @property
    def width(self) -> int | None:
        """Neurons a hidden layer; None where this network, by its options, cannot be widened."""

    def widened(self, width: int, generator: torch.Generator) -> nn.Module:
        """The same function with `width` neurons a hidden layer, more than now; new weights from the generator."""


class Model(nn.Module):
    """A network and the unknown coefficients of one problem.

    Args:
        problem: the problem.
        network: factory called as `network(inputs=, outputs=, generator=, dtype=)`, e.g. `partial(MLP, width=50)`; or
            several by output, region or unknown field, see `side_by_side`.
        generator: source of the initial weights.
        dtype: precision of all parameters.
        scales: shift and size of every output, and sizes of unknowns, in their own units; left out,
            `measure_scales(problem)`.
        fields: unknown field -> factory of its network, where that is another one.

    Attributes:
        scales: what it was made with; those of outputs and unknowns are buffers, which a loaded state replaces.
        inputs: number of the network's inputs.

    Raises:
        TypeError: when the factory cannot be called or does not return an `nn.Module`.
        ValueError: when the module's output has another width than the problem has outputs, or `scales` lack one.
    """

    shifts: Tensor
    sizes: Tensor
    unknown_sizes: Tensor

    def __init__(
        self,
        problem: Problem,
        network: NetworkFactory | Mapping[str, NetworkFactory],
        *,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
        scales: Scales | None = None,
        fields: Mapping[str, NetworkFactory] = MappingProxyType({}),
    ) -> None:
        super().__init__()
        self.problem = problem
        self._ansatz = {
            name: bind(function, problem.known, problem.tables, owner=f"ansatz {name!r}")
            for name, function in problem.ansatz.items()
        }
        _validate_ansatz(problem, self._ansatz)
        self.scales = measure_scales(problem) if scales is None else _checked(scales, problem)
        self._further = [bind(function, {}) for function in problem.features.values()]
        self.inputs = self._inputs(problem.coordinates) + len(self._further)
        self.network = _build(as_one(problem, network), self.inputs, len(problem.outputs), generator, dtype)
        self.raw = nn.ParameterDict()
        self.fields = nn.ModuleDict()
        for name, unknown in problem.unknowns.items():
            if unknown.inputs:
                factory = fields.get(name) or _of_field(network, name)
                self.fields[name] = _build(factory, self._inputs(unknown.inputs), 1, generator, dtype)
            else:
                self.raw[name] = nn.Parameter(torch.tensor(_inverse(unknown, self.scales.unknowns[name]), dtype=dtype))
        pairs = [self.scales.outputs[name] for name in problem.outputs]
        self.register_buffer("shifts", torch.tensor([shift for shift, _ in pairs], dtype=torch.float64))
        self.register_buffer("sizes", torch.tensor([size for _, size in pairs], dtype=torch.float64))
        unknowns = [self.scales.unknowns[name] for name in problem.unknowns]
        self.register_buffer("unknown_sizes", torch.tensor(unknowns, dtype=torch.float64))
        self._fixed: tuple[list[tuple[float, float]], dict[str, float]] | None = None

    def fix_sizes(self) -> None:
        """Take shifts and sizes as they are now for good: a program that is traced cannot read numbers from buffers."""
        self._fixed = self._sizes_now()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Model:
        """`nn.Module._apply`, without the scales: they are numbers of the host, which is not to wait for a card."""
        kept = {name: self._buffers[name] for name in ("shifts", "sizes", "unknown_sizes")}
        super()._apply(fn, recurse)
        self._buffers.update(kept)
        return self

    def _sizes_now(self) -> tuple[list[tuple[float, float]], dict[str, float]]:
        """(shift, size) of each output, and the size of each unknown."""
        if self._fixed is not None:
            return self._fixed
        pairs = list(zip(self.shifts.tolist(), self.sizes.tolist(), strict=True))
        return pairs, dict(zip(self.problem.unknowns, self.unknown_sizes.tolist(), strict=True))

    def _inputs(self, names: tuple[str, ...]) -> int:
        return sum(2 if name in self.problem.periodic else 1 for name in names)

    def embed(self, columns: Mapping[str, Any], names: tuple[str, ...]) -> list[Any]:
        """Coordinates as a network's inputs, each of shape (n,): scaled, or cosine and sine where periodic."""
        return embedded(self.problem, columns, names)

    def further_inputs(self, columns: Mapping[str, Any]) -> list[Any]:
        """The problem's features at points, which the network gets after the coordinates, each of shape (n,)."""
        return [function(columns, {}, {})[0] for function in self._further]

    def outputs(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs and coefficient fields at points, by name, each of shape (n,); those of a region are 0 outside of it.

        Args:
            columns: coordinate name -> tensor or jet of shape (n,).
        """
        values = self._values(columns, self.problem.outputs, self.fields)
        plain = self.problem.joined and all(isinstance(column, Tensor) for column in columns.values())
        return {**values, **self._within(columns, values)} if plain else values

    def reader(self, names: Iterable[str]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """A function of columns, as `outputs` is, that gives these names at points where they belong.

        Args:
            names: outputs and coefficient fields among others; what a constraint takes.
        """
        if not isinstance(self.network, ByOutput) and not self.problem.joined:
            return self.outputs
        wanted = set(names)
        if set(self.problem.tables) & wanted:  # which may be tabulated over outputs
            wanted |= {*self.problem.outputs, *self.fields}
        for name in [name for name in self._ansatz if name in wanted]:
            wanted |= {key for keys in names_of(self.problem.ansatz[name]) for key in keys}
        outputs = [name for name in self.problem.outputs if name in wanted]
        fields = [name for name in self.fields if name in wanted]
        return lambda columns: self._values(columns, outputs, fields)

    def stated_outputs(self, columns: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same as `outputs` under the names of `Problem.stated_outputs`, each point with its region's value."""
        values = self.outputs(columns)
        if not self.problem.joined:
            return values
        of_regions = {own for owned in self.problem.joined.values() for own in owned.values()}
        joined = {name: sum(values[own] for own in owned.values()) for name, owned in self.problem.joined.items()}
        return {**joined, **{name: value for name, value in values.items() if name not in of_regions}}

    def _within(self, columns: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Outputs of regions, zero at points of others; a point of an interface belongs to the first."""
        regions = self.problem.regions
        x = torch.stack(torch.broadcast_tensors(*(columns[name] for name in self.problem.coordinates)), -1)
        number = membership(regions, x.detach().double())
        found = {}
        for owned in self.problem.joined.values():
            for index, region in enumerate(regions):
                value = values[owned[region]]
                found[owned[region]] = torch.where(number == index, value, torch.zeros_like(value))
        return found

    def _values(self, columns: Mapping[str, Any], outputs: Sequence[str], fields: Iterable[str]) -> dict[str, Any]:
        inputs = self.embed(columns, self.problem.coordinates)
        inputs += self.further_inputs(columns)
        network, x = self.network, torch.stack(inputs, -1)
        places = {name: self.problem.outputs.index(name) for name in outputs}
        if isinstance(network, ByOutput):
            raw = network.columns(x, places.values())
        else:
            all_of_them = network(x)
            raw = {place: all_of_them[..., place] for place in places.values()}
        pairs, unknown_sizes = self._sizes_now()
        values = {
            name: formed(self.problem.forms.get(name), raw[place], *pairs[place]) for name, place in places.items()
        }
        exact = {name: function(columns, values, {})[0] for name, function in self._ansatz.items() if name in values}
        values.update(exact)
        for name in fields:
            module = self.fields[name]
            unknown = self.problem.unknowns[name]
            inner = module(torch.stack(self.embed(columns, unknown.inputs), -1))[..., 0]
            values[name] = _forward_field(unknown, inner, unknown_sizes[name])
        return values

    def widen(self, factor: float, generator: torch.Generator) -> None:
        """Replace the network by a wider one of the same function; see `Widenable` and `MLP.widened`.

        Args:
            factor: of the width.
            generator: source of the new weights.

        Raises:
            TypeError: when the network cannot be widened.
        """
        network, width = require_widening(self)
        self.network = network.widened(max(width + 1, round(factor * width)), generator)

    def coefficients(self) -> dict[str, Tensor]:
        """The unknown numbers, by name: 0-d tensors with a graph to their raw parameters."""
        _, sizes = self._sizes_now()
        return {name: _forward(self.problem.unknowns[name], raw, sizes[name]) for name, raw in self.raw.items()}

    def forward(self, points: Tensor) -> Tensor:
        """Outputs (n, m) at points (n, d), in the problem's order of outputs and coordinates."""
        columns = {name: points[:, index] for index, name in enumerate(self.problem.coordinates)}
        values = self.outputs(columns)
        return torch.stack([values[name] for name in self.problem.outputs], -1)


def side_by_side(problem: Problem, networks: Mapping[str, NetworkFactory]) -> NetworkFactory:
    """What builds networks side by side, each with weights and outputs of its own.

    Args:
        problem: whose outputs they are.
        networks: output, or region for all outputs there -> factory. An output of a problem with regions gets a network
            in each of them, which sees the region as the box [-1, 1]. Unknown fields may be among the names.

    Raises:
        TypeError: when one of them is no factory.
        ValueError: for a name that is neither, and outputs without a network or with two.

    Example:
        >>> from pinn.networks import MLP
        >>> from pinn.problems import lotka_volterra
        >>> factory = side_by_side(lotka_volterra(), {"p": partial(MLP, width=8), "r": MLP})
        >>> [part["outputs"] for part in factory.keywords["parts"]]
        [[1], [0]]
    """
    groups: list[tuple[tuple[str, ...], NetworkFactory]] = []
    names = list(dict.fromkeys((*problem.stated_outputs, *problem.outputs, *problem.regions, *problem.unknowns)))
    for name, factory in networks.items():
        if not callable(factory) or isinstance(factory, nn.Module):
            raise TypeError(f"network {name!r}: got {factory!r}, expected what builds one, e.g. partial(MLP, width=50)")
        if name in problem.joined:
            groups += [((own,), factory) for own in problem.joined[name].values()]
        elif name in problem.regions:
            groups.append((tuple(owned[name] for owned in problem.joined.values()), factory))
        elif name in problem.outputs:
            groups.append(((name,), factory))
        elif name not in problem.unknowns:
            raise ValueError(f"network: got one for {name!r}; {choices(str(name), names)}")
    given = [name for owned, _ in groups for name in owned]
    for name in problem.outputs:
        if given.count(name) != 1:
            said = "none" if name not in given else f"{given.count(name)}"
            raise ValueError(
                f"network: got {said} for the output {name!r}, expected one; give network={{{name!r}: ...}}"
            )
    parts = [
        {"outputs": [problem.outputs.index(name) for name in owned], "network": factory, **_frame(problem, owned)}
        for owned, factory in groups
    ]
    return partial(ByOutput, parts=parts)


def by_region(
    problem: Problem, network: NetworkFactory | Mapping[str, NetworkFactory]
) -> NetworkFactory | Mapping[str, NetworkFactory]:
    """A network for each region, where there are regions and one is given for all."""
    if not problem.regions or isinstance(network, Mapping):
        return network
    return dict.fromkeys(problem.regions, network)


def as_one(problem: Problem, network: NetworkFactory | Mapping[str, NetworkFactory]) -> NetworkFactory:
    """What builds the network of all outputs, which is told where numbers of functions are, if it takes that."""
    if isinstance(network, Mapping):
        return side_by_side(problem, {name: _told(problem, one) for name, one in network.items()})
    return _told(problem, network)


def _told(problem: Problem, network: NetworkFactory) -> NetworkFactory:
    """A factory that takes `functions`, the places of their numbers among the inputs, with these."""
    numbers = {name for space in problem.domain.functions.values() for name in space.coordinates}
    if not numbers or not callable(network) or isinstance(network, nn.Module):
        return network
    if "functions" in getattr(network, "keywords", {}) or "functions" not in inspect.signature(network).parameters:
        return network
    inputs = [name for name in problem.coordinates for _ in range(2 if name in problem.periodic else 1)]
    return partial(network, functions=[place for place, name in enumerate(inputs) if name in numbers])


def _frame(problem: Problem, owned: Sequence[str]) -> dict[str, Any]:
    """Centre and half extents of a region in the box [-1, 1] of the domain, where outputs belong to one."""
    found = {region for own in problem.joined.values() for region, name in own.items() if name in owned}
    if len(found) != 1:
        return {}
    centre: list[float] = []
    half: list[float] = []
    inner = problem.regions[found.pop()].domain.bounds
    for name, (low, high) in problem.domain.bounds.items():
        if name in problem.periodic:
            centre, half = [*centre, 0.0, 0.0], [*half, 1.0, 1.0]
            continue
        ends = [(end - 0.5 * (low + high)) * (2 / (high - low)) for end in inner[name]]
        centre, half = [*centre, 0.5 * sum(ends)], [*half, 0.5 * (ends[1] - ends[0])]
    further = len(problem.features)
    return {"centre": [*centre, *[0.0] * further], "half": [*half, *[1.0] * further]}


def _of_field(network: NetworkFactory | Mapping[str, NetworkFactory], name: str) -> NetworkFactory:
    """What builds the network of an unknown field: its own, or what builds the first of those of the outputs."""
    return network.get(name, next(iter(network.values()))) if isinstance(network, Mapping) else network


def require_widening(model: Model) -> tuple[Widenable, int]:
    """The network of a model where it can be widened, and its width.

    Raises:
        TypeError: naming the network, where it cannot.
    """
    network = model.network
    if isinstance(network, Widenable) and network.width is not None:
        return network, network.width
    raise TypeError(
        f"widening: the network {type(network).__name__} cannot be widened; take MLP without factorisation, a network "
        "with width and widened, or leave widening out"
    )


def _checked(scales: Scales, problem: Problem) -> Scales:
    for what, given, wanted in (
        ("outputs", scales.outputs, problem.outputs),
        ("rows", scales.rows, tuple(problem.constraints)),
        ("unknowns", scales.unknowns, tuple(problem.unknowns)),
    ):
        if set(given) != set(wanted):
            raise ValueError(f"scales: got {what} {sorted(given)}, expected one entry for each of {sorted(wanted)}")
    return scales


def _build(
    factory: NetworkFactory, inputs: int, outputs: int, generator: torch.Generator, dtype: torch.dtype
) -> nn.Module:
    if isinstance(factory, nn.Module):
        raise TypeError(
            f"network: got a module, {type(factory).__name__}(...); give what builds one, "
            f"e.g. functools.partial({type(factory).__name__}, width=50), so that inputs and precision fit the problem"
        )
    if not callable(factory):
        raise TypeError(
            f"network: got {factory!r}, expected what builds a network; give e.g. functools.partial(MLP, width=50)"
        )
    try:
        module = factory(inputs=inputs, outputs=outputs, generator=generator, dtype=dtype)
    except TypeError as error:
        if "argument" not in str(error):  # what the network says of a value of its own
            raise
        function = getattr(factory, "func", factory)
        taken = ", ".join(inspect.signature(function).parameters)
        raise TypeError(
            f"network: {error}; it takes {taken}, and is called with inputs, outputs, generator, dtype"
        ) from None
    if not isinstance(module, nn.Module):
        raise TypeError(f"network: the factory returned {type(module).__name__}, expected an nn.Module")
    module = module.to(dtype)
    with torch.no_grad():
        shape = tuple(module(torch.zeros(3, inputs, dtype=dtype)).shape)
    if shape != (3, outputs):
        raise ValueError(f"network: maps (3, {inputs}) to {shape}, expected (3, {outputs}), one column an output")
    return module


def _validate_ansatz(problem: Problem, ansatz: Mapping[str, Callable[..., list[Any]]]) -> None:
    """Refuse an ansatz of another shape than a field's, before an equation is blamed for it."""
    points = problem.domain.sample(5, generator=torch.Generator().manual_seed(0), method="uniform")
    columns = {key: points.column(key) for key in problem.coordinates}
    outputs = {key: torch.ones(points.n, dtype=points.x.dtype) for key in problem.outputs}
    for name, function in ansatz.items():
        (value, *others) = function(columns, outputs, {})
        shape = tuple(getattr(value, "shape", ()))
        if others or not isinstance(value, Tensor) or shape not in ((), (points.n,)):
            got = f"{1 + len(others)} of them" if others else f"shape {shape}"
            raise ValueError(
                f"ansatz {name!r}: expected one field of shape (n,) = ({points.n},), got {got}; return one tensor with "
                "one entry a point"
            )


def _inverse(unknown: Unknown, size: float) -> float:
    """The raw parameter of an unknown's first guess."""
    if unknown.positive:
        return 0.0
    if unknown.bounds is not None:
        low, high = unknown.bounds
        fraction = (unknown.initial - low) / (high - low)
        return math.log(fraction / (1 - fraction))
    return unknown.initial / size


def _forward(unknown: Unknown, raw: Any, size: float) -> Any:
    """The coefficient from its raw parameter, smooth and one to one."""
    if unknown.positive:
        return size * torch.exp(raw)
    if unknown.bounds is not None:
        low, high = unknown.bounds
        return low + (high - low) * torch.sigmoid(raw)
    return size * raw


def _forward_field(unknown: Unknown, inner: Any, size: float) -> Any:
    """A coefficient field from its network's output, which starts near zero."""
    if unknown.positive or unknown.bounds is not None:
        return _forward(unknown, inner + _inverse(unknown, size), size)
    return unknown.initial + size * inner
