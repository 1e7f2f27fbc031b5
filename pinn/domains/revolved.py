"""Revolved sets: annuli, spherical shells, tori, cones and whatever else a profile sweeps around an axis.

    {(x, z) : (|x|, z) in P, x in R^k}   for a profile P in (r, z);   measure |S^{k−1}| ∫_P r^{k−1},   k ≥ 2

z stands for any number of coordinates, none too: an interval of r gives an annulus (k = 2) or a shell. The outward
normal of a profile, (n_r, n_z), becomes (n_r x/|x|, n_z). In two new coordinates the profile may sweep a part of the
way, between angles a < b; both ends are then caps. Source: Pappus of Alexandria, Collection, book VII (centroids).

The profile has r ≥ 0 or is the same on both sides of the axis, as a disc about r = 0 is. That a box or a polygon
begins at the axis is no boundary of what it sweeps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from pinn.domains.ball import angles as number_of_angles
from pinn.domains.ball import direction
from pinn.domains.boundary import Boundary
from pinn.domains.box import Box, Face
from pinn.domains.chart import Chart, pulled_back, spread
from pinn.domains.combined import Difference
from pinn.domains.domain import Bounds, Domain, smooth_pieces
from pinn.domains.image import Image, support
from pinn.domains.implicit import Columns, Every, Leaf, Moved, Node, Some, implicit
from pinn.domains.motion import Motion, Scale
from pinn.domains.points import Points
from pinn.domains.polygon import Polygon

_POINTS = 512  # of a profile, at which it is seen on which sides of the axis it lies

_Range = tuple[float, float] | None
"""Where r lies in a piece of a profile along which it is uniform."""


@dataclass(frozen=True, eq=False)
class Revolved(Domain):
    """What a profile sweeps around an axis; made by `Domain.revolved`.

    Args:
        profile: a set in r and further coordinates.
        radial: its coordinate r, the distance from the axis.
        names: the k ≥ 2 coordinates that take its place.
        angles: (a, b) in radians, a < b < a + 2π, from the first name's axis towards the second's; None for all around.

    Raises:
        ValueError: when a coordinate is unknown or comes twice, the profile differs on both sides of the axis, or the
            angles make no sense.
    """

    profile: Domain
    radial: str
    names: tuple[str, ...]
    angles: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.radial not in self.profile.coordinates:
            raise ValueError(f"revolved: no coordinate {self.radial!r}; choose among {list(self.profile.coordinates)}")
        if len(self.names) < 2:
            raise ValueError(
                f"revolved: got {list(self.names)}, expected two coordinates or more in the place of "
                f"{self.radial!r}; give e.g. ('x', 'y')"
            )
        every = self.coordinates
        for name in every:
            if every.count(name) > 1:
                raise ValueError(f"revolved: the coordinate {name!r} comes twice; rename one")
        if self.profile.bounds[self.radial][1] <= 0:
            raise ValueError(f"revolved: {self.profile!r} has no {self.radial} > 0; move it off the axis")
        if self.angles is not None:
            self._check_angles(self.angles)
        self._check_sides()

    def _check_sides(self) -> None:
        """Refuse a profile that lies on both sides of the axis, and differently; of a box only r ≥ 0 is taken."""
        if self.profile.bounds[self.radial][0] >= 0 or isinstance(self.profile, Box):
            return
        x = self.profile.sample(_POINTS, generator=torch.Generator().manual_seed(0)).x.clone()
        x[:, self._place] *= -1
        if not bool(self.profile.contains(x).all()):
            raise ValueError(
                f"revolved: {self.profile!r} lies on both sides of the axis, and is not the same there; give "
                f"{self.radial} >= 0"
            )

    def _check_angles(self, angles: tuple[float, ...]) -> None:
        if len(self.names) != 2:
            raise ValueError(f"revolved: got angles in {len(self.names)} coordinates; they are for two")
        if len(angles) != 2 or not 0 < angles[1] - angles[0] < 2 * math.pi:
            raise ValueError(
                f"revolved: got angles={angles}, expected (first, last) with first < last < first + 2π, in radians; "
                "leave them out for all around"
            )
        if self.profile.bounds[self.radial][0] < 0:
            raise ValueError(
                f"revolved: {self.profile!r} lies on both sides of the axis; with angles, give {self.radial} >= 0"
            )

    def __repr__(self) -> str:
        part = "" if self.angles is None else f"({self.angles[0]:g}, {self.angles[1]:g}), "
        return f"{self.profile!r}.revolved({part}{self.radial}={self.names})"

    @property
    def _place(self) -> int:
        return self.profile.coordinates.index(self.radial)

    @property
    def _columns(self) -> slice:
        return slice(self._place, self._place + len(self.names))

    @property
    def coordinates(self) -> tuple[str, ...]:
        """See `Domain.coordinates`."""
        others = self.profile.coordinates
        return (*others[: self._place], *self.names, *others[self._place + 1 :])

    @property
    def dimension(self) -> int:
        """See `Domain.dimension`."""
        return self.profile.dimension + len(self.names) - 1

    @property
    def bounds(self) -> Bounds:
        """See `Domain.bounds`."""
        return dict(self._bounds)

    @cached_property
    def _bounds(self) -> Bounds:
        columns = range(len(self.coordinates))[self._columns]
        directions = torch.eye(len(self.coordinates), dtype=torch.float64, device="cpu")[columns]
        high, low = self.support(directions), -self.support(-directions)
        pairs = dict(zip(self.names, zip(low.tolist(), high.tolist(), strict=True), strict=True))
        pairs.update({name: pair for name, pair in self.profile.bounds.items() if name != self.radial})
        return {name: pairs[name] for name in self.coordinates}

    def support(self, directions: Tensor) -> Tensor:
        """How far it reaches in directions a (m, d), shape (m,)."""
        folded = self._folded(directions)
        if self.angles is not None:
            # The largest component of a along any of the radii: all of it, unless they leave out its direction.
            first, last = self.angles
            a, b = directions[:, self._columns].unbind(1)
            ends = torch.maximum(*(math.cos(angle) * a + math.sin(angle) * b for angle in self.angles))
            beyond = torch.remainder(torch.atan2(b, a) - first, 2 * math.pi) > last - first
            radial = torch.where(beyond, ends, folded[:, self._place])
            folded = torch.cat([folded[:, : self._place], radial[:, None], folded[:, self._place + 1 :]], 1)
        return support(self.profile, folded)

    def _folded(self, x: Tensor) -> Tensor:
        """Points in the profile's coordinates."""
        radius = x[:, self._columns].norm(dim=1, keepdim=True)
        return torch.cat([x[:, : self._place], radius, x[:, self._columns.stop :]], 1)

    def _unfolded(self, flat: Tensor, around: Tensor, radial: Tensor) -> Tensor:
        """Profile columns with the radial one replaced by `radial` along the unit vectors `around` (n, k)."""
        return torch.cat([flat[:, : self._place], radial[:, None] * around, flat[:, self._place + 1 :]], 1)

    def _profile_points(self, points: Points) -> Points:
        """The points that these were swept from, with their normals."""
        flat = self._folded(points.x)
        normals = points.normals
        if normals is not None:
            around = points.x[:, self._columns] / flat[:, self._place : self._place + 1].clamp_min(1e-300)
            radial = (normals[:, self._columns] * around).sum(1, keepdim=True)
            normals = torch.cat([normals[:, : self._place], radial, normals[:, self._columns.stop :]], 1)
        return Points(self.profile.coordinates, flat, normals)

    def charts(self) -> tuple[Chart, ...]:
        """See `Domain.charts`."""
        return self._charts

    @cached_property
    def _charts(self) -> tuple[Chart, ...]:
        return self._all_around(self.profile)

    def _all_around(self, profile: Domain) -> tuple[Chart, ...]:
        swept = [self._swept(chart, within) for chart, within in _pieces(profile, self.radial)]
        return tuple(piece for piece in swept if piece.measure > 0)

    @property
    def _directions(self) -> tuple[int, float, Callable[[Tensor], Tensor]]:
        """Axes of the cube that a direction takes, the measure of all directions, and the map."""
        k = len(self.names)
        if self.angles is None:
            return number_of_angles(k), 2 * math.pi ** (k / 2) / math.gamma(k / 2), lambda unit: direction(unit, k)
        first, last = self.angles

        def within(unit: Tensor) -> Tensor:
            angle = first + (last - first) * unit[:, 0]
            return torch.stack([torch.cos(angle), torch.sin(angle)], 1)

        return 1, last - first, within

    def _swept(self, chart: Chart, within: _Range) -> Chart:
        """A piece of the profile all the way around."""
        k, outer = len(self.names), self.profile.bounds[self.radial][1]
        size, measure, towards = self._directions
        chart = spread(chart)
        low, high = (0.0, outer) if within is None else within

        def place(unit: Tensor) -> Points:
            flat, around = chart.place(unit[:, : chart.size]), towards(unit[:, chart.size :])
            radial = flat.x[:, self._place]
            if within is not None and high > low:  # r^{k−1} dr is uniform in r^k
                fraction = (radial - low) / (high - low)
                radial = (low**k + fraction * (high**k - low**k)) ** (1 / k)
            x = self._unfolded(flat.x, around, radial)
            if flat.normals is None:
                return Points(self.coordinates, x)
            return Points(self.coordinates, x, self._unfolded(flat.normals, around, flat.normals[:, self._place]))

        powers = (*(chart.powers or (1,) * chart.size), *(1,) * size)
        swept = Chart(
            chart.size + size,
            chart.volume * measure,
            place,
            pulled_back(chart.keep, self._profile_points),
            density=pulled_back(chart.density, self._profile_points),
            most=chart.most,
            powers=powers,
        )
        if within is None:
            sides = 2 if self.profile.bounds[self.radial][0] < 0 else 1  # each then sweeps all of it
            swept = replace(swept, volume=swept.volume * outer ** (k - 1) / sides)
            return swept.weighted(self._nearness, 1.0)
        if high == low:
            return replace(swept, volume=swept.volume * low ** (k - 1))
        powers = tuple(k if low == 0 and m == 1 and i == self._radial_axis(chart) else m for i, m in enumerate(powers))
        mean = (high**k - low**k) / (k * (high - low))  # of r^{k−1} over the interval
        return replace(swept, volume=swept.volume * mean, powers=powers)

    def _radial_axis(self, chart: Chart) -> int:
        """The axis of the cube along which r runs."""
        middle = torch.full((1, chart.size), 0.5, dtype=torch.float64, device="cpu")
        ends = chart.place(middle + 0.25 * torch.eye(chart.size, dtype=torch.float64, device="cpu"))
        apart = (ends.x - chart.place(middle).x)[:, self._place].abs()
        return int(apart.argmax())

    def _nearness(self, points: Points) -> Tensor:
        """(r/R)^{k−1}."""
        radius = points.x[:, self._columns].norm(dim=1)
        return (radius / self.profile.bounds[self.radial][1]) ** (len(self.names) - 1)

    @cached_property
    def _whole(self) -> Domain:
        """The profile on both sides of the axis, where that is known."""
        return _mirrored(self.profile, self.radial)

    def level(self, x: Tensor) -> Tensor:
        """See `Domain.level`."""
        level = self._whole.level(self._folded(x))
        if self.angles is None:
            return level
        first, last = self.angles
        middle, half = 0.5 * (first + last), 0.5 * (last - first)
        a, b = x[:, self._columns].unbind(1)
        along, across = math.cos(middle) * a + math.sin(middle) * b, math.cos(middle) * b - math.sin(middle) * a
        # Distances beyond the planes of both ends: |across| cos(half) − along sin(half), up to half a turn of both.
        sides = torch.stack([sign * across * math.cos(half) - along * math.sin(half) for sign in (1.0, -1.0)])
        beyond = sides.amax(0) if half <= math.pi / 2 else sides.amin(0)
        return torch.maximum(level, beyond / self.profile.bounds[self.radial][1])

    def implicit(self) -> Node:
        """See `Implicit.implicit`: that of the profile at the distance from the axis."""

        def back(columns: Columns) -> Columns:
            square = sum(columns[name] * columns[name] for name in self.names)
            return {**columns, self.radial: torch.sqrt(square + 1e-30)}

        self._check_axis()
        swept = Moved(implicit(self._whole, "Exact"), back)
        if self.angles is None:
            return swept
        if self.profile.dimension < len(self.profile.coordinates):
            raise ValueError(f"Exact: {self!r} is a surface swept a part of the way; give a whole boundary")
        return Every((swept, self._wedge(self.angles)))

    def _check_axis(self) -> None:
        """Refuse a profile that begins at the axis where it is not known on both sides: what vanishes there too."""
        outer = self.profile.bounds[self.radial][1]
        if self._whole is not self.profile or self.profile.bounds[self.radial][0] != 0:
            return
        x = self.profile.sample(_POINTS, generator=torch.Generator().manual_seed(0)).x.clone()
        x[:, self._place] = 1e-6 * outer
        if self.profile.dimension == x.shape[1] and bool((self.profile.level(x) < 0).any()):
            raise ValueError(
                f"Exact: no smooth function is known for {self!r}, whose profile begins at the axis; give one on both "
                f"sides of {self.radial} = 0, or state the condition as a Constraint"
            )

    def _wedge(self, angles: tuple[float, ...]) -> Node:
        """Between the planes of both ends."""
        (first, last), (x, y), outer = angles, self.names, self.profile.bounds[self.radial][1]

        def beside(angle: float, sign: float) -> Leaf:
            a, b = -sign * math.sin(angle) / outer, sign * math.cos(angle) / outer
            return Leaf(lambda columns: a * columns[x] + b * columns[y])

        planes = (beside(first, 1.0), beside(last, -1.0))
        return Every(planes) if last - first <= math.pi else Some(planes)

    def boundary(self) -> Boundary:
        """See `Domain.boundary`; what lies on the axis is none of it."""
        pieces = [*self._all_around(self.profile.boundary())]
        if self.angles is not None:
            pieces += [cap for chart, _ in _pieces(self.profile, self.radial) for cap in self._caps(chart)]
        return Boundary(self, tuple(pieces))

    def _caps(self, chart: Chart) -> list[Chart]:
        """A piece of the profile at both ends of the way, with normals against and along it."""
        assert self.angles is not None
        found = []
        for angle, sign in zip(self.angles, (-1.0, 1.0), strict=True):
            around = torch.tensor([[math.cos(angle), math.sin(angle)]], dtype=torch.float64, device="cpu")
            outward = torch.tensor([[-math.sin(angle), math.cos(angle)]], dtype=torch.float64, device="cpu") * sign

            def place(unit: Tensor, around: Tensor = around, outward: Tensor = outward) -> Points:
                flat = spread(chart).place(unit)
                x = self._unfolded(flat.x, around, flat.x[:, self._place])
                normals = self._unfolded(torch.zeros_like(flat.x), outward, torch.ones_like(flat.x[:, 0]))
                return Points(self.coordinates, x, normals)

            back = self._profile_points
            keep, density = pulled_back(chart.keep, back), pulled_back(chart.density, back)
            found.append(replace(chart, place=place, keep=keep, density=density))
        return found


