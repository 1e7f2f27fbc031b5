"""Heat in a square plate of varying conductivity, driven by a swinging source: Galerkin's method in sines.

    u_t = a Δu + f sin ωt on [0, 1]², u = 0 at the start and on the sides

Divided by a it is M c′ = −K c + F sin ωt for the coefficients of sin jπx sin kπy, with M = ∫ ss/a, K = (j² + k²)π²/4
and F = ∫ sf/a. In the eigenvectors of K v = λ M v, orthonormal in M, each coefficient is in closed form

    q = g (λ sin ωt − ω cos ωt + ω e^{−λt}) / (λ² + ω²),

so that no error is made in time. Where a is even and f odd about every side, u is so as well, and the sines converge
faster than any power. Source: Boyd, Chebyshev and Fourier Spectral Methods (2001), sections 3.1 and 19.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from pinn.reference.result import Array, Built, Columns, Reference, distance, scatter
from pinn.validation import count, positive

_CHUNK = 4000  # points evaluated at once

Field = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""A function of x and y, each (n,), written with torch."""


def driven_heat(conductivity: Field, source: Field, *, frequency: float, length: float, modes: int = 32) -> Reference:
    """u_t = a Δu + f sin ωt on [0, 1]², u = 0 at the start and on the sides.

    Args:
        conductivity: a, positive, even about every side of the square.
        source: f, odd about every side.
        frequency: ω, radians a unit of time.
        length: latest time.
        modes: sines along each axis of the finer resolution; the coarser has three quarters.

    Returns:
        u of x, y and t; error: distance of the two resolutions.

    Raises:
        ValueError: for a frequency or length that is not positive and finite, or fewer than 4 modes.

    Example:
        >>> import math
        >>> u = driven_heat(lambda x, y: 1 + 0 * x, lambda x, y: torch.sin(math.pi * x) * torch.sin(math.pi * y),
        ...                 frequency=1.0, length=9.0, modes=4)
        >>> rate = 2 * math.pi**2  # one mode: q' = −rate q + sin t
        >>> exact = (rate * math.sin(2) - math.cos(2) + math.exp(-2 * rate)) / (rate**2 + 1)
        >>> bool(abs(u(x=0.5, y=0.5, t=2.0) - exact) < 1e-14)
        True
    """
    positive("driven_heat", frequency=frequency, length=length)
    count("driven_heat", 4, modes=modes)
    bounds = {"x": (0.0, 1.0), "y": (0.0, 1.0), "t": (0.0, length)}
    return Reference(
        bounds=bounds,
        outputs=("u",),
        build=partial(_build, conductivity, source, frequency, modes, bounds),
        description=f"Galerkin's method in {modes} x {modes} sines, exact in time",
        source="Boyd, Chebyshev and Fourier Spectral Methods (2001), section 19.4",
    )


def _build(conductivity: Field, source: Field, frequency: float, modes: int, bounds: Any) -> Built:
    fine, coarse = (_solved(conductivity, source, frequency, m) for m in (modes, 3 * modes // 4))
    return Built(fine, distance(coarse, fine, scatter(bounds, 13)))


def _solved(conductivity: Field, source: Field, frequency: float, modes: int) -> _Driven:
    nodes = np.arange(1, 3 * modes) / (3 * modes)  # the trapezoidal rule of what is even and periodic
    x, y = (one.ravel() for one in np.meshgrid(nodes, nodes, indexing="ij"))
    a, f = (field(torch.from_numpy(x), torch.from_numpy(y)).numpy() for field in (conductivity, source))
    sines, quadrature = _sines(x, y, modes), 1 / (3 * modes) ** 2
    weighed = sines * (quadrature / a)[:, None]
    j = np.arange(1, modes + 1)
    stiffness = (np.pi**2 / 4 * (j[:, None] ** 2 + j**2)).ravel()
    from scipy.linalg import eigh  # loaded when a reference is computed

    rates, vectors = eigh(np.diag(stiffness), sines.T @ weighed)
    return _Driven(modes, frequency, rates, vectors, vectors.T @ (weighed.T @ f))


def _sines(x: Array, y: Array, modes: int) -> Array:
    """sin jπx sin kπy (n, modes²)."""
    j = np.pi * np.arange(1, modes + 1)
    return np.asarray((np.sin(x[:, None] * j)[:, :, None] * np.sin(y[:, None] * j)[:, None, :]).reshape(len(x), -1))


@dataclass(frozen=True)
class _Driven:
    """The solution in eigenvectors: λ (K,), vectors (modes², K) and the share g (K,) of the source in each."""

    modes: int
    frequency: float
    rates: Array
    vectors: Array
    shares: Array

    def __call__(self, columns: Columns) -> dict[str, Array]:
        """u (n,) at x, y and t (n,)."""
        x, y, t = columns["x"], columns["y"], columns["t"]
        times, of_time = np.unique(t, return_inverse=True)
        rates, omega = self.rates, self.frequency
        angle = omega * times[:, None]
        swing = rates * np.sin(angle) - omega * np.cos(angle) + omega * np.exp(-rates * times[:, None])
        coefficients = (swing * self.shares / (rates**2 + omega**2)) @ self.vectors.T
        u = np.empty(x.size)
        for start in range(0, x.size, _CHUNK):
            part = slice(start, start + _CHUNK)
            u[part] = (_sines(x[part], y[part], self.modes) * coefficients[of_time[part]]).sum(axis=1)
        return {"u": u}
