"""Charts: measure-preserving maps from the unit cube onto (a cover of) a set, the one way every set is sampled.

If u is uniform on (0, 1)^k and φ has constant Jacobian measure |φ(A)| = |φ((0,1)^k)| |A|, then φ(u) is uniform on
the image; keeping only the points that satisfy a condition leaves them uniform on the part that does (rejection;
von Neumann 1951). The measure of that part is the image's times the fraction of kept points, which is estimated on a
fixed Sobol' sequence where no closed form is known. A map whose Jacobian varies has a density, the Jacobian measure
over a constant: a point is kept with a probability in proportion to it. A set is a tuple of charts whose images overlap
in nothing.

Where nothing is cut away, integrals over a chart are those of its unit cube, by Gauss's rule along every axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from pinn.domains.cube import batches
from pinn.domains.points import Points

# Candidates of the estimate of a fraction: an error near 1e-4 of the image's measure; more where hardly any is kept.
_ESTIMATE = (2**14, 2**19)
_FEW = 100
_BATCH = 2**18
_MOST = 2**23

# Gauss nodes an axis by the number of axes; twice as many must agree to `_AGREE`, or the measure is estimated.
_NODES = (0, 128, 48, 20)
_AGREE = 1e-10
_SOBOL = 2**16  # at most, where Gauss's rule is none


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
        density: points -> (n,), the Jacobian measure of `place` over `volume`, where it varies; None where it is one.
        most: the largest density.
        powers: an exponent m an axis with which place(v^m) is smooth, for Gauss's rule; all one where left out.
    """

    size: int
    volume: float
    place: Callable[[Tensor], Points]
    keep: Callable[[Points], Tensor] | None = None
    exact: float | None = None
    closed: bool = False
    density: Callable[[Points], Tensor] | None = None
    most: float = 1.0
    powers: tuple[int, ...] = ()

    @cached_property
    def measure(self) -> float:
        """Measure of what is kept: exact where known, else estimated on 2¹⁴ fixed Sobol' points (2¹⁹ if few stay)."""
        if self.exact is not None:
            return self.exact
        if self.keep is None:
            if self.density is None:
                return self.volume
            if self.size < len(_NODES):
                first, second = (float(self.nodes(n)[1].sum()) for n in (_NODES[self.size], 2 * _NODES[self.size]))
                if abs(first - second) <= _AGREE * abs(second):
                    return second
        fraction = 0.0
        for number in _ESTIMATE:
            generator = torch.Generator().manual_seed(0)
            unit = next(batches(self.size, number, generator=generator, method="sobol"))
            points = self.place(unit)
            inside = torch.ones(number, dtype=torch.bool, device="cpu") if self.keep is None else self.keep(points)
            kept = int(inside.sum())
            fraction = kept / number
            if self.density is not None:
                fraction = float(torch.where(inside, self.density(points), 0.0).mean())
            if kept >= _FEW:
                break
        return self.volume * fraction

    def nodes(self, n: int) -> tuple[Points, Tensor]:
        """Points and weights of a quadrature rule over what is kept.

        Args:
            n: nodes along each axis of the cube.

        Returns:
            Gauss's nodes where nothing is cut away and there are at most three axes, else as many Sobol' points, at
            most 2¹⁶; and weights (points,) whose sum is the measure.
        """
        if self.size == 0:
            fixed = self.fixed()
            return fixed, torch.ones(fixed.n, dtype=torch.float64, device="cpu")
        if self.keep is not None or self.size >= len(_NODES):
            points = self.draw(min(n**self.size, _SOBOL), generator=torch.Generator().manual_seed(0), method="sobol")
            return points, torch.full((points.n,), self.measure / points.n, dtype=torch.float64, device="cpu")
        node, weight = (torch.from_numpy(part) for part in np.polynomial.legendre.leggauss(n))
        node, weight = 0.5 * (node + 1), 0.5 * weight
        powers = self.powers or (1,) * self.size
        unit = tensor_grid([node**m for m in powers])
        weights = tensor_grid([weight * m * node ** (m - 1) for m in powers]).prod(1)
        points = self.place(unit)
        return points, self.volume * weights * (1.0 if self.density is None else self.density(points))

    def weighted(self, density: Callable[[Points], Tensor], most: float | None = None) -> Chart:
        """This chart with a Jacobian measure that is `density` times what it was.

        Args:
            density: points -> (n,), not negative.
            most: the largest density; left out, a tenth more than on 2¹² fixed points.
        """
        if most is None:
            unit = next(batches(self.size, 2**12, generator=torch.Generator().manual_seed(0), method="sobol"))
            most = 1.1 * float(density(self.place(unit)).max())
        before = self.density
        both = density if before is None else (lambda points: before(points) * density(points))
        return replace(self, density=both, most=self.most * most, exact=None)

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
        if self.keep is None and self.density is None:
            return self.place(next(batches(self.size, n, generator=generator, method=method))[:n])
        fraction = max(self.measure / (self.volume * self.most), 1.0 / _MOST)
        axes = self.size + (self.density is not None)  # one more decides which points a density keeps
        wanted = min(_BATCH, math.ceil(1.1 * n / fraction) + 8)
        found: list[Points] = []
        have = tried = 0
        for unit in batches(axes, wanted, generator=generator, method=method):
            candidates = self.place(unit[:, : self.size])
            kept = candidates.take(self._kept(candidates, unit))
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

    def _kept(self, candidates: Points, unit: Tensor) -> Tensor:
        kept = torch.ones(candidates.n, dtype=torch.bool, device="cpu")
        if self.keep is not None:
            kept &= self.keep(candidates)
        if self.density is not None:
            kept &= unit[:, self.size] * self.most < self.density(candidates)
        return kept

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


