"""What a domain is: a set of points with named coordinates that can be sampled, measured, combined and bounded.

Every set is described twice, which is enough for everything else:

- charts: measure-preserving maps from unit cubes onto its pieces, for sampling and measure (see `chart`);
- level(x): negative inside, zero on the boundary, positive outside, dimensionless (relative to the set's own size), for
  membership. Unions, intersections and differences are min, max and max(a, −b) of levels (Rvachev 1963; Ricci 1973).

`A | B`, `A & B`, `A - B` have the coordinates of A and B; `A * B` has those of both (see `algebra`). Every set can be
moved, turned, scaled and revolved, in any number of dimensions (see `image`, `revolved`). A set of one's own
is a subclass of `Domain` and needs nothing else: it is sampled, combined and bounded as those of the library.
"""

from __future__ import annotations

import copy
import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType, ModuleType
from typing import Any, Protocol, Self, runtime_checkable

import torch
from torch import Tensor

from pinn.domains.chart import Chart, tensor_grid
from pinn.domains.cube import METHODS
from pinn.domains.points import Points
from pinn.validation import count

Bounds = dict[str, tuple[float, float]]


class Domain(ABC):
    """A set of points in named coordinates; made by `Box`, `Ball`, `Disc`, `Polygon`, `Scatter` and their combinations.

    Example:
        >>> from pinn.domains import Box, Disc
        >>> pierced = Box(x=(-1, 1), y=(-1, 1)) - Disc(x=0, y=0, radius=0.5)
        >>> pierced.sample(100, generator=torch.Generator().manual_seed(0)).x.shape
        torch.Size([100, 2])
        >>> round(pierced.measure, 6)
        3.214602
    """

    parameters: tuple[str, ...] = ()
    """Coordinates that are parameters of a family of problems, see `parameter` and `function`."""

    functions: Mapping[str, Any] = MappingProxyType({})
    """Functions that are inputs of a family of problems, each with its `FunctionSpace`, see `function`."""

    @property
    @abstractmethod
    def coordinates(self) -> tuple[str, ...]:
        """Names of the d coordinates, in order."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Dimensions of the set itself: d for a solid, d − 1 for a boundary, 0 for points."""

    @property
    @abstractmethod
    def bounds(self) -> Bounds:
        """A box around the set: coordinate -> (low, high), in the coordinate's units."""

    @abstractmethod
    def charts(self) -> tuple[Chart, ...]:
        """Pieces of the set that overlap in nothing."""

    @abstractmethod
    def level(self, x: Tensor) -> Tensor:
        """Negative inside, zero on the boundary, positive outside; of a set without an inside, zero on it.

        Args:
            x: points, shape (n, d), floating.

        Returns:
            (n,), dimensionless; near the boundary proportional to the distance.
        """

    @abstractmethod
    def boundary(self) -> Domain:
        """The boundary, whose points carry outward unit normals.

        Raises:
            ValueError: where the set has no inside.
        """

    @property
    def measure(self) -> float:
        """Length, area, volume, …; the number of points where the dimension is 0.

        Exact for boxes, balls, polygons, their boundaries and products, and where a hole lies within a box; else
        estimated on fixed Sobol' points to about 1e-4 of the set it is cut from.
        """
        return math.fsum(chart.measure for chart in self.charts())

    def contains(self, x: Tensor) -> Tensor:
        """Whether points belong to the set, its boundary included, up to rounding.

        Args:
            x: points, shape (n, d), floating.

        Returns:
            bool (n,).

        Raises:
            ValueError: when x has another shape.
        """
        if x.ndim != 2 or x.shape[1] != len(self.coordinates):
            raise ValueError(
                f"contains: got shape {tuple(x.shape)}, expected (n, {len(self.coordinates)}), "
                f"one column for each of {list(self.coordinates)}"
            )
        return self.level(x.double()) <= (1e-9 if x.dtype == torch.float64 else 1e-5)

    def sample(
        self,
        n: int,
        *,
        generator: torch.Generator,
        method: str = "sobol",
        extents: Mapping[str, float] | None = None,
    ) -> Points:
        """Points spread evenly over the set.

        Args:
            n: number of points. Exactly n are returned, except that fixed points (corners, observations) come whole.
            generator: the only source of randomness.
            method: "sobol" (scrambled), "halton", "latin" or "uniform".
            extents: coordinate -> length along it that counts as one where pieces are compared, so that a face does not
                get more points for being measured in millimetres; left out, lengths count as they are.

        Returns:
            float64 points on the CPU, with outward normals on a boundary; pieces share them in proportion to measure.

        Raises:
            ValueError: when n or the method makes no sense, or the set is empty.
        """
        count("sample", 1, n=n)
        if method not in METHODS:
            raise ValueError(f"sample: got method={method!r}; choose among {list(METHODS)}")
        charts = [chart for chart in self.charts() if chart.measure > 0]
        if not charts:
            raise ValueError(f"sample: {self!r} is empty; there is no point in it")
        numbers = _shares(_measures(charts, extents), n, generator) if self.dimension > 0 else [1] * len(charts)
        return Points.cat(
            [
                chart.draw(number, generator=generator, method=method)
                for chart, number in zip(charts, numbers, strict=True)
                if number > 0
            ]
        )

    def grid(self, n: int) -> Points:
        """A regular grid for evaluation: n points an axis, ends included; of any other shape, those inside it.

        Args:
            n: points along each coordinate of a solid, along each parameter of a surface; at least 1.

        Returns:
            float64 points, the last coordinate fastest.

        Raises:
            ValueError: when n makes no sense or no point of the grid lies in the set.
        """
        count("grid", 1, n=n)
        if self.dimension < len(self.coordinates):
            points = Points.cat([chart.grid(n) for chart in self.charts()])
        else:
            ends = self.bounds.values()
            axes = [
                torch.linspace(low, high, n, dtype=torch.float64)
                if n > 1
                else torch.tensor([0.5 * (low + high)], dtype=torch.float64)
                for low, high in ends
            ]
            x = tensor_grid(axes)
            points = Points(self.coordinates, x[self.contains(x)])
        if points.n == 0:
            raise ValueError(f"grid: none of the {n} points an axis lies in {self!r}; take more")
        return points

    def quadrature(self, n: int) -> tuple[Points, Tensor]:
        """Points and weights with which sums are integrals over the set.

        Args:
            n: nodes along each axis of each piece.

        Returns:
            Points, with outward normals on a boundary, and weights (points,), whose sum is the measure. Gauss's nodes
            in pieces of at most three dimensions of which nothing is cut away; else as many Sobol' points.

        Example:
            >>> from pinn.domains import Disc
            >>> points, weights = Disc(x=0, y=0, radius=1).quadrature(16)
            >>> round(float(weights @ points.x[:, 0] ** 2), 12)  # π/4
            0.785398163397
        """
        count("quadrature", 1, n=n)
        parts = [chart.nodes(n) for chart in smooth_pieces(self)]
        return Points.cat([points for points, _ in parts]), torch.cat([weights for _, weights in parts])

    @property
    def parts(self) -> Mapping[str, Any]:
        """The parts of the boundary that `named` has named, as they were given."""
        given: Mapping[str, Any] = self.__dict__.get("_parts", {})
        return given

    def named(self, **parts: Domain | Callable[..., Any]) -> Self:
        """The same set, parts of whose boundary have names; see `part`.

        Args:
            parts: name -> a set or a condition, as `part` takes them.

        Raises:
            TypeError, ValueError: when one of them is neither, or nothing of the boundary lies there.
        """
        made = copy.copy(self)
        for where in parts.values():
            if isinstance(where, str):
                raise TypeError(f"named: got {where!r}, expected a set or a condition such as lambda x, y: x > 0")
            self.part(where)
        made.__dict__["_parts"] = {**self.parts, **parts}
        return made

    def part(self, where: str | Domain | Callable[..., Any]) -> Domain:
        """A part of the boundary, with normals that point out of this set; of a surface, a part of it.

        Args:
            where: a set in the same coordinates: what lies on it, or on its boundary where it is a solid; a condition,
                a function of coordinates and components of the normal that returns whether, bool (n,); or a name.

        Raises:
            TypeError: when it is none of these.
            ValueError: when a name is unknown, or nothing of the boundary lies there.

        Example:
            >>> from pinn.domains import Box, Disc
            >>> hole, box = Disc(x=0, y=0, radius=0.5), Box(x=(-1, 1), y=(-1, 1))
            >>> plate = (box - hole).named(hole=hole, right=box.face(x=1))
            >>> round(plate.part("hole").measure, 6), plate.moved(x=3).part("right").measure
            (3.141593, 2.0)
            >>> (plate * Box(t=(0, 3))).part("right").measure
            6.0
        """
        return _algebra().part(self, where)

    def moved(self, **by: Any) -> Any:
        """The set moved by an amount along coordinates.

        Args:
            by: coordinate -> how far: a number; or, for a set that moves, the name of another coordinate or a
                function of some, made of torch's functions.

        Returns:
            A domain; where an amount varies, a `Parametric` set, which times a set of those coordinates is one.

        Raises:
            ValueError: when a coordinate is unknown or a number not finite.

        Example:
            >>> from pinn.domains import Box, Disc
            >>> Box(x=(0, 1)).moved(x=2).bounds
            {'x': (2.0, 3.0)}
            >>> (Disc(x=0, y=0, radius=1).moved(x="t") * Box(t=(0, 2))).bounds["x"]
            (-1.0, 3.0)
        """
        return _algebra().moved(self, by)

    def turned(self, angle: Any, *plane: str, about: Mapping[str, float] | None = None) -> Any:
        """The set turned in a plane.

        Args:
            angle: in radians, from the plane's first coordinate towards its second; may vary as in `moved`.
            plane: two coordinates; may be left out where there are no others.
            about: coordinate -> number, a point that stays; left out, the origin.

        Raises:
            ValueError: when a coordinate is unknown, or the plane is not one.

        Example:
            >>> import math
            >>> from pinn.domains import Box
            >>> diamond = Box(x=(-1, 1), y=(-1, 1)).turned(math.pi / 4)
            >>> round(diamond.measure, 6), round(diamond.bounds["x"][1], 6)
            (4.0, 1.414214)
        """
        return _algebra().turned(self, angle, plane, about)

    def scaled(self, factor: Any = None, *, about: Mapping[str, float] | None = None, **by: Any) -> Any:
        """The set scaled, evenly or along each coordinate by its own factor; a negative one mirrors it.

        Args:
            factor: of every coordinate; may vary as in `moved`.
            about: coordinate -> number, a point that stays; left out, the origin.
            by: coordinate -> factor, where they differ; those left out stay.

        Raises:
            ValueError: when a coordinate is unknown, a factor is zero, or both or neither are given.

        Example:
            >>> from pinn.domains import Disc
            >>> round(Disc(x=0, y=0, radius=1).scaled(x=2).boundary().measure, 10)  # of an ellipse
            9.6884482205
        """
        return _algebra().scaled(self, factor, about, by)

    def revolved(self, angles: Sequence[float] | None = None, /, **axes: Sequence[str]) -> Domain:
        """The set revolved about where a coordinate is zero.

        Args:
            angles: `(first, last)` in radians, for a part of the way around in two new coordinates.
            axes: the coordinate that is the distance from the axis, and the two or more that it becomes.

        Raises:
            ValueError: when names clash, or angles are not in order within a full turn.

        Example:
            >>> from pinn.domains import Box, Disc
            >>> torus = Disc(r=2, z=0, radius=1).revolved(r=("x", "y"))
            >>> torus.coordinates, round(torus.measure, 10)  # 4 π²
            (('x', 'y', 'z'), 39.4784176044)
            >>> round(Box(r=(1, 2)).revolved(r=("x", "y")).boundary().measure, 10)  # of an annulus, 6 π
            18.8495559215
        """
        return _algebra().revolved(self, angles, axes)

    def parameter(self, **bounds: Sequence[float]) -> Domain:
        """This set with parameters as further coordinates: one solution for a family of problems.

        Args:
            bounds: parameter -> (low, high), in its own units; one to six.

        Raises:
            ValueError: for none or more than six, empty bounds, or a name that a coordinate has.

        Example:
            >>> from pinn.domains import Box
            >>> family = Box(x=(0, 1)).parameter(k=(1, 4))
            >>> family, family.parameters, family.face(x=0).measure
            (Box(x=(0, 1), k=(1, 4)), ('k',), 3.0)
        """
        family: Domain = _algebra().family(self, bounds)
        return family

    def function(self, **laws: Any) -> Domain:
        """This set with functions as inputs: one solution for all functions of a kind, an operator.

        Args:
            laws: function -> how it is random, a `GaussianField`, a `RandomSeries` or one's own `RandomFunction`. Its
                coefficients `f_1`, `f_2`, … become coordinates, and equations take its values under its own name.

        Raises:
            TypeError: for what is no such law.
            ValueError: for none, a name that a coordinate has, or a function of what is no coordinate.

        Example:
            >>> from pinn.domains import Box, GaussianField
            >>> family = Box(x=(0, 1)).function(f=GaussianField(over="x", length=0.5, terms=3))
            >>> family.coordinates, family.face(x=0).dimension
            (('x', 'f_1', 'f_2', 'f_3'), 3)
        """
        inputs: Domain = _algebra().operator(self, laws)
        return inputs

    def __or__(self, other: Domain) -> Domain:
        return _algebra().union(self, other) if isinstance(other, Domain) else NotImplemented

    def __and__(self, other: Domain) -> Domain:
        return _algebra().intersection(self, other) if isinstance(other, Domain) else NotImplemented

    def __sub__(self, other: Domain) -> Domain:
        return _algebra().difference(self, other) if isinstance(other, Domain) else NotImplemented

    def __mul__(self, other: Domain) -> Domain:
        """All pairs of a point of each; with an interval of a further coordinate, the set extruded along it."""
        return _algebra().product(self, other) if isinstance(other, Domain) else NotImplemented


