"""Sets of multi-indices that are closed downwards, and how they grow where the coefficients are large.

A set Λ is closed downwards when k ∈ Λ and l ≤ k in every entry give l ∈ Λ. It grows by the index that is expected to
have the largest coefficient among those that keep it closed: ρ^s times the largest of its neighbours', s = 1 or 2
steps below it along each coordinate, since even and odd functions have every second coefficient zero. Directions and
combinations of coordinates that matter are so found by themselves: Σ cos πx_i in five dimensions takes 160 indices,
where all of total degree 14 are 11 628.

Where functions are inputs, coordinates include a dozen of their coefficients ξ, and a set that begins with one degree
in each shows nothing of what the answer is like. There it is a product, of a set in the other coordinates, which grows
as above, and of 1, ξ_1, ξ_2, …, which is what answers that are linear in functions need. u' = f for a Gaussian field
with 11 terms ended at an error of one with 777 neurons of a set in all coordinates, at 1e-14 with 492 of a product.

Source: Chkifa, Cohen, Schwab, Found. Comput. Math. 14 (2014) 601, section 4; Gerstner, Griebel, Computing 71 (2003) 65.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pinn.networks.chebyshev import Index

_DECAY = 0.7  # ρ; 0.5 and 0.9 were as good within a third of the neurons on the problems of `pinn.features.solve`


@dataclass(frozen=True)
class Growth:
    """How a set of multi-indices begins and grows.

    Args:
        dimension: coordinates.
        linear: which of them come in by their first power alone, and no two of them together.

    Example:
        >>> Growth(3, (1, 2)).first(6)
        [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 0, 1), (1, 1, 0)]
    """

    dimension: int
    linear: tuple[int, ...] = ()

    def first(self, most: int) -> list[Index]:
        """`simplex`, or a product with one of the other coordinates, and no larger than it has to be."""
        if not self.linear:
            return simplex(self.dimension, most)
        return self._product(simplex(self.dimension - len(self.linear), most // (1 + len(self.linear))))

    def grown(self, sizes: Mapping[Index, float], count: int) -> list[Index]:
        """See `grown`; a product stays one."""
        if not self.linear:
            return grown(sizes, count)
        largest: dict[Index, float] = {}
        for index, size in sizes.items():
            other = tuple(degree for axis, degree in enumerate(index) if axis not in self.linear)
            largest[other] = max(largest.get(other, 0.0), size)
        return self._product(grown(largest, math.ceil(count / (1 + len(self.linear)))))

    def _product(self, others: Sequence[Index]) -> list[Index]:
        found = []
        for other in others:
            for factor in (None, *self.linear):
                degrees = iter(other)
                found.append(
                    tuple(int(a == factor) if a in self.linear else next(degrees) for a in range(self.dimension))
                )
        return sorted(found)


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


def shrunk(sizes: Mapping[Index, float], count: int) -> list[Index]:
    """The indices of a set that matter most, again closed downwards: each as large as the largest at or above it.

    Args:
        sizes: multi-index of a set that is closed downwards -> size of its coefficient.
        count: of the smaller set.

    Example:
        >>> shrunk({(0,): 0.0, (1,): 1.0, (2,): 0.0, (3,): 0.1, (4,): 0.0}, 3)
        [(0,), (1,), (2,)]
    """
    known = list(sizes.items())

    def reach(index: Index) -> float:
        return max(size for other, size in known if all(a >= b for a, b in zip(other, index, strict=True)))

    return sorted(sorted(sizes, key=lambda index: (-reach(index), sum(index), index))[:count])
