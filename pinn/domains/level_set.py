"""Sets f(x) < 0 in a box, of any dimension, and solids inside clouds of points with normals.

The volume and the surface are integrals over lines along each axis, ∫ length inside and Σ_k ∫ Σ_hits |n_k| (the lines
along axis k meet dA with density |n_k|, and Σ n_k² = 1). Points of the surface are the feet of points near it, which
are uniform over it up to (ε κ)² for a shell of half width ε and curvatures κ; here ε is a five-hundredth of the extent
in the plane, and about a hundredth in space. A cloud of points p_i with normals n_i is

    f(x) = Σ w_i n_i · (x − p_i) / Σ w_i,   w_i = exp(−|x − p_i|² / h²)

Source: Kolluri, ACM Trans. Algorithms 4 (2008) 18 (the cloud); Federer's coarea formula (both integrals).
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pinn.binding import names_of
from pinn.domains.boundary import Boundary
from pinn.domains.box import Box
from pinn.domains.chart import Chart, tensor_grid
from pinn.domains.cube import batches
from pinn.domains.domain import Bounds, Domain
from pinn.domains.implicit import Leaf, Node
from pinn.domains.points import Points
from pinn.validation import positive

_CELLS = (1, 512, 128, 32, 10)  # an axis, by the number of axes
_LINES, _NODES = 2**12, 129  # along each axis, and where on each the sign is looked at
_FEWER = (2**9, 65)
_FEET = 8  # steps towards the nearest point of the surface
_SECANTS = 24


class LevelSet(Domain):
    """The part of a box where a function is negative.

    Args:
        function: of the coordinates by name, columns (n,), made of torch's functions, smooth where it is zero; returns
            (n,) in any units.
        bounds: `(low, high)` a coordinate, of a box that holds the set and does not touch it, in the same units.

    Raises:
        TypeError: when the function cannot be called.
        ValueError: when it asks for other coordinates, returns another shape or what is not finite, is negative
            nowhere, or on the box's boundary.

    Example:
        >>> squircle = LevelSet(lambda x, y: x**4 + y**4 - 1, x=(-1.1, 1.1), y=(-1.1, 1.1))
        >>> round(squircle.measure, 3)  # Γ(1/4)² / (2 √π) = 3.7081
        3.708
    """

    def __init__(self, function: Callable[..., Any], **bounds: Sequence[float]) -> None:
        if not callable(function):
            raise TypeError(f"LevelSet: got {function!r}, expected a function such as lambda x, y: x**2 + y**2 - 1")
        self._box = Box(**bounds)
        self._function = function
        self._lines, self._nodes = _LINES, _NODES
        required, optional = names_of(function)
        for name in required:
            if name not in self._box.coordinates:
                raise ValueError(f"LevelSet: the function takes {name!r}; choose among {list(self._box.coordinates)}")
        self._taken = [name for name in (*required, *optional) if name in self._box.coordinates]
        generator = torch.Generator().manual_seed(0)
        inside = self._box.sample(2**12, generator=generator).x
        values = self._values(inside)
        if not isinstance(values, Tensor) or values.shape != inside[:, 0].shape:
            got = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
            raise ValueError(f"LevelSet: the function returned {got}, expected a tensor (n,), one entry a point")
        if not bool(torch.isfinite(values).all()):
            raise ValueError(f"LevelSet: the function is not finite everywhere in {self._box!r}; give a smaller box")
        if not bool((values < 0).any()):
            raise ValueError(f"LevelSet: the function is negative nowhere in {self._box!r}; give a box around the set")
        around = self._box.boundary().sample(2**10, generator=generator)
        if bool((self._values(around.x) < 0).any()):
            raise ValueError(
                f"LevelSet: the function is negative on the boundary of {self._box!r}; give a larger box, and cut the "
                "set by `&` where it is to end"
            )

    def __repr__(self) -> str:
        return f"LevelSet(in {self._box!r})"

    @property
    def coordinates(self) -> tuple[str, ...]:
        """See `Domain.coordinates`."""
        return self._box.coordinates

    @property
    def dimension(self) -> int:
        """See `Domain.dimension`."""
        return self._box.dimension

    @property
    def bounds(self) -> Bounds:
        """See `Domain.bounds`; the box that was given."""
        return self._box.bounds

    @property
    def _extent(self) -> float:
        return max(high - low for low, high in self.bounds.values())

    def _values(self, x: Tensor) -> Tensor:
        found: Tensor = self._function(**{n: x[:, i] for i, n in enumerate(self.coordinates) if n in self._taken})
        return found

    def _slopes(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """f (n,) and its gradient (n, d)."""
        with torch.inference_mode(False), torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            values = self._values(leaf)
            (slopes,) = torch.autograd.grad(values.sum(), leaf)
        return values.detach(), slopes

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`: f over its slope and the extent, to first order the distance; between −1 and 1."""
        values, slopes = self._slopes(x)
        return values / torch.sqrt((slopes.norm(dim=1) * self._extent) ** 2 + values**2 + 1e-300)

    def implicit(self) -> Node:
        """See `Implicit.implicit`: −f, over its largest value inside."""
        largest = float(-self._values(self._box.sample(2**12, generator=torch.Generator().manual_seed(0)).x).min())
        return Leaf(lambda columns: -self._function(**{name: columns[name] for name in self._taken}) / largest)

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`."""
        (around,) = self._box.charts()
        return (around.masked(lambda points: self._values(points.x) <= 0, self._integrals[0]),)

    @cached_property
    def _integrals(self) -> tuple[float, float]:
        """Volume and surface."""
        d, volume, surface = self.dimension, 0.0, 0.0
        for axis, (name, (low, high)) in enumerate(self.bounds.items()):
            others = {key: pair for key, pair in self.bounds.items() if key != name}
            if others:
                (across,) = Box(**others).charts()
                unit = next(batches(d - 1, self._lines, generator=torch.Generator().manual_seed(axis), method="sobol"))
                lines, area = across.place(unit).x, across.volume / len(unit)
            else:
                lines, area = torch.zeros(1, 0, dtype=torch.float64), 1.0
            heights = torch.linspace(low, high, self._nodes, dtype=torch.float64)

            def at(which: Tensor, height: Tensor, lines: Tensor = lines, axis: int = axis) -> Tensor:
                part = lines[which]
                return torch.cat([part[:, :axis], height[:, None], part[:, axis:]], 1)

            every = torch.arange(len(lines)).repeat_interleave(self._nodes)
            values = self._values(at(every, heights.repeat(len(lines)))).reshape(-1, self._nodes)
            which, cell = torch.nonzero((values[:, :-1] < 0) != (values[:, 1:] < 0), as_tuple=True)
            ends = [heights[cell], heights[cell + 1]]
            root = self._roots(partial(self._at_heights, partial(at, which)), *ends)
            _, slopes = self._slopes(at(which, root))
            surface += area * float((slopes[:, axis].abs() / slopes.norm(dim=1)).sum())
            leaves = torch.where(values[which, cell] < 0, 1.0, -1.0)  # each stretch inside ends with one that leaves
            volume += area * float((leaves * (root - low)).sum()) / d
        return volume, surface

    def _at_heights(self, at: Callable[[Tensor], Tensor], heights: Tensor) -> Tensor:
        return self._values(at(heights))

    @staticmethod
    def _roots(function: Callable[[Tensor], Tensor], low: Tensor, high: Tensor) -> Tensor:
        """Roots between ends of different signs (Illinois; Dowell, Jarratt, BIT 11 (1971) 168)."""
        f_low, f_high = function(low), function(high)
        for _ in range(_SECANTS):
            apart = f_high - f_low
            middle = torch.where(apart == 0, 0.5 * (low + high), high - f_high * (high - low) / apart)
            value = function(middle)
            crossed = (value < 0) != (f_high < 0)
            low, f_low = torch.where(crossed, high, low), torch.where(crossed, f_high, 0.5 * f_low)
            high, f_high = middle, value
        return high

    def boundary(self) -> Boundary:
        """See `Domain.boundary`; normals along the gradient."""
        return Boundary(self, (self._shell,))

    @cached_property
    def _shell(self) -> Chart:
        """Feet of points of the cells near the surface, those that lie within ε of it."""
        d = self.dimension
        number = _CELLS[d] if d < len(_CELLS) else 1
        low, high = torch.tensor(list(self.bounds.values()), dtype=torch.float64, device="cpu").unbind(1)
        sizes = (high - low) / number
        half = 0.25 * float(sizes.min()) if number > 1 else 0.005 * float(sizes.min())
        middles = low + sizes * (tensor_grid([torch.arange(number, dtype=torch.float64)] * d) + 0.5)
        values, slopes = self._slopes(middles)
        near = values.abs() <= 2 * slopes.norm(dim=1) * (0.5 * float(sizes.norm()) + half)
        corners = tensor_grid([torch.linspace(0, 1, number + 1, dtype=torch.float64)] * d) * (high - low) + low
        signs = (self._values(corners) < 0).reshape([number + 1] * d)
        for axis in range(d):
            one, two = signs.narrow(axis, 0, number), signs.narrow(axis, 1, number)
            signs = (one != two) if axis == 0 else (one | two)
        cells = middles[near | signs.reshape(-1)] if number > 1 else middles

        def place(unit: Tensor) -> Points:
            scaled = unit[:, 0] * len(cells)
            index = scaled.long().clamp_max(len(cells) - 1)
            within = torch.cat([(scaled - index)[:, None], unit[:, 1:]], 1)
            start = cells[index] + sizes * (within - 0.5)
            foot, normals = self._feet(start, half)
            # What lies further away is none of the surface's, and marked by no number.
            far = ~((foot - start).norm(dim=1) <= half)
            return Points(self.coordinates, torch.where(far[:, None], math.nan, foot), normals)

        volume = len(cells) * float(sizes.prod()) / (2 * half)
        kept = lambda points: torch.isfinite(points.x).all(1)  # noqa: E731
        return Chart(d, volume, place, kept, self._integrals[1])

    def _feet(self, start: Tensor, half: float) -> tuple[Tensor, Tensor]:
        """The nearest points of the surface (n, d), for points near it, and normals there."""
        foot = start
        for _ in range(_FEET):
            values, slopes = self._slopes(foot)
            square = slopes.square().sum(1, keepdim=True).clamp_min(1e-300)
            tangent = start - foot - ((start - foot) * slopes).sum(1, keepdim=True) / square * slopes
            step = tangent - values[:, None] / square * slopes
            size = step.norm(dim=1, keepdim=True).clamp_min(1e-300)
            foot = foot + step * (4 * half / size).clamp_max(1.0)
        for _ in range(3):  # onto the surface, to rounding
            values, slopes = self._slopes(foot)
            foot = foot - values[:, None] / slopes.square().sum(1, keepdim=True).clamp_min(1e-300) * slopes
        _, slopes = self._slopes(foot)
        return foot, slopes / slopes.norm(dim=1, keepdim=True).clamp_min(1e-300)


def Cloud(
    points: Any, normals: Any, coordinates: Sequence[str] = ("x", "y", "z"), spacing: float | None = None
) -> LevelSet:
    """The solid inside a cloud of points of its surface.

    Args:
        points: (m, d), on the surface, all coordinates in the same units.
        normals: (m, d), outward; their lengths do not matter.
        coordinates: names of the d coordinates.
        spacing: h, over which the surface is smoothed, in the coordinates' units: where it has the curvature κ it comes
            to lie about h² κ / 2 further out; left out, the median distance of a point from its nearest neighbour.

    Raises:
        ValueError: when shapes contradict each other, or the surface is not closed where the points are sparse.

    Example:
        >>> angle = torch.linspace(0, 6.2832, 101, dtype=torch.float64)[:-1]
        >>> ring = torch.stack([torch.cos(angle), torch.sin(angle)], 1)
        >>> round(Cloud(ring, ring, ("x", "y")).measure, 1)
        3.1
    """
    place, outward = (torch.as_tensor(np.asarray(part), dtype=torch.float64) for part in (points, normals))
    names = tuple(coordinates)
    if place.ndim != 2 or place.shape[1] != len(names) or place.shape != outward.shape or len(place) < len(names) + 1:
        raise ValueError(
            f"Cloud: points and normals have shapes {tuple(place.shape)} and {tuple(outward.shape)}, expected both "
            f"(m, {len(names)}), a column for each of {list(names)}"
        )
    if spacing is None:
        from scipy.spatial import cKDTree

        apart, _ = cKDTree(place.numpy()).query(place.numpy(), k=2)
        spacing = float(np.median(apart[:, 1]))
    positive("Cloud", spacing=spacing)
    outward = outward / outward.norm(dim=1, keepdim=True).clamp_min(1e-300)
    margin = 4 * spacing
    low, high = (place.amin(0) - margin).tolist(), (place.amax(0) + margin).tolist()
    along = (place * outward).sum(1)
    square = place.square().sum(1)

    def function(**columns: Any) -> Any:
        x = torch.stack([columns[name] for name in names], 1)
        weights = torch.softmax((2 * x @ place.T.to(x) - square.to(x)) / spacing**2, 1)  # |x|² is the same for all
        return (weights * (x @ outward.T.to(x) - along.to(x))).sum(1)

    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
    )
    made = LevelSet(function, **dict(zip(names, zip(low, high, strict=True), strict=True)))
    made._lines, made._nodes = _FEWER  # each value takes all points of the cloud
    return made
