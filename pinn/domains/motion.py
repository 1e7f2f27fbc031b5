"""Motions: shifts, turns and scalings of named coordinates, whose amounts may change over other coordinates.

    x = y + b,   x = Q(angle) y,   x = s y;   a normal n of the set y becomes A⁻ᵀ n, a volume |det A| times what it was

Each step is one such map with its inverse, written on columns by name, so that the same lines move points (tensors) and
pull functions back (jets). An amount is a number; the name of a coordinate, such as "R"; or a function of coordinates,
such as `lambda t: 0.2 * torch.sin(t)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

import torch

from pinn.binding import names_of
from pinn.validation import finite

Amount = float | str | Callable[..., Any]
Columns = Mapping[str, Any]


@dataclass(frozen=True)
class Varying:
    """An amount that is a function of coordinates.

    Args:
        function: called with the coordinates it names, columns (n,), by name; made of torch's functions.
        names: of these coordinates.
        text: how the amount is shown.
    """

    function: Callable[..., Any]
    names: tuple[str, ...]
    text: str

    def __call__(self, columns: Columns) -> Any:
        """The amount at points."""
        return self.function(**{name: columns[name] for name in self.names})

    def __repr__(self) -> str:
        return self.text


Value = float | Varying


def amount(owner: str, what: str, given: Any) -> Value:
    """A number as it is; a name or a function of coordinates as what varies with them.

    Raises:
        TypeError: when it is none of these.
        ValueError: when it is a number that is not finite, or a function whose arguments have no names.
    """
    if isinstance(given, Varying):
        return given
    if isinstance(given, str):
        if not given.isidentifier():
            raise ValueError(f"{owner}: got {what}={given!r}, expected the name of a coordinate; give one such as 'R'")
        return Varying(lambda **columns: columns[given], (given,), repr(given))
    if callable(given):
        required, optional = names_of(given)
        if not required:
            raise ValueError(f"{owner}: {what} is a function of no coordinate; give a number, or e.g. lambda t: 1 + t")
        return Varying(given, (*required, *optional), f"a function of {', '.join(required)}")
    if not isinstance(given, Real):
        raise TypeError(
            f"{owner}: got {what}={given!r}, expected a number, the name of a coordinate or a function of coordinates"
        )
    finite(owner, **{what: given})
    return float(given)


def at(value: Value, columns: Columns) -> Any:
    """What an amount is at points: a number, or a column (n,)."""
    return value(columns) if isinstance(value, Varying) else value


class Step(Protocol):
    """One map of a motion, on columns by name; those it does not move are passed on."""

    @property
    def values(self) -> tuple[Value, ...]:
        """Its amounts."""

    @property
    def moves(self) -> tuple[str, ...]:
        """The coordinates that it changes."""

    def forward(self, columns: Columns) -> dict[str, Any]:
        """Where points go."""

    def backward(self, columns: Columns) -> dict[str, Any]:
        """Where points come from."""

    def carry(self, covector: Columns, columns: Columns) -> dict[str, Any]:
        """A⁻ᵀ n for components n by name, at points with these columns."""

    def pull(self, covector: Columns, columns: Columns) -> dict[str, Any]:
        """Aᵀ n, the inverse of `carry`."""

    def volume(self, columns: Columns) -> Any:
        """|det A| at points."""


@dataclass(frozen=True)
class Shift:
    """x = y + b.

    Args:
        by: coordinate -> b.
    """

    by: Mapping[str, Value]

    def __repr__(self) -> str:
        return f"moved({_listed(self.by)})"

    @property
    def values(self) -> tuple[Value, ...]:
        """See `Step.values`."""
        return tuple(self.by.values())

    @property
    def moves(self) -> tuple[str, ...]:
        """See `Step.moves`."""
        return tuple(self.by)

    def forward(self, columns: Columns) -> dict[str, Any]:
        """See `Step.forward`."""
        return {**columns, **{name: columns[name] + at(value, columns) for name, value in self.by.items()}}

    def backward(self, columns: Columns) -> dict[str, Any]:
        """See `Step.backward`."""
        return {**columns, **{name: columns[name] - at(value, columns) for name, value in self.by.items()}}

    def carry(self, covector: Columns, columns: Columns) -> dict[str, Any]:
        """See `Step.carry`."""
        return dict(covector)

    def pull(self, covector: Columns, columns: Columns) -> dict[str, Any]:
        """See `Step.pull`."""
        return dict(covector)

    def volume(self, columns: Columns) -> Any:
        """See `Step.volume`."""
        return 1.0


@dataclass(frozen=True)
class Scale:
    """x = s y.

    Args:
        by: coordinate -> s, not zero; negative ones mirror.
    """

    by: Mapping[str, Value]

    def __repr__(self) -> str:
        return f"scaled({_listed(self.by)})"

    @property
    def values(self) -> tuple[Value, ...]:
        """See `Step.values`."""
        return tuple(self.by.values())

    @property
    def moves(self) -> tuple[str, ...]:
        """See `Step.moves`."""
        return tuple(self.by)

    def forward(self, columns: Columns) -> dict[str, Any]:
        """See `Step.forward`."""
        return {**columns, **{name: columns[name] * at(value, columns) for name, value in self.by.items()}}

    def backward(self, columns: Columns) -> dict[str, Any]:
        """See `Step.backward`."""
        return {**columns, **{name: columns[name] / at(value, columns) for name, value in self.by.items()}}

    def carry(self, covector: Columns, columns: Columns) -> dict[str, Any]:
        """See `Step.carry`."""
        return {**covector, **{name: covector[name] / at(value, columns) for name, value in self.by.items()}}

    def pull(self, covector: Columns, columns: Columns) -> dict[str, Any]:
        """See `Step.pull`."""
        return {**covector, **{name: covector[name] * at(value, columns) for name, value in self.by.items()}}

    def volume(self, columns: Columns) -> Any:
        """See `Step.volume`."""
        return math.prod(abs(at(value, columns)) for value in self.by.values())


@dataclass(frozen=True)
class Turn:
    """x = cos(a) y − sin(a) z along the first coordinate of a plane, sin(a) y + cos(a) z along its second.

    Args:
        angle: a, in radians.
        plane: two coordinates; the angle turns the first towards the second.
    """

    angle: Value
    plane: tuple[str, str]

    def __repr__(self) -> str:
        angle = self.angle if isinstance(self.angle, Varying) else f"{self.angle:g}"
        return f"turned({angle}, {self.plane})"

    @property
    def values(self) -> tuple[Value, ...]:
        """See `Step.values`."""
        return (self.angle,)

    @property
    def moves(self) -> tuple[str, ...]:
        """See `Step.moves`."""
        return self.plane

    def _rotated(self, moved: Columns, columns: Columns, sign: float) -> dict[str, Any]:
        angle = at(self.angle, columns)
        functions: Any = math if isinstance(angle, float) else torch
        cosine, sine = functions.cos(angle), sign * functions.sin(angle)
        first, second = (moved[name] for name in self.plane)
        return {
            **moved,
            self.plane[0]: cosine * first - sine * second,
            self.plane[1]: sine * first + cosine * second,
        }

    def forward(self, columns: Columns) -> dict[str, Any]:
        """See `Step.forward`."""
        return self._rotated(columns, columns, 1.0)

    def backward(self, columns: Columns) -> dict[str, Any]:
        """See `Step.backward`."""
        return self._rotated(columns, columns, -1.0)

    def carry(self, covector: Columns, columns: Columns) -> dict[str, Any]:
        """See `Step.carry`."""
        return self._rotated(covector, columns, 1.0)

    def pull(self, covector: Columns, columns: Columns) -> dict[str, Any]:
        """See `Step.pull`."""
        return self._rotated(covector, columns, -1.0)

    def volume(self, columns: Columns) -> Any:
        """See `Step.volume`."""
        return 1.0


@dataclass(frozen=True)
class Motion:
    """Steps one after the other.

    Args:
        steps: the first is taken first.
    """

    steps: tuple[Step, ...] = ()

    def __repr__(self) -> str:
        return "".join(f".{step!r}" for step in self.steps)

    @property
    def names(self) -> tuple[str, ...]:
        """The coordinates that amounts are functions of."""
        varying = [value for step in self.steps for value in step.values if isinstance(value, Varying)]
        return tuple(dict.fromkeys(name for value in varying for name in value.names))

    def ratio(self, coordinates: Sequence[str]) -> float | None:
        """What every length between points in these coordinates is multiplied by, where that is one number."""
        found = 1.0
        for step in self.steps:
            if isinstance(step, Scale):
                factors = [step.by.get(name, 1.0) for name in coordinates]
                sizes = {abs(value) for value in factors if isinstance(value, float)}
                if len(sizes) != 1 or not all(isinstance(value, float) for value in factors):
                    return None
                found *= sizes.pop()
        return found

    def then(self, *steps: Step) -> Motion:
        """This motion followed by further steps."""
        return Motion((*self.steps, *steps))

    def forward(self, columns: Columns) -> dict[str, Any]:
        """Where points go."""
        for step in self.steps:
            columns = step.forward(columns)
        return dict(columns)

    def backward(self, columns: Columns) -> dict[str, Any]:
        """Where points come from."""
        for step in reversed(self.steps):
            columns = step.backward(columns)
        return dict(columns)

    def carry(self, covector: Columns, columns: Columns) -> dict[str, Any]:
        """A⁻ᵀ n of a normal's components n; amounts are read off the columns."""
        for step in self.steps:
            covector = step.carry(covector, columns)
        return dict(covector)

    def pull(self, covector: Columns, columns: Columns) -> dict[str, Any]:
        """Aᵀ n of a normal's components n."""
        for step in reversed(self.steps):
            covector = step.pull(covector, columns)
        return dict(covector)

    def volume(self, columns: Columns) -> Any:
        """|det A|."""
        return math.prod((step.volume(columns) for step in self.steps), start=1.0)


def _listed(by: Mapping[str, Value]) -> str:
    return ", ".join(f"{name}={value if isinstance(value, Varying) else f'{value:g}'}" for name, value in by.items())
