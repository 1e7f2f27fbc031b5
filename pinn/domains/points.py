"""Points of a domain: coordinates by name, outward normals on a boundary, observed values where there are some.

A point set is a tensor (n, d), one row a point, with one name a column. It is what a domain's `sample` returns and
what an equation is evaluated on; `constants` gives an equation's remaining arguments, `nx` for the component along
`x` of the outward normal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Points:
    """n points in d coordinates.

    Args:
        names: names of the d coordinates, in the order of the columns.
        x: coordinates, shape (n, d), floating, each column in its own units.
        normals: outward unit normals, shape (n, d), dimensionless; None where there are none.
        values: observed values by name, each of shape (n,).
        sigma: standard deviation of the noise in the values, in their units: shape (n,), the same for all values of a
            point, or (n, k) with a column for each of the k values, in their order; None where no noise is stated.

    Raises:
        TypeError: when the coordinates are not a floating tensor.
        ValueError: when shapes or names contradict each other.

    Example:
        >>> points = Points(("x", "t"), torch.zeros(3, 2, dtype=torch.float64))
        >>> points.n, points.column("t").shape
        (3, torch.Size([3]))
    """

    names: tuple[str, ...]
    x: Tensor
    normals: Tensor | None = None
    values: Mapping[str, Tensor] = field(default_factory=dict)
    sigma: Tensor | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "values", dict(self.values))
        if not isinstance(self.x, Tensor) or not self.x.is_floating_point():
            got = self.x.dtype if isinstance(self.x, Tensor) else type(self.x).__name__
            raise TypeError(f"Points: x must be a floating tensor of shape (n, d), got {got}")
        if self.x.ndim != 2 or self.x.shape[1] != len(self.names):
            raise ValueError(
                f"Points: x has shape {tuple(self.x.shape)}, expected (n, {len(self.names)}), "
                f"one column for each of {list(self.names)}"
            )
        if self.normals is not None and self.normals.shape != self.x.shape:
            raise ValueError(
                f"Points: normals have shape {tuple(self.normals.shape)}, expected {tuple(self.x.shape)} as the points"
            )
        for name, value in self.values.items():
            if name in self.names:
                raise ValueError(f"Points: {name!r} is a coordinate and a value; rename the value")
            if tuple(value.shape) != (self.n,):
                raise ValueError(
                    f"Points: value {name!r} has shape {tuple(value.shape)}, expected ({self.n},): one a point"
                )
        if self.sigma is not None and tuple(self.sigma.shape) not in ((self.n,), (self.n, len(self.values))):
            raise ValueError(
                f"Points: sigma has shape {tuple(self.sigma.shape)}, expected ({self.n},), one a point, or "
                f"({self.n}, {len(self.values)}), one for each of the values {list(self.values)} too"
            )

    @property
    def n(self) -> int:
        """Number of points."""
        return int(self.x.shape[0])

    def column(self, name: str) -> Tensor:
        """The coordinate `name` of every point, shape (n,).

        Raises:
            ValueError: when there is no such coordinate.
        """
        if name not in self.names:
            raise ValueError(f"column: no coordinate {name!r}; choose among {list(self.names)}")
        return self.x[:, self.names.index(name)]

    def constants(self) -> dict[str, Tensor]:
        """Components of the normals (`nx` for coordinate `x`) and observed values, by name, each of shape (n,)."""
        normals = {} if self.normals is None else {f"n{name}": self.normals[:, i] for i, name in enumerate(self.names)}
        return {**normals, **self.values}

    def reliability(self) -> Tensor | None:
        """What each point counts beside the others, 1/sigma² over its mean, shape (n,), dimensionless; or None.

        Where values have noise of their own, a point's is the geometric mean of it, each value's in units of its mean.
        """
        if self.sigma is None:
            return None
        logarithm = self.sigma.reshape(self.n, -1).log()
        precision = torch.exp(-2 * (logarithm - logarithm.mean(0)).mean(1))
        return precision / precision.mean()

    def take(self, indices: Tensor) -> Points:
        """The points at integer indices, or where a boolean mask (n,) is true."""
        normals = None if self.normals is None else self.normals[indices]
        values = {name: value[indices] for name, value in self.values.items()}
        return Points(self.names, self.x[indices], normals, values, None if self.sigma is None else self.sigma[indices])

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Points:
        """The same points in another precision or on another device; what is left out stays."""

        def move(tensor: Tensor) -> Tensor:
            moved = tensor.to(dtype=dtype, device=device)
            # What was made under torch.inference_mode cannot take part in derivatives; a copy can.
            return moved.clone() if moved.is_inference() else moved

        normals = None if self.normals is None else move(self.normals)
        sigma = None if self.sigma is None else move(self.sigma)
        return Points(self.names, move(self.x), normals, {name: move(v) for name, v in self.values.items()}, sigma)

    def as_plain(self) -> dict[str, Any]:
        """Names and tensors, which `from_plain` reads."""
        names, values = list(self.names), dict(self.values)
        return {"names": names, "x": self.x, "normals": self.normals, "values": values, "sigma": self.sigma}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Points:
        """The points that `as_plain` made plain."""
        return cls(**plain)

    @staticmethod
    def cat(parts: Sequence[Points]) -> Points:
        """All points of the parts, one part after the other; normals and noise are kept where every part
        has them.

        Raises:
            ValueError: when there is no part, or coordinates or names of values differ.
        """
        if not parts:
            raise ValueError("Points.cat: got no points to join; give at least one set")
        first = parts[0]
        for part in parts[1:]:
            if part.names != first.names:
                raise ValueError(f"Points.cat: coordinates {list(part.names)} and {list(first.names)} differ")
            if set(part.values) != set(first.values):
                raise ValueError(
                    f"Points.cat: values {sorted(part.values)} and {sorted(first.values)} differ; "
                    "each point needs every value"
                )
        normals = [part.normals for part in parts if part.normals is not None]
        sigma = [part.sigma for part in parts if part.sigma is not None]
        return Points(
            first.names,
            torch.cat([part.x for part in parts]),
            torch.cat(normals) if len(normals) == len(parts) else None,
            {name: torch.cat([part.values[name] for part in parts]) for name in first.values},
            torch.cat(sigma) if len(sigma) == len(parts) else None,
        )
