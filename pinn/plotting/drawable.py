"""What is handed to the pictures: fields over a domain as a value, and what is asked of a solution or a history.

The pictures know neither problems nor solutions. Whatever can say its fields in these terms can be drawn, a solution
of another program too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Columns = Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class Observed:
    """Readings of one field.

    Args:
        name: of the field.
        columns: coordinate -> where, (n,), in its own units.
        values: what was read, (n,), in the field's own units.
        deviation: standard deviation of the noise in them, (n,); None where none is known.
    """

    name: str
    columns: Columns
    values: Array
    deviation: Array | None = None

    def only(self, which: NDArray[np.bool_]) -> Observed:
        """Those that are true in `which`, (n,)."""
        columns = {name: column[which] for name, column in self.columns.items()}
        return Observed(
            self.name, columns, self.values[which], None if self.deviation is None else self.deviation[which]
        )


@dataclass(frozen=True)
class Fields:
    """Functions over a domain, and the true ones where they are known.

    Args:
        title: stands above the picture.
        coordinates: names of the d coordinates.
        bounds: (low, high) of each, in its own units: a box around the domain.
        outputs: names of the fields.
        contains: of columns (n,) by coordinate; returns (n,) booleans, which points belong to the domain.
        evaluate: of columns (n,) by coordinate, inside of the domain; returns the fields (n,) by output.
        exact: the same for the true fields, of some outputs or of all; None where they are not known.
        labels: coordinate or output -> what the axes say of it, such as "temperature / K"; its name where left out.
        level: of columns (n,) by coordinate; returns (n,), negative inside of the domain and positive outside, along
            whose zero the picture is cut; None where every point of the box belongs to the domain.
        what: the fields are called in titles, "solution" or "reference".
        observations: what was read of them, drawn where the fields themselves are.

    Example:
        >>> fields = Fields(
        ...     title="a sine",
        ...     coordinates=("x",),
        ...     bounds={"x": (0.0, 6.0)},
        ...     outputs=("u",),
        ...     contains=lambda columns: columns["x"] >= 0,
        ...     evaluate=lambda columns: {"u": np.sin(columns["x"])},
        ... )
        >>> fields.evaluate({"x": np.array([0.0])})
        {'u': array([0.])}
    """

    title: str
    coordinates: tuple[str, ...]
    bounds: Mapping[str, tuple[float, float]]
    outputs: tuple[str, ...]
    contains: Callable[[Columns], NDArray[np.bool_]]
    evaluate: Callable[[Columns], Mapping[str, Array]]
    exact: Callable[[Columns], Mapping[str, Array]] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    level: Callable[[Columns], Array] | None = None
    what: str = "solution"
    observations: tuple[Observed, ...] = ()

    def label(self, name: str) -> str:
        """What the axes say of a coordinate or output."""
        return self.labels.get(name, name)


@dataclass(frozen=True)
class Shown:
    """Fields as something that can be drawn."""

    given: Fields

    def fields(self) -> Fields:
        """Those given."""
        return self.given


@dataclass(frozen=True, eq=False)
class Banded:
    """A field on a grid with its standard error.

    Args:
        name: of the field.
        axes: coordinate -> places of the grid along it, ascending, in its own units.
        values: the field there, one axis a coordinate, in its own units.
        deviation: its standard error there, likewise; None where it is not known.
        labels: coordinate or field -> what the axes say of it; its name where left out.
        readings: of the field itself.
        places: coordinate -> where anything was read that tells of the field, (n,).
        called: what the deviation is.
    """

    name: str
    axes: Mapping[str, Array]
    values: Array
    deviation: Array | None
    labels: Mapping[str, str] = field(default_factory=dict)
    readings: tuple[Observed, ...] = ()
    places: Columns = field(default_factory=dict)
    called: str = "standard error"

    def label(self, name: str) -> str:
        """What the axes say of a coordinate or of the field."""
        return self.labels.get(name, name)


class Drawable(Protocol):
    """Anything that has fields to draw, such as a `Solution`."""

    def fields(self) -> Fields:
        """What is drawn of it."""
        ...


class Recording(Protocol):
    """What was recorded in a run, one row a step, such as a `History`."""

    def column(self, name: str) -> Array:
        """One quantity over the rows, NaN where a row does not have it; shape (rows,)."""
        ...

    def __iter__(self) -> Iterator[Mapping[str, float]]:
        """The rows, each a mapping from quantities to their values."""
        ...
