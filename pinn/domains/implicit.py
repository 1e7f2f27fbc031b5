"""Implicit functions of sets, positive inside and zero on the boundary, as smooth as the set allows.

Simple sets have one of their own, such as 1 − |x − c|²/R² of a ball. For what is made of them (R-functions; Rvachev
1963, 1982; Shapiro, Acta Numerica 16 (2007) 239, section 2)

    a ∧ b = a + b − √(a² + b²),   a ∨ b = a + b + √(a² + b²),   ¬a = −a

are positive inside intersections, unions and complements, and negative outside. At points of the set itself the product
ab serves for an intersection as well, and is smooth where both vanish; it is what `inside` takes wherever it may.

A part of a hypersurface f = 0 where t ≥ 0 is the zero set of √(f² + ((√(t² + f⁴) − t)/2)²) (Sukumar, Srivastava,
CMAME 389 (2022) 114333, eq. (12), after Rvachev), computed without cancellation, and without the root where it is f.

All functions take columns by name and are made of operations that tensors and jets know.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch

Columns = Mapping[str, Any]

_TINY = 1e-30  # below a root: of rounding's size where it counts, and the root has derivatives at zero


@dataclass(frozen=True)
class Leaf:
    """A function that is positive on one side and negative on the other.

    Args:
        function: columns -> (n,).
    """

    function: Callable[[Columns], Any]


@dataclass(frozen=True)
class Every:
    """Inside of all."""

    members: tuple[Node, ...]


@dataclass(frozen=True)
class Some:
    """Inside of one at least."""

    members: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    """Outside."""

    node: Node


@dataclass(frozen=True)
class Moved:
    """What a map has moved.

    Args:
        node: before.
        back: columns -> those before the map.
    """

    node: Node
    back: Callable[[Columns], Columns]


@dataclass(frozen=True)
class Hulled:
    """A node that is right within a hull; the hull matters only outside of the set.

    Args:
        node: the set within its hull.
        hull: of the set.
    """

    node: Node
    hull: Node


@dataclass(frozen=True)
class Trimmed:
    """The part of a hypersurface that lies in a set.

    Args:
        surface: zero on the hypersurface, positive on the side that is asked for.
        part: the set.
        needed: False where the whole hypersurface bounds the domain if it does not cross it.
    """

    surface: Node
    part: Node
    needed: bool = True


Node = Leaf | Every | Some | Not | Moved | Hulled | Trimmed


@runtime_checkable
class Implicit(Protocol):
    """A set with an implicit function."""

    def implicit(self) -> Node:
        """Positive inside; of a hypersurface, zero on it."""


def implicit(domain: Any, why: str) -> Node:
    """The implicit function of a set.

    Args:
        domain: the set.
        why: who asks, for the message.

    Raises:
        ValueError: where it has none.
    """
    if isinstance(domain, Implicit):
        return domain.implicit()
    raise ValueError(
        f"{why}: no smooth function is known that vanishes on {domain!r}; state the condition as a Constraint there"
    )


def trimmed(surface: Node, part: Node) -> Node:
    """The part of a hypersurface, or of each of several, that lies in a set."""
    if isinstance(surface, Every):
        return Every(tuple(trimmed(member, part) for member in surface.members))
    if isinstance(surface, Trimmed):
        return Trimmed(surface.surface, Every((surface.part, part)))
    return Trimmed(surface, part)


def signed(node: Node, columns: Columns) -> Any:
    """Positive inside, zero on the boundary, negative outside: (n,)."""
    if isinstance(node, Leaf):
        return node.function(columns)
    if isinstance(node, Not):
        return -signed(node.node, columns)
    if isinstance(node, Moved):
        return signed(node.node, node.back(columns))
    if isinstance(node, Hulled):
        return signed(Every((node.node, node.hull)), columns)
    if isinstance(node, Trimmed):
        return _trimmed(signed(node.surface, columns), signed(node.part, columns))
    sign = -1.0 if isinstance(node, Every) else 1.0
    first, *others = (signed(member, columns) for member in node.members)
    for other in others:
        first = first + other + sign * torch.sqrt(first * first + other * other + _TINY)
    return first


def inside(node: Node, columns: Columns) -> Any:
    """Positive inside, zero on the boundary, of any sign outside: (n,); smoother than `signed`."""
    if isinstance(node, Every):
        return math.prod(inside(member, columns) for member in node.members)
    if isinstance(node, Hulled):
        return inside(node.node, columns)
    if isinstance(node, Moved):
        return inside(node.node, node.back(columns))
    if isinstance(node, Not):
        within = node.node
        if isinstance(within, Not):
            return inside(within.node, columns)
        if isinstance(within, Some):
            return math.prod(inside(Not(member), columns) for member in within.members)
        if isinstance(within, Moved):
            return inside(Not(within.node), within.back(columns))
    return signed(node, columns)


def oriented(node: Node, columns: Columns, owner: str) -> Node:
    """A hypersurface's function with the sign that it has at points of a domain, trimmed where it crosses the domain.

    Args:
        node: zero on the hypersurface.
        columns: points of the domain.
        owner: whose it is, for the message.

    Raises:
        ValueError: where it vanishes inside of the domain too.
    """
    if isinstance(node, Every):
        return Every(tuple(oriented(member, columns, owner) for member in node.members))
    if isinstance(node, Moved):
        return Moved(oriented(node.node, node.back(columns), owner), node.back)
    surface = node.surface if isinstance(node, Trimmed) else node
    values = inside(surface, columns)
    below, above = bool((values < -1e-9).any()), bool((values > 1e-9).any())
    if not isinstance(node, Trimmed):
        if below and above:
            raise ValueError(
                f"{owner} vanishes inside of the domain as well; give the part that bounds it, e.g. on=surface & solid"
            )
        return Not(node) if below else node
    turned = Not(surface) if float(values.mean()) < 0 else surface
    return turned if not node.needed and not (below and above) else Trimmed(turned, node.part)


def _trimmed(f: Any, t: Any) -> Any:
    square = f * f
    root = torch.sqrt(t * t + square * square + _TINY * _TINY)
    within = t > 0
    # Where t > 0, (root − t)/2 is f⁴ / (2 (root + t)), and f may leave the outer root.
    beyond = 0.5 * (root - t)
    ratio = f * square / (2 * (torch.where(within, root + t, 1.0 + 0.0 * t)))
    return torch.where(within, f * torch.sqrt(1 + ratio * ratio), torch.sqrt(square + beyond * beyond + _TINY))


def between(name: str, low: float, high: float) -> Leaf:
    """low < x < high, by 4 (x − low)(high − x) / (high − low)²."""
    scale = 4 / (high - low) ** 2
    return Leaf(lambda columns: scale * (columns[name] - low) * (high - columns[name]))