@runtime_checkable
class Faced(Protocol):
    """A set with flat faces, such as a box; a product of it with another set then has them too."""

    def face(self, **at: float) -> Domain:
        """The part where coordinates take a bound, e.g. `face(t=0)`.

        Raises:
            ValueError: when a coordinate is unknown or takes no bound.
        """
        ...


@runtime_checkable
class Pieced(Protocol):
    """A set that can be cut into more pieces than it is sampled by, on each of which Gauss's rule converges fast."""

    def smooth_pieces(self) -> tuple[Chart, ...]:
        """The pieces."""
        ...


def smooth_pieces(domain: Domain) -> tuple[Chart, ...]:
    """The pieces of a set that serve Gauss's rule best."""
    return domain.smooth_pieces() if isinstance(domain, Pieced) else domain.charts()


def _algebra() -> ModuleType:
    # Combinations are sets, and sets combine: this is the one import that cannot wait below its own module.
    from pinn.domains import algebra

    return algebra


def _measures(charts: Sequence[Chart], extents: Mapping[str, float] | None) -> list[float]:
    """The measures of pieces, in units of the extents where these differ; of a bent piece, as if it were its middle."""
    if extents is None or len(charts) == 1 or len(set(extents.values())) == 1:
        return [chart.measure for chart in charts]
    return [_stretched(chart, extents) * (chart.measure / chart.volume) for chart in charts]


