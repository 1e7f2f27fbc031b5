"""Conditions on values that hold exactly: an ansatz made from where they hold.

    u = G + φ N,   φ = c Π φ_i,   G = Σ g_i w_i,   w_i = Π_{j≠i} φ_j / Σ_k Π_{j≠k} φ_j

with N what the network says, φ_i a smooth function that vanishes on the i-th set and is positive in the domain
(`pinn.domains.implicit`), g_i the value there, and c such that φ is at most one. Then u = g_i on the i-th set whatever
N is, no rows are spent on it, and u is as smooth inside as φ. Source: Kantorovich, Krylov, Approximate Methods of
Higher Analysis (1958), ch. IV; Rvachev, Sheiko, Shapiro, Tsukanov, Comput. Aided Geom. Des. 18 (2001) 195 (the weights,
for several values); for networks, Sukumar, Srivastava, CMAME 389 (2022) 114333.

Where sets with different values meet, G has a jump or a kink there; a single function as the value of both has none.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pinn.binding import bind, names_of
from pinn.domains import Domain
from pinn.domains.implicit import Every, Node, implicit, inside, oriented

Value = float | Callable[..., Any]

_TINY = 1e-30
_POINTS = 512  # of the domain, at which signs and sizes are taken; and of a set
_ON = 1e-6  # level up to which a point counts as one of the boundary


class Exact:
    """Outputs with values that they take exactly on a part of the boundary: `Problem(..., exactly=[Exact(...)])`.

    Args:
        on: a boundary or a part of one: a face, `domain.boundary()`, `domain.part(...)`, `boundary & solid`, a union.
        values: output -> number, or function of coordinates and numeric coefficients by name, made of torch's
            functions, which is taken in the whole domain and counts on the set.

    Raises:
        TypeError: when `on` is no domain or a value neither a number nor a function.
        ValueError: when there is no value, the set is no hypersurface, or no smooth function is known for it.

    Example:
        >>> from pinn import Box, Constraint, Exact, Problem, laplacian
        >>> box = Box(x=(0, 1), y=(0, 2))
        >>> problem = Problem(
        ...     box,
        ...     ["u"],
        ...     {"equation": Constraint(lambda u, x, y: laplacian(u, x, y) + 1, on=box)},
        ...     exactly=[Exact(on=box.boundary(), u=0)],
        ... )
        >>> sorted(problem.ansatz)
        ['u']
    """

    def __init__(self, *, on: Domain, **values: Value) -> None:
        if not isinstance(on, Domain):
            raise TypeError(f"Exact: on must be a domain such as box.face(x=0), got {on!r}")
        if not values:
            raise ValueError("Exact: got no value; give one an output, e.g. Exact(on=..., u=0)")
        if on.dimension != len(on.coordinates) - 1:
            raise ValueError(
                f"Exact: {on!r} has {on.dimension} dimensions, expected {len(on.coordinates) - 1}: a boundary or a "
                "part of one"
            )
        for name, value in values.items():
            number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
            if not (number or callable(value)):
                raise TypeError(f"Exact: got {name}={value!r}, expected a number or a function of coordinates")
        self.on, self.values = on, dict(values)
        self.node = implicit(on, "Exact")

    def __repr__(self) -> str:
        given = "".join(f", {name}={value}" for name, value in self.values.items() if not callable(value))
        return f"Exact(on={self.on!r}{given})"


class ExactAnsatz:
    """The ansatz of one output, an argument of `Problem(ansatz=)` as any function is.

    Args:
        output: its name.
        parts: the sets' functions, positive in the domain, each with the value there.
        scale: c.
        coordinates: of the domain.
    """

    def __init__(
        self, output: str, parts: Sequence[tuple[Node, Value]], scale: float, coordinates: Sequence[str]
    ) -> None:
        self.output, self.scale, self.coordinates = output, scale, tuple(coordinates)
        self.nodes = [node for node, _ in parts]
        self.values = [(value, bind(value, {}) if callable(value) else None) for _, value in parts]
        names = [name for value, _ in self.values if callable(value) for kind in names_of(value) for name in kind]
        kind = inspect.Parameter.KEYWORD_ONLY
        wanted = dict.fromkeys([output, *coordinates, *names])
        self.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in wanted])

    def __call__(self, **given: Any) -> Any:
        """u, from N and the coordinates, columns (n,) by name."""
        columns = {name: given[name] for name in self.coordinates}
        factors = [inside(node, columns) for node in self.nodes]
        vanishing = self.scale * math.prod(factors)
        values = [number if function is None else function({}, {}, given)[0] for number, function in self.values]
        return self._lift(values, factors) + vanishing * given[self.output]

    def _lift(self, values: list[Any], factors: list[Any]) -> Any:
        """G."""
        if len(values) == 1:
            return values[0]
        apart = [factor + _TINY for factor in factors]  # where two sets meet, the mean of their values
        weights = [math.prod(apart[:i] + apart[i + 1 :]) for i in range(len(apart))]
        return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)


def exact_ansatz(
    exact: Sequence[Exact], domain: Domain, outputs: Sequence[str], given: Mapping[str, Any]
) -> dict[str, Any]:
    """The ansatz of every output that has exact values.

    Args:
        exact: the conditions.
        domain: of the problem.
        outputs: of the problem.
        given: the ansatz that the user gave, by output.

    Raises:
        TypeError: when an entry is no `Exact`.
        ValueError: when coordinates differ, an output is unknown or has an ansatz already, a set lies inside of the
            domain or apart from it, or its function vanishes inside too.
    """
    parts: dict[str, list[tuple[Node, Value]]] = {}
    if not exact:
        return {}
    points = domain.sample(_POINTS, generator=torch.Generator().manual_seed(0)).x
    columns = {name: points[:, index] for index, name in enumerate(domain.coordinates)}
    for one in exact:
        if not isinstance(one, Exact):
            raise TypeError(f"exactly: got {one!r}, expected a list of Exact(on=..., u=...)")
        if one.on.coordinates != domain.coordinates:
            raise ValueError(
                f"exactly: its set has coordinates {one.on.coordinates}, the problem {domain.coordinates}; build it "
                "from the problem's domain"
            )
        node = oriented(one.node, columns, f"exactly: what vanishes on {one.on!r}")
        _require_bounding(one.on, domain)
        for name, value in one.values.items():
            if name not in outputs:
                raise ValueError(f"exactly: {name!r} is no output; choose among {sorted(outputs)}")
            if name in given and not isinstance(given[name], ExactAnsatz):
                raise ValueError(f"exactly: {name!r} has an ansatz already; give one of them")
            parts.setdefault(name, []).append((node, value))
    return {name: _ansatz(name, entries, columns, domain.coordinates) for name, entries in parts.items()}


def _require_bounding(on: Domain, domain: Domain) -> None:
    levels = domain.level(on.sample(_POINTS, generator=torch.Generator().manual_seed(0)).x)
    if bool((levels < -_ON).any()):
        raise ValueError(f"exactly: {on!r} lies inside of the domain; give a part of the domain's boundary")
    if not bool((levels <= _ON).any()):
        raise ValueError(f"exactly: {on!r} and the domain do not touch; give a part of the domain's boundary")


def _ansatz(
    name: str, entries: list[tuple[Node, Value]], columns: Mapping[str, Tensor], coordinates: Sequence[str]
) -> ExactAnsatz:
    merged: dict[Any, tuple[list[Node], Value]] = {}
    for node, value in entries:
        merged.setdefault(value, ([], value))[0].append(node)
    parts = [(_all(nodes), value) for nodes, value in merged.values()]
    largest = float(math.prod(inside(node, columns) for node, _ in parts).abs().max())
    return ExactAnsatz(name, parts, 1 / largest, coordinates)


def _all(nodes: list[Node]) -> Node:
    return nodes[0] if len(nodes) == 1 else Every(tuple(nodes))
