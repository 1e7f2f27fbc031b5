"""What a reference is: a certified solution that can be called, and the error it is known to have.

A reference is a value. Nothing is computed when it is made; the first call, or the first look at its error, builds it.
The error is a relative L2 error |u_h − u*| / |u*|: an upper estimate from two resolutions, |u_2h − u_h| / |u_h|, where
u_h is what is returned; from the maximum principle where there is one; and rounding for closed forms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Columns = Mapping[str, Array]
Evaluate = Callable[[Columns], Mapping[str, Array]]

# A coordinate rounded to single precision may pass an end by that much; further out there is nothing to evaluate.
SLACK = 1e-6


@dataclass(frozen=True)
class Built:
    """A reference that has been computed.

    Args:
        evaluate: of columns (n,) by coordinate; returns columns (n,) by output.
        error: relative L2 error that it is known to have, dimensionless.
    """

    evaluate: Evaluate
    error: float


@dataclass(frozen=True)
class Reference:
    """A solution that others are measured against.

    Args:
        bounds: for each coordinate its (low, high), outside of which the reference refuses to answer.
        outputs: names of what it gives.
        build: computes it; called once, when it is first needed.
        description: what it is, in one line.
        source: where the problem or the method stands.

    Raises:
        ValueError: without coordinates or outputs, or for empty bounds.

    Example:
        >>> sine = Reference.exact(lambda x: np.sin(x), bounds={"x": (0, 7)})
        >>> sine(x=[0.0, 1.0]), sine.error
        (array([0.        , 0.84147098]), 0.0)
    """

    bounds: Mapping[str, tuple[float, float]]
    outputs: tuple[str, ...]
    build: Callable[[], Built] = field(repr=False)
    description: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if not self.bounds or not self.outputs:
            raise ValueError(f"Reference: got coordinates {list(self.bounds)} and outputs {self.outputs}; name them")
        for name, (low, high) in self.bounds.items():
            if not low < high:
                raise ValueError(f"Reference: {name}=({low}, {high}) is empty; give (low, high)")

    @classmethod
    def exact(
        cls,
        function: Callable[..., Any],
        bounds: Mapping[str, tuple[float, float]],
        outputs: tuple[str, ...] = ("u",),
        *,
        error: float = 0.0,
        description: str = "closed form",
        source: str = "",
    ) -> Reference:
        """A closed form: a function of NumPy arrays (n,) by coordinate, giving (n,), or a dict of them by output."""
        return cls(bounds, outputs, partial(_built_exactly, function, outputs, error), description, source)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """The names it is called with."""
        return tuple(self.bounds)

    @property
    def error(self) -> float:
        """The relative L2 error it is known to have, dimensionless; building it where that has not happened yet."""
        return self._built.error

    @cached_property
    def _built(self) -> Built:
        return self.build()

    def __call__(self, **coordinates: ArrayLike) -> Any:
        """The solution at points given by coordinate name.

        Args:
            coordinates: arrays that broadcast against each other.

        Returns:
            A float64 array of the broadcast shape; for several outputs a dict of them.

        Raises:
            ValueError: for missing or unknown names, and for points outside of the bounds.
        """
        if set(coordinates) != set(self.bounds):
            raise ValueError(f"reference: got {sorted(coordinates)}, expected each of {list(self.bounds)} by name")
        arrays = np.broadcast_arrays(*[np.asarray(coordinates[name], dtype=np.float64) for name in self.bounds])
        shape = arrays[0].shape
        columns = {name: self._inside(name, array.ravel()) for name, array in zip(self.bounds, arrays, strict=True)}
        values = self._built.evaluate(columns)
        shaped = {name: np.asarray(values[name], dtype=np.float64).reshape(shape) for name in self.outputs}
        return shaped if len(self.outputs) > 1 else shaped[self.outputs[0]]

    def _inside(self, name: str, column: Array) -> Array:
        low, high = self.bounds[name]
        slack = SLACK * (high - low) if np.isfinite(high - low) else 0.0
        wrong = ~((column >= low - slack) & (column <= high + slack))
        if wrong.any():
            raise ValueError(f"reference: {name}={column[wrong][0]} lies outside of [{low}, {high}]")
        return np.clip(column, low, high)


def _built_exactly(function: Callable[..., Any], outputs: tuple[str, ...], error: float) -> Built:
    return Built(partial(_evaluate_exactly, function, outputs), error)


def _evaluate_exactly(function: Callable[..., Any], outputs: tuple[str, ...], columns: Columns) -> Mapping[str, Array]:
    value = function(**columns)
    shape = next(iter(columns.values())).shape
    given = value if isinstance(value, Mapping) else {outputs[0]: value}
    return {name: np.broadcast_to(np.asarray(array, dtype=np.float64), shape) for name, array in given.items()}


def distance(coarse: Evaluate, fine: Evaluate, points: Columns) -> float:
    """Relative L2 distance of two approximations over points, all outputs stacked: ‖coarse − fine‖ / ‖fine‖.

    Args:
        coarse: the approximation that is judged.
        fine: the one that judges.
        points: columns (n,) by coordinate.
    """
    rough, true = coarse(points), fine(points)
    square = sum(float(np.sum((rough[name] - true[name]) ** 2)) for name in true)
    scale = sum(float(np.sum(true[name] ** 2)) for name in true)
    return float(np.sqrt(square / scale))


def scatter(bounds: Mapping[str, tuple[float, float]], per_axis: int) -> dict[str, Array]:
    """Points that measure an error: a grid with the ends included, and as many points between, evenly irregular.

    Args:
        bounds: (low, high) of each coordinate.
        per_axis: points a coordinate of the grid.

    Returns:
        Columns (2 per_axis^d,) by coordinate.
    """
    n = per_axis ** len(bounds)
    grids = np.meshgrid(*[np.linspace(low, high, per_axis) for low, high in bounds.values()], indexing="ij")
    columns = {}
    for index, ((name, (low, high)), grid) in enumerate(zip(bounds.items(), grids, strict=True)):
        # Kronecker sequence with the generalized golden ratio: M. Roberts' R_d, low discrepancy without tables.
        ratio = _generalized_golden(len(bounds)) ** -(index + 1)
        columns[name] = np.concatenate([grid.ravel(), low + (high - low) * ((0.5 + ratio * np.arange(n)) % 1.0)])
    return columns


def _generalized_golden(d: int) -> float:
    root = 1.5
    for _ in range(60):
        root = (1 + root) ** (1 / (d + 1))
    return root
