"""Evolutions in a rectangle by products of waves, u_t = L u + N(u), at two resolutions.

    u(x, y, t) = Σ_jk c_jk(t) φ_j(x) φ_k(y),    φ the waves of a period, sines (u = 0 at the ends) or cosines (u' = 0)

Steps are exponential Runge-Kutta's of order four (`pinn.reference.spectral`), classical ones where L is left out. Time
is cut into pieces with Chebyshev nodes, at which a part of the waves is kept in single precision. The coarser of the
two resolutions has fewer points, larger steps, three quarters of the nodes and of the waves that are kept, so that the
error of each is in the distance of the two.

Source: Boyd, Chebyshev and Fourier Spectral Methods (2001), ch. 4, 9 and 11; Cox, Matthews, J. Comput. Phys. 176 (2002)
430.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from pinn.reference.cache import Arrays, Cache, cached
from pinn.reference.chebyshev import Panels
from pinn.reference.result import Array, Built, Columns, distance, scatter
from pinn.reference.spectral import TimeStep

_LINES = 41  # points along each axis of the grids on which two resolutions are compared, ...
_CHUNK = 4000  # points evaluated at once
_TIMES = 9  # ... at so many times

Nonlinear = Callable[[Any], Any]
Field = Callable[[torch.Tensor, torch.Tensor], Any]
"""A function of x and y, each (n,), written with torch."""


@dataclass(frozen=True)
class Axis:
    """One axis: its ends and what its waves are.

    Attributes:
        low, high: the ends.
        kind: "waves", "sines" or "cosines".
        every: only each so many-th sine, where symmetry leaves out the others.
    """

    low: float
    high: float
    kind: str
    every: int = 1

    def points(self, n: int) -> Array:
        """The grid (n,) to which n coefficients belong; sines that are left out leave out points too."""
        whole, i = (self.high - self.low) / self.every, np.arange(n)
        part = {"waves": i / n, "sines": (i + 1) / (n + 1), "cosines": (i + 0.5) / n}[self.kind]
        return np.asarray(self.low + whole * part)

    def table(self, x: Array, count: int) -> Array:
        """φ_0 … φ_{count−1} at x (n,), (n, count)."""
        z = (x - self.low) / (self.high - self.low)
        if self.kind == "sines":
            return np.asarray(np.sin(np.pi * self.every * z[:, None] * np.arange(1, count + 1)))
        if self.kind == "cosines":
            return np.asarray(np.cos(np.pi * z[:, None] * np.arange(count)))
        k = (np.arange(count) + 1) // 2
        return np.asarray(np.cos(2 * np.pi * z[:, None] * k - 0.5 * np.pi * (np.arange(count) % 2 == 0) * (k > 0)))

    def analysis(self, n: int, count: int) -> Array:
        """(count, n): values at the grid to the first coefficients."""
        matrix = self.table(self.points(n), count)
        return np.asarray(matrix.T / (matrix**2).sum(0)[:, None])


@dataclass(frozen=True)
class PlaneSeries:
    """A function of x, y and t from its coefficients at the nodes of pieces of time.

    Attributes:
        axes: of x and of y.
        outputs: names.
        panels: pieces of time.
        coefficients: (pieces, degree + 1, outputs, K_x, K_y).
    """

    axes: tuple[Axis, Axis]
    outputs: tuple[str, ...]
    panels: Panels
    coefficients: Any

    def __call__(self, columns: Columns) -> dict[str, Array]:
        """Outputs (n,) at x, y and t (n,)."""
        x, y, t = columns["x"], columns["y"], columns["t"]
        found = np.empty((len(self.outputs), x.size))
        pieces = self.panels.locate(t)
        for piece in np.unique(pieces):
            inside = np.flatnonzero(pieces == piece)
            for start in range(0, inside.size, _CHUNK):
                here = inside[start : start + _CHUNK]
                found[:, here] = self._on(int(piece), x[here], y[here], t[here])
        return dict(zip(self.outputs, found, strict=True))

    def _on(self, piece: int, x: Array, y: Array, t: Array) -> Array:
        """Outputs (outputs, n) at points of one piece: time first where times are few, else space at every node."""
        nodes = self.coefficients[piece]
        shape = nodes.shape[2:]
        first, second = (axis.table(one, n) for axis, one, n in zip(self.axes, (x, y), shape, strict=True))
        times, time_of = np.unique(t, return_inverse=True)
        weights = self.panels.interpolation(piece, times)
        found = np.zeros((len(self.outputs), x.size))
        if len(times) < len(nodes):
            for i, weight in enumerate(weights):
                here = time_of == i
                at = np.tensordot(weight, nodes, 1)
                found[:, here] = ((first[here] @ at) * second[here]).sum(2)
            return found
        for node, weight in zip(nodes, weights.T, strict=True):
            found += ((first @ node) * second).sum(2) * weight[time_of]
        return found


@dataclass(frozen=True)
class Resolution:
    """One resolution: how to step and what of the state is kept.

    Attributes:
        symbol: L of the state, an array of its shape or one that broadcasts to it.
        nonlinear: N, from state to state.
        start: state at time zero.
        values: state -> values (outputs, n_x, n_y) on the grid.
        step: the largest.
    """

    symbol: Any
    nonlinear: Nonlinear
    start: Any
    values: Callable[[Any], Array]
    step: float

    def kept(self, axes: Sequence[Axis], panels: Panels, kept: Sequence[int]) -> Array:
        """The first coefficients at all nodes, (pieces, degree + 1, outputs, K_x, K_y), in single precision.

        Raises:
            ArithmeticError: when the state overflows.
        """
        state = self.start
        steps: dict[str, TimeStep] = {}
        shape = self.values(state).shape
        x, y = (axis.analysis(n, count) for axis, n, count in zip(axes, shape[1:], kept, strict=True))

        def coefficients(state: Any) -> Array:
            with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused below
                return np.asarray(x @ self.values(state) @ y.T, dtype=np.float32)

        found = np.empty((panels.count, panels.degree + 1, shape[0], *kept), dtype=np.float32)
        for piece in range(panels.count):
            found[piece, 0] = coefficients(state)
            for node, gap in enumerate(np.diff(panels.nodes(piece))):
                count = max(1, math.ceil(gap / self.step - 1e-9))
                name = f"{gap / count:.10e}"
                if name not in steps:
                    steps[name] = TimeStep.of(self.symbol, gap / count)
                with np.errstate(over="ignore", invalid="ignore"):
                    for _ in range(count):
                        state = steps[name](state, self.nonlinear)
                found[piece, node + 1] = coefficients(state)
            if not np.isfinite(found[piece]).all():
                raise ArithmeticError(f"the state overflowed before t={panels.edges[piece + 1]:g}; take a smaller step")
        return found


def on_points(field: Field, x: Array, y: Array) -> Array:
    """A function's values on a grid, (outputs, n_x, n_y)."""
    columns = [torch.from_numpy(np.ascontiguousarray(one)) for one in np.meshgrid(x, y, indexing="ij")]
    found = field(columns[0].reshape(-1), columns[1].reshape(-1))
    every = found if isinstance(found, tuple) else (found,)
    return np.stack([np.asarray(one.numpy(), dtype=np.float64).reshape(len(x), len(y)) for one in every])


