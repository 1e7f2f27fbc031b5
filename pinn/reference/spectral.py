"""Periodic problems u_t = L u + N(u) by Fourier modes in x and exponential Runge-Kutta steps of order four in t.

    u(x, t) = Re[c_0 + 2 Σ_{k>0} c_k(t) e^{2πik(x − low)/period}],   c_k' = L_k c_k + N_k(c)

L is diagonal and stepped exactly, so stiffness costs nothing; the coefficients of the steps are combinations of
φ_j(z) = Σ_m z^m/(m + j)!. Modes are kept at Chebyshev nodes of pieces of the time interval, and evaluated between grid
points by their own series: no error is added in x, and none above rounding in t once the pieces are short enough.

Source: Cox, Matthews, J. Comput. Phys. 176 (2002) 430, equations (26) to (29); Kassam, Trefethen, SIAM J. Sci. Comput.
26 (2005) 1214 on the cancellation in φ_j. Dealiasing: Orszag, J. Atmos. Sci. 28 (1971) 1074.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pinn.reference.cache import Arrays, Cache, cached
from pinn.reference.chebyshev import Panels
from pinn.reference.result import Array, Built, Columns, distance, scatter

Modes = NDArray[np.complex128]
Nonlinear = Callable[[Modes], Modes]

# Modes below this fraction of the largest are rounding, and are not kept.
NEGLIGIBLE = 2e-17
# Points times modes evaluated at once.
CHUNK = 2_000_000


def phi(z: NDArray, count: int) -> list[NDArray]:
    """φ_1 ... φ_count of an array: φ_j(z) = Σ_m z^m/(m + j)! = (φ_{j−1}(z) − 1/(j−1)!)/z, φ_0 = exp.

    The quotient loses digits near zero, so the series is summed for |z| < 1.
    """
    small = np.abs(z) < 1
    inside = np.where(small, z, 0)
    outside = np.where(small, 1, z)
    previous = np.exp(outside)
    result = []
    for j in range(1, count + 1):
        previous = (previous - 1 / math.factorial(j - 1)) / outside
        series = np.zeros_like(inside)
        for m in range(19, -1, -1):
            series = series * inside + 1 / math.factorial(m + j)
        result.append(np.where(small, series, previous))
    return result


@dataclass(frozen=True)
class TimeStep:
    """One exponential Runge-Kutta step of order four, with the coefficients of its size.

    Args:
        whole: e^{hL} of each mode (K,), h the step's size.
        half: e^{hL/2}.
        stage: (h/2) φ_1(hL/2).
        combine: weights of N at the beginning, at the two midpoints, and at the end.
    """

    whole: NDArray
    half: NDArray
    stage: NDArray
    combine: tuple[NDArray, NDArray, NDArray]

    @classmethod
    def of(cls, symbol: NDArray, size: float) -> TimeStep:
        """The step of a linear part L (K,), real or complex, and a size."""
        one, two, three = phi(size * symbol, 3)
        return cls(
            whole=np.exp(size * symbol),
            half=np.exp(size * symbol / 2),
            stage=size / 2 * phi(size * symbol / 2, 1)[0],
            combine=(size * (one - 3 * two + 4 * three), size * (2 * two - 4 * three), size * (4 * three - two)),
        )

    def __call__(self, c: Modes, nonlinear: Nonlinear) -> Modes:
        """Modes (K,) one step later. Cox and Matthews, equations (26) to (29)."""
        at_c = nonlinear(c)
        a = self.half * c + self.stage * at_c
        at_a = nonlinear(a)
        b = self.half * c + self.stage * at_a
        at_b = nonlinear(b)
        e = self.half * a + self.stage * (2 * at_b - at_c)
        at_e = nonlinear(e)
        first, middle, last = self.combine
        return self.whole * c + first * at_c + middle * (at_a + at_b) + last * at_e


def march(symbol: NDArray, nonlinear: Nonlinear, start: Modes, times: Array, step: float) -> Modes:
    """Modes at given times.

    Args:
        symbol: L of each mode (K,).
        nonlinear: N, from modes (K,) to modes (K,).
        start: modes at the first time (K,).
        times: rising (n,).
        step: the largest step; each gap is cut into equal ones.

    Returns:
        Modes (n, K).
    """
    steps: dict[str, TimeStep] = {}
    found = np.empty((len(times), len(start)), dtype=np.complex128)
    found[0] = c = start
    for index, gap in enumerate(np.diff(times)):
        count = max(1, math.ceil(gap / step - 1e-9))
        # Gaps that differ by rounding share their coefficients.
        name = f"{gap / count:.12e}"
        if name not in steps:
            steps[name] = TimeStep.of(symbol, gap / count)
        for _ in range(count):
            c = steps[name](c, nonlinear)
        found[index + 1] = c
    return found


def evolve(symbol: NDArray, nonlinear: Nonlinear, start: Modes, panels: Panels, step: float) -> Arrays:
    """Modes at the nodes of every piece of time, as arrays to be kept: `piece0` (degree + 1, K_0), `piece1`, ...

    Args:
        symbol: L of each mode (K,).
        nonlinear: N, from modes (K,) to modes (K,).
        start: modes at time zero (K,).
        panels: pieces of time.
        step: the largest step.

    Raises:
        ArithmeticError: when the modes overflow.
    """
    arrays: Arrays = {}
    for piece in range(panels.count):
        modes = march(symbol, nonlinear, start, panels.nodes(piece), step)
        if not np.isfinite(modes).all():
            raise ArithmeticError(f"modes overflowed before t={panels.edges[piece + 1]:g}; take a smaller step")
        start = modes[-1]
        size = np.abs(modes).max(axis=0)
        kept = int(np.flatnonzero(size > NEGLIGIBLE * size.max())[-1]) + 1
        arrays[f"piece{piece}"] = modes[:, :kept]
    return arrays


@dataclass(frozen=True)
class Series:
    """A periodic function of x and t from the modes that `evolve` keeps.

    Args:
        panels: pieces of time.
        pieces: modes of each (degree + 1, K).
        low: left end of the period.
        period: its length.
        initial: the exact initial condition of positions (n,), which takes the place of its truncated series at t = 0.
    """

    panels: Panels
    pieces: tuple[Modes, ...]
    low: float
    period: float
    initial: Callable[[Array], Array] | None = None

    def __call__(self, columns: Columns) -> dict[str, Array]:
        """u (n,) at x (n,) and t (n,)."""
        x, t = columns["x"], columns["t"]
        u = np.empty(x.size)
        piece_of = self.panels.locate(t)
        for piece in np.unique(piece_of):
            here = np.flatnonzero(piece_of == piece)
            u[here] = self._on(int(piece), x[here], t[here])
        if self.initial is not None:
            u[t == 0] = self.initial(x[t == 0])
        return {"u": u}

    def _on(self, piece: int, x: Array, t: Array) -> Array:
        modes = self.pieces[piece]
        positions, x_of = np.unique(x, return_inverse=True)
        times, t_of = np.unique(t, return_inverse=True)
        if len(positions) * len(times) <= 2 * x.size:
            table = self._at(piece, times) @ self._waves(positions, modes.shape[1]).T
            return np.asarray(table.real[t_of, x_of])
        u = np.empty(x.size)
        rows = max(1, CHUNK // modes.shape[1])
        for start in range(0, x.size, rows):
            part = slice(start, start + rows)
            u[part] = (self._at(piece, t[part]) * self._waves(x[part], modes.shape[1])).real.sum(axis=1)
        return u

    def _at(self, piece: int, t: Array) -> Modes:
        """Modes (n, K) at times (n,) of one piece, all but the mean doubled for their conjugates."""
        modes = self.panels.interpolation(piece, t) @ self.pieces[piece]
        modes[:, 1:] *= 2
        return modes

    def _waves(self, x: Array, count: int) -> Modes:
        """e^{2πik(x − low)/period} (n, count), by products of 64 fast and count/64 slow ones: 64 times fewer sines."""
        angle = 2j * np.pi * ((x - self.low) / self.period % 1.0)[:, None]
        fast = np.exp(angle * np.arange(64))
        slow = np.exp(angle * (64 * np.arange(-(-count // 64))))
        return (slow[:, :, None] * fast[:, None, :]).reshape(len(x), -1)[:, :count]


def transform(values: Array) -> Modes:
    """Modes (n/2 + 1,) of values (n,) at evenly spaced points from the left end."""
    import scipy.fft  # loaded when a reference is computed

    return np.asarray(scipy.fft.rfft(values, norm="forward"))


def on_grid(modes: Modes, points: int) -> Array:
    """Values (points,) at evenly spaced points from the left end, of modes (K,) with K ≤ points/2 + 1."""
    import scipy.fft

    return np.asarray(scipy.fft.irfft(modes, points, norm="forward"))


def of_square(factor: NDArray) -> Nonlinear:
    """N(u) = factor · (u²)^ for factors (K,); exact, on 3K points (Orszag's rule).

    −(u²/2)_x has the factors −½ ∂_x^, which are −½ iπk for wave numbers k on a period of 2.
    """

    def nonlinear(c: Modes) -> Modes:
        return np.asarray(factor * transform(on_grid(c, 3 * len(c)) ** 2)[: len(c)])

    return nonlinear


def at_two_resolutions(
    name: str,
    parameters: Mapping[str, float],
    fine: Callable[[], Series],
    coarse: Callable[[], Series],
    *,
    low: float,
    period: float,
    initial: Callable[[Array], Array] | None = None,
    module: str,
    cache: Cache,
) -> Built:
    """The finer resolution and its distance to the coarser one, from the cache where they lie there.

    Args:
        name, parameters, module, cache: see `pinn.reference.cache.cached`; `parameters` has the latest time, `length`.
        fine, coarse: compute the two.
        low, period, initial: see `Series`; of both.
    """

    def compute() -> Arrays:
        true = fine()
        points = scatter({"x": (low, low + period), "t": (0.0, parameters["length"])}, 101)
        pieces = {f"piece{index}": modes for index, modes in enumerate(true.pieces)}
        return {**pieces, "edges": true.panels.edges, "error": np.array(distance(coarse(), true, points))}

    arrays = cached(name, parameters, compute, module=module, cache=cache)
    panels = Panels(arrays["edges"], len(arrays["piece0"]) - 1)
    return Built(Series(panels, pieces_of(arrays, panels), low, period, initial), float(arrays["error"]))


def pieces_of(arrays: Arrays, panels: Panels) -> tuple[Modes, ...]:
    """The modes of every piece of time, as `evolve` names them."""
    return tuple(arrays[f"piece{index}"] for index in range(panels.count))
