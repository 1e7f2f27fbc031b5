"""Images of sets under motions: moved, turned and scaled, the same everywhere or differently over other coordinates.

    {x = A y + b : y in S}   and   {(x, p) : x = A(p) y + b(p), y in S, p in P}
    level(x, p) = max(level_S(A⁻¹(x − b)), level_P(p)),   measure ∫ |det A| |S| dp

A hypersurface is stretched by |det A| |A⁻ᵀ n|. Over P, the normals of its walls are unit vectors along x, and their
components along p are minus the velocity ∂x/∂p · n with which the wall moves, so that Gauss's theorem is

    ∫ div F dx dp = ∫ F · n dA dp

with dA the area of the wall at fixed p: no length is added to a time. Source: Reynolds' transport theorem, as in
Truesdell, Toupin, The Classical Field Theories (1960), section 81.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from pinn.domains.boundary import Boundary
from pinn.domains.chart import Chart, constant, pulled_back
from pinn.domains.chart import product as product_chart
from pinn.domains.domain import Bounds, Domain, Faced, smooth_pieces
from pinn.domains.implicit import Every, Moved, Node, implicit
from pinn.domains.motion import Motion, Scale, Shift, Step, Turn, amount
from pinn.domains.points import Points

# Nodes an axis, by the number of axes, at which the bounds of a moving set are taken.
_ACROSS = (1, 2049, 65, 17, 9)


@runtime_checkable
class Supported(Protocol):
    """A set that knows how far it reaches in any direction; of others, the box around them is taken."""

    def support(self, directions: Tensor) -> Tensor:
        """The largest x · a over the set, for directions a (m, d): (m,)."""


@dataclass(frozen=True, eq=False)
class Parametric:
    """A set whose place, size or angle depends on coordinates that it does not have; times a set of these, a domain.

    Args:
        of: the set before it is moved.
        motion: where at least one amount is a function of coordinates.

    Example:
        >>> import torch
        >>> from pinn.domains import Box, Disc
        >>> family = Disc(x=0, y=0, radius="R") * Box(R=(0.5, 1))
        >>> family.coordinates, round(family.measure, 6)
        (('x', 'y', 'R'), 0.916298)
        >>> rolling = Disc(x=lambda t: 0.3 * torch.sin(t), y=0, radius=0.1) * Box(t=(0, 1))
        >>> sorted(rolling.boundary().sample(4, generator=torch.Generator().manual_seed(0)).constants())
        ['nt', 'nx', 'ny']
    """

    of: Domain
    motion: Motion

    def __repr__(self) -> str:
        return f"{self.of!r}{self.motion!r}"

    @property
    def names(self) -> tuple[str, ...]:
        """The coordinates that it depends on."""
        return self.motion.names

    def moved(self, **by: Any) -> Parametric:
        """See `Domain.moved`."""
        return Parametric(self.of, self.motion.then(*shift(self.of, by)))

    def turned(self, angle: Any, *plane: str, about: Mapping[str, float] | None = None) -> Parametric:
        """See `Domain.turned`."""
        return Parametric(self.of, self.motion.then(*turn(self.of, angle, plane, about)))

    def scaled(self, factor: Any = None, *, about: Mapping[str, float] | None = None, **by: Any) -> Parametric:
        """See `Domain.scaled`."""
        return Parametric(self.of, self.motion.then(*scale(self.of, factor, about, by)))

    def boundary(self) -> Parametric:
        """The boundary at each value of what it depends on."""
        return Parametric(self.of.boundary(), self.motion)

    def __mul__(self, over: Domain) -> Image:
        return Image(self.of, self.motion, over) if isinstance(over, Domain) else NotImplemented


@dataclass(frozen=True, eq=False)
class Image(Domain):
    """The image of a set under a motion; made by `Domain.moved`, `turned`, `scaled` and `Parametric * Domain`.

    Args:
        of: the set before it is moved.
        motion: the steps.
        over: the set of the coordinates that amounts are functions of; None where they are numbers.

    Raises:
        ValueError: when a coordinate that amounts depend on is missing, or both sets have one, or an edge is scaled
            unevenly.
    """

    of: Domain
    motion: Motion
    over: Domain | None = None

    def __post_init__(self) -> None:
        held = () if self.over is None else self.over.coordinates
        for name in self.motion.names:
            if name not in held:
                raise ValueError(
                    f"{self.of!r}{self.motion!r}: it depends on {name!r}; multiply by a set of it, "
                    f"e.g. ... * Box({name}=(0, 1))"
                )
        for name in self.of.coordinates:
            if name in held:
                raise ValueError(f"product: both factors have the coordinate {name!r}; rename one of them")
        if 0 < self.of.dimension < self._size - 1 and self._ratio is None:
            raise ValueError(f"scaled: {self.of!r} has no normals, so it is not known how it stretches; scale evenly")

    def __repr__(self) -> str:
        return f"{self.of!r}{self.motion!r}" + ("" if self.over is None else f" * {self.over!r}")

    @property
    def _size(self) -> int:
        return len(self.of.coordinates)

    @property
    def _ratio(self) -> float | None:
        return self.motion.ratio(self.of.coordinates)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """See `Domain.coordinates`."""
        return self.of.coordinates + (() if self.over is None else self.over.coordinates)

    @property
    def dimension(self) -> int:
        """See `Domain.dimension`."""
        return self.of.dimension + (0 if self.over is None else self.over.dimension)

    @property
    def bounds(self) -> Bounds:
        """See `Domain.bounds`; where amounts vary, those on a fine grid of what they are functions of."""
        return dict(self._bounds)

    @cached_property
    def _bounds(self) -> Bounds:
        if self.over is None:
            return self._within(torch.empty(1, 0, dtype=torch.float64, device="cpu"))
        if self.over.dimension == 0:
            nodes = self.over.sample(1, generator=torch.Generator().manual_seed(0)).x
        else:
            axes = self.over.dimension
            nodes = self.over.grid(_ACROSS[axes] if axes < len(_ACROSS) else 3).x
        return {**self._within(nodes), **self.over.bounds}

    def _within(self, nodes: Tensor) -> Bounds:
        """The bounds of the images at nodes (m, coordinates of `over`)."""
        d, names = self._size, self.of.coordinates
        held = {} if self.over is None else {name: nodes[:, i] for i, name in enumerate(self.over.coordinates)}
        zero = torch.zeros(len(nodes), dtype=torch.float64, device="cpu")

        def image(corner: int | None) -> Tensor:
            moved = self.motion.forward({**{name: zero + (i == corner) for i, name in enumerate(names)}, **held})
            return torch.stack([moved[name] for name in names], 1)

        origin = image(None)
        rows = torch.stack([image(j) - origin for j in range(d)], 2).reshape(-1, d)  # of A, node by node
        high = (support(self.of, rows).reshape(-1, d) + origin).amax(0).tolist()
        low = (origin - support(self.of, -rows).reshape(-1, d)).amin(0).tolist()
        return dict(zip(names, zip(low, high, strict=True), strict=True))

    def support(self, directions: Tensor) -> Tensor:
        """See `Supported.support`."""
        if self.over is not None:
            return _of_box(self._bounds, directions)
        names = self.of.coordinates
        zero = torch.zeros(1, dtype=directions.dtype)
        moved = self.motion.forward(dict.fromkeys(names, zero))
        origin = torch.cat([moved[name] for name in names])
        pulled = self.motion.pull({name: directions[:, i] for i, name in enumerate(names)}, {})
        return support(self.of, torch.stack([pulled[name] for name in names], 1)) + directions @ origin

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`."""
        return self._charts

    @cached_property
    def _charts(self) -> tuple[Chart, ...]:
        if self._factor is None:  # how it is stretched is smooth where the pieces are
            return self.smooth_pieces()
        return self._all(self.of.charts(), () if self.over is None else self.over.charts())

    def smooth_pieces(self) -> tuple[Chart, ...]:
        """See `Pieced.smooth_pieces`."""
        return self._all(smooth_pieces(self.of), () if self.over is None else smooth_pieces(self.over))

    def _all(self, pieces: tuple[Chart, ...], over: tuple[Chart, ...]) -> tuple[Chart, ...]:
        if self.over is None:
            return tuple(self._carried(chart) for chart in pieces)
        return tuple(self._carried(product_chart(one, two)) for one in pieces for two in over)

    def _carried(self, chart: Chart) -> Chart:
        if chart.size == 0:
            return constant(self._moved(chart.fixed()))
        carried = replace(
            chart,
            place=lambda unit: self._moved(chart.place(unit)),
            keep=pulled_back(chart.keep, self._back),
            density=pulled_back(chart.density, self._back),
        )
        factor = self._factor
        if factor is None:
            return carried.weighted(self._stretch)
        exact = None if chart.exact is None else factor * chart.exact
        return replace(carried, volume=factor * chart.volume, exact=exact)

    @property
    def _factor(self) -> float | None:
        """What every piece of the set's measure is multiplied by, where that is one number."""
        ratio = self._ratio
        if ratio is not None:
            return float(ratio**self.of.dimension)
        if self.of.dimension == self._size and not self.motion.names:
            return float(self.motion.volume({}))
        return 1.0 if self.of.dimension == 0 else None

    def _stretch(self, points: Points) -> Tensor:
        """What a piece of the set at points is multiplied by."""
        columns = {name: points.x[:, i] for i, name in enumerate(points.names)}
        volume = self.motion.volume(columns) + torch.zeros_like(points.x[:, 0])
        if self.of.dimension == self._size:
            return volume
        assert points.normals is not None
        pulled = self.motion.pull({name: points.normals[:, i] for i, name in enumerate(self.of.coordinates)}, columns)
        return volume / torch.stack([pulled[name] for name in self.of.coordinates], 1).norm(dim=1)

    def _moved(self, points: Points) -> Points:
        columns = {name: points.x[:, i] for i, name in enumerate(points.names)}
        moved = self.motion.forward(columns)
        x = torch.stack([moved[name] for name in points.names], 1)
        if points.normals is None or self.of.dimension == self._size:  # what there is belongs to `over`
            return replace(points, x=x)
        names = self.of.coordinates
        carried = self.motion.carry({name: points.normals[:, i] for i, name in enumerate(names)}, columns)
        normals = torch.stack([carried[name] for name in names], 1)
        normals = normals / normals.norm(dim=1, keepdim=True)
        return replace(points, x=x, normals=torch.cat([normals, self._speeds(columns, normals, points)], 1))

    def _speeds(self, columns: dict[str, Tensor], normals: Tensor, points: Points) -> Tensor:
        """Components of the normals along the coordinates of `over`: minus the velocity of the wall along n."""
        assert points.normals is not None
        found = points.normals[:, self._size :].clone()
        if not self.motion.names:
            return found
        assert self.over is not None
        with torch.inference_mode(False), torch.enable_grad():
            leaves = {name: columns[name].clone().requires_grad_() for name in self.motion.names}
            moved = self.motion.forward({**columns, **leaves})
            along = torch.stack([moved[name] for name in self.of.coordinates], 1)
            travelled = (along * normals.clone()).sum()
            for name, speed in zip(leaves, torch.autograd.grad(travelled, list(leaves.values())), strict=True):
                found[:, self.over.coordinates.index(name)] -= speed
        return found

    def _back(self, points: Points) -> Points:
        columns = {name: points.x[:, i] for i, name in enumerate(points.names)}
        back = self.motion.backward(columns)
        x = torch.stack([back[name] for name in points.names], 1)
        if points.normals is None or self.of.dimension == self._size:
            return replace(points, x=x)
        names = self.of.coordinates
        pulled = self.motion.pull({name: points.normals[:, i] for i, name in enumerate(names)}, columns)
        normals = torch.stack([pulled[name] for name in names], 1)
        normals = normals / normals.norm(dim=1, keepdim=True)
        return replace(points, x=x, normals=torch.cat([normals, torch.zeros_like(x[:, self._size :])], 1))

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`."""
        back = self.motion.backward({name: x[:, i] for i, name in enumerate(self.coordinates)})
        level = self.of.level(torch.stack([back[name] for name in self.of.coordinates], 1))
        return level if self.over is None else torch.maximum(level, self.over.level(x[:, self._size :]))

    def implicit(self) -> Node:
        """See `Implicit.implicit`: those before the motion, at where points come from."""
        before = Moved(implicit(self.of, "Exact"), self.motion.backward)
        if self.over is None or self.of.dimension < self._size:
            return before
        over = implicit(self.over, "Exact")
        return over if self.over.dimension < len(self.over.coordinates) else Every((before, over))

    def face(self, **at: float) -> Image:
        """The part where coordinates of a box that it moves over take a bound, e.g. `moving.face(t=0)`.

        Raises:
            ValueError: when a coordinate is not one of such a box, or takes no bound.
        """
        if isinstance(self.over, Faced) and set(at) <= set(self.over.coordinates):
            return Image(self.of, self.motion, self.over.face(**at))
        raise ValueError(
            f"face: {list(at)} has no flat face in {self!r}; move a face instead, box.face(...).moved(...)"
        )

    def boundary(self) -> Boundary:
        """See `Domain.boundary`; over others, the walls at each of their values, and the set at the ends."""
        walls = Image(self.of.boundary(), self.motion, self.over)
        if self.over is None:
            return Boundary(self, walls.charts(), walls.smooth_pieces())
        ends = Image(self.of, self.motion, self.over.boundary())
        return Boundary(self, (*walls.charts(), *ends.charts()), (*walls.smooth_pieces(), *ends.smooth_pieces()))


def support(domain: Domain, directions: Tensor) -> Tensor:
    """The largest x · a over a set, or over the box around it, for directions a (m, d): (m,)."""
    return domain.support(directions) if isinstance(domain, Supported) else _of_box(domain.bounds, directions)


def _of_box(bounds: Bounds, directions: Tensor) -> Tensor:
    low, high = torch.tensor(list(bounds.values()), dtype=directions.dtype).unbind(1)
    return torch.maximum(low * directions, high * directions).sum(1)


def image(of: Domain | Parametric, steps: tuple[Step, ...]) -> Domain | Parametric:
    """A set after steps: a domain where all amounts are numbers, else what is one over a set of what they depend on."""
    motion = Motion(steps)
    if isinstance(of, Parametric):
        return Parametric(of.of, of.motion.then(*steps))
    if motion.names:
        return Parametric(of, motion)
    if (
        isinstance(of, Image)
        and not of.parts
        and {name for step in steps for name in step.moves} <= set(of.of.coordinates)
    ):
        return Image(of.of, of.motion.then(*steps), of.over)
    return Image(of, motion)


def shift(of: Domain, by: Mapping[str, Any]) -> tuple[Step, ...]:
    """The step of `moved`."""
    if not by:
        raise ValueError("moved: got no coordinate; give one and how far, e.g. moved(x=1)")
    _known("moved", of, by)
    return (Shift({name: amount("moved", name, value) for name, value in by.items()}),)


def scale(of: Domain, factor: Any, about: Mapping[str, float] | None, by: Mapping[str, Any]) -> tuple[Step, ...]:
    """The steps of `scaled`."""
    if (factor is None) == (not by):
        raise ValueError("scaled: give one factor, scaled(2), or one a coordinate, scaled(x=2, y=3)")
    given = dict.fromkeys(of.coordinates, factor) if factor is not None else dict(by)
    _known("scaled", of, given)
    values = {name: amount("scaled", name if by else "factor", value) for name, value in given.items()}
    if 0.0 in values.values():
        raise ValueError("scaled: got a factor 0, which leaves nothing; give another")
    return _about(of, about, Scale(values))


def turn(of: Domain, angle: Any, plane: tuple[str, ...], about: Mapping[str, float] | None) -> tuple[Step, ...]:
    """The steps of `turned`."""
    names = tuple(plane) or of.coordinates
    if len(names) != 2 or len(set(names)) != 2:
        raise ValueError(
            f"turned: got the plane {list(names)}, expected two coordinates; give them, e.g. turned(0.5, 'x', 'y')"
        )
    _known("turned", of, names)
    return _about(of, about, Turn(amount("turned", "angle", angle), (names[0], names[1])))


def _about(of: Domain, about: Mapping[str, float] | None, step: Step) -> tuple[Step, ...]:
    """A step with another fixed point than the origin."""
    if about is None:
        return (step,)
    _known("about", of, about)
    center = {name: amount("about", name, value) for name, value in about.items()}
    there = {name: -value for name, value in center.items() if isinstance(value, float)}
    if len(there) != len(center):
        raise ValueError("about: got a point that varies; give numbers, and move the set instead")
    return Shift(there), step, Shift(center)


def _known(what: str, of: Domain, names: Any) -> None:
    for name in names:
        if name not in of.coordinates:
            raise ValueError(f"{what}: no coordinate {name!r}; choose among {list(of.coordinates)}")
