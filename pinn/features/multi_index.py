"""Sets of multi-indices that are closed downwards, and how they grow where the coefficients are large.

A set Λ is closed downwards when k ∈ Λ and l ≤ k in every entry give l ∈ Λ. It grows by the index that is expected to
have the largest coefficient among those that keep it closed: ρ^s times the largest of its neighbours', s = 1 or 2
steps below it along each coordinate, since even and odd functions have every second coefficient zero. Directions and
combinations of coordinates that matter are so found by themselves: Σ cos πx_i in five dimensions takes 160 indices,
where all of total degree 14 are 11 628.

Source: Chkifa, Cohen, Schwab, Found. Comput. Math. 14 (2014) 601, section 4; Gerstner, Griebel, Computing 71 (2003) 65.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Mapping

from pinn.networks.chebyshev import Index

_DECAY = 0.7  # ρ; 0.5 and 0.9 were as good within a third of the neurons on the problems of `pinn.features.solve`


def simplex(dimension: int, most: int) -> list[Index]:
    """All multi-indices of a total degree, the highest whose number is at most so many; those of degree one at least.

    Example:
        >>> simplex(2, 5)
        [(0, 0), (0, 1), (1, 0)]
    """
    found, degree = _of_degree(dimension, 1), 2
    while len(further := _of_degree(dimension, degree)) <= most:
        found, degree = further, degree + 1
    return found


def _of_degree(dimension: int, degree: int) -> list[Index]:
    if dimension == 1:
        return [(k,) for k in range(degree + 1)]
    return [(k, *rest) for k in range(degree + 1) for rest in _of_degree(dimension - 1, degree - k)]


def grown(sizes: Mapping[Index, float], count: int) -> list[Index]:
    """A larger set that is closed downwards.

    Args:
        sizes: multi-index of a set that is closed downwards -> size of its coefficient.
        count: of the larger set.

    Example:
        >>> grown({(0, 0): 1.0, (1, 0): 1.0, (0, 1): 0.0}, 4)
        [(0, 0), (0, 1), (1, 0), (1, 1)]
    """
    expected = dict(sizes) if any(sizes.values()) else dict.fromkeys(sizes, 1.0)  # zeros tell no direction
    dimension = len(next(iter(expected)))
    queue: list[tuple[float, Index]] = []
    waiting: set[Index] = set()

    def below(index: Index, axis: int, steps: int) -> Index:
        return (*index[:axis], index[axis] - steps, *index[axis + 1 :])

    def consider(index: Index) -> None:
        if index in expected or index in waiting:
            return
        if any(index[axis] and below(index, axis, 1) not in expected for axis in range(dimension)):
            return
        steps = itertools.product(range(dimension), (1, 2))
        near = [_DECAY**s * expected[below(index, axis, s)] for axis, s in steps if index[axis] >= s]
        waiting.add(index)
        heapq.heappush(queue, (-max(near), index))

    def above(index: Index) -> None:
        for axis in range(dimension):
            consider(below(index, axis, -1))

    for index in list(expected):
        above(index)
    while len(expected) < count:
        size, index = heapq.heappop(queue)
        expected[index] = -size
        above(index)
    return sorted(expected)