def _stretched(chart: Chart, extents: Mapping[str, float]) -> float:
    """√det(T Tᵀ) with T (k, d) the derivatives of the chart's points by the unit cube's axes, over the extents."""
    step = 2.0**-10
    offsets = step * torch.eye(chart.size, dtype=torch.float64, device="cpu")
    ends = [chart.place(0.5 + sign * offsets) for sign in (1.0, -1.0)]
    lengths = torch.tensor([extents[name] for name in ends[0].names], dtype=torch.float64, device="cpu")
    tangents = (ends[0].x - ends[1].x) / (2 * step) / lengths
    tangents = tangents[tangents.abs().amax(1) > 0]  # an axis that chooses among one point leads nowhere
    return math.sqrt(float(torch.linalg.det(tangents @ tangents.T)))


def _shares(measures: list[float], n: int, generator: torch.Generator) -> list[int]:
    """n split in proportion to measures, each within one of its share and right in the mean (systematic sampling)."""
    total = math.fsum(measures)
    offset = float(torch.rand((), generator=generator, dtype=torch.float64, device=generator.device))
    # Equal pieces of an equal number of points get exactly that: the sums are rounded before the offset is added.
    steps = [math.floor(round(n * part / total, 9) + offset) for part in itertools.accumulate(measures)]
    steps[-1] = n
    return [right - left for left, right in itertools.pairwise([0, *steps])]
