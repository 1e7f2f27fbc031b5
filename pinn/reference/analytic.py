"""Closed-form solutions, written once with torch operations.

Such a reference is evaluated on NumPy arrays like any other, and its derivatives exist: the residual of the exact
solution, through the library's own equations and engines, must vanish, so a wrong sign cannot hide in either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Analytic:
    """A closed-form solution.

    Args:
        function: of coordinates by name, torch fields (n,); returns the field of the only output, or a dict of
            fields by output.
        source: where the formula stands.

    Attributes:
        error: what it is known to be wrong by: nothing, 0.

    Example:
        >>> Analytic(lambda x: torch.sin(x))(x=[0.0, 1.0])
        array([0.        , 0.84147098])
    """

    function: Callable[..., Any]
    source: str = ""
    error: float = 0.0

    def fields(self, columns: Mapping[str, Any]) -> Any:
        """The solution on torch fields or jets, with derivatives."""
        return self.function(**columns)

    def __call__(self, **coordinates: ArrayLike) -> Any:
        """The solution on NumPy arrays that broadcast against each other: a float64 array, or a dict of them."""
        arrays = np.broadcast_arrays(*[np.asarray(value, dtype=np.float64) for value in coordinates.values()])
        tensors = {name: torch.from_numpy(array.copy()) for name, array in zip(coordinates, arrays, strict=True)}
        with torch.no_grad():
            value = self.function(**tensors)
        shape = arrays[0].shape
        if isinstance(value, Mapping):
            return {name: _array(entry, shape) for name, entry in value.items()}
        return _array(value, shape)


def _array(value: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    array = value.numpy() if isinstance(value, torch.Tensor) else np.asarray(value, dtype=np.float64)
    return np.broadcast_to(array, shape).copy()
