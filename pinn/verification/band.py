"""How far an unknown field is known, as a function of place: its standard error on a grid, and between by line."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Band:
    """The standard error of a field on a grid of the coordinates that it depends on.

    Args:
        axes: coordinate -> the places of the grid along it, ascending, two at least, in its own units.
        deviation: standard error there, one axis a coordinate, in the field's own units; infinite where nothing is
            known.

    Example:
        >>> band = Band({"x": torch.tensor([0.0, 1.0])}, torch.tensor([0.1, 0.3], dtype=torch.float64))
        >>> band(x=[0.0, 0.5])
        array([0.1, 0.2])
    """

    axes: Mapping[str, Tensor]
    deviation: Tensor

    @property
    def median(self) -> float:
        """The median over the grid, in the field's own units."""
        return float(self.deviation.median())

    def __call__(self, **coordinates: ArrayLike) -> Array:
        """The standard error at points, linear between those of the grid; beyond it as at its edge.

        Args:
            coordinates: by name, those that the field depends on and any others, which are not read; arrays broadcast.
        """
        named = np.broadcast_arrays(*(np.asarray(coordinates[name], dtype=np.float64) for name in self.axes))
        values = self.deviation.double().numpy()
        below, share = [], []
        for place, axis in zip(named, self.axes.values(), strict=True):
            grid = axis.double().numpy()
            index = np.clip(np.searchsorted(grid, place, side="right") - 1, 0, len(grid) - 2)
            below.append(index)
            share.append(np.clip((place - grid[index]) / (grid[index + 1] - grid[index]), 0.0, 1.0))
        found = np.zeros(named[0].shape)
        for corner in itertools.product((0, 1), repeat=len(below)):
            weight = math.prod((s if side else 1 - s for s, side in zip(share, corner, strict=True)), start=1.0)
            at = values[tuple(index + side for index, side in zip(below, corner, strict=True))]
            found = found + np.where(np.asarray(weight) > 0, weight * at, 0.0)
        return found

    def __eq__(self, other: object) -> bool:
        """Whether grid and errors are the same bits."""
        if not isinstance(other, Band) or list(self.axes) != list(other.axes):
            return False
        mine, its = ((*one.axes.values(), one.deviation) for one in (self, other))
        return all(torch.equal(a, b) for a, b in zip(mine, its, strict=True))

    def as_plain(self) -> dict[str, Any]:
        """Tensors and names only, which `from_plain` reads."""
        return {"axes": dict(self.axes), "deviation": self.deviation}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Band:
        """The band that `as_plain` made plain."""
        return cls(plain["axes"], plain["deviation"])


def grid_of(bounds: Mapping[str, tuple[float, float]]) -> dict[str, Tensor]:
    """Even places along each coordinate: 201 of one, about 2000 points in all of more.

    Args:
        bounds: coordinate -> (low, high).
    """
    count = 201 if len(bounds) == 1 else max(3, round(2000 ** (1 / len(bounds))))
    return {name: torch.linspace(low, high, count, dtype=torch.float64) for name, (low, high) in bounds.items()}
