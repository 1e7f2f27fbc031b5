"""Charts: measure-preserving maps from the unit cube onto (a cover of) a set, the one way every set is sampled.

If u is uniform on (0, 1)^k and φ has constant Jacobian measure |φ(A)| = |φ((0,1)^k)| |A|, then φ(u) is uniform on
the image; keeping only the points that satisfy a condition leaves them uniform on the part that does (rejection;
von Neumann 1951). The measure of that part is the image's times the fraction of kept points, which is estimated on a
fixed Sobol' sequence where no closed form is known. A set is a tuple of charts whose images overlap in nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from pinn.domains.cube import batches
from pinn.domains.points import Points

# Candidates of the estimate of a fraction: an error near 1e-4 of the image's measure; more where hardly any is kept.
_ESTIMATE = (2**14, 2**19)
_FEW = 100
_BATCH = 2**18
_MOST = 2**23


@dataclass(frozen=True, eq=False)
class Chart:
    """One piece of a set, as the image of a unit cube, or (k = 0) as fixed points.

    Args:
        size: k, axes of the unit cube; 0 for fixed points.
        volume: measure of the whole image; for fixed points their number.
        place: (n, k) in the open unit cube -> points; fixed points come whatever they are given.
        keep: condition, points -> bool (n,); None keeps all.
        exact: measure of what is kept, where known in closed form.
        closed: whether the faces of the cube land on distinct points, so that a grid may include them.
    """

    size: int
    volume: float
    place: Callable[[Tensor], Points]
    keep: Callable[[Points], Tensor] | None = None
    exact: float | None = None
    closed: bool = False

    @cached_property
    def measure(self) -> float:
        """Measure of what is kept: exact where known, else estimated on 2¹⁴ fixed Sobol' points (2¹⁹ if few stay)."""
        if self.exact is not None:
            return self.exact
        if self.keep is None:
            return self.volume
        fraction = 0.0
        for number in _ESTIMATE:
            generator = torch.Generator().manual_seed(0)
            unit = next(batches(self.size, number, generator=generator, method="sobol"))
            kept = int(self.keep(self.place(unit)).sum())
            fraction = kept / number
            if kept >= _FEW:
                break
        return self.volume * fraction

    def masked(self, keep: Callable[[Points], Tensor], exact: float | None = None) -> Chart:
        """The part of this chart that also satisfies `keep`; `exact` is its measure, where known."""
        if self.size == 0:
            fixed = self.fixed()
            return constant(fixed.take(keep(fixed)))
        before = self.keep
        both = keep if before is None else (lambda points: before(points) & keep(points))
        return replace(self, keep=both, exact=exact)

    def fixed(self) -> Points:
        """The points of a chart of size 0."""
        return self.place(torch.empty(1, 0, dtype=torch.float64, device="cpu"))

    def draw(self, n: int, *, generator: torch.Generator, method: str) -> Points:
        """Exactly n points, or all of them where they are fixed.

        Raises:
            ValueError: when hardly any candidate is kept.
        """
        if self.size == 0:
            return self.fixed()
        if self.keep is None:
            return self.place(next(batches(self.size, n, generator=generator, method=method))[:n])
        fraction = max(self.measure / self.volume, 1.0 / _MOST)
        wanted = min(_BATCH, math.ceil(1.1 * n / fraction) + 8)
        found: list[Points] = []
        have = tried = 0
        for unit in batches(self.size, wanted, generator=generator, method=method):
            candidates = self.place(unit)
            kept = candidates.take(self.keep(candidates))
            found.append(kept)
            have += kept.n
            tried += len(unit)
            if have >= n or tried >= _MOST:
                break
        if have < n:
            raise ValueError(
                f"sample: only {have} of {tried} candidates lie in the set, {n} were wanted; "
                "describe it as a part of a smaller set"
            )
        return Points.cat(found).take(torch.arange(n, device="cpu"))

    def grid(self, n: int) -> Points:
        """n points an axis of the cube, ends included where they land on distinct points; those that are kept."""
        if self.size == 0:
            return self.fixed()
        if self.closed and n > 1:
            axis = torch.linspace(0, 1, n, dtype=torch.float64, device="cpu")
        else:
            axis = (torch.arange(n, dtype=torch.float64, device="cpu") + 0.5) / n
        points = self.place(tensor_grid([axis] * self.size))
        return points if self.keep is None else points.take(self.keep(points))


def constant(points: Points) -> Chart:
    """Fixed points as a chart of size 0."""
    return Chart(0, float(points.n), lambda unit: points)


def product(left: Chart, right: Chart) -> Chart:
    """All pairs of a point of one chart and a point of another with other coordinates."""
    if left.size == 0 and right.size == 0:
        one, two = left.fixed(), right.fixed()
        first = torch.arange(one.n, device="cpu").repeat_interleave(two.n)
        second = torch.arange(two.n, device="cpu").repeat(one.n)
        return constant(_beside(one.take(first), two.take(second)))
    left, right = _spread(left), _spread(right)
    width = len(left.place(torch.full((1, left.size), 0.5, dtype=torch.float64, device="cpu")).names)

    def place(unit: Tensor) -> Points:
        return _beside(left.place(unit[:, : left.size]), right.place(unit[:, left.size :]))

    def keep(points: Points) -> Tensor:
        kept = torch.ones(points.n, dtype=torch.bool, device=points.x.device)
        for chart, columns in ((left, slice(0, width)), (right, slice(width, None))):
            if chart.keep is not None:
                normals = None if points.normals is None else points.normals[:, columns]
                kept = kept & chart.keep(Points(points.names[columns], points.x[:, columns], normals))
        return kept

    masked = left.keep is not None or right.keep is not None
    return Chart(
        left.size + right.size,
        left.volume * right.volume,
        place,
        keep if masked else None,
        left.measure * right.measure if masked else None,
        left.closed and right.closed,
    )


def tensor_grid(axes: list[Tensor]) -> Tensor:
    """All combinations of the axes' values, shape (product of lengths, number of axes), the last axis fastest."""
    return torch.stack([mesh.reshape(-1) for mesh in torch.meshgrid(*axes, indexing="ij")], dim=-1)


def _spread(chart: Chart) -> Chart:
    """A chart of fixed points with one axis that chooses among them, so that it can be paired with a continuous one."""
    if chart.size > 0:
        return chart
    points = chart.fixed()

    def choose(unit: Tensor) -> Points:
        return points.take((unit[:, 0] * points.n).long().clamp_max(points.n - 1))

    return Chart(1, chart.volume, choose)


def _beside(left: Points, right: Points) -> Points:
    normals = None
    if left.normals is not None or right.normals is not None:
        sides = [torch.zeros_like(part.x) if part.normals is None else part.normals for part in (left, right)]
        normals = torch.cat(sides, dim=1)
    x = torch.cat([left.x, right.x], dim=1)
    return Points(left.names + right.names, x, normals, {**left.values, **right.values}, _noise(left, right))


def _noise(left: Points, right: Points) -> Tensor | None:
    """The noise of the values of pairs of points, where one side has values and says their noise."""
    if left.sigma is None and right.sigma is None:
        return None
    if bool(left.values) != bool(right.values):
        return left.sigma if left.values else right.sigma
    columns = [
        None if part.sigma is None else part.sigma.reshape(part.n, -1).expand(part.n, len(part.values))
        for part in (left, right)
    ]
    return None if columns[0] is None or columns[1] is None else torch.cat([columns[0], columns[1]], 1)
