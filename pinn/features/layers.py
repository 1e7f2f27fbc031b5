"""Where neurons in space are to be dense: thin layers and kinks of functions at hand, and the map that needs fewest.

How near the next singularity of a function u of the size U is, is read off its derivatives,

    δ(x) = min_{k ≤ 3} (k! U / |u⁽ᵏ⁾(x)|)^{1/k},      a distance, so that |δ(x) − δ(y)| ≤ |x − y|

Where δ is least there is a layer of the width δ. Maps that are dense about all of these, to a larger or smaller part,
are tried, and at kinks, whose δ is that of the neurons and not of the function, a quarter and a sixteenth of the
width. What decides is the number of neurons with which the functions are interpolated to the tolerance; a map is taken
where it needs two thirds or less.

Source: Trefethen, Approximation Theory and Approximation Practice (2013), ch. 8, for convergence by the distance of
singularities; Tee, Trefethen, SIAM J. Sci. Comput. 28 (2006) 1798, for maps that follow them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from pinn.features.plane import Neurons, Plane
from pinn.features.space import Space
from pinn.networks.coordinate_map import CoordinateMap

_SHARES = (0.5, 0.7, 0.85)  # of the neurons for layers
_NARROWER = (1.0, 1 / 4, 1 / 16)  # of the widths found
_GAIN = 0.67  # of the neurons that a map must do with
_GROWTH = 1.4  # of neurons at the most, where none of the maps resolves the functions
_HOPELESS = 1.1  # of the neurons at hand that maps of one width need, where narrower ones are not tried
_FEW = 65  # neurons for which no map is sought
_MOST_LAYERS = 8
_WIDEST = 0.25  # of half the extent: wider ones are no layers
_AT_KINK = 1 / 64  # of the widths found, at kinks
_NARROWEST = 1e-9  # of half the extent
_NOISE = 1e-13  # of the largest coefficient: smaller ones are rounding


def last(coefficients: Tensor) -> float:
    """The last coefficients in space (m, M) over the size of all."""
    size = coefficients.abs()
    return float(size[:, -max(2, size.shape[1] // 10) :].sum(1).amax()) / max(float(size.amax()), 1e-300)


def needed(coefficients: Tensor, goal: float) -> int:
    """How many neurons of functions with the coefficients (m, M) leave no more than a goal, over the size of all."""
    size = coefficients.abs().amax(0)
    left = size.flip(0).cumsum(0).flip(0) / max(float(size.amax()), 1e-300)
    enough = torch.nonzero(left <= goal)
    return int(enough[0]) if enough.shape[0] else size.shape[0]


def moved(before: Any, after: Any, coefficients: Tensor) -> Tensor:
    """Coefficients (M', q) in other neurons of functions given by (M, q)."""
    return after.fitted(before.table(after.nodes()) @ coefficients)


def adapted(space: Neurons, functions: Tensor, tolerance: float, most: int) -> Space | None:
    """The neurons of which fewest are needed for some functions; None where those at hand do about as well.

    Args:
        space: neurons at hand.
        functions: coefficients (m, M).
        tolerance: of the last coefficients over the size of all.
        most: neurons at the most.
    """
    if isinstance(space, Plane) or space.axis is None or space.count < _FEW:
        return None
    # What is not resolved is wrong everywhere, by as much as the last coefficients: no map is asked for more.
    aim = max(0.1 * tolerance, _NOISE * math.sqrt(space.count))
    goal = max(aim, 2 * last(functions))
    count = min(space.count, most)
    count -= (count + 1) % 2 if space.periodic else 0
    now = needed(functions, goal)
    best, least = None, max(_FEW / 2 if goal > aim else _FEW, _GAIN * now)
    for maps in _maps(space, functions):
        trials = [replace(space, map=map, count=count) for map in maps]
        found = [needed(moved(space, trial, functions.T).T, goal) for trial in trials]
        if min(found) < least:
            best, least = trials[found.index(min(found))], min(found)
        if min(found) > _HOPELESS * now:
            break
    if best is None:
        return None
    size = 1.15 * least * max(1.0, math.log(aim) / math.log(min(goal, 0.1))) + 2
    size = min(most, max(_FEW, math.ceil(min(size, _GROWTH * count))))
    return best.resized(size - (size + 1) % 2 if space.periodic else size)


def narrower(space: Neurons, functions: Tensor) -> Space | None:
    """As many neurons, with a map that is denser still where functions have kinks; None where it has a bound.

    Whether that helps, only the functions themselves can tell: what is interpolated at hand has no kink.

    Args:
        space: neurons at hand.
        functions: coefficients (m, M).
    """
    if isinstance(space, Plane) or space.axis is None or space.map is None:
        return None
    layers = [(place, _AT_KINK * width) for place, width in _layers(space, functions)]
    if not layers or min(width for _, width in layers) < _NARROWEST:
        return None
    return replace(space, map=CoordinateMap.about(layers, _SHARES[-1], space.periodic))


def _maps(space: Space, functions: Tensor) -> list[list[CoordinateMap | None]]:
    """Maps to be tried, those of the widths found first, then narrower ones."""
    layers = _layers(space, functions)
    found: list[list[CoordinateMap | None]] = [[None]] if space.map is not None and not layers else []
    for narrower in _NARROWER if layers else ():
        widths = [(place, max(_NARROWEST, narrower * width)) for place, width in layers]
        found.append([CoordinateMap.about(widths, share, space.periodic) for share in _SHARES])
    if found and layers and space.map is not None:
        found[0].append(None)
    return found


def _smoothed(functions: Tensor) -> Tensor:
    """Coefficients (m, M) by the exponential filter of order four, so that what is not resolved does not ring."""
    k = torch.arange(functions.shape[1], dtype=torch.float64) / functions.shape[1]
    return functions * torch.exp(-36.0 * k**4)


def _layers(space: Space, functions: Tensor) -> list[tuple[float, float]]:
    """(place, width) of layers, in units of x̂ or θ, the narrowest first."""
    nodes = space.nodes()
    x = torch.cat([nodes, space.between()]).sort().values
    smoothed = _smoothed(functions)
    values = smoothed @ space.table(x).T
    size = 0.5 * float((values.amax(1) - values.amin(1)).amax())
    if not size > 0:
        return []
    near = torch.full_like(x, math.inf)
    for order in (1, 2, 3):
        slope = (smoothed @ space.table(x, order).T).abs().amax(0) / space.rate**order
        near = torch.minimum(near, (math.factorial(order) * size / slope.clamp_min(1e-300)) ** (1 / order))
    at = space.scaled(x)
    distance = (at[:, None] - at).abs()
    if space.periodic:
        distance = torch.minimum(distance, 2 * math.pi - distance)
    regular = (near + distance).amin(1)
    extent = math.pi if space.periodic else 1.0
    spacing = torch.diff(at, prepend=at[:1], append=at[-1:])
    weight = (spacing[1:] + spacing[:-1]) / near.clamp_min(1e-300) ** 4
    found: list[tuple[float, float]] = []
    for i in torch.argsort(regular).tolist():
        width = float(regular[i])
        if width > _WIDEST * extent or len(found) == _MOST_LAYERS:
            break
        if width < float(near[i]):
            continue
        offset = at - at[i]
        offset = torch.remainder(offset + math.pi, 2 * math.pi) - math.pi if space.periodic else offset
        own = weight * (offset.abs() < 2 * width)
        place = float(at[i] + (own * offset).sum() / own.sum())
        place = place % (2 * math.pi) if space.periodic else min(1.0, max(-1.0, place))
        apart = [abs(place - c) for c, _ in found]
        apart = [min(d, 2 * math.pi - d) for d in apart] if space.periodic else apart
        if all(d > 2 * (width + e) for d, (_, e) in zip(apart, found, strict=True)):
            found.append((place, width))
    return found