def pulled_back(
    function: Callable[[Points], Tensor] | None, back: Callable[[Points], Points]
) -> Callable[[Points], Tensor] | None:
    """A condition or a density of points that a map has moved, where `back` undoes it; None of none."""
    return None if function is None else (lambda points: function(back(points)))


def product(left: Chart, right: Chart) -> Chart:
    """All pairs of a point of one chart and a point of another with other coordinates."""
    if left.size == 0 and right.size == 0:
        one, two = left.fixed(), right.fixed()
        first = torch.arange(one.n, device="cpu").repeat_interleave(two.n)
        second = torch.arange(two.n, device="cpu").repeat(one.n)
        return constant(_beside(one.take(first), two.take(second)))
    left, right = spread(left), spread(right)
    width = len(left.place(torch.full((1, left.size), 0.5, dtype=torch.float64, device="cpu")).names)

    def place(unit: Tensor) -> Points:
        return _beside(left.place(unit[:, : left.size]), right.place(unit[:, left.size :]))

    def split(points: Points) -> tuple[Points, Points]:
        return _columns(points, slice(0, width)), _columns(points, slice(width, None))

    def keep(points: Points) -> Tensor:
        kept = torch.ones(points.n, dtype=torch.bool, device=points.x.device)
        for chart, part in zip((left, right), split(points), strict=True):
            if chart.keep is not None:
                kept = kept & chart.keep(part)
        return kept

    def density(points: Points) -> Tensor:
        found = torch.ones(points.n, dtype=torch.float64, device=points.x.device)
        for chart, part in zip((left, right), split(points), strict=True):
            if chart.density is not None:
                found = found * chart.density(part)
        return found

    masked = left.keep is not None or right.keep is not None
    varies = left.density is not None or right.density is not None
    powers = tuple(m for chart in (left, right) for m in chart.powers or (1,) * chart.size)
    return Chart(
        left.size + right.size,
        left.volume * right.volume,
        place,
        keep if masked else None,
        left.measure * right.measure if masked or varies else None,
        left.closed and right.closed,
        density if varies else None,
        left.most * right.most,
        powers,
    )


def tensor_grid(axes: list[Tensor]) -> Tensor:
    """All combinations of the axes' values, shape (product of lengths, number of axes), the last axis fastest."""
    return torch.stack([mesh.reshape(-1) for mesh in torch.meshgrid(*axes, indexing="ij")], dim=-1)


def spread(chart: Chart) -> Chart:
    """A chart of fixed points with one axis that chooses among them, so that it can be paired with a continuous one."""
    if chart.size > 0:
        return chart
    points = chart.fixed()

    def choose(unit: Tensor) -> Points:
        return points.take((unit[:, 0] * points.n).long().clamp_max(points.n - 1))

    return Chart(1, chart.volume, choose)


def _columns(points: Points, columns: slice) -> Points:
    normals = None if points.normals is None else points.normals[:, columns]
    return Points(points.names[columns], points.x[:, columns], normals)


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