def fingerprint(values: Array) -> str:
    """What tells functions apart by their values: a hash of these in single precision."""
    return hashlib.sha256(np.ascontiguousarray(values, dtype=np.float32).tobytes()).hexdigest()[:16]


def plane_at_two_resolutions(
    name: str,
    parameters: Mapping[str, Any],
    fine: Callable[[], Resolution],
    coarse: Callable[[], Resolution],
    *,
    axes: tuple[Axis, Axis],
    outputs: tuple[str, ...],
    panels: Panels,
    kept: tuple[int, int],
    module: str,
    cache: Cache,
) -> Built:
    """The finer resolution and its distance to the coarser one, from the cache where they lie there.

    Args:
        name, parameters, module, cache: see `pinn.reference.cache.cached`.
        fine, coarse: make the two.
        axes, outputs, panels: see `PlaneSeries`.
        kept: coefficients along each axis of the finer one; the coarser has three quarters.
    """

    def compute() -> Arrays:
        whole = fine().kept(axes, panels, kept)
        fewer = (3 * kept[0] // 4, 3 * kept[1] // 4)
        looser = Panels(panels.edges, 3 * panels.degree // 4)
        rough = coarse().kept(axes, looser, fewer)
        ends = {"x": (axes[0].low, axes[0].high), "y": (axes[1].low, axes[1].high)}
        plane = scatter(ends, _LINES)
        times = panels.edges[-1] * (np.arange(_TIMES) + 0.618) / _TIMES
        points = {one: np.tile(column, _TIMES) for one, column in plane.items()}
        points["t"] = np.repeat(times, len(plane["x"]))
        pair = PlaneSeries(axes, outputs, looser, rough), PlaneSeries(axes, outputs, panels, whole)
        return {"coefficients": whole, "error": np.array(distance(*pair, points))}

    arrays = cached(name, {**parameters, "kept": list(kept)}, compute, module=module, cache=cache)
    series = PlaneSeries(axes, outputs, panels, arrays["coefficients"])
    return Built(series, max(float(arrays["error"]), 1e-7))