def _pieces(profile: Domain, radial: str) -> list[tuple[Chart, _Range]]:
    """Pieces of a profile, and where r lies in each where it is uniform."""
    if isinstance(profile, Boundary) and isinstance(profile.of, Box):
        return [piece for face in _half(profile.of, radial).faces() for piece in _pieces(face, radial)]
    if isinstance(profile, Face):
        fixed = profile.at.get(radial)
        low, high = profile.box.bounds[radial] if fixed is None else (fixed, fixed)
        return [(chart, (max(low, 0.0), high)) for chart in profile.charts()]
    if isinstance(profile, Box):
        half = _half(profile, radial)
        return [(chart, half.bounds[radial]) for chart in half.charts()]
    return [(chart, None) for chart in smooth_pieces(profile)]


def _half(box: Box, radial: str) -> Box:
    """The part of a box with r ≥ 0."""
    low, high = box.bounds[radial]
    return box if low >= 0 else Box(**{**box.bounds, radial: (0.0, high)})


def _mirrored(profile: Domain, radial: str) -> Domain:
    """A profile that begins at the axis, on both sides of it; any other as it is."""
    low, high = profile.bounds[radial]
    if low != 0:
        return profile
    if isinstance(profile, Box):
        return Box(**{**profile.bounds, radial: (-high, high)})
    if isinstance(profile, Difference):
        removed = [both for other in profile.removed for both in _both_sides(other, radial)]
        return Difference(_mirrored(profile.base, radial), tuple(removed))
    if isinstance(profile, Polygon):
        corners, column = profile.corners, profile.coordinates.index(radial)
        on = corners[:, column] == 0
        starts = [i for i in range(len(corners)) if on[i] and on[(i + 1) % len(corners)]]
        if len(starts) == 1:  # the edge along the axis comes last
            corners = corners.roll(-(starts[0] + 1), 0)
            other = corners.flip(0).clone()
            other[:, column] *= -1
            return Polygon(torch.cat([corners, other[1:-1]]).tolist(), profile.coordinates)
    return profile


def _both_sides(domain: Domain, radial: str) -> tuple[Domain, ...]:
    """What is taken away from a profile, and its mirror image, so that functions of it are even in r."""
    low, _ = domain.bounds[radial]
    if low > 0:
        return domain, Image(domain, Motion((Scale({radial: -1.0}),)))
    return (_mirrored(domain, radial),)
