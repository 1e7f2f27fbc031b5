"""Maps for steep places of a problem in a box, found by trial solves: layers at its ends, and where residuals are.

Polynomials in x̂ see a layer of the width ε at the end of a coordinate with a degree of about 5 / √ε and elsewhere with
one of about 5 / ε; below that the residual stands still, and its growth (`pinn.features.multi_index`) finds no
direction. Polynomials in a map z(x̂) that is dense about the layer (`pinn.networks.coordinate_map`) need some 30. Where
fixed neurons are about to be given up, few of them are tried with maps: dense at both ends of all coordinates or of
one, with four widths, and where the residual of what is at hand lies. The best is narrowed, widened and moved to one
end while that helps.

Measured without a tolerance, seed 0, with seconds of the processor under load: relative L2 error, what was claimed.

| problem | polynomials of coordinates | in maps |
|---|---|---|
| u_x − ε Δu = f, ε = 1e-3 | 9e-1 | 6e-10, 3e-9 (5 s) |
| the same, ε = 1e-5 | 9e-1 | 9e-8, 1e-7 (6 s) |
| u_x + u_y − ε Δu = f, ε = 1e-3; 1e-4 | 7e-1 left | 7e-8, 7e-8 (9 s); 1e-6, 3e-6 (8 s) |
| u − ε² Δu = f, layers at four sides, ε = 1e-3 | 2e-3 | 3e-8, 6e-8 (8 s) |
| the same with f = 1, which the corners contradict | | claimed 2e-4 (8 s) |
| Δu = f, tanh((x − 0.13) / 0.01) cos y | 1 left | 1e-3, 3e-3 (5 s) |
| u_x − ε Δu = f in three coordinates, ε = 0.01 | 1 left | 5e-5, 3e-4 (17 s) |

Source: Bayliss, Turkel, J. Comput. Phys. 101 (1992) 349, for maps whose parameters are chosen by what they leave.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from pinn.domains import Box
from pinn.features.parts import Parts
from pinn.networks import CoordinateMap
from pinn.networks.chebyshev import Index
from pinn.objective import Equations
from pinn.spread import spread_points

_SHARE = 0.7  # of the neurons of a coordinate that are about its layers
_WIDTHS = (0.03, 1e-3, 3e-5, 1e-6)  # tried first, in units of half the extent
_FACTOR = 4.0  # of the width to the next ones that are tried
_NARROWEST, _WIDEST = 1e-9, 0.5
_SAMPLE = 1000  # points on which it is seen where residuals lie
_HELPS = 0.9  # of the residual: maps that leave more are not taken
_FEWER = 2.0  # times what more maps leave, that fewer may
_PLAIN, _A_DECADE = 12, 10  # degree of a trial with a map, and so much more for each decade of its width
_COLUMNS = (240, 480)  # neurons of a trial, the second where the first find nothing that leaves less than ...
_CARRIED = 0.1  # ... this


@dataclass(frozen=True)
class Layer:
    """Where polynomials are dense along a coordinate.

    Attributes:
        places: in [−1, 1].
        width: of each, in the same units.
    """

    places: tuple[float, ...]
    width: float

    @property
    def map(self) -> CoordinateMap:
        """The map that is dense there."""
        return CoordinateMap.about([(place, self.width) for place in self.places], _SHARE)

    @property
    def degree(self) -> int:
        """Of the polynomials in a trial."""
        return math.ceil(_PLAIN - _A_DECADE * math.log10(self.width))


Layers = tuple[Layer | None, ...]
"""One a coordinate, None where it is taken as it is."""


@dataclass
class _Trials:
    """Trials of so many neurons, each made once."""

    parts: Parts
    solved: Callable[[Parts, Sequence[Index]], tuple[Equations, float] | None]
    generator: torch.Generator
    columns: int

    def __post_init__(self) -> None:
        self.known: dict[Layers, float] = {}
        self.last: Equations | None = None

    def with_maps(self, layers: Layers) -> Parts:
        return replace(self.parts, maps=tuple(None if one is None else one.map for one in layers))

    def __call__(self, layers: Layers) -> float:
        """The share of the residual that is left."""
        if layers not in self.known:
            found = self.solved(self.with_maps(layers), trial(layers, self.columns))
            self.last, self.known[layers] = (self.last, math.inf) if found is None else found
        return self.known[layers]

    def located(self, axis: int) -> Layer | None:
        """Where half of the squared residual of the last lies along a coordinate; None where that is no layer."""
        if self.last is None:
            return None
        problem, places, sizes = self.parts.problem, [], []
        low, high = problem.domain.bounds[problem.coordinates[axis]]
        for name, constraint in problem.constraints.items():
            if constraint.on.dimension == problem.domain.dimension:
                points = spread_points(problem, name, _SAMPLE, generator=self.generator)
                places.append(points.x[:, axis])
                sizes.append(self.last.residual(name, points).reshape(points.n, -1).square().sum(1))
        if not places:
            return None
        order = torch.argsort(at := torch.cat(places))
        sums = torch.cat(sizes)[order].cumsum(0)
        quarters = [float(at[order][torch.searchsorted(sums, part * sums[-1])]) for part in (0.25, 0.5, 0.75)]
        width = (quarters[2] - quarters[0]) / (high - low)
        return Layer(((2 * quarters[1] - low - high) / (high - low),), width) if _NARROWEST < width < 0.25 else None


def may_be_steep(parts: Parts) -> bool:
    """Whether maps can be tried: in a box without regions or functions, and nothing singular of its own."""
    domain = parts.problem.domain
    return isinstance(domain, Box) and not domain.functions and not parts.problem.regions and not parts.any_singular


def steep_parts(
    parts: Parts,
    solved: Callable[[Parts, Sequence[Index]], tuple[Equations, float] | None],
    generator: torch.Generator,
) -> tuple[Parts, list[Index], float] | None:
    """Neurons with maps that leave least, the polynomials of their trial, and what it left; None where none helps.

    Args:
        parts: the neurons without maps, of a problem in a box.
        solved: neurons and polynomials -> the equations of their answer, and the share of the residual that it leaves
            on points held out; None where there is no time for it.
        generator: source of the points on which it is seen where residuals lie.
    """
    problem, found = parts.problem, None
    axes = [i for i, name in enumerate(problem.coordinates) if name not in problem.periodic]
    for columns in _COLUMNS:
        left = _Trials(parts, solved, generator, columns)
        layers = steep_places(len(problem.coordinates), axes, left, left.located)
        if layers is not None and (found is None or left(layers) < found[2]):
            found = left.with_maps(layers), trial(layers, columns), left(layers)
        if found is not None and found[2] < _CARRIED:
            break
    return found


def steep_places(
    dimension: int,
    axes: Sequence[int],
    left: Callable[[Layers], float],
    located: Callable[[int], Layer | None] = lambda axis: None,
) -> Layers | None:
    """The layers whose maps leave least of the residual; None where none helps.

    Args:
        dimension: number of coordinates.
        axes: numbers of those that may have a map.
        left: share of the residual that a trial leaves; infinite where there is no time for it.
        located: number of a coordinate -> where the residual of the last trial lies along it.

    Example:
        >>> wanted = Layer((1.0,), 0.03)
        >>> steep_places(2, [0], lambda layers: {wanted: 0.1, None: 1.0}.get(layers[0], 0.5))
        (Layer(places=(1.0,), width=0.03), None)
    """
    plain: Layers = (None,) * dimension
    bound = _HELPS * left(plain)
    found = [_with(plain, axis, one) for axis in axes if (one := located(axis)) is not None]
    ends = [Layer((-1.0, 1.0), width) for width in _WIDTHS]
    everywhere = [tuple(one if axis in axes else None for axis in range(dimension)) for one in ends]
    alone = [_with(plain, axis, one) for axis in axes for one in ends]
    best = min([*everywhere, *alone, *found], key=left)
    if not left(best) < bound:
        return None
    while better := next((one for one in _near(best, axes) if _preferred(one, best, left)), None):
        best = better
    return best


def _preferred(one: Layers, best: Layers, left: Callable[[Layers], float]) -> bool:
    """Whether layers leave less, or hardly more with fewer maps."""
    fewer = sum(map(bool, one)) < sum(map(bool, best)) and left(one) < _CARRIED
    return left(one) < (_FEWER if fewer else 1.0) * left(best)


def _with(layers: Layers, axis: int, one: Layer | None) -> Layers:
    return (*layers[:axis], one, *layers[axis + 1 :])


def _near(layers: Layers, axes: Sequence[int]) -> Iterator[Layers]:
    """Layers that differ in one respect."""
    for axis in axes:
        one = layers[axis]
        if one is None:
            continue
        for factor in (1 / _FACTOR, _FACTOR):
            if _NARROWEST < factor * one.width < _WIDEST:
                yield _with(layers, axis, replace(one, width=factor * one.width))
        for place in one.places if len(one.places) > 1 else ():
            yield _with(layers, axis, replace(one, places=(place,)))
        for side in (-1, 1) if max(map(abs, one.places)) < 1 else ():
            moved = tuple(place + side * one.width for place in one.places)
            if max(map(abs, moved)) < 1:
                yield _with(layers, axis, replace(one, places=moved))
        if sum(map(bool, layers)) > 1:
            yield _with(layers, axis, None)


def trial(layers: Layers, columns: int) -> list[Index]:
    """Multi-indices of a trial, Σ k_i / n_i ≤ 1 with larger n where there are maps.

    Args:
        layers: one a coordinate.
        columns: their number, about; degrees are reduced where they are more, and else those without a map grow.

    Example:
        >>> index = trial((Layer((1.0,), 0.01), None), 240)
        >>> len(index), max(k for k, _ in index), max(k for _, k in index)
        (232, 32, 13)
    """
    steep = [0 if one is None else one.degree for one in layers]
    found: list[Index] = []
    part = 1.0
    while not found or (len(found) > columns and part > 0.2):
        part = 0.9 * part if found else 1.0
        found = sorted(_within([max(1, round(part * degree)) for degree in steep], 1.0))
    for plain in range(2, 2 * _PLAIN) if not all(steep) else ():
        more = sorted(_within([round(part * degree) or plain for degree in steep], 1.0))
        if len(more) > columns:
            break
        found = more
    return found


def _within(most: Sequence[int], left: float) -> Iterator[Index]:
    if not most:
        yield ()
        return
    for k in range(int(most[0] * left + 1e-9) + 1):
        yield from ((k, *rest) for rest in _within(most[1:], left - k / most[0]))
