"""What solves it: a network on scaled inputs, its ansatz, and the unknown coefficients, as one `nn.Module`.

    x -> x̂ in [-1, 1]  (or cos, sin of 2 pi x / L where periodic)  ->  N(x̂)  ->  size * N + shift  ->  ansatz(u, x)

Inputs are scaled to the box [-1, 1] and outputs to the size that the problem's own conditions give them, so the
units of a problem do not decide whether training works. Periodic coordinates enter through their first harmonic,
which makes every output periodic with all its derivatives (Dong, Ni, J. Comput. Phys. 435 (2021) 110242, sec. 2.2).
A problem's features are further inputs as they are (for corners: Hu, Jin, Zhou, arXiv:2308.16429, who enrich a network
by the singular functions of the domain).
The model runs unchanged on tensors and on jets: it uses only operations that both know.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from pinn.analysis import analyze
from pinn.binding import bind
from pinn.problem import Problem, Unknown, choices
from pinn.validation import positive

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
        network: factory called as `network(inputs=, outputs=, generator=, dtype=)`, e.g. `partial(MLP, width=50)`.
        generator: source of the initial weights.
        dtype: precision of all parameters.
        sizes: typical size of each output in its own units; left out, `analyze(problem).sizes`.

    Raises:
        TypeError: when the factory cannot be called or does not return an `nn.Module`.
        ValueError: when the module's output has another width than the problem has outputs, or `sizes` are not positive
            numbers of its outputs.
    """

    sizes: Tensor

    def __init__(
        self,
        problem: Problem,
        network: NetworkFactory,
        *,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
        sizes: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.problem = problem
        self._further = [bind(function, {}) for function in problem.features.values()]
        inputs = self._inputs(problem.coordinates) + len(self._further)
        self.network = _build(network, inputs, len(problem.outputs), generator, dtype)
        self.raw = nn.ParameterDict()
        self.fields = nn.ModuleDict()
        for name, unknown in problem.unknowns.items():
            if unknown.inputs:
                self.fields[name] = _build(network, self._inputs(unknown.inputs), 1, generator, dtype)
            else:
                self.raw[name] = nn.Parameter(torch.tensor(_inverse(unknown), dtype=dtype))
        sizes = analyze(problem).sizes if sizes is None else _checked_sizes(sizes, problem)
        scale = torch.tensor([float(sizes.get(name, 1.0)) for name in problem.outputs], dtype=dtype)
        self.register_buffer("sizes", scale)
        self._ansatz = {name: bind(function, problem.known) for name, function in problem.ansatz.items()}

    def _inputs(self, names: tuple[str, ...]) -> int:
        return sum(2 if name in self.problem.periodic else 1 for name in names)

    def embed(self, columns: Mapping[str, Any], names: tuple[str, ...]) -> list[Any]:
        """Coordinates as a network's inputs, each of shape (n,): scaled, or cosine and sine where periodic."""
        features: list[Any] = []
        for name in names:
            low, high = self.problem.domain.bounds[name]
            if name in self.problem.periodic:
                angle = (columns[name] - low) * (2 * math.pi / (high - low))
                features += [torch.cos(angle), torch.sin(angle)]
            else:
                features.append((columns[name] - 0.5 * (low + high)) * (2 / (high - low)))
        return features

    def further_inputs(self, columns: Mapping[str, Any]) -> list[Any]:
        """The problem's features at points, which the network gets after the coordinates, each of shape (n,)."""
        return [function(columns, {}, {})[0] for function in self._further]

    def outputs(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs and coefficient fields at points, by name, each of shape (n,).

        Args:
            columns: coordinate name -> tensor or jet of shape (n,).
        """
        inputs = self.embed(columns, self.problem.coordinates)
        inputs += self.further_inputs(columns)
        raw = self.network(torch.stack(inputs, -1))
        values: dict[str, Any] = {}
        for index, name in enumerate(self.problem.outputs):
            value = raw[..., index]
            size = float(self.sizes[index])
            values[name] = value if size == 1.0 else value * size
        exact = {name: function(columns, values, {})[0] for name, function in self._ansatz.items()}
        values.update(exact)
        for name, module in self.fields.items():
            unknown = self.problem.unknowns[name]
            inner = module(torch.stack(self.embed(columns, unknown.inputs), -1))[..., 0]
            values[name] = _forward_field(unknown, inner)
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
        return {name: _forward(self.problem.unknowns[name], raw) for name, raw in self.raw.items()}

    def forward(self, points: Tensor) -> Tensor:
        """Outputs (n, m) at points (n, d), in the problem's order of outputs and coordinates."""
        columns = {name: points[:, index] for index, name in enumerate(self.problem.coordinates)}
        values = self.outputs(columns)
        return torch.stack([values[name] for name in self.problem.outputs], -1)


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


def _checked_sizes(sizes: Mapping[str, float], problem: Problem) -> Mapping[str, float]:
    for name, size in sizes.items():
        if name not in problem.outputs:
            raise ValueError(f"sizes: {name!r} is no output; {choices(name, problem.outputs)}")
        positive(f"sizes {name!r}", value=size)
    return sizes


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
    module = factory(inputs=inputs, outputs=outputs, generator=generator, dtype=dtype)
    if not isinstance(module, nn.Module):
        raise TypeError(f"network: the factory returned {type(module).__name__}, expected an nn.Module")
    module = module.to(dtype)
    with torch.no_grad():
        shape = tuple(module(torch.zeros(3, inputs, dtype=dtype)).shape)
    if shape != (3, outputs):
        raise ValueError(f"network: maps (3, {inputs}) to {shape}, expected (3, {outputs}), one column an output")
    return module


def _scale(unknown: Unknown) -> float:
    return abs(unknown.initial) or 1.0


def _inverse(unknown: Unknown) -> float:
    """The raw parameter of an unknown's first guess."""
    if unknown.positive:
        return 0.0
    if unknown.bounds is not None:
        low, high = unknown.bounds
        fraction = (unknown.initial - low) / (high - low)
        return math.log(fraction / (1 - fraction))
    return unknown.initial / _scale(unknown)


def _forward(unknown: Unknown, raw: Any) -> Any:
    """The coefficient from its raw parameter, smooth and one to one."""
    if unknown.positive:
        return unknown.initial * torch.exp(raw)
    if unknown.bounds is not None:
        low, high = unknown.bounds
        return low + (high - low) * torch.sigmoid(raw)
    return _scale(unknown) * raw


def _forward_field(unknown: Unknown, inner: Any) -> Any:
    """A coefficient field from its network's output, which starts near zero."""
    if unknown.positive or unknown.bounds is not None:
        return _forward(unknown, inner + _inverse(unknown))
    return unknown.initial + _scale(unknown) * inner
