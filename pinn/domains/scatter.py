"""Given points: observations with their values, and single points.

They are taken as they are: sampling returns all of them, and their measure is their number. Observations carry noise:
its standard deviation sigma, where it is stated, decides what an observation counts, 1/sigma^2, beside the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pinn.domains.chart import Chart, constant
from pinn.domains.domain import Bounds, Domain
from pinn.domains.points import Points


class Scatter(Domain):
    """Given points, with observed values where there are some.

    Args:
        coordinates: coordinate -> one number a point (list, NumPy array or tensor), in the coordinate's units.
        values: name -> one observed number a point; an equation takes it as an argument of that name.
        sigma: standard deviation of the noise in the values, in their units: a number, one number a point, or a
            dictionary of these with an entry for each value. Left out, the values are taken as exact until the misfit
            shows that they are not.

    Raises:
        ValueError: when there is no coordinate or no point, lengths differ, names clash, a number is not finite, or a
            standard deviation is not positive or has no value that it belongs to.

    Example:
        >>> seen = Scatter({"x": [0.1, 0.4], "t": [0.0, 1.0]}, values={"u_observed": [3.0, 4.0]})
        >>> seen.sample(1, generator=torch.Generator()).constants()
        {'u_observed': tensor([3., 4.], dtype=torch.float64)}
        >>> Scatter({"x": [0.1, 0.4]}, values={"seen": [3.0, 4.0]}, sigma=0.1).points.sigma
        tensor([0.1000, 0.1000], dtype=torch.float64)
    """

    def __init__(
        self,
        coordinates: Mapping[str, Any],
        values: Mapping[str, Any] | None = None,
        sigma: float | Any | Mapping[str, Any] | None = None,
    ) -> None:
        if not coordinates:
            raise ValueError("Scatter: got no coordinate; give at least one, e.g. Scatter({'x': [0.1, 0.4]})")
        columns = {name: _column(name, given) for name, given in coordinates.items()}
        observed = {name: _column(name, given) for name, given in (values or {}).items()}
        lengths = {name: len(column) for name, column in [*columns.items(), *observed.items()]}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"Scatter: lengths {lengths} differ; give one number a point to each")
        if 0 in lengths.values():
            raise ValueError("Scatter: got no points; give at least one")
        x = torch.stack(list(columns.values()), dim=1)
        noise = None if sigma is None else _noise(sigma, tuple(observed), len(x))
        self.points = Points(tuple(columns), x, None, observed, noise)

    def __repr__(self) -> str:
        values = f", values {list(self.points.values)}" if self.points.values else ""
        return f"Scatter({self.points.n} points in {list(self.coordinates)}{values})"

    @property
    def coordinates(self) -> tuple[str, ...]:
        """See `Domain.coordinates`."""
        return self.points.names

    @property
    def dimension(self) -> int:
        """See `Domain.dimension`."""
        return 0

    @property
    def bounds(self) -> Bounds:
        """See `Domain.bounds`."""
        low, high = self.points.x.amin(0).tolist(), self.points.x.amax(0).tolist()
        return dict(zip(self.coordinates, zip(low, high, strict=True), strict=True))

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`."""
        return (constant(self.points),)

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`: the distance to the nearest point, over the extent of each coordinate."""
        extent = torch.tensor([high - low or 1.0 for low, high in self.bounds.values()], dtype=x.dtype, device=x.device)
        given = self.points.x.to(dtype=x.dtype, device=x.device)
        nearest = [
            ((part[:, None] - given) / extent).abs().amax(2).amin(1) for part in x.split(max(1, 2**20 // len(given)))
        ]
        return torch.cat(nearest)

    def boundary(self) -> Domain:
        """Not defined: points have no inside.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"boundary: {self!r} has no inside, so it has no boundary")


def Point(**coordinates: float) -> Scatter:
    """A single point.

    Args:
        coordinates: one number a coordinate, in its units.

    Example:
        >>> Point(x=0.0, t=1.0).measure
        1.0
    """
    return Scatter({name: [value] for name, value in coordinates.items()})


def _column(name: str, given: Any) -> Tensor:
    column = torch.as_tensor(given, dtype=torch.float64, device="cpu").detach().clone()
    if column.ndim != 1:
        raise ValueError(f"Scatter: {name} has shape {tuple(column.shape)}, expected (n,): one number a point")
    if not bool(torch.isfinite(column).all()):
        bad = torch.nonzero(~torch.isfinite(column)).flatten()
        raise ValueError(
            f"Scatter: {name} holds {len(bad)} of {len(column)} numbers that are not finite, the first "
            f"{name}[{int(bad[0])}] = {float(column[bad[0]]):g}; leave those points out"
        )
    return column


def _noise(given: Any, values: tuple[str, ...], n: int) -> Tensor:
    """The standard deviations as (n,), or as (n, k) where each of the k values has its own."""
    if not values:
        raise ValueError("Scatter: got sigma without values; give values={'u_observed': [...]} that it is the noise of")
    if not isinstance(given, Mapping):
        return _deviations("sigma", given, n)
    missing, unknown = set(values) - set(given), set(given) - set(values)
    if missing or unknown:
        raise ValueError(
            f"Scatter: sigma has entries {sorted(given)}, expected one for each value; missing {sorted(missing)}, "
            f"unknown {sorted(unknown)}"
        )
    return torch.stack([_deviations(f"sigma of {name!r}", given[name], n) for name in values], dim=1)


def _deviations(what: str, given: Any, n: int) -> Tensor:
    """One standard deviation a point, from a number or a column."""
    column = torch.as_tensor(given, dtype=torch.float64, device="cpu").detach().clone()
    if tuple(column.shape) not in ((), (n,)):
        raise ValueError(f"Scatter: {what} has shape {tuple(column.shape)}, expected a number or ({n},): one a point")
    wrong = int((~(torch.isfinite(column) & (column > 0))).sum())
    if wrong:
        raise ValueError(
            f"Scatter: {what} holds {wrong} numbers that are not positive and finite; leave sigma out where the noise "
            "is not known"
        )
    return column.expand(n).clone()
